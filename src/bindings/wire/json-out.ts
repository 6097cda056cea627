/** JSON text as bytes, written into one buffer that grows and is used again; what is taken out is a copy. */

/** Longer ones are not kept from one body to the next. */
const KEPT = 1024 * 1024;
const FIRST = 16 * 1024;

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

const DAY = 86_400_000;
/** Of the years 0 to 9999, which RFC 3339 writes with four digits. */
const FIRST_DAY = -719_528;
const LAST_DAY = 2_932_896;

/** Bytes that are written many times, eight at a time: behind the last of them there are zeros. */
export interface Piece {
  readonly length: number;
  readonly words: Float64Array;
}

/** Of UTF-8, in which no eight bytes are what a double may change on the way, a NaN. */
export function pieceOf(bytes: Uint8Array): Piece {
  const words = new Float64Array(Math.ceil(bytes.length / 8));
  new Uint8Array(words.buffer).set(bytes);
  return Object.freeze({ length: bytes.length, words });
}

export class JsonOut {
  bytes: Buffer = Buffer.allocUnsafeSlow(FIRST);
  at = 0;
  #view = viewOf(this.bytes);
  /** Where strings are read from, eight bytes at a time. */
  #from: Buffer | undefined;
  #fromView = this.#view;
  #day = Number.NaN;
  readonly #dayText = Buffer.alloc(10);

  /** Room for `count` more bytes. */
  need(count: number): void {
    if (this.at + count <= this.bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, this.at + count));
    this.bytes.copy(grown, 0, 0, this.at);
    this.#hold(grown);
  }

  #hold(bytes: Buffer): void {
    this.bytes = bytes;
    this.#view = viewOf(bytes);
  }

  /** What was written, and from now on nothing. */
  take(): Buffer {
    const taken = Buffer.allocUnsafe(this.at);
    this.bytes.copy(taken, 0, 0, this.at);
    this.clear();
    return taken;
  }

  clear(): void {
    this.at = 0;
    if (this.bytes.length > KEPT) this.#hold(Buffer.allocUnsafeSlow(FIRST));
    this.#from = undefined;
    this.#fromView = this.#view;
  }

  byte(byte: number): void {
    if (this.at === this.bytes.length) this.need(1);
    this.bytes[this.at] = byte;
    this.at += 1;
  }

  /** As they stand. */
  raw({ length, words }: Piece): void {
    this.need(length + 7);
    const view = this.#view;
    let { at } = this;
    for (let i = 0; i < words.length; i += 1) {
      view.setFloat64(at, words[i] as number, true);
      at += 8;
    }
    this.at += length;
  }

  /** JSON text made elsewhere. A native call costs more than some twenty characters. */
  text(text: string): void {
    const { length } = text;
    this.need(length * 3);
    const { bytes, at } = this;
    if (length > 24) {
      this.at += bytes.write(text, at);
      return;
    }
    for (let i = 0; i < length; i += 1) {
      const code = text.charCodeAt(i);
      if (code >= 0x80) {
        this.at += bytes.write(text, at);
        return;
      }
      bytes[at + i] = code;
    }
    this.at = at + length;
  }

  /** A JSON string of UTF-8; `false`, and nothing written, where it is none. */
  string(from: Buffer, start: number, end: number): boolean {
    this.need((end - start) * 6 + 2);
    if (this.#from !== from) {
      this.#from = from;
      this.#fromView = viewOf(from);
    }
    const source = this.#fromView;
    const view = this.#view;
    const { bytes } = this;
    let at = this.at;
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
    this.at = at;
    return true;
  }

  /** A whole number that a double holds. */
  integer(value: number): void {
    this.need(24);
    const { bytes } = this;
    let rest = value;
    if (rest < 0) {
      bytes[this.at++] = MINUS;
      rest = -rest;
    }
    if (rest < BILLION) {
      this.at = digitsOf(bytes, this.at, rest, countOf(rest));
      return;
    }
    const upper = Math.floor(rest / BILLION);
    const at = digitsOf(bytes, this.at, upper, countOf(upper));
    this.at = digitsOf(bytes, at, rest - upper * BILLION, 9);
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
    this.need(24);
    const { bytes } = this;
    let at = this.at;
    if (negative) bytes[at++] = MINUS;
    const whole = Math.floor(digits / scale);
    at = digitsOf(bytes, at, whole, countOf(whole));
    bytes[at++] = POINT;
    this.at = digitsOf(bytes, at, digits - whole * scale, places);
  }

  /** A moment, to the second or its day alone where asked for, in quotes; `false` where that is no year of four digits. */
  date(millis: number, dayOnly: boolean, seconds = false): boolean {
    const day = Math.floor(millis / DAY);
    if (!(day >= FIRST_DAY && day <= LAST_DAY)) return false;
    if (day !== this.#day) {
      this.#day = day;
      writeDay(this.#dayText, day);
    }
    this.need(26);
    const { bytes } = this;
    let at = this.at;
    bytes[at++] = QUOTE;
    for (let i = 0; i < 10; i += 1) bytes[at++] = this.#dayText[i] as number;
    if (!dayOnly) {
      const inDay = (millis - day * DAY) | 0;
      const second = (inDay / 1_000) | 0;
      const minute = (second / 60) | 0;
      const hour = (minute / 60) | 0;
      bytes[at++] = 0x54;
      at = two(bytes, at, hour);
      bytes[at++] = 0x3a;
      at = two(bytes, at, minute - hour * 60);
      bytes[at++] = 0x3a;
      at = two(bytes, at, second - minute * 60);
      if (!seconds) {
        const milli = inDay - second * 1_000;
        bytes[at++] = POINT;
        bytes[at++] = ZERO + ((milli / 100) | 0);
        at = two(bytes, at, milli % 100);
      }
      bytes[at++] = 0x5a;
    }
    bytes[at++] = QUOTE;
    this.at = at;
    return true;
  }

  hex(from: Buffer, start: number, end: number): void {
    this.need((end - start) * 2);
    const { bytes } = this;
    let { at } = this;
    for (let i = start; i < end; i += 1) {
      const byte = from[i] as number;
      bytes[at++] = HEX[byte >> 4] as number;
      bytes[at++] = HEX[byte & 15] as number;
    }
    this.at = at;
  }

  /** A JSON string. */
  base64(from: Buffer, start: number, end: number): void {
    this.need(Math.ceil((end - start) / 3) * 4 + 2);
    const { bytes } = this;
    bytes[this.at++] = QUOTE;
    if (end - start > 96) this.at += bytes.write(from.toString('base64', start, end), this.at, 'latin1');
    else this.at = base64(bytes, this.at, from, start, end);
    bytes[this.at++] = QUOTE;
  }
}

const viewOf = ({ buffer, byteOffset, length }: Buffer): DataView => new DataView(buffer, byteOffset, length);

/** Whether these four bytes are ASCII that JSON writes as it is: no control character, quote or backslash. */
function isPlain(four: number): boolean {
  const below = four - 0x20202020;
  const quotes = (four ^ 0x22222222) - 0x01010101;
  const slashes = (four ^ 0x5c5c5c5c) - 0x01010101;
  return ((four | below | quotes | slashes) & 0x80808080) === 0;
}

function countOf(value: number): number {
  let count = 1;
  for (let power = 10; value >= power; power *= 10) count += 1;
  return count;
}

/** The last `count` digits of a whole number below 2^31. */
function digitsOf(bytes: Buffer, at: number, value: number, count: number): number {
  let rest = value | 0;
  for (let i = at + count - 1; i >= at; i -= 1) {
    const next = (rest / 10) | 0;
    bytes[i] = ZERO + rest - next * 10;
    rest = next;
  }
  return at + count;
}

const CYCLE = 146_097;
/** From 1 March of the year 0, where each four hundred years begin, to 1970. */
const TO_1970 = 719_468;

/** A day since 1970 as year, month and day: years are counted from March on, so that a leap day is a year's last. */
function writeDay(bytes: Buffer, day: number): void {
  const since = day + TO_1970;
  const cycle = Math.floor(since / CYCLE);
  const inCycle = since - cycle * CYCLE;
  const leaps = ((inCycle / 1_460) | 0) - ((inCycle / 36_524) | 0) + ((inCycle / 146_096) | 0);
  const ofCycle = ((inCycle - leaps) / 365) | 0;
  const inYear = inCycle - (365 * ofCycle + (ofCycle >> 2) - ((ofCycle / 100) | 0));
  const fromMarch = ((5 * inYear + 2) / 153) | 0;
  const date = inYear - (((153 * fromMarch + 2) / 5) | 0) + 1;
  const month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9;
  const year = ofCycle + cycle * 400 + (month <= 2 ? 1 : 0);
  const century = (year / 100) | 0;
  two(bytes, 0, century);
  two(bytes, 2, year - century * 100);
  bytes[4] = MINUS;
  two(bytes, 5, month);
  bytes[7] = MINUS;
  two(bytes, 8, date);
}

function two(bytes: Buffer, at: number, value: number): number {
  const tens = (value / 10) | 0;
  bytes[at] = ZERO + tens;
  bytes[at + 1] = ZERO + value - tens * 10;
  return at + 2;
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
