import type { RequestError } from '../errors.ts';
import type { Parameter, Schema } from '../model/operation.ts';

/** A parameter as its style gives it, decoded, not yet typed. */
export type Raw =
  | { readonly kind: 'scalar'; readonly text: string }
  | { readonly kind: 'array'; readonly texts: readonly string[] }
  | { readonly kind: 'object'; readonly entries: readonly (readonly [string, string])[] };

const FORBIDDEN = new Set(['__proto__', 'constructor', 'prototype']);

/** A key that must never reach a binding: an operator, a path, or a name of the prototype's. */
export const isDangerous = (key: string): boolean => key.startsWith('$') || key.includes('.') || FORBIDDEN.has(key);

/** The JSON types that a schema allows, through its branches; none said: a string. */
export function kindsOf(schema: Schema | undefined): ReadonlySet<string> {
  if (typeof schema !== 'object' || schema === null) return new Set(['string']);
  const branches = [schema.anyOf, schema.oneOf, schema.allOf].filter(Array.isArray).flat() as Schema[];
  const own = Array.isArray(schema.type) ? schema.type : schema.type === undefined ? [] : [schema.type];
  const implied =
    own.length === 0 && branches.length === 0
      ? [schema.properties === undefined ? (schema.items === undefined ? 'string' : 'array') : 'object']
      : [];
  const kinds = new Set<string>([...own, ...implied, ...branches.flatMap((branch) => [...kindsOf(branch)])]);
  kinds.delete('null');
  return kinds;
}

/** Text → the value that the schema's type says. Throws what `invalid` makes where it says another. */
export function cast(
  raw: Raw,
  schema: Schema,
  kinds: ReadonlySet<string>,
  parameter: Parameter,
  invalid: (message: string) => RequestError,
): unknown {
  if (raw.kind === 'scalar' && parameter.json) return fromJson(raw.text, invalid);
  if (raw.kind === 'scalar') return scalar(raw.text, kinds, invalid);
  if (raw.kind === 'array') {
    const items = kindsOf(itemsOf(schema));
    return raw.texts.filter((text) => text !== '' || items.has('string')).map((text) => scalar(text, items, invalid));
  }
  const value: Record<string, unknown> = {};
  for (const [key, text] of raw.entries) {
    if (isDangerous(key)) throw invalid(`has a key that is not allowed: ${key}`);
    if (key in value) throw invalid(`has ${key} more than once`);
    value[key] = scalar(text, kindsOf(propertyOf(schema, key)), invalid);
  }
  return value;
}

function scalar(text: string, kinds: ReadonlySet<string>, invalid: (message: string) => RequestError): unknown {
  if (kinds.has('integer') && /^-?\d+$/.test(text)) {
    const value = Number(text);
    return Number.isSafeInteger(value) ? value : BigInt(text);
  }
  if (kinds.has('number') && /^-?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text) && Number.isFinite(Number(text)))
    return Number(text);
  if (kinds.has('boolean') && (text === 'true' || text === 'false')) return text === 'true';
  if (kinds.has('string')) return text;
  throw invalid(`must be ${[...kinds].map((kind) => (/^[aio]/.test(kind) ? `an ${kind}` : `a ${kind}`)).join(' or ')}`);
}

function fromJson(text: string, invalid: (message: string) => RequestError): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalid('is not JSON');
  }
  const bad = keysOf(value).find(isDangerous);
  if (bad !== undefined) throw invalid(`has a key that is not allowed: ${bad}`);
  return value;
}

function keysOf(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const own = Array.isArray(value) ? [] : Object.keys(value);
  return [...own, ...Object.values(value).flatMap(keysOf)];
}

function branchesOf(schema: Schema): Exclude<Schema, boolean>[] {
  if (typeof schema !== 'object') return [];
  const inner = [schema.anyOf, schema.oneOf, schema.allOf].filter(Array.isArray).flat() as Schema[];
  return [schema, ...inner.flatMap(branchesOf)];
}

const itemsOf = (schema: Schema): Schema | undefined =>
  branchesOf(schema).find(({ items }) => items !== undefined)?.items as Schema | undefined;

const propertyOf = (schema: Schema, key: string): Schema | undefined =>
  branchesOf(schema)
    .map(({ properties }) => (properties as Record<string, Schema> | undefined)?.[key])
    .find((property) => property !== undefined) ?? additional(schema);

const additional = (schema: Schema): Schema | undefined =>
  branchesOf(schema)
    .map(({ additionalProperties }) => additionalProperties as Schema | undefined)
    .find((value) => typeof value === 'object');
