import fc from 'fast-check';
import type { Request } from '../model/binding.ts';
import type { Operation, Parameter, Schema } from '../model/operation.ts';
import type { BoundOperation } from './load.ts';

/** Texts that have broken query builders before. */
export const HOSTILE: readonly string[] = Object.freeze([
  '$ne',
  '{"$gt":""}',
  'a.b',
  '__proto__',
  '#',
  '|',
  ':',
  '/',
  '\u0000',
  '\ud800',
  '*',
  ':pk',
  '#n',
  ' or 1=1',
  'x'.repeat(5_000),
]);

type Json = Record<string, unknown>;

/** Requests as the contract allows them, for one operation and tenant: frozen, as a binding sees them. */
export function requestsOf(operation: BoundOperation, tenant: string): fc.Arbitrary<Request> {
  const { contract, spec } = operation;
  const part = (where: Parameter['in']) =>
    recordOf(
      contract.parameters
        .filter((parameter) => parameter.in === where)
        .map((one) => [one.name, one.schema, one.required]),
    );
  const body = contract.body === undefined ? fc.constant(undefined) : arbitraryOf(contract.body.schema ?? {});
  return fc
    .record({ path: part('path'), query: part('query'), headers: part('header'), body, paged: fc.boolean() })
    .map(({ paged, ...parts }) => {
      const position = spec?.page?.position;
      const after =
        paged && Array.isArray(position) ? Object.fromEntries(position.map((name) => [name, 'position'])) : undefined;
      const limit = spec?.page === undefined ? undefined : 10;
      return Object.freeze({
        operation: contract.id,
        tenant,
        claims: {},
        ...parts,
        page: Object.freeze({ limit, after }),
      });
    });
}

/** The same request with every text of path and query replaced. */
export function withTexts(request: Request, text: string, contract: Operation): Request {
  const replaced = (where: 'path' | 'query', values: Json) =>
    Object.fromEntries(
      Object.entries(values).map(([name, value]) => {
        const parameter = contract.parameters.find((one) => one.in === where && one.name === name);
        return [name, typeof value === 'string' && isFree(parameter?.schema) ? text : value];
      }),
    );
  return Object.freeze({ ...request, path: replaced('path', request.path), query: replaced('query', request.query) });
}

const isFree = (schema: Schema | undefined): boolean =>
  typeof schema === 'object' &&
  schema.enum === undefined &&
  schema.pattern === undefined &&
  schema.format === undefined &&
  schema.const === undefined;

function recordOf(fields: readonly (readonly [string, Schema, boolean])[]): fc.Arbitrary<Json> {
  const required = fields.filter(([, , needed]) => needed).map(([name]) => name);
  const model = Object.fromEntries(fields.map(([name, schema]) => [name, arbitraryOf(schema)]));
  return fc.record(model, { requiredKeys: required, noNullPrototype: true }) as fc.Arbitrary<Json>;
}

function arbitraryOf(schema: Schema): fc.Arbitrary<unknown> {
  if (typeof schema !== 'object') return fc.string();
  if (Array.isArray(schema.enum))
    return fc.constantFrom(...(schema.enum as unknown[]).filter((value) => value !== null));
  if ('const' in schema) return fc.constant(schema.const);
  const branches = [schema.anyOf, schema.oneOf].find(Array.isArray) as Schema[] | undefined;
  if (branches !== undefined && branches.length > 0) return fc.oneof(...branches.map(arbitraryOf));
  const type = Array.isArray(schema.type) ? schema.type.find((one) => one !== 'null') : schema.type;
  switch (type) {
    case 'integer':
      return fc.integer(limits(schema, -1_000_000, 1_000_000));
    case 'number':
      return fc.double({ ...limits(schema, -1e6, 1e6), noNaN: true });
    case 'boolean':
      return fc.boolean();
    case 'array':
      return fc.array(arbitraryOf((schema.items ?? {}) as Schema), { minLength: 1, maxLength: 3 });
    case 'object': {
      const properties = Object.entries((schema.properties ?? {}) as Record<string, Schema>);
      return recordOf(properties.map(([name, inner]) => [name, inner, false]));
    }
    default:
      return textOf(schema);
  }
}

function limits(schema: Exclude<Schema, boolean>, min: number, max: number): { min: number; max: number } {
  const low = typeof schema.minimum === 'number' ? schema.minimum : min;
  const high = typeof schema.maximum === 'number' ? schema.maximum : Math.max(max, low);
  return { min: Math.min(low, high), max: high };
}

function textOf({ format, pattern, minLength, maxLength }: Exclude<Schema, boolean>): fc.Arbitrary<string> {
  const date = fc.date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true });
  if (format === 'date-time') return date.map((one) => one.toISOString());
  if (format === 'date') return date.map((one) => one.toISOString().slice(0, 10));
  if (format === 'uuid') return fc.uuid();
  if (typeof pattern === 'string') {
    try {
      return fc.stringMatching(new RegExp(pattern, 'u'));
    } catch {
      // A pattern that cannot be generated from is met by what its author's examples would be: any text.
    }
  }
  const min = typeof minLength === 'number' ? minLength : 1;
  const max = typeof maxLength === 'number' ? Math.min(maxLength, 12) : 12;
  return fc.stringMatching(/^[a-zA-Z0-9]*$/).map((text) => text.padEnd(min, 'x').slice(0, Math.max(max, min)) || 'x');
}
