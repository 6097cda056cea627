import { setTimeout as sleep } from 'node:timers/promises';
import type { Observation } from '../model/answer.ts';
import type { Comparison } from '../model/comparison.ts';
import type { Span } from '../model/span.ts';
import type { OriginName } from '../model/stage.ts';
import { identityOf, isPresent, type Judged, judge, keepsMoving, mayDiffer } from './verdict.ts';

/** Asks an origin the same question once more, as part of a span; its failure is data. */
export type Again = (origin: OriginName, consistent: boolean, span?: Span) => Promise<Observation>;

export interface RecheckOptions {
  readonly again: Again;
  readonly compare: (one: Observation, other: Observation) => Promise<Comparison>;
  /** Milliseconds within which the newer store is kept in step. */
  readonly freshness: number;
  /** Whether a closer look, which reads many times, may begin now; one that may ends by calling what it got. */
  readonly mayLookClosely: () => (() => void) | undefined;
  /** Fires when the process closes: what is then not known stays unverified. */
  readonly signal: AbortSignal;
}

export interface Rechecked {
  readonly judged: readonly Judged[];
  /** Milliseconds after which the sides were first seen to agree; of a transient alone. */
  readonly lag: number | undefined;
}

/** Shares of the freshness at which a first look says how far behind the newer store is. */
const EARLY = [0.1, 0.3];
/** The look that counts, and the one that confirms it: each more than the freshness after what it is held against. */
const LATE = [1.1, 2.2];
/** Closer looks: so many, at most so many milliseconds apart, and for a little longer than the freshness. */
const CLOSER_LOOKS = 25;
const APART = 40;
const CLOSELY = 1.2;
/** Where stores are so slow that these take so many times the freshness, or their turn does not come, nothing is said. */
const LONGEST = 10;
/** Of the freshness: how often one that waits asks whether it may. */
const TURN = 0.2;

/**
 * Reads both sides of a mismatch again, consistently where the store can: early, to measure the lag; past the declared
 * freshness; and once more to confirm. Resolves with a verdict for each difference; never rejects.
 */
export async function recheck(first: Comparison, options: RecheckOptions): Promise<Rechecked> {
  const began = performance.now();
  const looks: Comparison[] = [];
  let agreed: number | undefined;
  let followed = false;
  for (const share of [...EARLY, ...LATE]) {
    const due = began + share * options.freshness - performance.now();
    if (!(await waited(Math.max(due, 0), options.signal))) return { judged: judge(first, []), lag: undefined };
    if (share < 1 && agreed !== undefined) continue;
    const look = await lookAgain(first, options);
    if (look === undefined) continue;
    if (look.differences.length === 0) {
      agreed ??= performance.now() - began;
      followed ||= isPresent(look);
    }
    if (share < 1) continue;
    looks.push(look);
    if (!sharesAny(first, look)) break;
  }
  const judged = judge(first, looks, followed);
  if (judged.every(({ verdict }) => verdict === 'transient')) return { judged, lag: agreed };
  const open = judged.filter(({ verdict }) => verdict === 'persistent' || verdict === 'moving');
  if (open.length === 0 || !keepsMoving(first, looks)) return { judged, lag: undefined };
  const closely = await closelyInTurn(first, open, options);
  const settled = judged.map((one): Judged => {
    const verdict = open.includes(one) ? closely.get(identityOf(one.difference)) : undefined;
    return verdict === undefined ? one : { ...one, verdict };
  });
  return { judged: settled, lag: undefined };
}

/**
 * Waits for its turn where too many are looked at closely already. If it does not come, nobody can say that this one is
 * wrong and not behind: it is `moving`.
 */
async function closelyInTurn(
  first: Comparison,
  open: readonly Judged[],
  options: RecheckOptions,
): Promise<ReadonlyMap<string, 'moving' | 'transient'>> {
  const latest = performance.now() + options.freshness * LONGEST;
  let end = options.mayLookClosely();
  while (end === undefined) {
    if (performance.now() > latest || !(await waited(options.freshness * TURN, options.signal))) return movingAll(open);
    end = options.mayLookClosely();
  }
  try {
    return await lookClosely(first, open, options);
  } finally {
    end();
  }
}

async function waited(milliseconds: number, signal: AbortSignal): Promise<boolean> {
  return await sleep(milliseconds, true, { signal, ref: false }).catch(() => false);
}

/** Both sides at once; once more where one failed; `undefined` where it failed again. */
async function lookAgain(first: Comparison, { again, compare }: RecheckOptions): Promise<Comparison | undefined> {
  for (let attempt = 0; attempt < 2; attempt += 1) {
    const [left, right] = await Promise.all([again(first.left.origin, true), again(first.right.origin, true)]);
    const look = await compare(left, right);
    if (look.outcome !== 'error' && look.outcome !== 'skipped') return look;
  }
  return undefined;
}

function sharesAny(first: Comparison, look: Comparison): boolean {
  const seen = new Set(look.differences.map(identityOf));
  return first.differences.some((one) => seen.has(identityOf(one)));
}

/**
 * What becomes of these differences when the newer store is held, again and again, against every state that the older one
 * was just seen in: unless it is wrong, it says by and by what the older one said a moment ago (`moving`), or says now
 * (`transient`). Those that stay are not in the result. Asked only of answers that are written between two looks.
 */
async function lookClosely(
  first: Comparison,
  open: readonly Judged[],
  { again, compare, freshness, signal }: RecheckOptions,
): Promise<ReadonlyMap<string, 'moving' | 'transient'>> {
  const verdicts = new Map<string, 'moving' | 'transient'>();
  const states: Observation[] = [];
  const apart = Math.min(freshness / CLOSER_LOOKS, APART);
  const began = performance.now();
  const enough = (looks: number) => looks >= CLOSER_LOOKS && performance.now() - began >= freshness * CLOSELY;
  const settled = () => open.every(({ difference }) => verdicts.get(identityOf(difference)) === 'transient');
  for (let looks = 0; !settled() && !enough(looks); looks += 1) {
    if (performance.now() - began > freshness * LONGEST) return movingAll(open);
    const older = await again(first.left.origin, true);
    if (!states.some((state) => saysTheSame(state, older))) states.push(older);
    const newer = await again(first.right.origin, true);
    for (const state of states) {
      const comparison = await compare(state, newer);
      if (comparison.outcome === 'error' || comparison.outcome === 'skipped') continue;
      const seen = new Set(comparison.differences.map(identityOf));
      const now = saysTheSame(state, older) && isPresent(comparison);
      for (const { difference, verdict } of open) {
        const identity = identityOf(difference);
        if (seen.has(identity)) continue;
        // What was hidden by another difference once may be again: only what cannot differ there is equal.
        if (verdict === 'moving' && mayDiffer(comparison, difference)) continue;
        if (now) verdicts.set(identity, 'transient');
        else if (!verdicts.has(identity)) verdicts.set(identity, 'moving');
      }
    }
    // Cut short, it has shown nothing.
    if (!(await waited(apart, signal))) return new Map([...movingAll(open), ...verdicts]);
  }
  return verdicts;
}

const movingAll = (open: readonly Judged[]): ReadonlyMap<string, 'moving'> =>
  new Map(open.map(({ difference }) => [identityOf(difference), 'moving']));

const saysTheSame = (one: Observation, other: Observation): boolean =>
  one.ok && other.ok && one.answer.status === other.answer.status && one.answer.body.equals(other.answer.body);
