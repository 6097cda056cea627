/** When whom was disturbed, in milliseconds by `performance.now()`; `to` is Infinity while it lasts. */
export interface Disturbance {
  readonly target: string;
  readonly how: string;
  readonly from: number;
  to: number;
}

/** One request and what came of it. */
export interface Seen {
  readonly began: number;
  readonly ended: number;
  /** 0: the connection ended before the reply did. */
  readonly status: number;
  /** Who answered, as the façade says it; `undefined` where it says nothing. */
  readonly origin: string | undefined;
  /** Whether these are the bytes that the data say; only asked of what is no 5xx. */
  readonly right: boolean;
  readonly what: string;
}

/** What a process has, in the course of the run: bytes resident, of V8's heap and outside of it, and open handles. */
export interface Sample {
  readonly at: number;
  readonly rss: number;
  readonly fds: number;
  readonly heap: number;
  readonly external: number;
}

export interface Line {
  readonly slope: number;
  readonly mean: number;
}

/** So long after a fault is gone an answer may still fail for it. */
export const RECOVERY = 10_000;

/** `right`; `excused`: a 5xx while its control was disturbed or came back; else what is wrong with it. */
export type Verdict = 'right' | 'excused' | 'wrong bytes' | 'unexcused 5xx' | 'broken connection';

export function verdictOf(seen: Seen, disturbances: readonly Disturbance[]): Verdict {
  if (seen.status >= 500) return excuse(seen, disturbances) === undefined ? 'unexcused 5xx' : 'excused';
  if (seen.right) return 'right';
  // A reply of legacy's that had begun can only be cut; everything of the stores' is whole before it begins.
  if (seen.status === 0)
    return seen.origin === 'legacy' && excuse(seen, disturbances) !== undefined ? 'excused' : 'broken connection';
  return 'wrong bytes';
}

/** The fault of its control that a failure comes from. */
export function excuse(seen: Seen, disturbances: readonly Disturbance[]): Disturbance | undefined {
  return disturbances.findLast(
    ({ target, from, to }) => target === seen.origin && from <= seen.ended && seen.began <= to + RECOVERY,
  );
}

/** Least squares: units a minute, and the mean. */
export function fit(samples: readonly { readonly at: number; readonly value: number }[]): Line {
  const mean = (values: readonly number[]) => values.reduce((sum, one) => sum + one, 0) / Math.max(values.length, 1);
  const at = mean(samples.map((one) => one.at));
  const value = mean(samples.map((one) => one.value));
  const over = samples.reduce((sum, one) => sum + (one.at - at) * (one.value - value), 0);
  const under = samples.reduce((sum, one) => sum + (one.at - at) ** 2, 0);
  return { slope: under === 0 ? 0 : (over / under) * 60_000, mean: value };
}

/** Below these bytes a line over the whole run counts as flat: heaps breathe. */
const BOUND = { share: 0.1, more: 10_000_000 } as const;
/** A shorter run is all warm-up. */
const SHORTEST = 5 * 60_000;

export interface Flatness {
  readonly line: Line;
  /** By how much the line rises over the run, and by how much it may. */
  readonly rise: number;
  readonly most: number;
  /** `undefined`: the run is too short to say. */
  readonly flat: boolean | undefined;
}

/** So many parts of the run have a floor each. */
const FLOORS = 10;

/**
 * Of the resident bytes after the first quarter, and of their floors: a fault fills buffers for as long as it lasts, and
 * where the faults fall is chance, while what leaks lifts the least that a process ever has. Handles follow faults and stages
 * within seconds: those are counted at rest.
 */
export function flatnessOf(samples: readonly Pick<Sample, 'at' | 'rss'>[]): Flatness {
  const [first, last] = [samples[0]?.at ?? 0, samples.at(-1)?.at ?? 0];
  const from = first + (last - first) / 4;
  const late = samples.filter(({ at }) => at >= from);
  const parts = Object.values(
    Object.groupBy(late, ({ at }) => Math.min(Math.floor(((at - from) / (last - from)) * FLOORS), FLOORS - 1)),
  );
  const floors = parts.map((part = []) => part.reduce((low, one) => (one.rss < low.rss ? one : low)));
  const line = fit(floors.map(({ at, rss }) => ({ at, value: rss })));
  const rise = (line.slope * (last - first)) / 60_000;
  const most = BOUND.share * line.mean + BOUND.more;
  return { line, rise, most, flat: last - first < SHORTEST ? undefined : rise <= most };
}
