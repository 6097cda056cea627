import { BSON } from 'mongodb';
import {
  BOOLEAN,
  behindName,
  behindValue,
  DATE,
  DOCUMENT,
  DOUBLE,
  INT32,
  int32At,
  NULL,
  STRING,
} from '../../model/bson.ts';
import type { Item } from '../../model/call.ts';
import { lookedAt } from '../../model/looked-at.ts';
import type { WireItem } from '../../model/wire.ts';
import { translate } from './errors.ts';

/** One document as `find` gives it. Throws a StoreError where it is none. */
export function decodeDocument({ bytes, start, end }: WireItem): Item {
  return decoded(bytes.subarray(start, end));
}

/** The same, decoded as far as it is looked at. */
export const viewDocument = (item: WireItem): Item =>
  lookedAt(
    (name) => attributeOf(item, name),
    () => decodeDocument(item),
  );

function decoded(document: Buffer): Item {
  try {
    return BSON.deserialize(document, { promoteLongs: false });
  } catch (error) {
    // Nothing was sent: what cannot be read is the store's.
    throw translate(error as Error, false, {});
  }
}

const LENGTH = 4;
const DOLLAR = 0x24;

/** By its name; of several the last, as the driver has it. */
function attributeOf(item: WireItem, name: string): unknown {
  const { bytes, start } = item;
  const end = item.end - 1;
  let [from, to, held] = [-1, -1, -1];
  for (let at = start + LENGTH; at < end; ) {
    const value = behindName(bytes, at + 1, end);
    const next = value === -1 ? -1 : behindValue(bytes[at] as number, bytes, value, end);
    // What is not walked over, and what may be a reference of the driver's.
    if (next === -1 || bytes[at + 1] === DOLLAR) return own(decodeDocument(item), name);
    if (isName(bytes, at + 1, value - 1, name)) [from, to, held] = [at, next, value];
    at = next;
  }
  if (from === -1) return undefined;
  const plain = plainValue(bytes[from] as number, bytes, held, to);
  if (plain !== ANOTHER) return plain;
  const document = Buffer.allocUnsafe(LENGTH + to - from + 1);
  document.writeInt32LE(document.length);
  bytes.copy(document, LENGTH, from, to);
  document[document.length - 1] = 0;
  return own(decoded(document), name);
}

/** What the driver's library is to decode. */
const ANOTHER = Symbol();

/** A value of a usual kind, as the driver's library decodes it at several times the cost; `ANOTHER` for all others. */
function plainValue(type: number, bytes: Buffer, start: number, end: number): unknown {
  switch (type) {
    case STRING: {
      const text = bytes.toString('utf8', start + 4, end - 1);
      return bytes[end - 1] !== 0 || text.includes('\ufffd') ? ANOTHER : text;
    }
    case INT32:
      return int32At(bytes, start);
    case DOUBLE:
      return bytes.readDoubleLE(start);
    case BOOLEAN:
      return (bytes[start] as number) > 1 ? ANOTHER : bytes[start] === 1;
    case NULL:
      return null;
    case DATE:
      return new Date(int32At(bytes, start + 4) * 4_294_967_296 + (int32At(bytes, start) >>> 0));
    case DOCUMENT:
      return plainDocument(bytes, start, end);
    default:
      return ANOTHER;
  }
}

function plainDocument(bytes: Buffer, start: number, end: number): unknown {
  const last = end - 1;
  if (int32At(bytes, start) !== end - start || bytes[last] !== 0) return ANOTHER;
  const found: Record<string, unknown> = {};
  let at = start + LENGTH;
  while (at < last) {
    const value = behindName(bytes, at + 1, last);
    const next = value === -1 ? -1 : behindValue(bytes[at] as number, bytes, value, last);
    if (next === -1) return ANOTHER;
    const name = bytes.toString('utf8', at + 1, value - 1);
    if (ODD.test(name)) return ANOTHER;
    const held = plainValue(bytes[at] as number, bytes, value, next);
    if (held === ANOTHER) return ANOTHER;
    found[name] = held;
    at = next;
  }
  return at === last ? found : ANOTHER;
}

/** Parts of a reference, what an object cannot simply be given, and what was no UTF-8. */
const ODD = /^\$|^__proto__$|\ufffd/;

const own = (item: Item, name: string): unknown => (Object.hasOwn(item, name) ? item[name] : undefined);

function isName(bytes: Buffer, start: number, end: number, name: string): boolean {
  if (end - start < name.length) return false;
  if (end - start > name.length) return bytes.toString('utf8', start, end) === name;
  for (let i = 0; i < name.length; i += 1) {
    const code = name.charCodeAt(i);
    if (code > 0x7f || bytes[start + i] !== code) return false;
  }
  return true;
}
