import { canonicalNumber } from '../model/number.ts';

/** A store's scalar by what it is, as text where it is a number or an id. Wrappers are known by their marks alone. */
export type Plain =
  | { readonly kind: 'string' | 'objectId' | 'uuid' | 'date'; readonly text: string }
  | { readonly kind: 'number'; readonly text: string; readonly decimal?: true }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'null' };

/** Whatever lib-dynamodb or the MongoDB driver gives → a plain scalar; `undefined` for what is none. */
export function plainOf(value: unknown): Plain | undefined {
  if (value === null || value === undefined) return { kind: 'null' };
  switch (typeof value) {
    case 'string':
      return { kind: 'string', text: value };
    case 'boolean':
      return { kind: 'boolean', value };
    case 'number':
    case 'bigint':
      return numberOf(String(value));
    case 'object':
      return ofObject(value);
    default:
      return undefined;
  }
}

function ofObject(value: object): Plain | undefined {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? undefined : { kind: 'date', text: value.toJSON() };
  switch (bsonTypeOf(value)) {
    case 'ObjectId':
      return { kind: 'objectId', text: (value as { toHexString(): string }).toHexString() };
    case 'Binary': {
      const binary = value as { sub_type?: unknown; toUUID?: () => { toString(): string } };
      return binary.sub_type === 4 && binary.toUUID ? { kind: 'uuid', text: String(binary.toUUID()) } : undefined;
    }
    case 'Long':
    case 'Int32':
    case 'Double':
      return numberOf(String(value));
    case 'Decimal128':
      return numberOf(String(value), { decimal: true });
    case undefined:
      return isNumberValue(value) ? numberOf(value.value) : undefined;
    default:
      return undefined;
  }
}

/** The mark of a value of the MongoDB driver: its class bears it. What is stored under that name is data. */
export const bsonTypeOf = (value: object): unknown =>
  Object.hasOwn(value, '_bsontype') ? undefined : (value as { _bsontype?: unknown })._bsontype;

/** A number of lib-dynamodb that no double holds. What is stored as `constructor` is data. */
export const isNumberValue = (value: object): value is { readonly value: string } =>
  !Object.hasOwn(value, 'constructor') &&
  value.constructor?.name.startsWith('NumberValue') === true &&
  typeof (value as { value?: unknown }).value === 'string';

function numberOf(text: string, mark: { readonly decimal?: true } = {}): Plain | undefined {
  const canonical = canonicalNumber(text);
  return canonical === undefined ? undefined : { kind: 'number', text: canonical, ...mark };
}
