import type { ResultsStore } from '../drivers/results.ts';
import type { KnownRow } from './rows.ts';

/** That somebody has looked at a finding. It hides nothing from the gate. */
export interface Mark {
  readonly who: string;
  readonly at: Date;
  readonly reason: string;
  /** Its last day (UTC). */
  readonly until: string;
}

const DAY = 86_400_000;

/** When a mark's last day is over, in milliseconds since 1970; NaN for what is no day. */
export function endOf(until: string): number {
  const day = Date.parse(`${until}T00:00:00Z`);
  // 2026-02-30 would pass for a day of March.
  return Number.isNaN(day) || new Date(day).toISOString().slice(0, 10) !== until ? Number.NaN : day + DAY;
}

/** Marks that hold, by fingerprint: one that has ended is none. */
export const marksOf = (rows: readonly KnownRow[], now: number): ReadonlyMap<string, Mark> =>
  new Map(
    rows
      .filter(({ ends }) => ends.getTime() > now)
      .map(({ fingerprint, who, at, reason, until }) => [fingerprint, Object.freeze({ who, at, reason, until })]),
  );

/** Those of an API, ended ones too. Throws a StoreError. */
export const readMarks = (store: ResultsStore, api: string): Promise<KnownRow[]> =>
  store.find<KnownRow>('crossfade_known', { api }, 20_000);

/** Marks a finding, in the place of an earlier mark. Throws a StoreError. */
export async function putMark(store: ResultsStore, api: string, fingerprint: string, mark: Mark): Promise<void> {
  await store.ensureIndexes();
  const ends = new Date(endOf(mark.until));
  const row: KnownRow = { _id: `${api}:${fingerprint}`, api, fingerprint, ...mark, ends };
  await store.replaceAll('crossfade_known', [row]);
}

/** Takes marks away; gives how many there were. Throws a StoreError. */
export const removeMarks = (store: ResultsStore, api: string, fingerprints: readonly string[]): Promise<number> =>
  store.remove('crossfade_known', { api, fingerprint: { $in: [...fingerprints] } });
