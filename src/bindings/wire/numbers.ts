import { plainly } from '../../model/attributes.ts';
import { canonicalNumber } from '../../model/number.ts';
import type { Out } from './out.ts';

const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const MINUS = 0x2d;

/** Digits that any double keeps. */
const SAFE_DIGITS = 15;

/** Below 1e-6 JavaScript writes an exponent. */
const LEADING_ZEROS = 5;

/** What a number's text is: already as we write it, and whole or not; else to be written anew. */
const OTHER = 0;
export const WHOLE = 1;
export const FRACTION = 2;

/** Of the text from `start` to `end`, without quotes. */
function kindOf(bytes: Buffer, start: number, end: number): number {
  const first = bytes[start] === MINUS ? start + 1 : start;
  if (end - first > SAFE_DIGITS || end === first) return OTHER;
  let i = first;
  while (i < end && (bytes[i] as number) >= ZERO && (bytes[i] as number) <= NINE) i += 1;
  const zero = bytes[first] === ZERO;
  if (i === first || (zero && i - first > 1)) return OTHER;
  // -0 is 0.
  if (i === end) return zero && first > start ? OTHER : WHOLE;
  if (bytes[i] !== POINT || bytes[end - 1] === ZERO) return OTHER;
  const fraction = i + 1;
  i = fraction;
  while (i < end && (bytes[i] as number) >= ZERO && (bytes[i] as number) <= NINE) i += 1;
  if (i !== end || end === fraction) return OTHER;
  if (!zero) return FRACTION;
  let zeros = fraction;
  while (bytes[zeros] === ZERO) zeros += 1;
  return zeros - fraction > LEADING_ZEROS ? OTHER : FRACTION;
}

/** A number that is no integer as we print it: `1.5` and `1e-7`, not `1.5e+30`. */
const NO_INTEGER = /^-?\d+(\.\d+(?!\d*e\+)|e-)/;

/** Writes the number's one text. Gives whether it is whole. */
export function writeNumber(out: Out, bytes: Buffer, start: number, end: number): boolean {
  const kind = kindOf(bytes, start, end);
  if (kind !== OTHER) {
    out.copy(bytes, start, end);
    return kind === WHOLE;
  }
  const text = canonicalNumber(bytes.toString('latin1', start, end)) ?? plainly();
  out.text(text);
  return !NO_INTEGER.test(text);
}
