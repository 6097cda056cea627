import { open } from 'node:fs/promises';
import type { ResultsStore } from '../drivers/results.ts';
import { audit } from '../results/audit.ts';
import type { AuditRow } from '../results/rows.ts';
import type { StagesPlace } from './place.ts';

/** A change of the stages as it is written down, beside what every row has. */
export type Said = Pick<AuditRow, 'who' | 'what' | 'why' | 'before' | 'after' | 'gate'>;

/** Where it was written down: a collection or a file; or why it is written nowhere. */
export type Audited =
  | { readonly id: string; readonly place: string; readonly failed?: undefined }
  | { readonly failed: Error; readonly id?: undefined; readonly place?: undefined };

/** Writes down what was done. Never throws: it is done. */
export async function writeDown({ api, target, store, auditFile }: StagesPlace, said: Said): Promise<Audited> {
  const row = { api: api.name, where: target.name, ...said };
  return await audit({ store, file: auditFile }, row).catch((error: Error) => ({ failed: error }));
}

export interface AuditPage {
  readonly rows: readonly AuditRow[];
  /** Give it as `after` for more; `undefined` at the end. */
  readonly next: string | undefined;
}

/**
 * What was changed, newest first, from the results and from the file, which holds what the results did not take. Throws a
 * StoreError: a list with holes would be taken for the whole.
 */
export async function readAudit(
  { store, auditFile, api }: StagesPlace,
  { after, limit }: { readonly after?: string | undefined; readonly limit: number },
): Promise<AuditPage> {
  const from = positionOf(after);
  const [stored, filed] = await Promise.all([
    store === undefined ? [] : storedRows(store, api.name, from, limit + 1),
    filedRows(auditFile, api.name),
  ]);
  const known = new Set(stored.map(({ _id }) => _id));
  const all = [...stored, ...filed.filter((row) => !known.has(row._id) && isAfter(row, from))].sort(newestFirst);
  const rows = all.slice(0, limit);
  const last = rows.at(-1);
  const next = all.length > limit && last !== undefined ? `${last.at.getTime()}.${last._id}` : undefined;
  return Object.freeze({ rows: Object.freeze(rows), next });
}

/** One row; `undefined` where there is none of this id. Throws a StoreError. */
export async function findAudit({ store, auditFile, api }: StagesPlace, id: string): Promise<AuditRow | undefined> {
  const filed = (await filedRows(auditFile, api.name)).find(({ _id }) => _id === id);
  if (filed !== undefined || store === undefined) return filed;
  const [row] = await store.find<AuditRow>('crossfade_audit', { _id: id, api: api.name }, 1);
  return row;
}

interface Position {
  readonly at: number;
  readonly id: string;
}

function positionOf(after: string | undefined): Position | undefined {
  const [, at, id] = /^(\d{1,15})\.(.{1,64})$/.exec(after ?? '') ?? [];
  return at === undefined || id === undefined ? undefined : { at: Number(at), id };
}

const isAfter = ({ at, _id }: AuditRow, from: Position | undefined): boolean =>
  from === undefined || at.getTime() < from.at || (at.getTime() === from.at && _id < from.id);

const newestFirst = (a: AuditRow, b: AuditRow): number => b.at.getTime() - a.at.getTime() || (a._id < b._id ? 1 : -1);

async function storedRows(store: ResultsStore, api: string, from: Position | undefined, limit: number) {
  const at = from && new Date(from.at);
  const older = from === undefined ? {} : { $or: [{ at: { $lt: at } }, { at, _id: { $lt: from.id } }] };
  return await store.aggregate<AuditRow>('crossfade_audit', [
    { $match: { api, ...older } },
    { $sort: { at: -1, _id: -1 } },
    { $limit: limit },
  ]);
}

/** A machine that never reached its results has a long file: its end is what is asked for. */
const MOST_BYTES = 8 * 1024 * 1024;

async function filedRows(file: string, api: string): Promise<readonly AuditRow[]> {
  const text = await endOf(file);
  return text.split('\n').flatMap((line) => {
    const row = rowOf(line);
    // What one machine alone was told names no API.
    return row !== undefined && (row.api === api || row.api === '') ? [row] : [];
  });
}

async function endOf(file: string): Promise<string> {
  const handle = await open(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (handle === undefined) return '';
  try {
    const { size } = await handle.stat();
    const start = Math.max(0, size - MOST_BYTES);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - start), 0, size - start, start);
    const text = buffer.toString('utf8', 0, bytesRead);
    return start === 0 ? text : text.slice(text.indexOf('\n') + 1);
  } finally {
    await handle.close();
  }
}

/** A line that was cut short by a crash is no row. */
function rowOf(line: string): AuditRow | undefined {
  try {
    const row = JSON.parse(line) as Omit<AuditRow, 'at'> & { readonly at: string };
    const at = new Date(row.at);
    return typeof row._id === 'string' && !Number.isNaN(at.getTime()) ? { ...row, at } : undefined;
  } catch {
    return undefined;
  }
}
