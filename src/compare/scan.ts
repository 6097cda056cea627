import {
  BACKSLASH,
  CLOSE_LIST,
  CLOSE_OBJECT,
  COMMA,
  expect,
  JsonError,
  OPEN_LIST,
  OPEN_OBJECT,
  QUOTE,
  skipKey,
  skipSpace,
  skipString,
  skipValue,
  stringAt,
} from '../model/json.ts';

/** One value in its body; `index` is its place in a list. */
export interface Span {
  readonly start: number;
  readonly end: number;
  readonly index: number;
}

/** The members of an object that are left from some place on, and where it ends. */
export interface Rest {
  readonly keys: ReadonlyMap<string, Span>;
  readonly end: number;
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

/**
 * End of the value at `at`, quickly and without a look at its grammar: for bytes that are known to be the same on both
 * sides, where whatever is wrong is wrong alike.
 */
export function skipFast(bytes: Buffer, at: number): number {
  const { length } = bytes;
  let i = at;
  let depth = 0;
  while (i < length) {
    const byte = bytes[i] as number;
    if (byte === QUOTE) {
      i += 1;
      for (let inner = bytes[i]; inner !== QUOTE && i < length; inner = bytes[i]) i += inner === BACKSLASH ? 2 : 1;
      i += 1;
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
  return length;
}

/** Whether the key at `at` of `b` is written as the one of `a`. */
export function sameKey(a: Buffer, key: Span, b: Buffer, at: number): boolean {
  for (let i = key.start, j = at; i < key.end; i += 1, j += 1) if (a[i] !== b[j]) return false;
  return true;
}

export function sameBytes(a: Buffer, left: Span, b: Buffer, right: Span): boolean {
  return (
    left.end - left.start === right.end - right.start &&
    a.compare(b, right.start, right.end, left.start, left.end) === 0
  );
}

/** The key at `at` as a span. Throws JsonError where there is none. */
export function keyAt(bytes: Buffer, at: number): Span {
  if (bytes[at] !== QUOTE) throw new JsonError('a key is missing', at);
  return { start: at, end: skipString(bytes, at), index: 0 };
}

/** All members from `more` on, which `firstOf` or `nextOf` gave. Throws JsonError, also for a duplicate key. */
export function restOf(bytes: Buffer, more: number): Rest {
  const keys = new Map<string, Span>();
  let at = more;
  while (at >= 0) {
    const { start, end } = keyAt(bytes, at);
    const name = stringAt(bytes, start, end);
    if (keys.has(name)) throw new JsonError('a duplicate key', at);
    const from = skipSpace(bytes, skipKey(bytes, at));
    const to = skipValue(bytes, from);
    keys.set(name, { start: from, end: to, index: 0 });
    at = nextOf(bytes, to, CLOSE_OBJECT);
  }
  return { keys, end: ~at };
}

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

/** Throws JsonError where keys that stand at `seen` in `bytes` come twice, or again among `more`. */
export function refuseDuplicates(bytes: Buffer, seen: readonly Span[], more: ReadonlyMap<string, Span>): void {
  const names = new Set<string>();
  for (const { start, end } of seen) {
    const name = stringAt(bytes, start, end);
    if (names.has(name) || more.has(name)) throw new JsonError('a duplicate key', start);
    names.add(name);
  }
}

/**
 * Tells whether stretches of two bodies are the same, by native compares of growing size that are remembered: asked in
 * the order of the bodies, each byte is compared about once.
 */
export function createRun(a: Buffer, b: Buffer): { same: (i: number, j: number, end: number) => boolean } {
  let shift = 0;
  // Known to be the same: [from, known) of `a` and as much of `b`, `shift` further on.
  let from = 0;
  let known = -1;
  let broken = false;
  let chunk = 0;
  const extend = (): void => {
    const size = Math.min(chunk, a.length - known, b.length - known - shift);
    if (size <= 0) {
      broken = true;
    } else if (a.compare(b, known + shift, known + shift + size, known, known + size) === 0) {
      known += size;
      chunk = Math.min(chunk * 2, LARGEST);
    } else if (size <= 16) {
      while (a[known] === b[known + shift]) known += 1;
      broken = true;
    } else {
      chunk = size >> 1;
    }
  };
  return Object.freeze({
    /** Bytes [i, end) of `a` and as many of `b` from `j` on. */
    same(i: number, j: number, end: number): boolean {
      if (j - i !== shift || i > known || i < from) {
        shift = j - i;
        from = i;
        known = i;
        broken = false;
        chunk = SMALLEST;
      }
      while (known < end && !broken) extend();
      return known >= end;
    },
  });
}

const SMALLEST = 64;
const LARGEST = 65_536;
