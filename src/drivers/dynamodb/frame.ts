import { isUtf8 } from 'node:buffer';
import { StoreError } from '../../errors.ts';
import { PLAINLY } from '../../model/attributes.ts';
import type { Item } from '../../model/call.ts';
import { JsonError, skipKey, skipSpace, skipValue } from '../../model/json.ts';
import type { WireItem } from '../../model/wire.ts';
import { decodeItem } from './decode.ts';
import { Marker } from './marker.ts';

/** What a reply to GetItem, Query or Scan says, its items as they came. */
export interface WirePage {
  readonly items: readonly WireItem[];
  readonly count: number;
  readonly last: Item | undefined;
}

interface Found {
  items: WireItem[];
  count: number;
  last: Item | undefined;
  readonly marker: Marker;
}

const OBJECT = 0x7b;
const LIST = 0x5b;
const COMMA = 0x2c;
const END_OF_OBJECT = 0x7d;
const END_OF_LIST = 0x5d;

/** One pass over the bytes, their grammar checked; the marker is best the last reply's. Throws StoreError (undecodable). */
export function framed(bytes: Buffer, marker: Marker = new Marker()): WirePage {
  const found: Found = { items: [], count: 0, last: undefined, marker };
  // No body is an empty reply, to the SDK too.
  if (bytes.length === 0) return found;
  try {
    if (!isUtf8(bytes)) throw new JsonError('invalid UTF-8', 0);
    marker.begin(bytes);
    members(bytes, skipSpace(bytes, 0), found);
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    throw new StoreError('dynamodb', 'undecodable', `SyntaxError: ${error.message}`, error);
  } finally {
    marker.done();
  }
  return found;
}

function members(bytes: Buffer, at: number, found: Found): void {
  if (bytes[at] !== OBJECT) throw new JsonError('no object', at);
  let i = skipSpace(bytes, at + 1);
  while (bytes[i] !== END_OF_OBJECT) {
    const value = skipSpace(bytes, skipKey(bytes, i));
    i = skipSpace(bytes, skipMember(bytes, nameAt(bytes, i), value, found));
    if (bytes[i] === END_OF_OBJECT) break;
    if (bytes[i] !== COMMA) throw new JsonError('a comma is missing', i);
    i = skipSpace(bytes, i + 1);
    if (bytes[i] === END_OF_OBJECT) throw new JsonError('a key is missing', i);
  }
  if (skipSpace(bytes, i + 1) !== bytes.length) throw new JsonError('more than one value', i);
}

function skipMember(bytes: Buffer, name: string, at: number, found: Found): number {
  if (name === 'Items' && bytes[at] === LIST) {
    found.items = [];
    return skipItems(bytes, at, found);
  }
  if (name === 'Item' && bytes[at] === OBJECT) {
    const item = itemAt(bytes, at, found);
    found.items = [item];
    return item.end;
  }
  const end = skipValue(bytes, at);
  if (name === 'Item') found.items = [];
  else if (name === 'Count') found.count = Number(bytes.toString('latin1', at, end));
  else if (name === 'LastEvaluatedKey')
    found.last = bytes[at] === OBJECT ? decodeItem({ bytes, start: at, end }) : undefined;
  return end;
}

function skipItems(bytes: Buffer, at: number, found: Found): number {
  let i = skipSpace(bytes, at + 1);
  if (bytes[i] === END_OF_LIST) return i + 1;
  for (;;) {
    if (bytes[i] !== OBJECT) throw new JsonError('an item is no object', i);
    const item = itemAt(bytes, i, found);
    found.items.push(item);
    i = skipSpace(bytes, item.end);
    if (bytes[i] === END_OF_LIST) return i + 1;
    if (bytes[i] !== COMMA) throw new JsonError('a comma is missing', i);
    i = skipSpace(bytes, i + 1);
  }
}

/** With marks, if it is written as DynamoDB writes; else as any JSON. */
function itemAt(bytes: Buffer, at: number, found: Found): WireItem {
  try {
    const { end, marks } = found.marker.map(at);
    return { bytes, start: at, end, marks };
  } catch (error) {
    if (error !== PLAINLY) throw error;
    return { bytes, start: at, end: skipValue(bytes, at), marks: undefined };
  }
}

/** Names of ours have no escapes; another name may be cut short at one. */
const nameAt = (bytes: Buffer, at: number): string => bytes.toString('latin1', at + 1, bytes.indexOf(0x22, at + 1));
