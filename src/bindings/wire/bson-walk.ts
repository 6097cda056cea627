import {
  ARRAY,
  BINARY,
  behindName,
  behindValue,
  DECIMAL128,
  DOCUMENT,
  INT64,
  int32At,
  OBJECT_ID,
} from '../../model/bson.ts';
import type { Wants } from './program.ts';

/** The plain renderer is to do this body. One value, thrown without a stack: it says nothing but that. */
export const BAIL: Error = Object.freeze(
  Object.assign(new Error('the plain renderer does this body'), { stack: undefined }),
);

/** Type, start and end of each value of an element, side by side; `base` is where the element's begin. */
export interface Slots {
  table: Int32Array;
  top: number;
  /** Of the bytes that are walked. */
  view: DataView;
}

export const WIDTH = 3;

/** A name that a document was seen to have. */
interface Seen {
  /** Of the name and the zero that ends it. */
  readonly length: number;
  /** The same, four bytes at a time, and which bits of the last four are its own. */
  readonly words: Int32Array;
  readonly mask: number;
  readonly level: Level | undefined;
  /** Where its value goes, among the slots of the element; -1 where nobody wants it for itself. */
  readonly at: number;
  /** Something inside its value is wanted. */
  readonly deep: boolean;
}

/** What is wanted of a document, and in which order its names came the last time. */
export interface Level {
  /** -1 where only something inside is wanted. */
  readonly slot: number;
  readonly inside: ReadonlyMap<string, Level>;
  /** By index, where it is a list. */
  readonly elements: readonly (Level | undefined)[] | undefined;
  readonly seen: Map<string, Seen>;
  readonly guess: Seen[];
}

/** Names beyond this are looked up each time: data may have any number of them. */
const REMEMBERED = 256;

export function levelOf({ slot, children }: Wants): Level {
  const inside = new Map([...children].map(([name, wants]) => [name, levelOf(wants)]));
  const indexes = [...inside.keys()].map(Number);
  const isList = indexes.every((index) => Number.isSafeInteger(index) && index >= 0 && index < 1_000);
  const plain = isList && [...inside.keys()].every((name) => String(Number(name)) === name);
  const elements = plain
    ? Array.from({ length: Math.max(-1, ...indexes) + 1 }, (_, at) => inside.get(String(at)))
    : undefined;
  return { slot, inside, elements, seen: new Map(), guess: [] };
}

/** Puts what is wanted of the value into its slots, which must be empty. */
export function fill(
  level: Level,
  slots: Slots,
  base: number,
  bytes: Buffer,
  type: number,
  start: number,
  end: number,
): void {
  if (level.slot !== -1) put(slots, base + level.slot * WIDTH, type, start, end);
  if (level.inside.size === 0) return;
  if (type === DOCUMENT) fillDocument(level, slots, base, bytes, start, end);
  else if (type === ARRAY) fillList(level, slots, base, bytes, start, end);
  // The driver makes objects of these, which have attributes of their own.
  else if (type === OBJECT_ID || type === BINARY || type === INT64 || type === DECIMAL128) throw BAIL;
}

function put({ table }: Slots, at: number, type: number, start: number, end: number): void {
  // Twice the same name: which one counts, the driver decides.
  if (table[at] !== 0) throw BAIL;
  table[at] = type;
  table[at + 1] = start;
  table[at + 2] = end;
}

function fillDocument(level: Level, slots: Slots, base: number, bytes: Buffer, start: number, end: number): void {
  const { guess } = level;
  const { view } = slots;
  const last = lastOf(bytes, start, end);
  let at = start + 4;
  for (let i = 0; at < last; i += 1) {
    const type = bytes[at] as number;
    at += 1;
    let seen = i < guess.length ? (guess[i] as Seen) : undefined;
    if (seen === undefined || !isAt(seen, view, at)) {
      seen = lookUp(level, bytes, at, last);
      if (i < REMEMBERED) guess[i] = seen;
    }
    at += seen.length;
    const next = behindValue(type, bytes, at, last);
    if (next === -1) throw BAIL;
    if (seen.deep) fill(seen.level as Level, slots, base, bytes, type, at, next);
    else if (seen.at !== -1) put(slots, base + seen.at, type, at, next);
    at = next;
  }
  if (at !== last) throw BAIL;
}

function fillList(level: Level, slots: Slots, base: number, bytes: Buffer, start: number, end: number): void {
  // Other names are attributes of the driver's array, such as its length.
  if (level.elements === undefined) throw BAIL;
  const last = lastOf(bytes, start, end);
  let at = start + 4;
  for (let i = 0; at < last && i < level.elements.length; i += 1) {
    const type = bytes[at] as number;
    const value = behindName(bytes, at + 1, last);
    const next = value === -1 ? -1 : behindValue(type, bytes, value, last);
    if (next === -1) throw BAIL;
    const element = level.elements[i];
    if (element !== undefined) fill(element, slots, base, bytes, type, value, next);
    at = next;
  }
}

/** Where the zero stands that ends a document. */
export function lastOf(bytes: Buffer, start: number, end: number): number {
  if (int32At(bytes, start) !== end - start || bytes[end - 1] !== 0) throw BAIL;
  return end - 1;
}

function isAt({ words, mask }: Seen, view: DataView, at: number): boolean {
  const last = words.length - 1;
  // Nothing but the end of a reply is that near.
  if (at + 4 * words.length > view.byteLength) return false;
  for (let i = 0; i < last; i += 1) if (view.getInt32(at + 4 * i, true) !== words[i]) return false;
  return (view.getInt32(at + 4 * last, true) & mask) === words[last];
}

function lookUp(level: Level, bytes: Buffer, at: number, end: number): Seen {
  const behind = behindName(bytes, at, end);
  if (behind === -1) throw BAIL;
  const name = nameAt(bytes, at, behind - 1);
  const known = level.seen.get(name);
  if (known !== undefined) return known;
  const inner = level.inside.get(name);
  const seen = {
    ...wordsOf(bytes.subarray(at, behind)),
    level: inner,
    at: inner === undefined || inner.slot === -1 ? -1 : inner.slot * WIDTH,
    deep: inner !== undefined && inner.inside.size > 0,
  };
  if (level.seen.size < REMEMBERED) level.seen.set(name, seen);
  return seen;
}

function wordsOf(name: Uint8Array): Pick<Seen, 'length' | 'words' | 'mask'> {
  const { length } = name;
  const padded = Buffer.alloc(Math.ceil(length / 4) * 4);
  padded.set(name);
  const words = Int32Array.from({ length: padded.length / 4 }, (_, at) => padded.readInt32LE(4 * at));
  return { length, words, mask: length % 4 === 0 ? -1 : (1 << (8 * (length % 4))) - 1 };
}

/** A name of a document. Bails out at those that make of it what is no plain object any more. */
export function nameAt(bytes: Buffer, start: number, end: number): string {
  const name = bytes.toString('utf8', start, end);
  if (ODD.test(name)) throw BAIL;
  return name;
}

const ODD = /^(\$|__proto__$|_bsontype$|constructor$)|\ufffd/;
