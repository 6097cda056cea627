import { setImmediate as turn } from 'node:timers/promises';
import { type ComparePlan, startComparing } from '../compare/compare.ts';
import { factsOf } from '../compare/facts.ts';
import { StoreError } from '../errors.ts';
import type { Observation } from '../model/answer.ts';
import {
  type Comparison,
  fingerprintOf,
  OUTCOMES,
  type Outcome,
  type Pair,
  pairOf,
  type Verdict,
} from '../model/comparison.ts';
import type { OriginName, Stage } from '../model/stage.ts';
import type { Finding, ReplicaRow, Result } from '../results/rows.ts';
import type { SampledRequest, Sampler as Sampling } from '../results/sample.ts';
import type { Breakers } from './breaker.ts';
import type { Budget } from './budget.ts';
import type { Pulse } from './pulse.ts';
import type { Queue } from './queue.ts';
import { type Again, type Rechecked, recheck } from './recheck.ts';
import type { Sampler } from './sampler.ts';
import { type Judged, judge, worst } from './verdict.ts';

/** One answered request whose plan has candidates: data, and a way to ask again. Holds nothing of the HTTP request. */
export interface Offer {
  readonly operation: string;
  readonly tenant: string;
  readonly stage: Stage;
  readonly requestId: string;
  readonly request: SampledRequest;
  readonly control: Observation;
  readonly candidates: readonly OriginName[];
  readonly again: Again;
  readonly plan: ComparePlan;
  /** Milliseconds within which the newer store is kept in step. */
  readonly freshness: number;
  readonly strata: (observation: Observation) => readonly string[];
  /** Why this request cannot be compared, where it cannot: `cursor`, `conditional`. */
  readonly unfit: string | undefined;
}

export interface ShadowParts {
  readonly queue: Queue;
  readonly breakers: Breakers;
  /** Of the stores that have one. */
  readonly budgets: Readonly<Partial<Record<OriginName, Budget>>>;
  /** Looks again: each mismatch takes one. */
  readonly recheckBudget: Budget;
  readonly pulse: Pulse;
  readonly sampler: Sampler;
  /** Percent of plans with a candidate that are carried out. */
  readonly percent: () => number;
  readonly sampling: Sampling;
  readonly record: (result: Result) => void;
  readonly onCandidate: (operation: string, origin: OriginName, seconds: number) => void;
  /** Only what is broken in here: no store's failure and no client's. */
  readonly onError: (error: unknown) => void;
}

/** Everything that follows a reply. */
export interface Shadow {
  /** Takes an answered request. Never throws and never waits: what it does happens after the reply. */
  offer(offer: Offer): void;
  totals(): ReplicaRow['totals'];
  /** Ends: what has not begun is shed, rechecks stay unverified. */
  close(): Promise<void>;
}

/** Mismatches that wait for their rechecks; each holds its two bodies. */
const MAX_RECHECKS = 500;
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
  let offered = 0;
  let closeLooks = 0;

  const record = (result: Result): void => {
    totals[result.outcome] += 1;
    parts.record(result);
  };

  /** Of an answer that a rule covers, the request is kept for `crossfade rules`. */
  const compared = (given: Offer, candidate: OriginName, comparison: Comparison, observation: Observation): Result => {
    const result = resultOf(given, candidate, comparison.outcome, comparison.reason, comparison, observation);
    return comparison.rules.length === 0 ? result : { ...result, request: parts.sampling.seal(given.request) };
  };

  const offer = (given: Offer): void => {
    for (const candidate of given.candidates) {
      offered += 1;
      try {
        consider(given, candidate);
      } catch (error) {
        parts.onError(error);
        record(resultOf(given, candidate, 'error', 'internal'));
      }
    }
  };

  const consider = (given: Offer, candidate: OriginName): void => {
    const refused = refusal(given, candidate);
    if (refused !== undefined) {
      record(resultOf(given, candidate, refused.outcome, refused.reason));
      return;
    }
    const bytes = OVERHEAD + (given.control.ok ? given.control.answer.body.length : 0);
    const work = () => shadow(given, candidate).catch((error: unknown) => broken(given, candidate, error));
    const taken = parts.queue.offer(bytes, work, () => record(resultOf(given, candidate, 'shed', 'shutdown')));
    if (!taken) record(resultOf(given, candidate, 'shed', 'queue'));
  };

  /** Why a plan is not carried out, as data; the order says which reason counts. */
  const refusal = (given: Offer, candidate: OriginName) => {
    const status = given.control.ok ? given.control.answer.status : 500;
    if (given.unfit !== undefined) return { outcome: 'skipped', reason: given.unfit } as const;
    if (!parts.sampler.takes(given.operation, given.tenant, status, parts.percent()))
      return { outcome: 'skipped', reason: 'sampling' } as const;
    if (closing.signal.aborted) return { outcome: 'shed', reason: 'shutdown' } as const;
    if (parts.pulse.busy()) return { outcome: 'shed', reason: 'event_loop' } as const;
    if (!parts.breakers.allows(candidate, given.operation)) return { outcome: 'shed', reason: 'breaker' } as const;
    if (parts.budgets[candidate]?.take() === false) return { outcome: 'shed', reason: 'budget' } as const;
    return undefined;
  };

  const broken = (given: Offer, candidate: OriginName, error: unknown): void => {
    parts.onError(error);
    record(resultOf(given, candidate, 'error', 'internal'));
  };

  const shadow = async (given: Offer, candidate: OriginName): Promise<void> => {
    const observation = await observe(given, candidate, false);
    parts.onCandidate(given.operation, candidate, observation.duration / 1000);
    const comparison = await compareSliced(given, given.control, observation);
    if (comparison.outcome !== 'mismatch') {
      record(compared(given, candidate, comparison, observation));
      return;
    }
    if (rechecks.size >= MAX_RECHECKS || closing.signal.aborted || !parts.recheckBudget.take()) {
      record(mismatch(given, candidate, comparison, observation, { judged: judge(comparison, []), lag: undefined }));
      return;
    }
    // Not in the queue: it waits for the most part.
    const rechecking = lookAgain(given, candidate, comparison, observation)
      .catch((error: unknown) => broken(given, candidate, error))
      .finally(() => rechecks.delete(rechecking));
    rechecks.add(rechecking);
  };

  const mayLookClosely = (): (() => void) | undefined => {
    if (closeLooks >= MAX_CLOSE_LOOKS || parts.pulse.busy()) return undefined;
    closeLooks += 1;
    return () => {
      closeLooks -= 1;
    };
  };

  const lookAgain = async (
    given: Offer,
    candidate: OriginName,
    comparison: Comparison,
    observation: Observation,
  ): Promise<void> => {
    const rechecked = await recheck(comparison, {
      again: (origin, consistent) => observe(given, origin, consistent),
      compare: (one, other) => compareSliced(given, one, other),
      freshness: given.freshness,
      mayLookClosely,
      signal: closing.signal,
    });
    record(mismatch(given, candidate, comparison, observation, rechecked));
  };

  /** One asking, with what it says about the origin's health. */
  const observe = async (given: Offer, origin: OriginName, consistent: boolean): Promise<Observation> => {
    const observation = await given.again(origin, consistent);
    const failure =
      observation.ok || !(observation.error instanceof StoreError) ? undefined : observation.error.failure;
    if (failure === 'throttled') parts.budgets[origin]?.throttled();
    parts.breakers.report(origin, given.operation, failure === undefined || !AWAY.has(failure));
    return observation;
  };

  const mismatch = (
    given: Offer,
    candidate: OriginName,
    comparison: Comparison,
    observation: Observation,
    { judged, lag }: Rechecked,
  ): Result => ({
    ...compared(given, candidate, comparison, observation),
    verdict: worst(judged),
    lag,
    findings: findingsOf(given, comparison.pair, judged),
  });

  const findingsOf = (given: Offer, pair: Pair, judged: readonly Judged[]): readonly Finding[] => {
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
      return { fingerprint, kind, path, leftType, rightType, verdict, places: places.length, sample };
    });
  };

  return Object.freeze({
    offer,
    totals() {
      const done = OUTCOMES.reduce((sum, outcome) => sum + totals[outcome], 0);
      return Object.freeze({ ...totals, offered, pending: offered - done, dropped: 0 });
    },
    async close() {
      closing.abort();
      await parts.queue.close();
      await Promise.all(rechecks);
      parts.pulse.stop();
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

/** The result without what only a mismatch has. */
function resultOf(
  given: Offer,
  candidate: OriginName,
  outcome: Outcome,
  reason?: string,
  comparison?: Comparison,
  observation?: Observation,
): Result {
  const { operation, tenant, stage, control } = given;
  const compared = comparison !== undefined && outcome !== 'error' && outcome !== 'skipped';
  return {
    at: Date.now(),
    operation,
    tenant,
    stage,
    pair: pairOf(control, { origin: candidate, ok: true } as Observation).pair,
    outcome,
    reason,
    rules: comparison?.rules.map(({ rule }) => rule) ?? NONE,
    verdict: undefined,
    strata: compared ? given.strata(control) : NONE,
    control: control.duration,
    candidate: observation?.duration,
    lag: undefined,
    findings: [],
    request: undefined,
  };
}

const NONE: readonly string[] = Object.freeze([]);
