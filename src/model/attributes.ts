import { skipString } from './json.ts';

/**
 * DynamoDB JSON as DynamoDB writes it: no white space, `{"name":{"S":"text"},…}`. Whoever meets what is not written like
 * this, or has no known type, leaves it to a reader of any JSON.
 */

/** Thrown there. */
export const PLAINLY: unknown = Object.freeze({ plainly: true });

export function plainly(): never {
  throw PLAINLY;
}

export const QUOTE = 0x22;
export const COMMA = 0x2c;
const COLON = 0x3a;
export const OPEN_LIST = 0x5b;
export const BACKSLASH = 0x5c;
export const CLOSE_LIST = 0x5d;
export const OPEN = 0x7b;
export const CLOSE = 0x7d;

export const S = 1;
export const N = 2;
export const BOOL = 3;
export const NULL = 4;
export const M = 5;
export const L = 6;
export const B = 7;
export const SS = 8;
export const NS = 9;
export const BS = 10;

const LETTER_S = 0x53;
const LETTER_N = 0x4e;

/** The type of the attribute value at `at`, which begins with `{"`. */
export function typeAt(bytes: Buffer, at: number): number {
  if (bytes[at] !== OPEN || bytes[at + 1] !== QUOTE) plainly();
  const one = bytes[at + 2] as number;
  const two = bytes[at + 3] as number;
  if (two === QUOTE) {
    if (bytes[at + 4] !== COLON) plainly();
    switch (one) {
      case LETTER_S:
        return S;
      case LETTER_N:
        return N;
      case 0x4d:
        return M;
      case 0x4c:
        return L;
      case 0x42:
        return B;
      default:
        plainly();
    }
  }
  if (two === LETTER_S && bytes[at + 4] === QUOTE && bytes[at + 5] === COLON) {
    if (one === LETTER_S) return SS;
    if (one === LETTER_N) return NS;
    if (one === 0x42) return BS;
  }
  if (isWord(bytes, at + 2, BOOL_WORD)) return BOOL;
  if (isWord(bytes, at + 2, NULL_WORD)) return NULL;
  return plainly();
}

const BOOL_WORD = Buffer.from('BOOL":');
const NULL_WORD = Buffer.from('NULL":true}');

export function isWord(bytes: Buffer, at: number, word: Buffer): boolean {
  for (let i = 0; i < word.length; i += 1) if (bytes[at + i] !== word[i]) return false;
  return true;
}

/** Where the value inside begins: of S, N, B, M and L behind `{"S":`, of a set one further. */
export const innerOf = (at: number, type: number): number => (type >= SS ? at + 6 : at + 5);

/** End of the string whose opening quote is at `at`; the grammar is checked. */
export function endOfString(bytes: Buffer, at: number): number {
  if (bytes[at] !== QUOTE) plainly();
  let i = at + 1;
  for (;;) {
    const byte = bytes[i] as number;
    // Most letters.
    if (byte > BACKSLASH) i += 1;
    else if (byte === QUOTE) return i + 1;
    else if (byte === BACKSLASH) return endOfEscaped(bytes, at);
    else if (byte >= 0x20) i += 1;
    else plainly();
  }
}

function endOfEscaped(bytes: Buffer, at: number): number {
  try {
    return skipString(bytes, at);
  } catch {
    return plainly();
  }
}

/** End of an attribute value, the types of all that is in it looked at. */
export function endOfValue(bytes: Buffer, at: number): number {
  const type = typeAt(bytes, at);
  switch (type) {
    case S:
    case N:
    case B:
      return closed(bytes, endOfString(bytes, at + 5));
    case BOOL:
      return endOfBool(bytes, at);
    case NULL:
      return at + 13;
    case M:
      return closed(bytes, endOfMap(bytes, at + 5));
    case L:
      return closed(bytes, endOfList(bytes, at + 5, endOfValue));
    default:
      return closed(bytes, endOfList(bytes, at + 6, endOfString));
  }
}

function endOfBool(bytes: Buffer, at: number): number {
  if (isWord(bytes, at + 8, TRUE)) return at + 13;
  if (isWord(bytes, at + 8, FALSE)) return at + 14;
  return plainly();
}

const TRUE = Buffer.from('true}');
const FALSE = Buffer.from('false}');

export const isTrue = (bytes: Buffer, at: number): boolean => bytes[at + 8] === TRUE[0];

/** A value of one type alone. */
function closed(bytes: Buffer, at: number): number {
  if (bytes[at] !== CLOSE) plainly();
  return at + 1;
}

function endOfMap(bytes: Buffer, at: number): number {
  if (bytes[at] !== OPEN) plainly();
  if (bytes[at + 1] === CLOSE) return at + 2;
  let i = at + 1;
  for (;;) {
    i = endOfValue(bytes, behindColon(bytes, endOfString(bytes, i)));
    if (bytes[i] === CLOSE) return i + 1;
    if (bytes[i] !== COMMA) plainly();
    i += 1;
  }
}

function endOfList(bytes: Buffer, at: number, endOf: (bytes: Buffer, at: number) => number): number {
  if (bytes[at] !== OPEN_LIST) plainly();
  if (bytes[at + 1] === CLOSE_LIST) return at + 2;
  let i = at + 1;
  for (;;) {
    i = endOf(bytes, i);
    if (bytes[i] === CLOSE_LIST) return i + 1;
    if (bytes[i] !== COMMA) plainly();
    i += 1;
  }
}

export function behindColon(bytes: Buffer, at: number): number {
  if (bytes[at] !== COLON) plainly();
  return at + 1;
}

/** Numbers of a mark: where an attribute's name begins, its value, where that ends, and which it is. */
export const MARK = 4;

/** Room for the marks of this many bytes: the shortest attribute is `"":{"S":""},`. */
export const roomFor = (size: number): number => MARK * (Math.floor(size / 12) + 1);
