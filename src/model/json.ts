import { isUtf8 } from 'node:buffer';

/**
 * JSON without loss: numbers stay text, a duplicate key or invalid UTF-8 is an error (RFC 8259; what parsers make of
 * duplicates differs from one to the next).
 */

export type Json =
  | { readonly kind: 'null' }
  | { readonly kind: 'boolean'; readonly value: boolean }
  /** As written. */
  | { readonly kind: 'number'; readonly text: string }
  /** Unescaped. */
  | { readonly kind: 'string'; readonly text: string }
  | { readonly kind: 'array'; readonly items: readonly Json[] }
  | { readonly kind: 'object'; readonly members: ReadonlyMap<string, Json> };

/** What is no JSON, or JSON that means different things to different parsers. `offset` counts bytes. */
export class JsonError extends Error {
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(`${message} at byte ${offset}`);
    this.name = 'JsonError';
    this.offset = offset;
  }
}

export const QUOTE = 0x22;
export const COMMA = 0x2c;
export const COLON = 0x3a;
export const OPEN_LIST = 0x5b;
export const BACKSLASH = 0x5c;
export const CLOSE_LIST = 0x5d;
export const OPEN_OBJECT = 0x7b;
export const CLOSE_OBJECT = 0x7d;
const MINUS = 0x2d;
const PLUS = 0x2b;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;

/** Deeper than this no honest body nests, and recursion would end before it. */
export const MAX_DEPTH = 500;

/** The first byte at or after `at` that is no white space. */
export function skipSpace(bytes: Buffer, at: number): number {
  let i = at;
  for (;;) {
    const byte = bytes[i] as number;
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return i;
    i += 1;
  }
}

/** End of the string whose opening quote is at `at`. Throws JsonError. */
export function skipString(bytes: Buffer, at: number): number {
  let i = at + 1;
  for (;;) {
    const byte = bytes[i] as number;
    if (byte === QUOTE) return i + 1;
    if (byte === BACKSLASH) i = skipEscape(bytes, i);
    else if (byte >= 0x20) i += 1;
    else throw new JsonError(byte === undefined ? 'the text ends within a string' : 'a control character', i);
  }
}

function skipEscape(bytes: Buffer, at: number): number {
  switch (bytes[at + 1]) {
    case QUOTE:
    case BACKSLASH:
    case 0x2f:
    case 0x62:
    case 0x66:
    case 0x6e:
    case 0x72:
    case 0x74:
      return at + 2;
    case 0x75:
      for (let i = at + 2; i < at + 6; i += 1)
        if (!isHex(bytes[i] as number)) throw new JsonError('a wrong escape', at);
      return at + 6;
    default:
      throw new JsonError('a wrong escape', at);
  }
}

const isHex = (byte: number): boolean =>
  (byte >= ZERO && byte <= NINE) || (byte >= 0x41 && byte <= 0x46) || (byte >= 0x61 && byte <= 0x66);

const isDigit = (byte: number): boolean => byte >= ZERO && byte <= NINE;

function skipNumber(bytes: Buffer, at: number): number {
  let i = bytes[at] === MINUS ? at + 1 : at;
  if (!isDigit(bytes[i] as number)) throw new JsonError('no value', at);
  if (bytes[i] === ZERO) i += 1;
  else while (isDigit(bytes[i] as number)) i += 1;
  if (bytes[i] === POINT) i = skipDigits(bytes, i + 1);
  if (((bytes[i] as number) | 0x20) === 0x65) {
    const sign = bytes[i + 1];
    i = skipDigits(bytes, sign === PLUS || sign === MINUS ? i + 2 : i + 1);
  }
  return i;
}

function skipDigits(bytes: Buffer, at: number): number {
  let i = at;
  while (isDigit(bytes[i] as number)) i += 1;
  if (i === at) throw new JsonError('a digit is missing', at);
  return i;
}

/** End of the string, number or literal at `at`. Throws JsonError. */
export function skipScalar(bytes: Buffer, at: number): number {
  switch (bytes[at]) {
    case QUOTE:
      return skipString(bytes, at);
    case 0x74:
      return skipWord(bytes, at, TRUE);
    case 0x66:
      return skipWord(bytes, at, FALSE);
    case 0x6e:
      return skipWord(bytes, at, NULL);
    default:
      return skipNumber(bytes, at);
  }
}

const TRUE = Object.freeze([0x74, 0x72, 0x75, 0x65]);
const FALSE = Object.freeze([0x66, 0x61, 0x6c, 0x73, 0x65]);
const NULL = Object.freeze([0x6e, 0x75, 0x6c, 0x6c]);

function skipWord(bytes: Buffer, at: number, word: readonly number[]): number {
  for (let k = 1; k < word.length; k += 1) if (bytes[at + k] !== word[k]) throw new JsonError('no value', at);
  return at + word.length;
}

/** End of the value at `at`, its grammar checked, duplicate keys not. Throws JsonError. */
export function skipValue(bytes: Buffer, at: number, depth = 0): number {
  const first = bytes[at];
  if (first === OPEN_OBJECT) return skipObject(bytes, at, depth);
  if (first === OPEN_LIST) return skipList(bytes, at, depth);
  return skipScalar(bytes, at);
}

function skipObject(bytes: Buffer, at: number, depth: number): number {
  if (depth > MAX_DEPTH) throw new JsonError(`nested deeper than ${MAX_DEPTH}`, at);
  let i = skipSpace(bytes, at + 1);
  if (bytes[i] === CLOSE_OBJECT) return i + 1;
  for (;;) {
    i = skipValue(bytes, skipSpace(bytes, skipKey(bytes, i)), depth + 1);
    i = skipSpace(bytes, i);
    if (bytes[i] === CLOSE_OBJECT) return i + 1;
    i = skipSpace(bytes, expect(bytes, i, COMMA));
  }
}

/** From a key's quote to behind its colon. */
export function skipKey(bytes: Buffer, at: number): number {
  if (bytes[at] !== QUOTE) throw new JsonError('a key is missing', at);
  return expect(bytes, skipSpace(bytes, skipString(bytes, at)), COLON);
}

function skipList(bytes: Buffer, at: number, depth: number): number {
  if (depth > MAX_DEPTH) throw new JsonError(`nested deeper than ${MAX_DEPTH}`, at);
  let i = skipSpace(bytes, at + 1);
  if (bytes[i] === CLOSE_LIST) return i + 1;
  for (;;) {
    i = skipSpace(bytes, skipValue(bytes, i, depth + 1));
    if (bytes[i] === CLOSE_LIST) return i + 1;
    i = skipSpace(bytes, expect(bytes, i, COMMA));
  }
}

export function expect(bytes: Buffer, at: number, byte: number): number {
  if (bytes[at] !== byte) throw new JsonError(`${JSON.stringify(String.fromCharCode(byte))} is missing`, at);
  return at + 1;
}

/** Text of the string token from `start` to `end`, quotes included, unescaped. The token must be a valid one. */
export function stringAt(bytes: Buffer, start: number, end: number): string {
  const raw = bytes.toString('utf8', start, end);
  return raw.includes('\\') ? (JSON.parse(raw) as string) : raw.slice(1, -1);
}

/** UTF-8 JSON text → its tree. Throws JsonError; never loses a digit, a key or a byte. */
export function parseJson(bytes: Buffer): Json {
  if (!isUtf8(bytes)) throw new JsonError('not UTF-8', 0);
  const state = { at: skipSpace(bytes, 0) };
  const value = parseAt(bytes, state, 0);
  const end = skipSpace(bytes, state.at);
  if (end < bytes.length) throw new JsonError('text behind the value', end);
  return value;
}

function parseAt(bytes: Buffer, state: { at: number }, depth: number): Json {
  const start = state.at;
  switch (bytes[start]) {
    case OPEN_OBJECT:
      return parseObject(bytes, state, depth);
    case OPEN_LIST:
      return parseList(bytes, state, depth);
    default:
      state.at = skipScalar(bytes, start);
  }
  switch (bytes[start]) {
    case QUOTE:
      return { kind: 'string', text: stringAt(bytes, start, state.at) };
    case 0x74:
    case 0x66:
      return { kind: 'boolean', value: bytes[start] === 0x74 };
    case 0x6e:
      return NULL_VALUE;
    default:
      return { kind: 'number', text: bytes.toString('latin1', start, state.at) };
  }
}

const NULL_VALUE: Json = Object.freeze({ kind: 'null' });

function parseObject(bytes: Buffer, state: { at: number }, depth: number): Json {
  if (depth > MAX_DEPTH) throw new JsonError(`nested deeper than ${MAX_DEPTH}`, state.at);
  const members = new Map<string, Json>();
  state.at = skipSpace(bytes, state.at + 1);
  if (bytes[state.at] === CLOSE_OBJECT) {
    state.at += 1;
    return { kind: 'object', members };
  }
  for (;;) {
    const start = state.at;
    const behind = skipKey(bytes, start);
    const key = stringAt(bytes, start, skipString(bytes, start));
    if (members.has(key)) throw new JsonError('a duplicate key', start);
    state.at = skipSpace(bytes, behind);
    members.set(key, parseAt(bytes, state, depth + 1));
    state.at = skipSpace(bytes, state.at);
    if (bytes[state.at] === CLOSE_OBJECT) break;
    state.at = skipSpace(bytes, expect(bytes, state.at, COMMA));
  }
  state.at += 1;
  return { kind: 'object', members };
}

function parseList(bytes: Buffer, state: { at: number }, depth: number): Json {
  if (depth > MAX_DEPTH) throw new JsonError(`nested deeper than ${MAX_DEPTH}`, state.at);
  const items: Json[] = [];
  state.at = skipSpace(bytes, state.at + 1);
  if (bytes[state.at] === CLOSE_LIST) {
    state.at += 1;
    return { kind: 'array', items };
  }
  for (;;) {
    items.push(parseAt(bytes, state, depth + 1));
    state.at = skipSpace(bytes, state.at);
    if (bytes[state.at] === CLOSE_LIST) break;
    state.at = skipSpace(bytes, expect(bytes, state.at, COMMA));
  }
  state.at += 1;
  return { kind: 'array', items };
}

/** A tree → JSON text, keys in their order; `sorted`: by code unit, for telling equal trees by their text. */
export function printJson(json: Json, { sorted = false } = {}): string {
  switch (json.kind) {
    case 'null':
      return 'null';
    case 'boolean':
      return String(json.value);
    case 'number':
      return json.text;
    case 'string':
      return JSON.stringify(json.text);
    case 'array':
      return `[${json.items.map((item) => printJson(item, { sorted })).join(',')}]`;
    case 'object': {
      const entries = [...json.members];
      if (sorted) entries.sort(([a], [b]) => (a < b ? -1 : 1));
      return `{${entries.map(([key, value]) => `${JSON.stringify(key)}:${printJson(value, { sorted })}`).join(',')}}`;
    }
  }
}
