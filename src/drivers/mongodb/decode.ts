import { BSON } from 'mongodb';
import { behindName, behindValue } from '../../model/bson.ts';
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
  let [from, to] = [-1, -1];
  for (let at = start + LENGTH; at < end; ) {
    const value = behindName(bytes, at + 1, end);
    const next = value === -1 ? -1 : behindValue(bytes[at] as number, bytes, value, end);
    // What is not walked over, and what may be a reference of the driver's.
    if (next === -1 || bytes[at + 1] === DOLLAR) return own(decodeDocument(item), name);
    if (isName(bytes, at + 1, value - 1, name)) [from, to] = [at, next];
    at = next;
  }
  if (from === -1) return undefined;
  const document = Buffer.allocUnsafe(LENGTH + to - from + 1);
  document.writeInt32LE(document.length);
  bytes.copy(document, LENGTH, from, to);
  document[document.length - 1] = 0;
  return own(decoded(document), name);
}

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
