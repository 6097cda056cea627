import { bytesOf, naturalScalar, Undecodable } from './codecs.ts';
import { bsonTypeOf, isNumberValue, plainOf } from './scalar.ts';

/** Arrays as they are; a set sorted, numbers by size and all else by its text, so that both stores write it alike. */
export function listOf(value: unknown): readonly unknown[] | undefined {
  if (Array.isArray(value)) return value;
  if (!(value instanceof Set)) return undefined;
  return [...value].sort((a, b) => {
    const [left, right] = [naturalScalar(a) ?? '', naturalScalar(b) ?? ''];
    if (plainOf(a)?.kind === 'number' && plainOf(b)?.kind === 'number')
      return Number(left) - Number(right) || (left < right ? -1 : 1);
    return left < right ? -1 : left > right ? 1 : 0;
  });
}

/** Keys of a map by code unit: DynamoDB keeps no order, and both stores must write the same bytes. */
export const sorted = (map: object): [string, unknown][] => Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1));

/** A value that the schema has no place for: scalars as they are, lists item by item, of an object nothing gets out. */
export function projected(value: unknown): string {
  const list = listOf(value);
  if (list !== undefined) return `[${list.map(projected).join(',')}]`;
  return naturalScalar(value) ?? '{}';
}

/** Any value by its own nature, whole. */
export function natural(value: unknown, pointer: string): string {
  if (value === undefined) return 'null';
  const scalar = naturalScalar(value);
  if (scalar !== undefined) return scalar;
  const list = listOf(value);
  if (list !== undefined) return `[${list.map((inner) => natural(inner, pointer)).join(',')}]`;
  if (typeof value === 'object' && value !== null && isMap(value)) {
    const entries = sorted(value).filter(([, inner]) => inner !== undefined);
    return `{${entries.map(([name, inner]) => `${JSON.stringify(name)}:${natural(inner, pointer)}`).join(',')}}`;
  }
  throw new Undecodable(`${pointer || '/'}: a value of no JSON kind`);
}

export const isContainer = (value: unknown): boolean =>
  listOf(value) !== undefined ||
  (typeof value === 'object' &&
    value !== null &&
    isMap(value) &&
    plainOf(value) === undefined &&
    !isNumberValue(value));

const isMap = (value: object): boolean =>
  bsonTypeOf(value) === undefined && bytesOf(value) === undefined && !(value instanceof Date);
