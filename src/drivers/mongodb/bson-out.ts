import { ObjectId } from 'mongodb';
import { ARRAY, BOOLEAN, DATE, DOCUMENT, DOUBLE, INT32, NULL, OBJECT_ID, STRING } from '../../model/bson.ts';

const FIRST = 1024;
/** Longer ones are not kept from one message to the next. */
const KEPT = 64 * 1024;
/** Deeper ones are left to the driver's library, which also sees where a value holds itself. */
const MAX_DEPTH = 20;
/** A native call costs as much as so many characters. */
const SHORT = 32;
/** Of days on either side of 1970, as `Date` has it. */
const LAST_MILLI = 8.64e15;
const HIGH = 4_294_967_296;

/**
 * BSON of the values that filters usually hold, byte for byte as the driver's library writes them, at a part of the cost.
 * What is written is kept in one buffer from one message to the next, so it is used by one thread.
 */
export class BsonOut {
  bytes: Buffer = Buffer.allocUnsafeSlow(FIRST);
  at = 0;

  /** From here on. */
  begin(at: number): void {
    if (this.bytes.length > KEPT) this.bytes = Buffer.allocUnsafeSlow(FIRST);
    this.at = at;
  }

  need(count: number): void {
    if (this.at + count <= this.bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, this.at + count));
    this.bytes.copy(grown, 0, 0, this.at);
    this.bytes = grown;
  }

  raw(piece: Buffer): void {
    const { length } = piece;
    this.need(length);
    const { bytes, at } = this;
    if (length > SHORT) piece.copy(bytes, at);
    else for (let i = 0; i < length; i += 1) bytes[at + i] = piece[i] as number;
    this.at = at + length;
  }

  int32(value: number): void {
    this.need(4);
    putInt32(this.bytes, this.at, value);
    this.at += 4;
  }

  /** A string's length, text and end. */
  text(text: string): void {
    const at = this.at;
    this.at += 4;
    this.#utf8(text);
    this.need(1);
    this.bytes[this.at] = 0;
    this.at += 1;
    putInt32(this.bytes, at, this.at - at - 4);
  }

  /** A document's length, attributes and end. `false`, and anything written, where one is to be written by the library. */
  document(given: object, depth = 0): boolean {
    const from = this.at;
    this.need(5);
    this.at += 4;
    for (const name of Object.keys(given)) {
      if (!this.#element(name, (given as Readonly<Record<string, unknown>>)[name], depth)) return false;
    }
    this.#end(from);
    return true;
  }

  #end(from: number): void {
    this.need(1);
    this.bytes[this.at] = 0;
    this.at += 1;
    putInt32(this.bytes, from, this.at - from);
  }

  #list(given: readonly unknown[], depth: number): boolean {
    const from = this.at;
    this.need(5);
    this.at += 4;
    for (let i = 0; i < given.length; i += 1) if (!this.#element(String(i), given[i], depth)) return false;
    this.#end(from);
    return true;
  }

  #element(name: string, value: unknown, depth: number): boolean {
    switch (typeof value) {
      case 'string':
        if (!this.#name(STRING, name)) return false;
        this.text(value);
        return true;
      case 'number':
        return this.#number(name, value);
      case 'boolean':
        if (!this.#name(BOOLEAN, name)) return false;
        this.need(1);
        this.bytes[this.at] = value ? 1 : 0;
        this.at += 1;
        return true;
      case 'undefined':
        return this.#name(NULL, name);
      case 'object':
        return value === null ? this.#name(NULL, name) : this.#object(name, value, depth);
      default:
        return false;
    }
  }

  #number(name: string, value: number): boolean {
    if ((value | 0) === value && !Object.is(value, -0)) {
      if (!this.#name(INT32, name)) return false;
      this.int32(value);
      return true;
    }
    if (!this.#name(DOUBLE, name)) return false;
    this.need(8);
    this.at = this.bytes.writeDoubleLE(value, this.at);
    return true;
  }

  #object(name: string, value: object, depth: number): boolean {
    if (value instanceof ObjectId) {
      if (!this.#name(OBJECT_ID, name)) return false;
      const { id } = value;
      this.need(12);
      for (let i = 0; i < 12; i += 1) this.bytes[this.at + i] = id[i] as number;
      this.at += 12;
      return true;
    }
    if ('toBSON' in value || '_bsontype' in value || depth === MAX_DEPTH) return false;
    if (value instanceof Date) return this.#date(name, value.getTime());
    if (Array.isArray(value)) return this.#name(ARRAY, name) && this.#list(value, depth + 1);
    return isPlainObject(value) && this.#name(DOCUMENT, name) && this.document(value, depth + 1);
  }

  #date(name: string, millis: number): boolean {
    if (!(Math.abs(millis) <= LAST_MILLI) || !this.#name(DATE, name)) return false;
    this.int32((millis % HIGH) | 0);
    this.int32(Math.floor(millis / HIGH));
    return true;
  }

  /** Type and name of an element. */
  #name(type: number, name: string): boolean {
    if (name.includes('\0')) return false;
    this.need(2 + name.length);
    this.bytes[this.at] = type;
    this.at += 1;
    this.#utf8(name);
    this.need(1);
    this.bytes[this.at] = 0;
    this.at += 1;
    return true;
  }

  #utf8(text: string): void {
    const { length } = text;
    this.need(length * 3 + 5);
    const { bytes, at } = this;
    if (length <= SHORT) {
      let i = 0;
      for (; i < length; i += 1) {
        const code = text.charCodeAt(i);
        if (code >= 0x80) break;
        bytes[at + i] = code;
      }
      if (i === length) {
        this.at = at + length;
        return;
      }
    }
    this.at = at + bytes.write(text, at);
  }
}

export function putInt32(bytes: Buffer, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >> 8;
  bytes[at + 2] = value >> 16;
  bytes[at + 3] = value >> 24;
}

/** No class of anybody's: what the library makes of those, it says. */
export function isPlainObject(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
