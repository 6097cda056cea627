import { setTimeout as sleep } from 'node:timers/promises';
import type { Observation } from '../model/answer.ts';
import type { Comparison } from '../model/comparison.ts';
import type { OriginName } from '../model/stage.ts';
import { identityOf, isPresent, type Judged, judge, keepsMoving } from './verdict.ts';

/** Asks an origin the same question once more; its failure is data. */
export type Again = (origin: OriginName, consistent: boolean) => Promise<Observation>;

export interface RecheckOptions {
  readonly again: Again;
  readonly compare: (one: Observation, other: Observation) => Promise<Comparison>;
  /** Milliseconds within which the newer store is kept in step. */
  readonly freshness: number;
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
/** The look that counts, and the one that confirms it. */
const LATE = [1.1, 1.6];
const CLOSER_LOOKS = 25;

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
  const persistent = judged.some(({ verdict }) => verdict === 'persistent');
  if (!persistent || !keepsMoving(first, looks) || !(await follows(first, options))) return { judged, lag: undefined };
  return { judged: judged.map((one) => ({ ...one, verdict: 'moving' })), lag: undefined };
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
 * Whether the newer store comes to say what the older said before: it is behind by a write or two, not wrong. Asked only
 * of items that are written faster than they are looked at.
 */
async function follows(first: Comparison, { again, compare, freshness, signal }: RecheckOptions): Promise<boolean> {
  const older = await again(first.left.origin, true);
  for (let look = 0; look < CLOSER_LOOKS; look += 1) {
    const comparison = await compare(older, await again(first.right.origin, true));
    if (comparison.outcome === 'match' || comparison.outcome === 'ignored') return true;
    if (!(await waited(freshness / CLOSER_LOOKS, signal))) return false;
  }
  return false;
}
