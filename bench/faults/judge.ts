import type { TargetName } from './bed.ts';
import { LANES, type Lane } from './lanes.ts';
import type { Reply } from './load.ts';
import type { Ran } from './run.ts';

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

export const allFine = ({ statuses, wrong, requests }: Fared): boolean =>
  (statuses[200] ?? 0) === requests && wrong === 0;

/**
 * Milliseconds from `from` until every later request went well, 0 where all did: answered, and within half the deadline,
 * which is `slow`, or twice the usual p99 where that is more.
 */
export function recovery(
  replies: readonly Reply[],
  lanes: readonly Lane[],
  from: number,
  { slow: half, quiet }: { readonly slow: number; readonly quiet: Fared },
): number {
  const slow = Math.max(half, 2 * quiet.p99);
  const bad = replies.filter(
    ({ lane, due, status, took }) => lanes.includes(lane) && due >= from && (status !== 200 || took > slow),
  );
  return Math.max(0, ...bad.map(({ due }) => due - from));
}

/** A status that says: nobody here can answer, or not in time. */
const OWN_ANSWERS: ReadonlySet<string> = new Set(['200', '502', '503', '504']);

/** Milliseconds that what is told to a client may take beyond its deadline. */
const MARGIN = 1_000;

/** Milliseconds: by when all must be as before. docs/faults.md says why. */
export const BOUNDS: Readonly<Record<TargetName | 'clients', number>> = Object.freeze({
  ...{ clients: 6_000, dynamodb: 12_000, mongodb: 12_000, legacy: 12_000, results: 15_000, unleash: 13_000 },
});

/** Milliseconds beyond twice what quiet times, or a plain server at the same time, show. */
const ROOM = Object.freeze({ p90: 25, p99: 100 });

/** What two quiet times of the same differ by: how slow nine in ten, and all but one in a hundred, were at most. */
export interface Spread {
  readonly p90: number;
  readonly p99: number;
}

export const spreadOf = (quiet: readonly Fared[]): Spread => ({
  p90: Math.max(...quiet.map(({ p90 }) => p90)),
  p99: Math.max(...quiet.map(({ p99 }) => p99)),
});

/** What a fault showed that must not be, one line each. `shares`: which of the times are held against the spread. */
export function wrongs(
  ran: Ran,
  spread: Spread,
  shares: readonly (keyof Spread)[] = ['p90', 'p99'],
): readonly string[] {
  const { target, own, after, others, canary, clients, behind, seen, died } = ran;
  const said: string[] = [];
  const say = (is: boolean, what: string) => void (is && said.push(what));
  say(died !== undefined, `the façade ended: ${died}`);
  say(
    !allFine(others),
    `clients of others noticed: ${JSON.stringify(others.statuses)}, ${others.wrong} with other bytes`,
  );
  const late = (share: keyof Spread) => others[share] > 2 * Math.max(spread[share], canary[share]) + ROOM[share];
  for (const share of shares) say(late(share), `clients of others waited: ${share} ${others[share].toFixed(0)} ms`);
  const legacyBroke = (status: string) => target === 'legacy' && status === '0';
  const strange = Object.keys(own.statuses).filter((status) => !OWN_ANSWERS.has(status) && !legacyBroke(status));
  say(strange.length > 0, `its clients got ${strange.join(', ')}`);
  say(own.wrong + after.wrong > 0, 'its clients got other bytes');
  say(own.longest > ran.deadline + MARGIN, `one of its clients waited for ${own.longest.toFixed(0)} ms`);
  say(clients > BOUNDS.clients, `its clients were not well for ${clients.toFixed(0)} ms after it`);
  say(
    behind === undefined || behind > BOUNDS[target],
    `not as before ${behind?.toFixed(0) ?? 'within the patience of'} ms after it`,
  );
  say(!allFine(own) && seen.length === 0, 'clients noticed, and no metric did');
  return said;
}
