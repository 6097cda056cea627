import { areHeaders, type Head, headOf, malformed } from './head.ts';
import { Slab } from './slab.ts';

/** A reply as it came, whole. */
export interface Reply {
  readonly head: Head;
  readonly body: Buffer;
}

/** No head is longer; no reply of DynamoDB is. */
const MAX_HEAD = 65_536;
const MAX_BODY = 64 * 1_048_576;

const END_OF_HEAD = Buffer.from('\r\n\r\n');
const NOTHING = Buffer.alloc(0);

/**
 * Puts one reply together from the bytes of its connection, as they come. What it is given may be written over afterwards:
 * what it keeps is copied, the body once, to where it stays.
 */
export class Incoming {
  readonly #slab: Slab;
  #head: Head | undefined;
  /** Of a head that is not whole yet, or of what is not of a known length. */
  #kept: Buffer = NOTHING;
  #body: Buffer = NOTHING;
  #filled = 0;
  /** Whether bytes came that are not of the reply. */
  over = false;

  constructor(slab: Slab = new Slab()) {
    this.#slab = slab;
  }

  get began(): boolean {
    return this.#head !== undefined || this.#kept.length > 0;
  }

  /** The reply, once it is whole. Throws where it is none. */
  take(bytes: Buffer, count: number): Reply | undefined {
    if (this.#head !== undefined) return this.#more(this.#head, bytes, 0, count);
    const whole = this.#kept.length === 0;
    const all = whole ? bytes : Buffer.concat([this.#kept, bytes.subarray(0, count)]);
    const size = whole ? count : all.length;
    const end = all.indexOf(END_OF_HEAD);
    if (end === -1 || end + 4 > size) {
      if (size > MAX_HEAD) throw malformed('head');
      this.#kept = whole ? Buffer.from(bytes.subarray(0, count)) : all;
      return undefined;
    }
    const head = headOf(all.toString('latin1', 0, end));
    this.#head = head;
    this.#kept = NOTHING;
    if (typeof head.length === 'number') {
      if (head.length > MAX_BODY) throw malformed('length');
      this.#body = head.length === 0 ? NOTHING : this.#slab.take(head.length);
    }
    return this.#more(head, all, end + 4, size);
  }

  /** The connection ended: the reply, if that is its end too. */
  end(): Reply | undefined {
    const head = this.#head;
    return head?.length === 'until the end' ? { head, body: this.#kept } : undefined;
  }

  #more(head: Head, bytes: Buffer, start: number, end: number): Reply | undefined {
    if (typeof head.length !== 'number') return this.#collect(head, bytes.subarray(start, end));
    const body = this.#body;
    const size = Math.min(end - start, body.length - this.#filled);
    bytes.copy(body, this.#filled, start, start + size);
    this.#filled += size;
    if (start + size < end) this.over = true;
    return this.#filled === body.length ? { head, body } : undefined;
  }

  /** Rare: proxies and stand-ins send like this. */
  #collect(head: Head, bytes: Buffer): Reply | undefined {
    if (this.#kept.length + bytes.length > MAX_BODY) throw malformed('length');
    this.#kept = Buffer.concat([this.#kept, bytes]);
    if (head.length !== 'chunked') return undefined;
    const found = unchunked(this.#kept);
    if (found === undefined) return undefined;
    this.over = found.end < this.#kept.length;
    return { head, body: found.body };
  }
}

const CHUNK = /^([\dA-Fa-f]{1,8})(?:[\t ]*;[\t -~\x80-\xff]*)?$/;

/** The body in chunks (RFC 9112 §7.1) and where it ends; nothing where it is not whole. Throws where it is none. */
function unchunked(bytes: Buffer): { readonly body: Buffer; readonly end: number } | undefined {
  const parts: Buffer[] = [];
  for (let at = 0; ; ) {
    const line = bytes.indexOf('\r\n', at);
    if (line === -1) return tooLong(bytes.length - at);
    const size = CHUNK.exec(bytes.toString('latin1', at, line));
    if (size === null) throw malformed('chunk');
    const start = line + 2;
    const length = Number.parseInt(size[1] as string, 16);
    if (length === 0) {
      const end = bytes.indexOf('\r\n', start) === start ? start + 2 : endOfTrailers(bytes, start);
      return end === undefined ? undefined : { body: Buffer.concat(parts), end };
    }
    const end = start + length;
    if (bytes.length < end + 2) return undefined;
    if (bytes[end] !== 0x0d || bytes[end + 1] !== 0x0a) throw malformed('chunk');
    parts.push(bytes.subarray(start, end));
    at = end + 2;
  }
}

function endOfTrailers(bytes: Buffer, at: number): number | undefined {
  const end = bytes.indexOf(END_OF_HEAD, at);
  if (end === -1) return tooLong(bytes.length - at);
  if (!areHeaders(bytes.toString('latin1', at, end))) throw malformed('trailer');
  return end + 4;
}

function tooLong(length: number): undefined {
  if (length > MAX_HEAD) throw malformed('chunk');
  return undefined;
}
