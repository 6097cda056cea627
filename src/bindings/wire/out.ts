const DAY = 86_400_000;

const NO_DAY: Buffer = Buffer.alloc(0);

function two(bytes: Buffer, at: number, value: number): void {
  bytes[at] = 0x30 + Math.floor(value / 10);
  bytes[at + 1] = 0x30 + (value % 10);
}

/** Bytes that are being written; one is used again and again, so nothing of it may be kept. */
export class Out {
  bytes: Buffer;
  length = 0;
  /** Of the last date: the next is often of the same day. */
  #day = -1;
  #dayText = NO_DAY;

  constructor(size = 16_384) {
    this.bytes = Buffer.allocUnsafeSlow(size);
  }

  /** Room for `more` bytes. */
  reserve(more: number): void {
    if (this.length + more <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.bytes.length, this.length + more));
    this.bytes.copy(larger, 0, 0, this.length);
    this.bytes = larger;
  }

  byte(value: number): void {
    if (this.length === this.bytes.length) this.reserve(1);
    this.bytes[this.length] = value;
    this.length += 1;
  }

  /** Short stretches by hand: a native call costs as much as some forty bytes. */
  copy(from: Buffer, start: number, end: number): void {
    const size = end - start;
    this.reserve(size);
    const { bytes, length } = this;
    if (size > SHORT) from.copy(bytes, length, start, end);
    else for (let i = 0; i < size; i += 1) bytes[length + i] = from[start + i] as number;
    this.length = length + size;
  }

  whole(from: Buffer): void {
    this.copy(from, 0, from.length);
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

  /** What was written, as bytes of their own. A buffer that one large body has made is not kept. */
  take(): Buffer {
    const taken = Buffer.allocUnsafe(this.length);
    this.bytes.copy(taken, 0, 0, this.length);
    this.length = 0;
    if (this.bytes.length > LARGE) this.bytes = Buffer.allocUnsafeSlow(LARGE);
    return taken;
  }
}

const SHORT = 40;

const LARGE = 1_048_576;
