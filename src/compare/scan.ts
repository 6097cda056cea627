import type { ValueType } from '../model/comparison.ts';
import {
  BACKSLASH,
  CLOSE_LIST,
  CLOSE_OBJECT,
  COLON,
  COMMA,
  expect,
  JsonError,
  OPEN_LIST,
  OPEN_OBJECT,
  QUOTE,
  skipSpace,
  skipString,
  skipValue,
  stringAt,
} from '../model/json.ts';
import { decimalKey } from '../model/number.ts';

/** Bytes of a body. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** One value in its body; `index` is its place in a list. */
export interface Span extends Range {
  readonly index: number;
}

/** The members of an object that are left from some place on, and where it ends. */
export interface Rest {
  readonly members: readonly Member[];
  readonly end: number;
}

export interface Member {
  readonly key: Span;
  readonly value: Span;
}

export const isContainer = (byte: number | undefined): boolean => byte === OPEN_OBJECT || byte === OPEN_LIST;

/** Start of the first key or item of the container at `at`; where it is empty, the complement of where it ends. */
export function firstOf(bytes: Buffer, at: number, close: number): number {
  const i = skipSpace(bytes, at + 1);
  return bytes[i] === close ? ~(i + 1) : i;
}

/** Start of the key or item after the one that ended at `at`; behind the last, the complement of where all ends. */
export function nextOf(bytes: Buffer, at: number, close: number): number {
  const i = skipSpace(bytes, at);
  if (bytes[i] === close) return ~(i + 1);
  return skipSpace(bytes, expect(bytes, i, COMMA));
}

/** Strings up to here are looked through byte by byte; a native search costs a call. */
const SHORT = 24;

/**
 * End of the value at `at`, quickly and without a look at its grammar: for bytes that are known to be the same on both
 * sides, where whatever is wrong is wrong alike. Gives up at `limit`, with what is beyond it.
 */
export function skipFast(bytes: Buffer, at: number, limit = bytes.length): number {
  let i = at;
  let depth = 0;
  while (i < limit) {
    const byte = bytes[i] as number;
    if (byte === QUOTE) {
      i = skipStringFast(bytes, i);
      if (depth === 0) return i;
    } else if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
      depth += 1;
      i += 1;
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) {
      if (depth <= 1) return depth === 0 ? i : i + 1;
      depth -= 1;
      i += 1;
    } else {
      if (depth === 0 && (byte === COMMA || byte <= 0x20)) return i;
      i += 1;
    }
  }
  return limit;
}

function skipStringFast(bytes: Buffer, at: number): number {
  let i = at + 1;
  for (const near = i + SHORT; i < near; ) {
    const byte = bytes[i];
    if (byte === QUOTE) return i + 1;
    if (byte === undefined) return bytes.length;
    i += byte === BACKSLASH ? 2 : 1;
  }
  for (;;) {
    const quote = bytes.indexOf(QUOTE, i);
    if (quote === -1) return bytes.length;
    let slashes = 0;
    while (bytes[quote - 1 - slashes] === BACKSLASH && quote - 1 - slashes >= i) slashes += 1;
    if (slashes % 2 === 0) return quote + 1;
    i = quote + 1;
  }
}

/** Whether the key at `at` of `b` is written as the one of `a`. */
export function sameKey(a: Buffer, key: Span, b: Buffer, at: number): boolean {
  for (let i = key.start, j = at; i < key.end; i += 1, j += 1) if (a[i] !== b[j]) return false;
  return true;
}

export function sameBytes(a: Buffer, left: Range, b: Buffer, right: Range): boolean {
  const length = left.end - left.start;
  if (length !== right.end - right.start) return false;
  if (length > CALL) return a.compare(b, right.start, right.end, left.start, left.end) === 0;
  for (let i = 0; i < length; i += 1) if (a[left.start + i] !== b[right.start + i]) return false;
  return true;
}

/** So many bytes are compared as quickly by hand as a native call takes. */
const CALL = 96;

/** Whether the key, quotes included, says this name: by its bytes as far as they are plain, as a text from there on. */
export function isName(bytes: Buffer, { start, end }: Range, name: string): boolean {
  const length = end - start - 2;
  for (let at = 0; at < length; at += 1) {
    const byte = bytes[start + 1 + at] as number;
    if (byte === BACKSLASH || byte >= 0x80) return stringAt(bytes, start, end) === name;
    if (byte !== name.charCodeAt(at)) return false;
  }
  return length === name.length;
}

/** The key at `at` as a span. Throws JsonError where there is none. */
export function keyAt(bytes: Buffer, at: number): Span {
  if (bytes[at] !== QUOTE) throw new JsonError('a key is missing', at);
  return { start: at, end: skipString(bytes, at), index: 0 };
}

/** All members from `more` on, which `firstOf` or `nextOf` gave. Throws JsonError. */
export function restOf(bytes: Buffer, more: number): Rest {
  const members: Member[] = [];
  let at = more;
  while (at >= 0) {
    const key = keyAt(bytes, at);
    const start = afterKey(bytes, key.end);
    const end = skipValue(bytes, start);
    members.push({ key, value: { start, end, index: 0 } });
    at = nextOf(bytes, end, CLOSE_OBJECT);
  }
  return { members, end: ~at };
}

/** Start of the value whose key ended at `at`. */
export const afterKey = (bytes: Buffer, at: number): number =>
  skipSpace(bytes, expect(bytes, skipSpace(bytes, at), COLON));

/** Adds all items from `more` on to `into`; gives how many there are in all, and where the list ends. */
export function itemsFrom(
  bytes: Buffer,
  more: number,
  index: number,
  into: Span[],
): { readonly count: number; readonly end: number } {
  let at = more;
  let count = index;
  while (at >= 0) {
    const end = skipValue(bytes, at);
    into.push({ start: at, end, index: count });
    count += 1;
    at = nextOf(bytes, end, CLOSE_LIST);
  }
  return { count, end: ~at };
}

/** Throws JsonError where one of these keys comes twice; the first ones stand in `bytes`, and `more` in `others`. */
export function refuseDuplicates(bytes: Buffer, seen: readonly Span[], others: Buffer, more: readonly Member[]): void {
  const count = seen.length + more.length;
  const few =
    count <= FEW && !seen.some((key) => isEscaped(bytes, key)) && !more.some(({ key }) => isEscaped(others, key));
  if (few) refuseSameBytes(bytes, seen, others, more);
  else refuseSameNames(bytes, seen, others, more);
}

/** Up to so many names are told apart by their bytes, without making texts of them. */
export const FEW = 24;

export function isEscaped(bytes: Buffer, { start, end }: Span): boolean {
  for (let i = start; i < end; i += 1) if (bytes[i] === BACKSLASH) return true;
  return false;
}

function refuseSameBytes(bytes: Buffer, seen: readonly Span[], others: Buffer, more: readonly Member[]): void {
  const total = seen.length + more.length;
  const from = (at: number): Buffer => (at < seen.length ? bytes : others);
  const keyOf = (at: number): Span => (at < seen.length ? seen[at] : more[at - seen.length]?.key) as Span;
  for (let one = 1; one < total; one += 1) {
    const key = keyOf(one);
    for (let other = 0; other < one; other += 1)
      if (sameBytes(from(one), key, from(other), keyOf(other))) throw new JsonError('a duplicate key', key.start);
  }
}

function refuseSameNames(bytes: Buffer, seen: readonly Span[], others: Buffer, more: readonly Member[]): void {
  const names = new Set<string>();
  const add = (from: Buffer, { start, end }: Span): void => {
    const name = stringAt(from, start, end);
    if (names.has(name)) throw new JsonError('a duplicate key', start);
    names.add(name);
  };
  for (const key of seen) add(bytes, key);
  for (const { key } of more) add(others, key);
}

/** Tells how far two bodies are the same from a place in each. */
export interface Run {
  /** Whether bytes [i, end) of `a` are those of `b` from `j` on. */
  same(i: number, j: number, end: number): boolean;
  /** The first byte after `i` that is known to differ, after a look at the nearest; beyond all where none is known. */
  limit(i: number, j: number): number;
}

/** What was compared is remembered: asked in the order of the bodies, each byte is compared about once. */
export function createRun(a: Buffer, b: Buffer): Run {
  let shift = 0;
  // Known to be the same: [from, known) of `a` and as much of `b`, `shift` further on.
  let from = 0;
  let known = -1;
  let broken = false;
  let chunk = 0;

  const start = (i: number, j: number): void => {
    if (j - i === shift && i <= known && i >= from) return;
    shift = j - i;
    from = i;
    known = i;
    broken = false;
    chunk = 0;
  };

  const byHand = (size: number): void => {
    const end = known + size;
    while (known < end && a[known] === b[known + shift]) known += 1;
    if (known < end) broken = true;
  };

  const extend = (): void => {
    const size = Math.min(chunk === 0 ? CALL : chunk, a.length - known, b.length - known - shift);
    if (size <= 0) broken = true;
    else if (size <= CALL) byHand(size);
    else if (a.compare(b, known + shift, known + shift + size, known, known + size) === 0) known += size;
    else if (size <= SMALLEST) byHand(size);
    else {
      chunk = size >> 1;
      return;
    }
    chunk = Math.min(Math.max(chunk * 2, SMALLEST), LARGEST);
  };

  return Object.freeze({
    same(i: number, j: number, end: number): boolean {
      start(i, j);
      while (known < end && !broken) extend();
      return known >= end;
    },
    limit(i: number, j: number): number {
      start(i, j);
      if (known === i && !broken) extend();
      return broken ? known : NOWHERE;
    },
  });
}

/** Beyond any body, and still an integer to the engine. */
const NOWHERE = 0x3fff_ffff;
const SMALLEST = 512;
const LARGEST = 65_536;

/** Whether two number tokens are one number, however written. */
export function sameNumber(a: Buffer, left: Span, b: Buffer, right: Span): boolean {
  const key = decimalKey(a.toString('latin1', left.start, left.end));
  return key !== undefined && key === decimalKey(b.toString('latin1', right.start, right.end));
}

/** What kind of JSON value begins at `at`. */
export function typeAt(bytes: Buffer, at: number): ValueType {
  switch (bytes[at]) {
    case OPEN_OBJECT:
      return 'object';
    case OPEN_LIST:
      return 'array';
    case QUOTE:
      return 'string';
    case 0x74:
    case 0x66:
      return 'boolean';
    case 0x6e:
      return 'null';
    default:
      return 'number';
  }
}
