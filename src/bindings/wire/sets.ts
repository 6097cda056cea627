import { BACKSLASH, CLOSE_LIST, COMMA, NS, OPEN_LIST, plainly, QUOTE, SS } from '../../model/attributes.ts';
import { canonicalNumber } from '../../model/number.ts';
import type { Out } from './out.ts';
import type { Node } from './program.ts';

/** A set as a sorted list: numbers by size, all else by its text. Sets of binaries are rare. */
export function writeSet(out: Out, bytes: Buffer, at: number, type: number, node: Node): void {
  if (type !== SS && type !== NS) plainly();
  if (node.kind === 'scalar') {
    if (node.codec !== undefined) plainly();
    if (type === SS && node.type !== 'string' && node.type !== 'any' && node.type !== 'null') plainly();
    if (type === NS && node.type !== 'number' && node.type !== 'integer' && node.type !== 'any') plainly();
  } else if (node.kind !== 'natural') plainly();
  const end = type === SS ? endOfSorted(bytes, at) : -1;
  if (end !== -1) out.copy(bytes, at, end);
  else if (type === SS) writeTexts(out, listAt(bytes, at));
  else writeNumbers(out, listAt(bytes, at), node.kind === 'scalar' && node.type === 'integer');
}

/** End of a list of strings without escapes, in ASCII, each less than the next; -1 for another. */
function endOfSorted(bytes: Buffer, at: number): number {
  if (bytes[at + 1] === CLOSE_LIST) return at + 2;
  let last = -1;
  let i = at + 1;
  for (;;) {
    const start = i;
    for (i += 1; bytes[i] !== QUOTE; i += 1) {
      const byte = bytes[i] as number;
      if (byte === BACKSLASH || !(byte < 0x80)) return -1;
    }
    if (last !== -1 && !isLess(bytes, last, start)) return -1;
    last = start;
    i += 1;
    if (bytes[i] === CLOSE_LIST) return i + 1;
    if (bytes[i] !== COMMA) plainly();
    i += 1;
  }
}

/** Both with the quotes around them, as the plain renderer compares. */
function isLess(bytes: Buffer, left: number, right: number): boolean {
  let i = 1;
  while (bytes[left + i] === bytes[right + i]) {
    if (bytes[left + i] === QUOTE) return false;
    i += 1;
  }
  return (bytes[left + i] as number) < (bytes[right + i] as number);
}

function listAt(bytes: Buffer, at: number): readonly string[] {
  const list: unknown = JSON.parse(bytes.toString('utf8', at, endOfTexts(bytes, at)));
  return list as readonly string[];
}

function endOfTexts(bytes: Buffer, at: number): number {
  if (bytes[at] !== OPEN_LIST) plainly();
  let i = at + 1;
  for (; i < bytes.length && bytes[i] !== CLOSE_LIST; i += 1)
    if (bytes[i] === QUOTE) for (i += 1; bytes[i] !== QUOTE; i += 1) if (bytes[i] === BACKSLASH) i += 1;
  return i + 1;
}

function writeTexts(out: Out, texts: readonly string[]): void {
  write(
    out,
    texts.map((text) => JSON.stringify(text)).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)),
  );
}

const FRACTION = /^-?\d+(\.\d+(?!\d*e\+)|e-)/;

function writeNumbers(out: Out, texts: readonly string[], integers: boolean): void {
  const numbers = texts.map((text) => canonicalNumber(text) ?? plainly());
  if (integers && numbers.some((number) => FRACTION.test(number))) plainly();
  write(
    out,
    numbers.sort((a, b) => Number(a) - Number(b) || (a < b ? -1 : 1)),
  );
}

function write(out: Out, sorted: readonly string[]): void {
  for (let i = 1; i < sorted.length; i += 1) if (sorted[i] === sorted[i - 1]) plainly();
  out.text(`[${sorted.join(',')}]`);
}
