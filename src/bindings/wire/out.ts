import type { Piece } from './json-out.ts';

const DAY = 86_400_000;

const NO_DAY: Buffer = Buffer.alloc(0);

function two(bytes: Buffer, at: number, value: number): void {
  bytes[at] = 0x30 + Math.floor(value / 10);
  bytes[at + 1] = 0x30 + (value % 10);
}

/** Bodies are taken out of a slab as they stand, but short ones, which are copied: a slab stays as long as one of its bodies. */
const SLAB = 65_536;
const LARGEST_SLAB = 262_144;
const SHORT_BODY = 4_096;

/** Up to here eight bytes at a time are cheaper than a native call. */
const SHORT = 400;

const NOTHING = Buffer.alloc(0);
const viewOf = (bytes: Buffer): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

/** UTF-8 that is being written; what is taken out is never written upon again, unless it is given back. */
export class Out {
  bytes: Buffer;
  length = 0;
  #view: DataView;
  /** What was taken last, and where it was written. */
  #taken: Buffer | undefined;
  #takenFrom: Buffer = NOTHING;
  /** What was copied from last. */
  #from: Buffer = NOTHING;
  #fromView = viewOf(NOTHING);
  /** Of the last date: the next is often of the same day. */
  #day = -1;
  #dayText = NO_DAY;

  constructor(size = SLAB) {
    this.bytes = Buffer.allocUnsafeSlow(size);
    this.#view = viewOf(this.bytes);
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
    this.#view = viewOf(bytes);
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
    if (this.#from !== from) {
      this.#from = from;
      this.#fromView = viewOf(from);
    }
    const view = this.#view;
    const source = this.#fromView;
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
    const view = this.#view;
    const { length } = this;
    for (let i = 0; i < words.length; i += 1) view.setFloat64(length + 8 * i, words[i] as number, true);
    this.length = length + size;
  }

  text(text: string): void {
    // UTF-16 code units have at most three bytes each.
    this.reserve(3 * text.length);
    this.length += this.bytes.write(text, this.length);
  }

  /** A time from 1970 to 9999, in milliseconds: RFC 3339 with milliseconds, or its day alone, in quotes. */
  date(time: number, dayOnly: boolean): void {
    this.reserve(26);
    const day = Math.floor(time / DAY);
    if (day !== this.#day) {
      this.#day = day;
      this.#dayText = Buffer.from(`"${new Date(time).toISOString().slice(0, 10)}`);
    }
    this.whole(this.#dayText);
    if (!dayOnly) {
      const { bytes, length } = this;
      const millis = time - day * DAY;
      const seconds = Math.floor(millis / 1000);
      const minutes = Math.floor(seconds / 60);
      bytes[length] = 0x54;
      two(bytes, length + 1, Math.floor(minutes / 60));
      bytes[length + 3] = 0x3a;
      two(bytes, length + 4, minutes % 60);
      bytes[length + 6] = 0x3a;
      two(bytes, length + 7, seconds % 60);
      bytes[length + 9] = 0x2e;
      const fraction = millis % 1000;
      bytes[length + 10] = 0x30 + Math.floor(fraction / 100);
      two(bytes, length + 11, fraction % 100);
      bytes[length + 13] = 0x5a;
      this.length = length + 14;
    }
    this.byte(0x22);
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
  }
}
