import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { Schema } from '../model/operation.ts';

type Json = Record<string, unknown>;

/**
 * Schema → validator, one for all schemas that are equal. 3.0 schemas are made 2020-12 first; formats that nobody defines
 * are ignored.
 */
export type Compile = (schema: Schema) => ValidateFunction;

export function createCompile(openapi: '3.0' | '3.1'): Compile {
  const ajv = new Ajv2020({
    strict: false,
    logger: false,
    validateFormats: true,
    coerceTypes: false,
    useDefaults: false,
    // Two operations may have a schema of the same name.
    addUsedSchema: false,
  });
  addFormats.default(ajv, ['date', 'date-time', 'time', 'uuid', 'email', 'uri', 'ipv4', 'ipv6', 'byte']);
  ajv.addFormat('int32', { type: 'number', validate: (value) => value >= -2147483648 && value <= 2147483647 });
  const known = new Map<string, ValidateFunction>();
  return (schema) => {
    const meant = openapi === '3.0' ? (normalize(schema) as Schema) : schema;
    const text = JSON.stringify(meant);
    const validate = known.get(text) ?? ajv.compile(meant);
    known.set(text, validate);
    return validate;
  };
}

/** What 3.0 says in its own words (nullable, boolean exclusive limits), as JSON Schema 2020-12 says it. */
function normalize(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(normalize);
  if (typeof schema !== 'object' || schema === null) return schema;
  const { nullable, exclusiveMinimum, exclusiveMaximum, example, ...rest } = schema as Json;
  const inner: Json = Object.fromEntries(
    Object.entries(rest).map(([name, value]) => [name, normalizeKeyword(name, value)]),
  );
  if (exclusiveMinimum === true) {
    inner.exclusiveMinimum = inner.minimum;
    delete inner.minimum;
  }
  if (exclusiveMaximum === true) {
    inner.exclusiveMaximum = inner.maximum;
    delete inner.maximum;
  }
  return nullable === true ? { anyOf: [{ type: 'null' }, inner] } : inner;
}

const LITERAL = new Set(['enum', 'const', 'default', 'required']);
const MAPS = new Set(['properties', 'patternProperties', 'definitions', '$defs']);

function normalizeKeyword(name: string, value: unknown): unknown {
  if (LITERAL.has(name)) return value;
  if (MAPS.has(name) && typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, normalize(inner)]));
  }
  return normalize(value);
}
