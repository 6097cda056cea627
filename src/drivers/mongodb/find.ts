import { ARRAY, behindName, behindValue, DOCUMENT, INT64, int32At } from '../../model/bson.ts';
import type { Item, Sort } from '../../model/call.ts';
import type { WireItem } from '../../model/wire.ts';

export interface FindRequest {
  readonly collection: string;
  readonly filter: Item;
  readonly projection?: Item | undefined;
  readonly sort?: Sort | undefined;
  readonly skip?: number | undefined;
  readonly limit?: number | undefined;
}

/** Documents as the server sent them, or an error reply. `rest`: its cursor, where not all were in the first batch. */
export type FindReply =
  | { readonly ok: true; readonly documents: readonly WireItem[]; readonly rest: bigint | undefined }
  | { readonly ok: false };

/** The `find` that the driver would send, with all that is asked for in one batch. `maxTimeMS`: what the server may take. */
export function findCommand(
  { collection, filter, projection, sort, skip, limit }: FindRequest,
  maxTimeMS: number,
  tail: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const command: Record<string, unknown> = { find: collection, filter };
  if (sort !== undefined && Object.keys(sort).length > 0) command.sort = sort;
  if (projection !== undefined) command.projection = projection;
  if (skip !== undefined) command.skip = skip;
  if (limit === 1) {
    command.limit = 1;
    command.singleBatch = true;
  } else if (limit !== undefined) {
    command.limit = limit;
    command.batchSize = limit + 1; // one more, so that the server closes the cursor with its first batch
  }
  command.maxTimeMS = maxTimeMS;
  return Object.assign(command, tail);
}

/** Whether the driver would send this as it stands: it reads more into `sort`, `projection` and names than is written. */
export function isPlain({ collection, filter, sort, projection }: FindRequest): boolean {
  if (typeof collection !== 'string' || !NAME.test(collection)) return false;
  if (typeof filter !== 'object' || filter === null || Array.isArray(filter) || '_bsontype' in filter) return false;
  if (projection !== undefined && (typeof projection !== 'object' || Array.isArray(projection))) return false;
  if (sort === undefined) return true;
  if (typeof sort !== 'object' || sort === null || Array.isArray(sort) || sort instanceof Map) return false;
  for (const name in sort) if (sort[name] !== 1 && sort[name] !== -1) return false;
  return true;
}

/** Others the driver may refuse; it says why. */
const NAME = /^[A-Za-z0-9_-][A-Za-z0-9_.-]*(?<!\.)$/;

/** Walks the reply to a `find` from `start` to `end`. `undefined` where it is none. */
export function readReply(bytes: Buffer, start: number, end: number): FindReply | undefined {
  if (int32At(bytes, start) !== end - start) return undefined;
  let ok: boolean | undefined;
  let found: { documents: readonly WireItem[]; rest: bigint | undefined } | undefined;
  let at = start + 4;
  while (at < end - 1) {
    const type = bytes[at] as number;
    const name = at + 1;
    const value = behindName(bytes, name, end);
    const next = value === -1 ? -1 : behindValue(type, bytes, value, end);
    if (next === -1) return undefined;
    if (type === DOCUMENT && is(bytes, name, value, CURSOR)) {
      found = readCursor(bytes, value, next);
      if (found === undefined) return undefined;
    } else if (is(bytes, name, value, OK)) ok = isSet(bytes, value, next);
    at = next;
  }
  if (ok === false) return FAILED;
  return ok === true && found !== undefined ? { ok, documents: found.documents, rest: found.rest } : undefined;
}

const FAILED: FindReply = Object.freeze({ ok: false });

const CURSOR = Buffer.from('cursor\0');
const OK = Buffer.from('ok\0');
const FIRST_BATCH = Buffer.from('firstBatch\0');
const ID = Buffer.from('id\0');

function is(bytes: Buffer, start: number, end: number, name: Buffer): boolean {
  if (end - start !== name.length) return false;
  for (let i = 0; i < name.length; i += 1) if (bytes[start + i] !== name[i]) return false;
  return true;
}

/** Of any numeric type: zero is all zeros. */
function isSet(bytes: Buffer, start: number, end: number): boolean {
  for (let i = start; i < end; i += 1) if (bytes[i] !== 0) return true;
  return false;
}

function readCursor(
  bytes: Buffer,
  start: number,
  end: number,
): { documents: readonly WireItem[]; rest: bigint | undefined } | undefined {
  let documents: readonly WireItem[] | undefined;
  let rest: bigint | undefined;
  let at = start + 4;
  while (at < end - 1) {
    const type = bytes[at] as number;
    const name = at + 1;
    const value = behindName(bytes, name, end);
    const next = value === -1 ? -1 : behindValue(type, bytes, value, end);
    if (next === -1) return undefined;
    if (type === ARRAY && is(bytes, name, value, FIRST_BATCH)) {
      documents = readBatch(bytes, value, next);
      if (documents === undefined) return undefined;
    } else if (type === INT64 && is(bytes, name, value, ID) && isSet(bytes, value, next))
      rest = bytes.readBigInt64LE(value);
    at = next;
  }
  return documents === undefined ? undefined : { documents, rest };
}

function readBatch(bytes: Buffer, start: number, end: number): readonly WireItem[] | undefined {
  const documents: WireItem[] = [];
  let at = start + 4;
  while (at < end - 1) {
    const value = behindName(bytes, at + 1, end);
    const next = value === -1 || bytes[at] !== DOCUMENT ? -1 : behindValue(DOCUMENT, bytes, value, end);
    if (next === -1) return undefined;
    documents.push({ bytes, start: value, end: next });
    at = next;
  }
  return documents;
}
