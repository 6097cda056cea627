import { setImmediate as turn } from 'node:timers/promises';
import { startComparing } from '../compare/compare.ts';
import { factsOf } from '../compare/facts.ts';
import { StoreError } from '../errors.ts';
import type { Observation } from '../model/answer.ts';
import { type Comparison, fingerprintOf, OUTCOMES, type Outcome, pairName, type Verdict } from '../model/comparison.ts';
import { observed, type Span, type Tracing } from '../model/span.ts';
import type { OriginName } from '../model/stage.ts';
import type { Finding, ReplicaRow, Result } from '../results/rows.ts';
import type { Sampler as Sampling } from '../results/sample.ts';
import { type StandsAlone, standsAlone } from './alone.ts';
import type { Breakers } from './breaker.ts';
import type { Budget } from './budget.ts';
import { percentAt } from './load.ts';
import type { Brief, Offer } from './offer.ts';
import type { Pulse } from './pulse.ts';
import type { Queue } from './queue.ts';
import { type Rechecked, recheck } from './recheck.ts';
import { type Compared, type OriginPair, refuses, resultOf, subjectsOf, uncompared } from './result.ts';
import type { Sampler } from './sampler.ts';
import { type Judged, judge, worst } from './verdict.ts';

export interface ShadowParts {
  readonly queue: Queue;
  readonly breakers: Breakers;
  /** Of the stores that have one. */
  readonly budgets: Readonly<Partial<Record<OriginName, Budget>>>;
  /** Looks again: each mismatch takes one. */
  readonly recheckBudget: Budget;
  /** Bytes of answers that wait to be looked at again; default 64 MiB. Beyond it a mismatch stays unverified. */
  readonly recheckBytes?: number;
  readonly pulse: Pulse;
  /** Percent of its time that the thread may be at work before fewer shadows are asked; default 100: all are. */
  readonly busyPercent?: number;
  /** Whether nobody is there to ask stores; default: somebody is. */
  readonly away?: (() => boolean) | undefined;
  readonly sampler: Sampler;
  /** Percent of plans with a candidate that are carried out. */
  readonly percent: () => number;
  readonly sampling: Sampling;
  readonly record: (result: Result) => void;
  readonly tracing?: Tracing | undefined;
  readonly onCandidate: (operation: string, origin: OriginName, seconds: number) => void;
  /** Only what is broken in here: no store's failure and no client's. */
  readonly onError: (error: unknown) => void;
}

/** Everything that follows a reply. */
export interface Shadow {
  /**
   * Takes an answered request, of which `whole` is asked where it is to be compared. Never throws and never waits: what it does
   * happens after the reply. Whether it holds the control's answer from now on.
   */
  offer(brief: Brief, whole: () => Offer): boolean;
  totals(): ReplicaRow['totals'];
  /** Mismatches that wait to be looked at again, or are. */
  rechecks(): number;
  /** Ends: what has not begun is shed, rechecks stay unverified. */
  close(): Promise<void>;
}

/** Mismatches that wait for their rechecks; each holds its two bodies, and those of its looks. */
const MAX_RECHECKS = 500;
const MAX_RECHECK_BYTES = 64 * 1024 * 1024;
/** Closer looks at a time: each reads both stores some thirty times. */
const MAX_CLOSE_LOOKS = 4;
/** Milliseconds of comparing before the event loop gets its turn. */
const SLICE = 5;
/** What a task holds beside the control's body. */
const OVERHEAD = 2_048;

export function createShadow(parts: ShadowParts): Shadow {
  const totals = Object.fromEntries(OUTCOMES.map((outcome) => [outcome, 0])) as Record<Outcome, number>;
  const closing = new AbortController();
  const rechecks = new Set<Promise<void>>();
  const maxBytes = parts.recheckBytes ?? MAX_RECHECK_BYTES;
  let waitingBytes = 0;
  let offered = 0;
  let closeLooks = 0;

  const record = (result: Result): void => {
    totals[result.outcome] += 1;
    parts.record(result);
  };

  const offer = (brief: Brief, whole: () => Offer): boolean => {
    const pairs = pairsOf(brief);
    offered += pairs.length;
    try {
      const refused = refusal(brief);
      if (refused === undefined) return consider(whole(), pairs);
      for (const pair of pairs) record(uncompared(brief, pair, refused.outcome, refused.reason));
      return false;
    } catch (error) {
      for (const pair of pairs) broken(brief, pair, error);
      return true; // nobody knows how far it came
    }
  };

  const consider = (given: Offer, pairs: readonly OriginPair[]): boolean => {
    const shed = new Map(given.candidates.map((one) => [one, whyNot(given, one)]));
    const open: OriginPair[] = [];
    for (const pair of pairs) {
      const reason = shed.get(pair[0]) ?? shed.get(pair[1]);
      if (reason === undefined) open.push(pair);
      else record(uncompared(given, pair, 'shed', reason));
    }
    if (open.length === 0) return false;
    const bytes = OVERHEAD + sizeOf(given.control);
    const drop = (reason: string) => open.forEach((pair) => void record(uncompared(given, pair, 'shed', reason)));
    const work = async (): Promise<void> => {
      // It waited, and clients go first.
      if (parts.pulse.busy()) return drop('event_loop');
      if (parts.away?.()) return drop('thread');
      const span = spanOf(parts.tracing, given);
      await shadow(given, open, span).catch((error: unknown) => {
        span?.fail('internal');
        span?.end();
        for (const pair of open) broken(given, pair, error);
      });
    };
    const taken = parts.queue.offer(bytes, work, () => drop('shutdown'));
    if (!taken) drop('queue');
    return taken;
  };

  /** Why a plan is not carried out at all, as data; the order says which reason counts. */
  const refusal = (given: Brief) => {
    const status = given.control.ok ? given.control.answer.status : 500;
    if (given.unfit !== undefined) return { outcome: 'skipped', reason: given.unfit } as const;
    const spare = percentAt(parts.pulse.utilization(), parts.busyPercent ?? 100);
    const left = parts.sampler.leaves(given.operation, given.tenant, status, parts.percent(), spare);
    if (left !== undefined) return { outcome: 'skipped', reason: left } as const;
    if (closing.signal.aborted) return { outcome: 'shed', reason: 'shutdown' } as const;
    if (parts.pulse.busy()) return { outcome: 'shed', reason: 'event_loop' } as const;
    return undefined;
  };

  /** Why one candidate is not asked. */
  const whyNot = (given: Offer, candidate: OriginName): string | undefined => {
    if (candidate !== 'legacy' && parts.away?.()) return 'thread';
    if (!parts.breakers.allows(candidate, given.operation)) return 'breaker';
    return parts.budgets[candidate]?.take() === false ? 'budget' : undefined;
  };

  const broken = (given: Brief, pair: OriginPair, error: unknown): void => {
    parts.onError(error);
    record(uncompared(given, pair, 'error', 'internal'));
  };

  /** Asks every candidate once and holds all that is there together, two by two. */
  const shadow = async (given: Offer, pairs: readonly OriginPair[], span: Span | undefined): Promise<void> => {
    const control = (await given.plain?.()) ?? given.control;
    const asked = given.candidates.filter((candidate) => pairs.some((pair) => pair.includes(candidate)));
    const call = (origin: OriginName) => ({ origin, operation: given.operation, role: 'candidate' }) as const;
    const asking = asked.map((one) => observed(span, call(one), (around) => observe(given, one, false, around)));
    const observations = [control, ...(await Promise.all(asking))];
    for (const { origin, duration } of observations.slice(1))
      parts.onCandidate(given.operation, origin, duration / 1000);
    const seen = new Map(observations.map((observation) => [observation.origin, observation]));
    const compared: Compared[] = [];
    for (const pair of pairs) {
      try {
        const [one, other] = pair.map((origin) => seen.get(origin) as Observation) as [Observation, Observation];
        compared.push({ pair, comparison: await compareWithin(span, given, one, other), one, other });
      } catch (error) {
        broken(given, pair, error);
      }
    }
    const alone = standsAlone(compared.map(({ comparison }) => comparison));
    const settled = compared.map((one) => settle(given, one, alone, span));
    // Whoever waits for the looks again is not waited for: the queue's next one begins.
    void Promise.all(settled).finally(() => span?.end());
  };

  /** Records a comparison, a mismatch once it is looked at again. */
  const settle = (given: Offer, compared: Compared, alone: StandsAlone, span: Span | undefined): Settled => {
    const { comparison, pair } = compared;
    if (comparison.outcome !== 'mismatch') return record(outcomeOf(given, compared));
    const mayAsk = given.repeatable || !pair.includes('legacy');
    const bytes = sizeOf(comparison.left) + sizeOf(comparison.right);
    const room = rechecks.size < MAX_RECHECKS && waitingBytes + bytes <= maxBytes;
    if (!mayAsk || !room || closing.signal.aborted || !parts.recheckBudget.take()) {
      return record(mismatch(given, compared, { judged: judge(comparison, []), lag: undefined }, alone));
    }
    waitingBytes += bytes;
    // Not in the queue: it waits for the most part.
    const rechecking = lookAgain(given, compared, alone, span)
      .catch((error: unknown) => broken(given, pair, error))
      .finally(() => {
        waitingBytes -= bytes;
        rechecks.delete(rechecking);
      });
    rechecks.add(rechecking);
    return rechecking;
  };

  const mayLookClosely = (): (() => void) | undefined => {
    if (closeLooks >= MAX_CLOSE_LOOKS || parts.pulse.busy()) return undefined;
    closeLooks += 1;
    return () => {
      closeLooks -= 1;
    };
  };

  const lookAgain = async (given: Offer, compared: Compared, alone: StandsAlone, within: Span | undefined) => {
    const span = within?.child('recheck', 'internal', { 'crossfade.pair': pairName(...compared.pair) });
    const rechecked = await recheck(compared.comparison, {
      again: (origin, consistent) => observe(given, origin, consistent, span),
      compare: (one, other) => compareSliced(given, one, other),
      freshness: given.freshness,
      mayLookClosely,
      signal: closing.signal,
    });
    span?.set({ 'crossfade.verdict': worst(rechecked.judged), 'crossfade.lag_ms': rechecked.lag });
    span?.end();
    record(mismatch(given, compared, rechecked, alone));
  };

  /** One asking, with what it says about the origin's health. */
  const observe = async (given: Offer, origin: OriginName, consistent: boolean, span?: Span): Promise<Observation> => {
    const observation = await given.again(origin, consistent, span);
    const failure =
      observation.ok || !(observation.error instanceof StoreError) ? undefined : observation.error.failure;
    if (failure === 'throttled') parts.budgets[origin]?.throttled();
    parts.breakers.report(origin, given.operation, failure === undefined || !AWAY.has(failure));
    return observation;
  };

  /** Of an answer that a rule covers, the request is kept for `crossfade rules`. */
  const outcomeOf = (given: Offer, compared: Compared): Result => {
    const result = resultOf(given, compared);
    return compared.comparison.rules.length === 0 ? result : { ...result, request: parts.sampling.seal(given.request) };
  };

  const mismatch = (given: Offer, compared: Compared, { judged, lag }: Rechecked, alone: StandsAlone): Result => {
    const verdict = worst(judged);
    const result = outcomeOf(given, compared);
    const { subject } = result;
    return {
      ...result,
      verdict,
      lag,
      // What has come to agree is as good as what did at once.
      subject: subject && { ...subject, full: subject.full && verdict === 'transient' },
      findings: findingsOf(given, compared, judged, alone),
    };
  };

  const findingsOf = (
    given: Offer,
    { comparison: { pair }, one, other }: Compared,
    judged: readonly Judged[],
    alone: StandsAlone,
  ): readonly Finding[] => {
    const refused = refuses(one) && refuses(other);
    const byFingerprint = new Map<string, Judged[]>();
    for (const one of judged) {
      const fingerprint = fingerprintOf(given.operation, pair, one.difference);
      byFingerprint.set(fingerprint, [...(byFingerprint.get(fingerprint) ?? []), one]);
    }
    return [...byFingerprint].map(([fingerprint, places]) => {
      const verdict = worst(places) as Verdict;
      const { difference } = places.find((one) => one.verdict === verdict) as Judged;
      const { kind, path, leftType, rightType } = difference;
      const { requestId, tenant, stage, request } = given;
      const sampled = {
        at: Date.now(),
        requestId,
        tenant,
        stage,
        verdict,
        request,
        difference,
        facts: factsOf(difference),
      };
      const sample = parts.sampling.sample({ ...sampled, consistent: verdict !== 'unverified' });
      return {
        ...{ fingerprint, kind, path, leftType, rightType, verdict, places: places.length },
        ...{ refusal: refused, alone: alone(difference), subjects: subjectsOf(given, places), sample },
      };
    });
  };

  return Object.freeze({
    offer,
    rechecks: () => rechecks.size,
    totals() {
      const done = OUTCOMES.reduce((sum, outcome) => sum + totals[outcome], 0);
      return Object.freeze({ ...totals, offered, pending: offered - done, dropped: 0 });
    },
    async close() {
      closing.abort();
      await parts.queue.close();
      await Promise.all(rechecks);
    },
  });
}

/** Failures that open a breaker. A refused or undecodable answer is the data's fault, and worth seeing each time. */
const AWAY: ReadonlySet<string> = new Set(['unavailable', 'timeout', 'throttled']);

async function compareSliced(given: Offer, one: Observation, other: Observation): Promise<Comparison> {
  const comparing = startComparing(one, other, given.plan, Date.now());
  for (;;) {
    const done = comparing.step(SLICE);
    if (done !== undefined) return done;
    await turn();
  }
}

async function compareWithin(span: Span | undefined, given: Offer, one: Observation, other: Observation) {
  const comparing = span?.child('compare', 'internal', { 'crossfade.pair': pairName(one.origin, other.origin) });
  const comparison = await compareSliced(given, one, other);
  const { outcome, reason, differences } = comparison;
  comparing?.set({
    'crossfade.outcome': outcome,
    'crossfade.reason': reason,
    'crossfade.differences': differences.length,
  });
  comparing?.end();
  return comparison;
}

/** The span of all that follows one reply: a trace of its own, so that the client's is not longer for it. */
const spanOf = (tracing: Tracing | undefined, { span, operation, stage, requestId, control }: Offer) =>
  span &&
  tracing?.linked(`shadow ${operation}`, span, {
    'crossfade.operation': operation,
    'crossfade.stage': stage,
    'crossfade.request_id': requestId,
    'crossfade.control': control.origin,
  });

/** When a comparison is recorded: at once, or later. */
type Settled = Promise<void> | void;

const sizeOf = (side: Observation): number => (side.ok ? side.answer.body.length : 0);

/** The control with each candidate, and the candidates with each other. */
function pairsOf({ control: { origin }, candidates }: Brief): readonly OriginPair[] {
  const between = candidates.flatMap((one, at) => candidates.slice(at + 1).map((other): OriginPair => [one, other]));
  return [...candidates.map((candidate): OriginPair => [origin, candidate]), ...between];
}
