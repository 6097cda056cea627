import type { Codec } from '../model/binding.ts';
import { canonicalNumber, exactDouble, plainNumber, toScale } from '../model/number.ts';
import type { Shape } from '../model/shape.ts';
import { bsonTypeOf, type Plain, plainOf } from './scalar.ts';

/** A store value that cannot be decoded or written: that origin cannot answer. The message names the pointer. */
export class Undecodable extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'Undecodable';
  }
}

/** A store's scalar → its JSON text. Throws Undecodable. */
export type Encode = (value: unknown) => string;

const fail = (what: string): never => {
  throw new Undecodable(what);
};

/** How a scalar is written: by its codec, else by its own type and the contract's format. */
export function compileEncode(shape: Shape, codec: Codec | undefined): Encode {
  const text = shape.kind === 'string';
  const format = 'format' in shape ? shape.format : undefined;
  const scale = /^decimal\((\d+)\)$/.exec(codec ?? '')?.[1];
  if (scale !== undefined)
    return (value) =>
      quoteIf(text, toScale(numberText(value), Number(scale)) ?? fail(`a number has more than ${scale} decimals`));
  switch (codec) {
    case 'date':
      return (value) => quote(dateOf(value).toISOString().slice(0, 10));
    case 'iso8601-seconds':
      return (value) => quote(withoutMillis(dateOf(value)));
    case 'iso8601-millis':
      return (value) => quote(dateOf(value).toISOString());
    case 'epoch-seconds':
    case 'epoch-millis':
      return epoch(codec === 'epoch-seconds' ? 1000 : 1, text, format);
    case 'decimal-string':
      return (value) => quote(plainNumber(numberText(value)) ?? fail('no number'));
    case 'number':
      return (value) => numberText(value);
    case 'string':
      return (value) => quote(plainText(value));
    case 'uuid':
      return (value) => quote(uuidOf(value));
    case 'hex':
      return (value) => quote(bytesOf(value)?.toString('hex') ?? fail('no binary'));
    default:
      return format === 'date' ? byNature((date) => date.slice(0, 10)) : byNature((date) => date);
  }
}

/** A text shape says how the stored number is read; a number shape how the stored date is written. */
function epoch(unit: number, text: boolean, format: string | undefined): Encode {
  if (!text) {
    return (value) => {
      const plain = plainOf(value);
      return plain?.kind === 'number' ? plain.text : String(Math.floor(dateOf(value).getTime() / unit));
    };
  }
  return (value) => {
    const plain = plainOf(value);
    const digits =
      plain?.kind === 'number' || (plain?.kind === 'string' && /^-?\d+$/.test(plain.text)) ? plain.text : undefined;
    const date = digits === undefined ? dateOf(value) : new Date(Number(digits) * unit);
    if (!isValid(date)) fail('no date');
    return quote(format === 'date' ? date.toISOString().slice(0, 10) : date.toISOString());
  };
}

/** The JSON text of a scalar by its own type; `undefined` where it is none. */
export function naturalScalar(value: unknown, date: (iso: string) => string = (iso) => iso): string | undefined {
  const plain = plainOf(value);
  if (plain !== undefined) return plainJson(plain, date);
  const bytes = bytesOf(value);
  return bytes === undefined ? undefined : quote(bytes.toString('base64'));
}

function byNature(date: (iso: string) => string): Encode {
  return (value) => naturalScalar(value, date) ?? fail(`a ${nameOf(value)} cannot be written`);
}

function plainJson(plain: Plain, date: (iso: string) => string): string {
  switch (plain.kind) {
    case 'null':
      return 'null';
    case 'boolean':
      return String(plain.value);
    case 'number':
      return plain.text;
    case 'date':
      return quote(date(plain.text));
    default:
      return quote(plain.text);
  }
}

const quote = (text: string): string => JSON.stringify(text);
const quoteIf = (text: boolean, value: string): string => (text ? quote(value) : value);

function numberText(value: unknown): string {
  const plain = plainOf(value);
  if (plain?.kind === 'number') return plain.text;
  if (plain?.kind === 'string') return canonicalNumber(plain.text) ?? fail('a text is no number');
  return fail(`a ${nameOf(value)} is no number`);
}

function plainText(value: unknown): string {
  const plain = plainOf(value);
  if (plain === undefined || plain.kind === 'null')
    return bytesOf(value)?.toString('utf8') ?? fail(`a ${nameOf(value)} is no text`);
  return plain.kind === 'boolean' ? String(plain.value) : plain.text;
}

/** RFC 3339, or its day alone: what else `Date` would read depends on the machine's time zone or is a guess. */
const RFC3339 = /^(\d{4}-\d{2}-\d{2})(T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2}))?$/i;

function dateOf(value: unknown): Date {
  const plain = plainOf(value);
  if (plain?.kind === 'date') return new Date(plain.text);
  const day = plain?.kind === 'string' ? RFC3339.exec(plain.text)?.[1] : undefined;
  // February 31 would become March 3.
  const isDay = day !== undefined && isValid(new Date(day)) && new Date(day).toISOString().startsWith(day);
  const date = isDay ? new Date((plain as { text: string }).text) : new Date(Number.NaN);
  return isValid(date) ? date : fail(`a ${nameOf(value)} is no date`);
}

const isValid = (date: Date): boolean => !Number.isNaN(date.getTime());

/** JSON text → its value, numbers that a double cannot hold wrapped as DynamoDB's client wraps them. Throws Undecodable. */
export function fromJsonText(value: unknown, pointer: string): unknown {
  const revive = (_key: string, inner: unknown, context: { source: string }) =>
    typeof inner === 'number' ? (exactDouble(context.source) ?? new NumberValueText(context.source)) : inner;
  try {
    return JSON.parse(plainText(value), revive as (key: string, value: unknown) => unknown);
  } catch (error) {
    throw new Undecodable(`${pointer || '/'}: ${(error as Error).message}`);
  }
}

/** Looks like lib-dynamodb's NumberValue. */
export class NumberValueText {
  readonly value: string;

  constructor(value: string) {
    this.value = value;
  }
}

/** RFC 3339 without a fraction, and with it where there is one to lose. */
const withoutMillis = (date: Date): string => date.toISOString().replace(/\.\d{3}Z$/, 'Z');

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function uuidOf(value: unknown): string {
  const plain = plainOf(value);
  if (plain?.kind === 'uuid' || plain?.kind === 'string') {
    const text = plain.text.toLowerCase();
    return UUID.test(text) ? text : fail('no UUID');
  }
  const hex = bytesOf(value)?.toString('hex') ?? '';
  if (hex.length !== 32) fail('no UUID');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** The bytes of a binary of either store. */
export function bytesOf(value: unknown): Buffer | undefined {
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  if (typeof value !== 'object' || value === null || bsonTypeOf(value) !== 'Binary') return undefined;
  const binary = value as { buffer?: Uint8Array; position?: number };
  if (binary.buffer === undefined) return undefined;
  return Buffer.from(binary.buffer).subarray(0, binary.position);
}

const nameOf = (value: unknown): string =>
  String((value as { _bsontype?: string })?._bsontype ?? (value as object)?.constructor?.name ?? typeof value);
