import {
  B,
  behindColon,
  CLOSE,
  COMMA,
  endOfString,
  endOfValue,
  M,
  MARK,
  N,
  OPEN,
  plainly,
  roomFor,
  S,
  typeAt,
} from '../../model/attributes.ts';
import type { Marks } from '../../model/wire.ts';

/** `"name":{"S":"`, eight bytes at a time; the last eight stand at the end, over others. */
interface Lead {
  readonly length: number;
  readonly words: Float64Array;
  readonly last: number;
  readonly name: number;
  /** From its beginning to the value. */
  readonly value: number;
  /** A string is what comes: S, N or B. */
  readonly text: boolean;
  /** What came behind it the last time. */
  next: Lead | undefined;
}

/** Names and leads beyond these are looked at anew each time: data may have any number of them. */
const KEPT = 512;
const LONGEST = 80;

/** Numbers of one tape, which several replies share: a small one for each would cost more than what is written there. */
const TAPE = 32_768;

const NOTHING = Buffer.alloc(0);
const viewOf = (bytes: Buffer): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

const BACKSLASH = 0x5c;
const QUOTE = 0x22;

/**
 * Marks the attributes of items as DynamoDB writes them. Items of a table have the same names in the same order most of the
 * time, so what comes is held first against what came there the last time. It lives as long as its reader does.
 */
export class Marker {
  #tape = new Int32Array(0);
  #top = 0;
  #bytes: Buffer = NOTHING;
  #view = viewOf(NOTHING);
  readonly #leads = new Map<string, Lead>();
  readonly #names: string[] = [];
  readonly #ids = new Map<string, number>();
  #first: Lead | undefined;
  /** What was marked last, and where its marks begin. */
  #last: Buffer | undefined;
  #from = 0;

  /** What is to be marked now: valid UTF-8. */
  begin(bytes: Buffer): void {
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
    const room = roomFor(bytes.length);
    if (this.#tape.length - this.#top < room) {
      this.#tape = new Int32Array(Math.max(TAPE, room));
      this.#top = 0;
    }
    this.#last = bytes;
    this.#from = this.#top;
  }

  /** Nothing of a reply is kept, nor a tape that one large reply has made. */
  done(): void {
    if (this.#tape.length > TAPE) {
      this.#tape = new Int32Array(0);
      this.#last = undefined;
    }
    this.#bytes = NOTHING;
    this.#view = viewOf(NOTHING);
  }

  /** Nobody looks at the marks of these bytes any more. */
  giveBack(bytes: Buffer): void {
    if (bytes !== this.#last) return;
    this.#last = undefined;
    this.#top = this.#from;
  }

  /** The map at `at`: its end and its marks. Throws PLAINLY. */
  map(at: number): { readonly end: number; readonly marks: Marks } {
    const bytes = this.#bytes;
    const tape = this.#tape;
    const from = this.#top;
    if (bytes[at] !== OPEN) plainly();
    if (bytes[at + 1] === CLOSE) return { end: at + 2, marks: { tape, from, to: from, names: this.#names } };
    let mark = from;
    let before: Lead | undefined;
    let i = at + 1;
    for (;;) {
      const guess = before === undefined ? this.#first : before.next;
      let lead: Lead | undefined = guess;
      if (guess === undefined || !this.#is(guess, i)) {
        lead = this.#leadAt(i);
        if (before !== undefined) before.next = lead;
        else if (mark === from) this.#first = lead;
      }
      let value: number;
      let end: number;
      let plain = 0;
      if (lead === undefined) {
        value = behindColon(bytes, endOfString(bytes, i));
        end = endOfValue(bytes, value);
      } else {
        value = i + lead.value;
        if (lead.text) {
          end = this.#plainEnd(i + lead.length);
          if (end === -1) end = endOfValue(bytes, value);
          else {
            if (bytes[end + 1] !== CLOSE) plainly();
            end += 2;
            plain = 1;
          }
        } else end = endOfValue(bytes, value);
      }
      tape[mark] = i;
      tape[mark + 1] = value;
      tape[mark + 2] = end;
      tape[mark + 3] = lead === undefined ? -1 : 2 * lead.name + plain;
      mark += MARK;
      before = lead;
      const behind = bytes[end];
      if (behind === COMMA) i = end + 1;
      else if (behind === CLOSE) {
        this.#top = mark;
        return { end: end + 1, marks: { tape, from, to: mark, names: this.#names } };
      } else plainly();
    }
  }

  #is({ length, words, last }: Lead, at: number): boolean {
    const view = this.#view;
    if (at + length > view.byteLength || view.getFloat64(at + length - 8, true) !== last) return false;
    for (let i = 0; i < words.length; i += 1) if (view.getFloat64(at + 8 * i, true) !== words[i]) return false;
    return true;
  }

  /** Where the string ends whose first byte is at `from`: its closing quote; -1 where an escape or what is none is in it. */
  #plainEnd(from: number): number {
    const view = this.#view;
    const bytes = this.#bytes;
    const last = view.byteLength - 4;
    let i = from;
    for (; i <= last; i += 4) {
      const four = view.getInt32(i, true);
      const quote = four ^ 0x22222222;
      const slash = four ^ 0x5c5c5c5c;
      // In each byte the highest bit says: less than a space, a quote, a backslash. The lowest of them is never wrong.
      const odd = ((four - 0x20202020) | (quote - 0x01010101) | (slash - 0x01010101)) & ~four & 0x80808080;
      if (odd !== 0) {
        i += (31 - Math.clz32(odd & -odd)) >> 3;
        return bytes[i] === QUOTE ? i : -1;
      }
    }
    return -1;
  }

  /** Of the name at `at`; `undefined` where it is not to be kept. */
  #leadAt(at: number): Lead | undefined {
    const bytes = this.#bytes;
    const value = behindColon(bytes, endOfString(bytes, at));
    const type = typeAt(bytes, value);
    const text = type === S || type === N || type === B;
    const end = value + (text || type === M ? 6 : 4);
    if (text && bytes[end - 1] !== QUOTE) plainly();
    if (end - at > LONGEST) return undefined;
    const key = bytes.toString('latin1', at, end);
    const known = this.#leads.get(key);
    if (known !== undefined) return known;
    if (this.#leads.size === KEPT || bytes.subarray(at, value).includes(BACKSLASH)) return undefined;
    const length = end - at;
    const words = new Float64Array(Math.floor(length / 8));
    for (let i = 0; i < words.length; i += 1) words[i] = this.#view.getFloat64(at + 8 * i, true);
    const name = this.#nameOf(bytes.toString('utf8', at + 1, value - 2));
    const last = this.#view.getFloat64(end - 8, true);
    const lead: Lead = { length, words, last, name, value: value - at, text, next: undefined };
    this.#leads.set(key, lead);
    return lead;
  }

  #nameOf(name: string): number {
    const known = this.#ids.get(name);
    if (known !== undefined) return known;
    this.#ids.set(name, this.#names.length);
    return this.#names.push(name) - 1;
  }
}
