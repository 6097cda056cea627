import type { Pair } from '../model/comparison.ts';

interface OfPair {
  readonly operation: string;
  readonly pair: Pair;
}
export type ByPair<T> = ReadonlyMap<string, readonly T[]>;

/** What tells one operation's pair from others, as key of a map. */
export const pairKey = ({ operation, pair }: OfPair): string => `${pair} ${operation}`;

/** Rows by operation and pair. */
export function byPair<T extends OfPair>(rows: readonly T[]): ByPair<T> {
  const sets = new Map<string, T[]>();
  for (const row of rows) {
    const set = sets.get(pairKey(row));
    if (set === undefined) sets.set(pairKey(row), [row]);
    else set.push(row);
  }
  return sets;
}
