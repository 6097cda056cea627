import { NumberValue } from '@aws-sdk/lib-dynamodb';
import { StoreError } from '../../errors.ts';
import { MARK } from '../../model/attributes.ts';
import type { Item } from '../../model/call.ts';
import { lookedAt } from '../../model/looked-at.ts';
import { exactDouble } from '../../model/number.ts';
import type { WireItem } from '../../model/wire.ts';

type Attribute = Readonly<Record<string, unknown>>;

const undecodable = (what: string, cause?: unknown): StoreError =>
  new StoreError('dynamodb', 'undecodable', what, cause);

/** A number is a double where that prints as the same decimal. */
export const numberOf = (text: string): unknown => exactDouble(text) ?? NumberValue.from(text);

/** One item of a reply, as lib-dynamodb gives it. Throws StoreError (undecodable). */
export const decodeItem = ({ bytes, start, end }: WireItem): Item => itemOf(parsed(bytes.toString('utf8', start, end)));

/** The same, decoded as far as it is looked at. */
export const viewItem = (item: WireItem): Item =>
  item.marks === undefined
    ? decodeItem(item)
    : lookedAt(
        (name) => attributeOf(item, name),
        () => decodeItem(item),
      );

const BACKSLASH = 0x5c;

/** By its name, which stands in quotes before a colon; of several the last, as JSON.parse has it. */
function attributeOf(item: WireItem, name: string): unknown {
  const { bytes, marks } = item;
  if (marks === undefined || !PLAIN.test(name)) return own(decodeItem(item), name);
  const { tape, from, to } = marks;
  let at = -1;
  for (let mark = from; mark < to; mark += MARK) {
    const start = (tape[mark] as number) + 1;
    const end = (tape[mark + 1] as number) - 2;
    // A name with escapes may be any name.
    for (let i = start; i < end; i += 1) if (bytes[i] === BACKSLASH) return own(decodeItem(item), name);
    if (end - start === name.length && isName(bytes, start, name)) at = mark;
  }
  return at === -1
    ? undefined
    : nativeOf(parsed(bytes.toString('utf8', tape[at + 1] as number, tape[at + 2] as number)));
}

const own = (item: Item, name: string): unknown => (Object.hasOwn(item, name) ? item[name] : undefined);

/** ASCII that JSON writes as it is; no attribute of an object is called `__proto__`. */
const PLAIN = /^(?!__proto__$)[ !#-[\]-~]*$/;

function isName(bytes: Buffer, at: number, name: string): boolean {
  for (let i = 0; i < name.length; i += 1) if (bytes[at + i] !== name.charCodeAt(i)) return false;
  return true;
}

export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw undecodable(`SyntaxError: ${(error as Error).message}`, error);
  }
}

/** A map of attribute values, parsed → the item. */
export function itemOf(map: unknown): Item {
  const item: Record<string, unknown> = {};
  for (const name in map as Attribute) item[name] = nativeOf((map as Attribute)[name]);
  return item;
}

function nativeOf(attribute: unknown): unknown {
  for (const type in attribute as Attribute) return ofType(type, (attribute as Attribute)[type]);
  throw undecodable('Error: an attribute without a value');
}

function ofType(type: string, value: unknown): unknown {
  switch (type) {
    case 'S':
      return value;
    case 'N':
      return numberOf(value as string);
    case 'BOOL':
      return Boolean(value);
    case 'NULL':
      return null;
    case 'M':
      return itemOf(value);
    case 'L':
      return listOf(value).map(nativeOf);
    case 'B':
      return bytesOf(value);
    case 'SS':
      return new Set(listOf(value));
    case 'NS':
      return new Set(listOf(value).map((text) => numberOf(text as string)));
    case 'BS':
      return new Set(listOf(value).map(bytesOf));
    default:
      throw undecodable(`Unsupported type passed: ${type}`);
  }
}

function listOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw undecodable('Error: a list or set that is none');
  return value;
}

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

function bytesOf(value: unknown): Uint8Array {
  if (typeof value !== 'string' || value.length % 4 !== 0 || !BASE64.test(value))
    throw undecodable('TypeError: Invalid base64 string.');
  const bytes = Buffer.from(value, 'base64');
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
