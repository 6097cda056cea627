import { ARRAY, behindName, behindValue, DOCUMENT, STRING } from '../../model/bson.ts';
import { writeNatural } from './bson-scalar.ts';
import { BAIL, lastOf, nameAt } from './bson-walk.ts';
import type { JsonOut } from './json-out.ts';
import { type Piece, pieceOf } from './out.ts';

/** Writes the value of an element. Throws BAIL. */
export type WriteElement = (bytes: Buffer, type: number, start: number, end: number) => void;

export const COMMA = 0x2c;
export const OPEN_LIST = 0x5b;
export const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
export const COLON = 0x3a;

/** Key and what follows it behind a comma, which the first field of an object turns into its brace. */
export const led = (...texts: readonly Buffer[]): Piece => pieceOf(Buffer.concat([Buffer.from([COMMA]), ...texts]));

export function close(out: JsonOut, open: number): void {
  if (out.length === open) out.byte(OPEN_OBJECT);
  else out.bytes[open] = OPEN_OBJECT;
  out.byte(CLOSE_OBJECT);
}

/** An object of what `fields` writes; whether it wrote anything. */
export function written(out: JsonOut, fields: () => void): boolean {
  const open = out.length;
  fields();
  const any = out.length > open;
  close(out, open);
  return any;
}

export function eachOf(out: JsonOut, bytes: Buffer, start: number, end: number, write: WriteElement): void {
  const last = lastOf(bytes, start, end);
  let at = start + 4;
  out.byte(OPEN_LIST);
  for (let first = true; at < last; first = false) {
    const type = bytes[at] as number;
    const value = behindName(bytes, at + 1, last);
    const next = value === -1 ? -1 : behindValue(type, bytes, value, last);
    if (next === -1) throw BAIL;
    if (!first) out.byte(COMMA);
    write(bytes, type, value, next);
    at = next;
  }
  if (at !== last) throw BAIL;
  out.byte(CLOSE_LIST);
}

interface Entry {
  readonly name: string;
  readonly type: number;
  readonly at: number;
  readonly end: number;
}

/** Attributes of a document by the code units of their names. Bails out where one comes twice. */
export function entriesOf(bytes: Buffer, start: number, end: number): readonly Entry[] {
  const last = lastOf(bytes, start, end);
  const entries: Entry[] = [];
  let at = start + 4;
  while (at < last) {
    const type = bytes[at] as number;
    const value = behindName(bytes, at + 1, last);
    const next = value === -1 ? -1 : behindValue(type, bytes, value, last);
    if (next === -1) throw BAIL;
    entries.push({ name: nameAt(bytes, at + 1, value - 1), type, at: value, end: next });
    at = next;
  }
  if (at !== last) throw BAIL;
  entries.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  for (let i = 1; i < entries.length; i += 1) if (entries[i]?.name === entries[i - 1]?.name) throw BAIL;
  return entries;
}

/** Any value, whole, by its own nature. */
export function natural(out: JsonOut, bytes: Buffer, type: number, start: number, end: number): void {
  if (type === ARRAY) {
    eachOf(out, bytes, start, end, (inner, kind, from, behind) => natural(out, inner, kind, from, behind));
    return;
  }
  if (type !== DOCUMENT) {
    writeNatural(out, bytes, type, start, end);
    return;
  }
  const open = out.length;
  for (const { name, type: kind, at, end: behind } of entriesOf(bytes, start, end)) {
    out.byte(COMMA);
    out.text(JSON.stringify(name));
    out.byte(COLON);
    natural(out, bytes, kind, at, behind);
  }
  close(out, open);
}

/** Text of the attribute that says which branch; `undefined` where there is none. */
export function tagOf(bytes: Buffer, start: number, end: number, property: string): string | undefined {
  const entry = entriesOf(bytes, start, end).find(({ name }) => name === property);
  if (entry === undefined) return undefined;
  if (entry.type !== STRING) throw BAIL;
  return bytes.toString('utf8', entry.at + 4, entry.end - 1);
}
