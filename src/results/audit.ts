import { randomUUID } from 'node:crypto';
import { appendFile, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ResultsStore } from '../drivers/results.ts';
import type { AuditRow } from './rows.ts';

/** Where changes are written down. */
export interface AuditPlaces {
  /** `undefined` where there are no results. */
  readonly store: ResultsStore | undefined;
  /** One JSON line a change; for those that the store did not take. */
  readonly file: string;
}

/**
 * Writes down a change that was made: in the results, or in a file where there are none or they cannot be reached, since
 * a change must not wait for its record. Gives its id and the place; throws only where neither takes it.
 */
export async function audit(
  { store, file }: AuditPlaces,
  change: Omit<AuditRow, '_id' | 'at'>,
): Promise<{ readonly id: string; readonly place: string }> {
  const row: AuditRow = { _id: randomUUID(), at: new Date(), ...change };
  try {
    if (store !== undefined) {
      await store.ensureIndexes();
      await store.replaceAll('crossfade_audit', [row]);
      return { id: row._id, place: 'crossfade_audit' };
    }
  } catch {
    // The file takes it.
  }
  await mkdir(dirname(file), { recursive: true });
  await appendFile(file, `${JSON.stringify(row)}\n`, { mode: 0o600 });
  return { id: row._id, place: file };
}
