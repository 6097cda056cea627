import {
  BINARY,
  BOOLEAN,
  DATE,
  DECIMAL128,
  DOUBLE,
  INT32,
  INT64,
  int32At,
  NULL,
  OBJECT_ID,
  STRING,
} from '../../model/bson.ts';
import { canonicalNumber } from '../../model/number.ts';
import type { Shape } from '../../model/shape.ts';
import { compileEncode } from '../codecs.ts';
import { BAIL } from './bson-walk.ts';
import type { JsonOut } from './json-out.ts';
import { pieceOf } from './out.ts';
import type { ScalarNode } from './program.ts';

/** Writes a value of this type from `start` to `end`. Throws BAIL. */
export type WriteScalar = (bytes: Buffer, type: number, start: number, end: number) => void;

const NULL_TEXT = pieceOf(Buffer.from('null'));
const TRUE_TEXT = pieceOf(Buffer.from('true'));
const FALSE_TEXT = pieceOf(Buffer.from('false'));
const QUOTE = 0x22;
const UUID = 4;
/** Its bytes begin with their length once more. */
const OLD_BINARY = 2;

/** A number as we print them that is no integer: `1.5` and `1e-7`, not `1.5e+30`. */
const FRACTION = /^-?\d+(\.\d+(?!\d*e\+)|e-)/;

export function writeNull(out: JsonOut): void {
  out.piece(NULL_TEXT);
}

/** By its own type, whatever the contract says. */
export function writeNatural(out: JsonOut, bytes: Buffer, type: number, start: number, end: number): void {
  switch (type) {
    case NULL:
      out.piece(NULL_TEXT);
      return;
    case BOOLEAN:
      writeBoolean(out, bytes, start);
      return;
    case STRING:
      writeString(out, bytes, start, end);
      return;
    case DATE:
      writeDate(out, bytes, start, false);
      return;
    case OBJECT_ID:
      writeObjectId(out, bytes, start, end);
      return;
    case BINARY:
      writeBinary(out, bytes, start, end);
      return;
    default:
      writeNumber(out, bytes, type, start, false);
  }
}

/** As the contract has it; another kind than its type is for the plain renderer, which counts it. */
export function compileScalar(node: ScalarNode, out: JsonOut): WriteScalar {
  if (node.codec !== undefined) return coded(node, out);
  const { type: wanted, format, nullable } = node;
  const any = wanted === 'any' || wanted === 'null';
  const texts = any || wanted === 'string';
  const numbers = any || wanted === 'number' || wanted === 'integer';
  const wholes = wanted === 'integer';
  const booleans = any || wanted === 'boolean';
  const nulls = nullable || wanted === 'null';
  const dayOnly = format === 'date';
  return (bytes, type, start, end) => {
    switch (type) {
      case STRING:
        if (!texts) throw BAIL;
        writeString(out, bytes, start, end);
        return;
      case DATE:
        if (!texts) throw BAIL;
        writeDate(out, bytes, start, dayOnly);
        return;
      case OBJECT_ID:
        if (!texts) throw BAIL;
        writeObjectId(out, bytes, start, end);
        return;
      case BINARY:
        if (!texts) throw BAIL;
        writeBinary(out, bytes, start, end);
        return;
      case BOOLEAN:
        if (!booleans) throw BAIL;
        writeBoolean(out, bytes, start);
        return;
      case NULL:
        if (!nulls) throw BAIL;
        out.piece(NULL_TEXT);
        return;
      default:
        if (!numbers) throw BAIL;
        writeNumber(out, bytes, type, start, wholes);
    }
  };
}

/** By a codec: moments quickly, all else as the plain renderer does it. */
function coded({ type: wanted, format, codec, nullable }: ScalarNode, out: JsonOut): WriteScalar {
  const shape = { kind: wanted, format, name: undefined, nullable, constant: undefined } as Shape;
  const encode = compileEncode(shape, codec);
  const kind = wanted === 'integer' ? 'number' : wanted === 'any' || wanted === 'null' ? undefined : wanted;
  const day = codec === 'date';
  const seconds = codec === 'iso8601-seconds';
  const moments = (day || seconds || codec === 'iso8601-millis') && (kind === undefined || kind === 'string');
  const nulls = nullable || wanted === 'null';
  return (bytes, type, start, end) => {
    if (type === NULL && nulls) {
      out.piece(NULL_TEXT);
      return;
    }
    if (type === DATE && moments) {
      writeDate(out, bytes, start, day, seconds);
      return;
    }
    const text = encode(standIn(bytes, type, start, end));
    const made = text[0] === '"' ? 'string' : 'number';
    if ((kind !== undefined && made !== kind) || (wanted === 'integer' && FRACTION.test(text))) throw BAIL;
    out.text(text);
  };
}

function writeString(out: JsonOut, bytes: Buffer, start: number, end: number): void {
  if (bytes[end - 1] !== 0 || !out.string(bytes, start + 4, end - 1)) throw BAIL;
}

function writeBoolean(out: JsonOut, bytes: Buffer, start: number): void {
  const byte = bytes[start];
  if (byte !== 0 && byte !== 1) throw BAIL;
  out.piece(byte === 1 ? TRUE_TEXT : FALSE_TEXT);
}

function writeDate(out: JsonOut, bytes: Buffer, start: number, dayOnly: boolean, seconds = false): void {
  const millis = int32At(bytes, start + 4) * 4_294_967_296 + (int32At(bytes, start) >>> 0);
  if (!out.date(millis, dayOnly, seconds)) throw BAIL;
}

function writeObjectId(out: JsonOut, bytes: Buffer, start: number, end: number): void {
  out.byte(QUOTE);
  out.hex(bytes, start, end);
  out.byte(QUOTE);
}

function writeBinary(out: JsonOut, bytes: Buffer, start: number, end: number): void {
  const kind = bytes[start + 4];
  if (kind === OLD_BINARY) throw BAIL;
  const from = start + 5;
  if (kind !== UUID) {
    out.base64(bytes, from, end);
    return;
  }
  if (end - from !== 16) throw BAIL;
  out.byte(QUOTE);
  for (const [first, behind] of UUID_PARTS) {
    if (first > 0) out.byte(0x2d);
    out.hex(bytes, from + first, from + behind);
  }
  out.byte(QUOTE);
}

const UUID_PARTS = Object.freeze([
  [0, 4],
  [4, 6],
  [6, 8],
  [8, 10],
  [10, 16],
] as const);

function writeNumber(out: JsonOut, bytes: Buffer, type: number, start: number, whole: boolean): void {
  switch (type) {
    case INT32:
      out.integer(int32At(bytes, start));
      return;
    case INT64: {
      const value = int32At(bytes, start + 4) * 4_294_967_296 + (int32At(bytes, start) >>> 0);
      if (Number.isSafeInteger(value)) out.integer(value);
      else out.text(String(bytes.readBigInt64LE(start)));
      return;
    }
    case DOUBLE: {
      const value = bytes.readDoubleLE(start);
      if (!Number.isFinite(value) || (whole && !Number.isInteger(value))) throw BAIL;
      if (Number.isSafeInteger(value)) out.integer(value);
      else out.fraction(value);
      return;
    }
    case DECIMAL128: {
      const text = decimalText(bytes, start);
      if (whole && FRACTION.test(text)) throw BAIL;
      out.text(text);
      return;
    }
    default:
      throw BAIL;
  }
}

const COEFFICIENT = (1n << 49n) - 1n;
const LARGEST = 10n ** 34n - 1n;
const BIAS = 6_176;

/** The canonical text of a Decimal128. Throws BAIL for what is no number, or written as nobody writes it. */
function decimalText(bytes: Buffer, start: number): string {
  const high = bytes.readBigUInt64LE(start + 8);
  const coefficient = ((high & COEFFICIENT) << 64n) | bytes.readBigUInt64LE(start);
  if (((high >> 61n) & 3n) === 3n || coefficient > LARGEST) throw BAIL;
  const exponent = Number((high >> 49n) & 0x3fffn) - BIAS;
  const text = canonicalNumber(`${high >> 63n === 1n ? '-' : ''}${coefficient}e${exponent}`);
  if (text === undefined) throw BAIL;
  return text;
}

/** What stands for the driver's value where a codec looks at it. Throws BAIL for what is no scalar. */
function standIn(bytes: Buffer, type: number, start: number, end: number): unknown {
  switch (type) {
    case STRING: {
      const text = bytes.toString('utf8', start + 4, end - 1);
      if (bytes[end - 1] !== 0 || text.includes('\ufffd')) throw BAIL;
      return text;
    }
    case INT32:
      return int32At(bytes, start);
    case DOUBLE:
      return bytes.readDoubleLE(start);
    case INT64:
      return bytes.readBigInt64LE(start);
    case DECIMAL128:
      return new DecimalText(decimalText(bytes, start));
    case DATE:
      return new Date(Number(bytes.readBigInt64LE(start)));
    case OBJECT_ID:
      return new IdText(bytes.toString('hex', start, end));
    case BINARY: {
      const kind = bytes[start + 4];
      if (kind === OLD_BINARY || kind === UUID) throw BAIL;
      return bytes.subarray(start + 5, end);
    }
    case BOOLEAN:
      if ((bytes[start] as number) > 1) throw BAIL;
      return bytes[start] === 1;
    default:
      throw BAIL;
  }
}

/** As the driver's: of a value that has a `_bsontype` of its own codecs believe nothing. */
class DecimalText {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  get _bsontype(): string {
    return 'Decimal128';
  }

  toString(): string {
    return this.#text;
  }
}

class IdText {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  get _bsontype(): string {
    return 'ObjectId';
  }

  toHexString(): string {
    return this.#text;
  }
}
