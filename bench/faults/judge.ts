import type { TargetName } from './bed.ts';
import { LANES, type Lane } from './lanes.ts';
import type { Reply } from './load.ts';

/** How the clients of some lanes fared in some time. */
export interface Fared {
  readonly requests: number;
  /** Status → how many; 0: the connection ended before the reply did. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Replies with other bytes than at first. */
  readonly wrong: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly longest: number;
}

/** Whose answers a fault of a target may cost, and whose it may not. */
export const controlledBy = (target: TargetName): readonly Lane[] => LANES.filter(({ control }) => control === target);
export const othersThan = (target: TargetName): readonly Lane[] => LANES.filter(({ control }) => control !== target);

/** Of the requests that were due from `from` up to `to`. */
export function fared(replies: readonly Reply[], lanes: readonly Lane[], from: number, to: number): Fared {
  const all = replies.filter(({ lane, due }) => lanes.includes(lane) && due >= from && due < to);
  const times = all.map(({ took }) => took).toSorted((a, b) => a - b);
  const at = (share: number): number => times[Math.floor((times.length - 1) * share)] ?? 0;
  const statuses: Record<string, number> = {};
  for (const { status } of all) statuses[status] = (statuses[status] ?? 0) + 1;
  const wrong = all.filter(({ right }) => !right).length;
  return { requests: all.length, statuses, wrong, p50: at(0.5), p90: at(0.9), p99: at(0.99), longest: at(1) };
}

export const allFine = ({ statuses, wrong, requests }: Fared): boolean => statuses[200] === requests && wrong === 0;

/** Milliseconds that a reply of a control that is well may take at least; twice its usual p99 where that is more. */
const SLOW = 250;

/** Milliseconds from `from` until every later request went as well as in quiet times; 0 where all did. */
export function recovery(replies: readonly Reply[], lanes: readonly Lane[], from: number, quiet: Fared): number {
  const slow = Math.max(SLOW, 2 * quiet.p99);
  const bad = replies.filter(
    ({ lane, due, status, took }) => lanes.includes(lane) && due >= from && (status !== 200 || took > slow),
  );
  return Math.max(0, ...bad.map(({ due }) => due - from));
}
