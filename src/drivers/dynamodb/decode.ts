import { NumberValue } from '@aws-sdk/lib-dynamodb';
import { StoreError } from '../../errors.ts';
import type { Item } from '../../model/call.ts';
import { exactDouble } from '../../model/number.ts';
import type { WireItem } from '../../model/wire.ts';

type Attribute = Readonly<Record<string, unknown>>;

const undecodable = (what: string, cause?: unknown): StoreError =>
  new StoreError('dynamodb', 'undecodable', what, cause);

/** A number is a double where that prints as the same decimal. */
export const numberOf = (text: string): unknown => exactDouble(text) ?? NumberValue.from(text);

/** One item of a reply, as lib-dynamodb gives it. Throws StoreError (undecodable). */
export const decodeItem = ({ bytes, start, end }: WireItem): Item => itemOf(parsed(bytes.toString('utf8', start, end)));

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
