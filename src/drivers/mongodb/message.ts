import { BSON } from 'mongodb';
import { BsonOut, isPlainObject, putInt32 } from './bson-out.ts';
import { type FindRequest, findCommand } from './find.ts';

export const OP_MSG = 2013;
/** What is before the document of a message: lengths, ids and opcode, flags, the section's kind. */
export const HEAD = 21;

/** What its `find` serializes with. */
const AS_THE_DRIVER = Object.freeze({ ignoreUndefined: false });

/** (request, id that the reply has to name, milliseconds the server may take) → a message whole. Throws as the driver does. */
export type FindMessage = (request: FindRequest, id: number, milliseconds: number) => Buffer;

/** Serialized by the driver's library. `tail`: what each command says behind its own part and the time it may take. */
export function plainMessages(tail: Readonly<Record<string, unknown>>): FindMessage {
  return (request, id, maxTimeMS) => {
    const document = BSON.serialize(findCommand(request, maxTimeMS, tail), AS_THE_DRIVER);
    const message = Buffer.allocUnsafe(HEAD + document.length);
    writeHead(message, message.length, id);
    message.set(document, HEAD);
    return message;
  };
}

/** The same bytes, written at once with what never changes; the library writes what is not usual in a filter. */
export function findMessages(tail: Readonly<Record<string, unknown>>): FindMessage {
  const plain = plainMessages(tail);
  const serialized = BSON.serialize(tail);
  const end = Buffer.from(serialized.subarray(4));
  const out = new BsonOut();
  return (request, id, milliseconds) => {
    out.begin(HEAD + 4);
    if (!writeFind(out, request)) return plain(request, id, milliseconds);
    out.raw(MAX_TIME);
    out.int32(milliseconds);
    out.raw(end);
    writeHead(out.bytes, out.at, id);
    putInt32(out.bytes, HEAD, out.at - HEAD);
    const message = Buffer.allocUnsafe(out.at);
    out.bytes.copy(message, 0, 0, out.at);
    return message;
  };
}

/** In the order that `findCommand` has. `false` where anything is not for our own writer. */
function writeFind(out: BsonOut, { collection, filter, projection, sort, skip, limit }: FindRequest): boolean {
  if ('toBSON' in filter || !isPlainObject(filter)) return false;
  out.raw(FIND);
  out.text(collection);
  out.raw(FILTER);
  if (!out.document(filter)) return false;
  if (sort !== undefined && Object.keys(sort).length > 0) {
    out.raw(SORT);
    if (!isPlainObject(sort) || 'toBSON' in sort || !out.document(sort)) return false;
  }
  if (projection !== undefined) {
    if (projection === null || !isPlainObject(projection) || 'toBSON' in projection) return false;
    out.raw(PROJECTION);
    if (!out.document(projection)) return false;
  }
  return writeCount(out, SKIP, skip) && writeLimit(out, limit);
}

function writeLimit(out: BsonOut, limit: number | undefined): boolean {
  if (limit === undefined) return true;
  if (limit !== 1) return writeCount(out, LIMIT, limit) && writeCount(out, BATCH_SIZE, limit + 1);
  out.raw(ONE);
  return true;
}

function writeCount(out: BsonOut, name: Buffer, count: number | undefined): boolean {
  if (count === undefined) return true;
  if ((count | 0) !== count || count < 0) return false;
  out.raw(name);
  out.int32(count);
  return true;
}

/** An element of the library's own, up to its value of `size` bytes. */
function elementOf(document: Record<string, unknown>, size: number): Buffer {
  const bytes = BSON.serialize(document);
  return Buffer.from(bytes.subarray(4, bytes.length - 1 - size));
}

const COUNT = 4;
const EMPTY = 5;

const FIND = elementOf({ find: '' }, 5);
const FILTER = elementOf({ filter: {} }, EMPTY);
const SORT = elementOf({ sort: {} }, EMPTY);
const PROJECTION = elementOf({ projection: {} }, EMPTY);
const SKIP = elementOf({ skip: 1 }, COUNT);
const LIMIT = elementOf({ limit: 1 }, COUNT);
const BATCH_SIZE = elementOf({ batchSize: 1 }, COUNT);
const ONE = elementOf({ limit: 1, singleBatch: true }, 0);
const MAX_TIME = elementOf({ maxTimeMS: 1 }, COUNT);

function writeHead(bytes: Buffer, length: number, id: number): void {
  putInt32(bytes, 0, length);
  putInt32(bytes, 4, id);
  putInt32(bytes, 8, 0);
  putInt32(bytes, 12, OP_MSG);
  putInt32(bytes, 16, 0);
  bytes[HEAD - 1] = 0;
}
