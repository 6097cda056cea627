import { countOf, digitsOf } from './digits.ts';
import { Out } from './out.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const ZERO = 0x30;
const POINT = 0x2e;
const MINUS = 0x2d;

const HEX = Buffer.from('0123456789abcdef');
const BASE64 = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/');

/** By byte: 0 as it is, 1 beyond ASCII, 2 written with an escape. */
const KIND = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x80 ? 1 : byte < 0x20 || byte === QUOTE || byte === BACKSLASH ? 2 : 0,
);

/** As JSON.stringify escapes: the letter behind the backslash, or 0 where it writes the code. */
const LETTER = Uint8Array.from({ length: 128 }, (_, byte) => {
  const text = JSON.stringify(String.fromCharCode(byte));
  return text[1] === '\\' && text[2] !== 'u' ? text.charCodeAt(2) : 0;
});

const BILLION = 1_000_000_000;
/** Powers of ten up to the decimal places that are tried. */
const SCALES = Object.freeze([1, 10, 100, 1_000, 10_000, 100_000, 1_000_000]);
/** Below it six places make at most fifteen digits, and what stands before the point fits into 32 bits. */
const MOST_SHORT = 1_000_000_000;

/** Values that were no JSON, written as JSON. */
export class JsonOut extends Out {
  /** A JSON string of UTF-8; `false`, and nothing written, where it is none. */
  string(from: Buffer, start: number, end: number): boolean {
    this.reserve((end - start) * 6 + 2);
    const source = this.viewFrom(from);
    const { bytes, view } = this;
    let at = this.length;
    bytes[at++] = QUOTE;
    for (let i = start; i < end; i += 1) {
      // Four at a time, as long as they are written as they are.
      for (; i + 4 <= end; i += 4) {
        const four = source.getInt32(i, true);
        if (!isPlain(four)) break;
        view.setInt32(at, four, true);
        at += 4;
      }
      if (i === end) break;
      const byte = from[i] as number;
      const kind = KIND[byte] as number;
      if (kind === 0) bytes[at++] = byte;
      else if (kind === 2) at = escaped(bytes, at, byte);
      else {
        // The rest of its character; what begins none is 0.
        let more = lengthAt(from, i, end) - 1;
        if (more < 0) return false;
        bytes[at++] = byte;
        for (; more > 0; more -= 1) {
          i += 1;
          bytes[at++] = from[i] as number;
        }
      }
    }
    bytes[at++] = QUOTE;
    this.length = at;
    return true;
  }

  /** A whole number that a double holds. */
  integer(value: number): void {
    this.reserve(24);
    const { bytes } = this;
    let rest = value;
    if (rest < 0) {
      bytes[this.length++] = MINUS;
      rest = -rest;
    }
    if (rest < BILLION) {
      this.length = digitsOf(bytes, this.length, rest, countOf(rest));
      return;
    }
    const upper = Math.floor(rest / BILLION);
    const at = digitsOf(bytes, this.length, upper, countOf(upper));
    this.length = digitsOf(bytes, at, rest - upper * BILLION, 9);
  }

  /** A finite double that is no whole number, as JavaScript prints it. */
  fraction(value: number): void {
    const size = Math.abs(value);
    if (size < MOST_SHORT)
      for (let places = 1; places < SCALES.length; places += 1) {
        const scale = SCALES[places] as number;
        const digits = Math.round(size * scale);
        // At most fifteen digits that come back as this double are the only ones, and so the shortest.
        if (digits / scale === size) {
          this.#decimal(value < 0, digits, scale, places);
          return;
        }
      }
    this.text(String(value));
  }

  #decimal(negative: boolean, digits: number, scale: number, places: number): void {
    this.reserve(24);
    const { bytes } = this;
    let at = this.length;
    if (negative) bytes[at++] = MINUS;
    const whole = Math.floor(digits / scale);
    at = digitsOf(bytes, at, whole, countOf(whole));
    bytes[at++] = POINT;
    this.length = digitsOf(bytes, at, digits - whole * scale, places);
  }

  hex(from: Buffer, start: number, end: number): void {
    this.reserve((end - start) * 2);
    const { bytes } = this;
    let at = this.length;
    for (let i = start; i < end; i += 1) {
      const byte = from[i] as number;
      bytes[at++] = HEX[byte >> 4] as number;
      bytes[at++] = HEX[byte & 15] as number;
    }
    this.length = at;
  }

  /** A JSON string. */
  base64(from: Buffer, start: number, end: number): void {
    this.reserve(Math.ceil((end - start) / 3) * 4 + 2);
    const { bytes } = this;
    bytes[this.length++] = QUOTE;
    if (end - start > 96) this.length += bytes.write(from.toString('base64', start, end), this.length, 'latin1');
    else this.length = base64(bytes, this.length, from, start, end);
    bytes[this.length++] = QUOTE;
  }
}

/** Whether these four bytes are ASCII that JSON writes as it is: no control character, quote or backslash. */
function isPlain(four: number): boolean {
  const below = four - 0x20202020;
  const quotes = (four ^ 0x22222222) - 0x01010101;
  const slashes = (four ^ 0x5c5c5c5c) - 0x01010101;
  return ((four | below | quotes | slashes) & 0x80808080) === 0;
}

function escaped(bytes: Buffer, start: number, byte: number): number {
  let at = start;
  bytes[at++] = BACKSLASH;
  const letter = LETTER[byte] as number;
  if (letter !== 0) {
    bytes[at++] = letter;
    return at;
  }
  bytes[at++] = 0x75;
  bytes[at++] = ZERO;
  bytes[at++] = ZERO;
  bytes[at++] = HEX[byte >> 4] as number;
  bytes[at++] = HEX[byte & 15] as number;
  return at;
}

function base64(bytes: Buffer, start: number, from: Buffer, first: number, end: number): number {
  let at = start;
  for (let i = first; i < end; i += 3) {
    const left = end - i;
    const [a, b, c] = [
      from[i] as number,
      left > 1 ? (from[i + 1] as number) : 0,
      left > 2 ? (from[i + 2] as number) : 0,
    ];
    bytes[at++] = BASE64[a >> 2] as number;
    bytes[at++] = BASE64[((a & 3) << 4) | (b >> 4)] as number;
    bytes[at++] = left > 1 ? (BASE64[((b & 15) << 2) | (c >> 6)] as number) : 0x3d;
    bytes[at++] = left > 2 ? (BASE64[c & 63] as number) : 0x3d;
  }
  return at;
}

/** How many bytes the character beyond ASCII at `i` has, as a decoder sees it that refuses all but UTF-8; 0 where none is. */
function lengthAt(bytes: Buffer, i: number, end: number): number {
  const byte = bytes[i] as number;
  const more =
    byte >= 0xc2 && byte <= 0xdf ? 1 : byte >= 0xe0 && byte <= 0xef ? 2 : byte >= 0xf0 && byte <= 0xf4 ? 3 : 0;
  if (more === 0 || i + more >= end) return 0;
  const second = bytes[i + 1] as number;
  // Neither a longer form than needed, nor half of a pair, nor beyond the last code point.
  const least = byte === 0xe0 ? 0xa0 : byte === 0xf0 ? 0x90 : 0x80;
  const most = byte === 0xed ? 0x9f : byte === 0xf4 ? 0x8f : 0xbf;
  if (second < least || second > most) return 0;
  for (let k = 2; k <= more; k += 1) if (((bytes[i + k] as number) & 0xc0) !== 0x80) return 0;
  return more + 1;
}
