import { two, writeDay } from './digits.ts';

const QUOTE = 0x22;
const ZERO = 0x30;

const DAY = 86_400_000;
/** Of the years 0 to 9999, which RFC 3339 writes with four digits. */
const FIRST_DAY = -719_528;
const LAST_DAY = 2_932_896;

/** Bodies are taken out of a slab as they stand, but short ones, which are copied: a slab stays as long as one of its bodies. */
const SLAB = 65_536;
const LARGEST_SLAB = 262_144;
const SHORT_BODY = 4_096;

/** Up to here eight bytes at a time are cheaper than a native call. */
const SHORT = 400;
/** A native call costs as much as so many characters. */
const SHORT_TEXT = 24;

const NOTHING = Buffer.alloc(0);
const viewOf = (bytes: Buffer): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

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

/** UTF-8 that is being written; what is taken out is never written upon again, unless it is given back. */
export class Out {
  bytes: Buffer;
  length = 0;
  protected view: DataView;
  /** What was taken last, and where it was written. */
  #taken: Buffer | undefined;
  #takenFrom: Buffer = NOTHING;
  /** What was read from last, several bytes at a time. */
  #from: Buffer = NOTHING;
  #fromView = viewOf(NOTHING);
  /** Of the last date: the next is often of the same day. */
  #day = Number.NaN;
  readonly #dayText = Buffer.alloc(10);

  constructor(size = SLAB) {
    this.bytes = Buffer.allocUnsafeSlow(size);
    this.view = viewOf(this.bytes);
  }

  /** Room for `more` bytes. */
  reserve(more: number): void {
    if (this.length + more > this.bytes.length) this.#grow(more);
  }

  #grow(more: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(SLAB, 2 * this.length, this.length + more));
    this.bytes.copy(larger, 0, 0, this.length);
    this.#hold(larger);
  }

  #hold(bytes: Buffer): void {
    this.bytes = bytes;
    this.view = viewOf(bytes);
  }

  /** Made once for the buffer that is read from. */
  viewFrom(from: Buffer): DataView {
    if (this.#from !== from) {
      this.#from = from;
      this.#fromView = viewOf(from);
    }
    return this.#fromView;
  }

  byte(value: number): void {
    if (this.length === this.bytes.length) this.#grow(1);
    this.bytes[this.length] = value;
    this.length += 1;
  }

  /** Of valid UTF-8, in which no eight bytes are what a double may change on the way, a NaN. */
  copy(from: Buffer, start: number, end: number): void {
    const size = end - start;
    this.reserve(size);
    const { bytes, length } = this;
    this.length = length + size;
    if (size < 8) {
      for (let i = 0; i < size; i += 1) bytes[length + i] = from[start + i] as number;
      return;
    }
    if (size > SHORT) {
      from.copy(bytes, length, start, end);
      return;
    }
    const source = this.viewFrom(from);
    const { view } = this;
    const last = size - 8;
    for (let i = 0; i < last; i += 8) view.setFloat64(length + i, source.getFloat64(start + i, true), true);
    view.setFloat64(length + last, source.getFloat64(end - 8, true), true);
  }

  whole(from: Buffer): void {
    const size = from.length;
    this.reserve(size);
    const { bytes, length } = this;
    for (let i = 0; i < size; i += 1) bytes[length + i] = from[i] as number;
    this.length = length + size;
  }

  /** What is written many times. */
  piece({ length: size, words }: Piece): void {
    this.reserve(size + 7);
    const { view, length } = this;
    for (let i = 0; i < words.length; i += 1) view.setFloat64(length + 8 * i, words[i] as number, true);
    this.length = length + size;
  }

  text(text: string): void {
    const size = text.length;
    // UTF-16 code units have at most three bytes each.
    this.reserve(3 * size);
    const { bytes, length } = this;
    let i = size > SHORT_TEXT ? size : 0;
    for (; i < size; i += 1) {
      const code = text.charCodeAt(i);
      if (code >= 0x80) break;
      bytes[length + i] = code;
    }
    this.length = length + (i === size && size <= SHORT_TEXT ? size : bytes.write(text, length));
  }

  /**
   * A moment in milliseconds since 1970, to the second or its day alone where asked for, in quotes: RFC 3339. `false`, and
   * nothing written, where that is no year of four digits.
   */
  date(time: number, dayOnly: boolean, seconds = false): boolean {
    const day = Math.floor(time / DAY);
    if (!(day >= FIRST_DAY && day <= LAST_DAY)) return false;
    if (day !== this.#day) {
      this.#day = day;
      writeDay(this.#dayText, day);
    }
    this.reserve(26);
    const { bytes } = this;
    let at = this.length;
    bytes[at++] = QUOTE;
    for (let i = 0; i < 10; i += 1) bytes[at++] = this.#dayText[i] as number;
    if (!dayOnly) {
      const inDay = (time - day * DAY) | 0;
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
        bytes[at++] = 0x2e;
        bytes[at++] = ZERO + ((milli / 100) | 0);
        at = two(bytes, at, milli % 100);
      }
      bytes[at++] = 0x5a;
    }
    bytes[at++] = QUOTE;
    this.length = at;
    return true;
  }

  /** What was written, and from now on nothing. */
  take(): Buffer {
    const { bytes, length } = this;
    this.clear();
    if (length <= SHORT_BODY) {
      const taken = Buffer.allocUnsafe(length);
      bytes.copy(taken, 0, 0, length);
      if (bytes.length > LARGEST_SLAB) this.#hold(NOTHING);
      return taken;
    }
    const taken = bytes.subarray(0, length);
    const kept = bytes.length <= LARGEST_SLAB;
    this.#taken = taken;
    this.#takenFrom = kept ? bytes : NOTHING;
    this.#hold(kept ? bytes.subarray(length) : NOTHING);
    return taken;
  }

  /** Nobody looks at this any more. Does nothing but for what was taken last. */
  giveBack(taken: Buffer): void {
    if (taken !== this.#taken || this.length > 0) return;
    this.#taken = undefined;
    this.#hold(this.#takenFrom);
  }

  clear(): void {
    this.length = 0;
    this.#from = NOTHING;
    this.#fromView = this.view;
  }
}
