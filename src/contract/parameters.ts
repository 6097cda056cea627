import { RequestError } from '../errors.ts';
import type { Operation, Parameter, Schema } from '../model/operation.ts';
import { cast, isDangerous, kindsOf, type Raw } from './cast.ts';
import { type Compile, createCompile } from './schema.ts';

export interface RawRequest {
  /** Raw path below the base path, still encoded. */
  readonly pathname: string;
  /** Raw query, without the question mark. */
  readonly search: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

type Values = Readonly<Record<string, unknown>>;

/** Decoded once, typed by the contract's schemas, with its defaults; its values frozen. */
export interface Parsed {
  readonly path: Values;
  readonly query: Values;
  readonly headers: Values;
  readonly cookies: Values;
  /** Names in the query that the contract does not have. */
  readonly unknown: readonly string[];
}

/** Throws RequestError(missingParameter | invalidParameter) that names the parameter. */
export type ParseParameters = (raw: RawRequest) => Parsed;

/** One parameter, compiled: what it takes from the raw request, and what becomes of it. */
interface Reader {
  readonly place: Place;
  readonly name: string;
  readonly read: (source: Sources) => Raw | undefined;
  readonly finish: (raw: Raw | undefined) => unknown;
}

interface Sources {
  readonly segments: readonly string[];
  readonly query: readonly (readonly [string, string])[];
  readonly headers: RawRequest['headers'];
  readonly cookies: ReadonlyMap<string, string>;
}

type Place = 'path' | 'query' | 'headers' | 'cookies';

const PLACES = Object.freeze({ path: 'path', query: 'query', header: 'headers', cookie: 'cookies' } as const);

/** Compiles the decoding of an operation's parameters: by `style` and `explode`, types, defaults, validation. */
export function compileParameters(operation: Operation, by: '3.0' | '3.1' | Compile): ParseParameters {
  const compile = typeof by === 'string' ? createCompile(by) : by;
  const readers = operation.parameters.map((parameter) => compileReader(parameter, operation.path, compile));
  const owns = ownership(operation.parameters);
  const places = new Set(operation.parameters.map((parameter) => PLACES[parameter.in]));
  const none = (place: Place): boolean => !places.has(place);
  const [noPath, noQuery, noHeaders, noCookies] = [none('path'), none('query'), none('headers'), none('cookies')];
  return (raw) => {
    const given = raw.search === '' ? NO_PAIRS : pairs(raw.search);
    const sources: Sources = {
      segments: noPath ? NO_NAMES : raw.pathname.split('/'),
      query: given,
      headers: raw.headers,
      cookies: noCookies ? NO_COOKIES : cookiesOf(raw.headers.cookie),
    };
    // Nothing is made for a place where the operation has no parameters.
    const values: Record<Place, Record<string, unknown>> = {
      path: noPath ? NOTHING : {},
      query: noQuery ? NOTHING : {},
      headers: noHeaders ? NOTHING : {},
      cookies: noCookies ? NOTHING : {},
    };
    for (const { place, name, read, finish } of readers) {
      const value = finish(read(sources));
      if (value !== undefined) values[place][name] = value;
    }
    return {
      path: noPath ? NOTHING : Object.freeze(values.path),
      query: noQuery ? NOTHING : Object.freeze(values.query),
      headers: noHeaders ? NOTHING : Object.freeze(values.headers),
      cookies: noCookies ? NOTHING : Object.freeze(values.cookies),
      unknown: given.length === 0 ? NO_NAMES : given.map(([name]) => name).filter((name) => !owns(name)),
    };
  };
}

const NO_COOKIES: ReadonlyMap<string, string> = new Map();
const NOTHING = Object.freeze({});
const NO_NAMES: readonly string[] = Object.freeze([]);
const NO_PAIRS: readonly (readonly [string, string])[] = Object.freeze([]);

function compileReader(parameter: Parameter, template: string, compile: Compile): Reader {
  const { name, schema } = parameter;
  const kinds = kindsOf(schema);
  const validate = compile(schema);
  const fallback = typeof schema === 'object' ? schema.default : undefined;
  const isText = kinds.size === 1 && kinds.has('string') && !parameter.json;
  const invalid = (message: string) => new RequestError('invalidParameter', `${name} ${message}`, { parameter: name });
  const finish = (raw: Raw | undefined): unknown => {
    const absent = raw === undefined || (raw.kind === 'scalar' && raw.text === '' && !parameter.required);
    if (absent && parameter.required)
      throw new RequestError('missingParameter', `${name} is missing`, { parameter: name });
    if (absent) return fallback;
    const value = isText && raw.kind === 'scalar' ? raw.text : cast(raw, schema, kinds, parameter, invalid);
    const checked = typeof value === 'bigint' ? Number(value) : value;
    if (!validate(checked)) throw invalid(validate.errors?.[0]?.message ?? 'is not as documented');
    return typeof value === 'object' ? Object.freeze(value) : value;
  };
  return { place: PLACES[parameter.in], name, read: readerOf(parameter, template, kinds, invalid), finish };
}

type Invalid = (message: string) => RequestError;

function readerOf(
  parameter: Parameter,
  template: string,
  kinds: ReadonlySet<string>,
  invalid: Invalid,
): Reader['read'] {
  const { name } = parameter;
  const text = (raw: string) => decode(raw, invalid);
  switch (parameter.in) {
    case 'path':
      return pathReader(parameter, template, kinds, text);
    case 'header': {
      const lower = name.toLowerCase();
      return ({ headers }) => {
        const value = headers[lower];
        return value === undefined
          ? undefined
          : split(Array.isArray(value) ? value.join(',') : (value as string), ',', parameter, kinds, String);
      };
    }
    case 'cookie':
      return ({ cookies }) => {
        const value = cookies.get(name);
        return value === undefined ? undefined : split(value, ',', parameter, kinds, text);
      };
    default:
      return queryReader(parameter, kinds, text, invalid);
  }
}

function pathReader(
  parameter: Parameter,
  template: string,
  kinds: ReadonlySet<string>,
  text: (raw: string) => string,
): Reader['read'] {
  const segments = template.split('/');
  const index = segments.findIndex((segment) => segment.includes(`{${parameter.name}}`));
  const parts = (segments[index] ?? '').split(/\{[^}]*\}/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  const which = [...(segments[index] ?? '').matchAll(/\{([^}]*)\}/g)].findIndex(([, name]) => name === parameter.name);
  const pattern = parts.length === 2 && parts.join('') === '' ? undefined : new RegExp(`^${parts.join('(.*?)')}$`, 's');
  return ({ segments: given }) => {
    const segment = given[index] ?? '';
    const raw = pattern === undefined ? segment : pattern.exec(segment)?.[which + 1];
    if (raw === undefined) return undefined;
    if (parameter.style === 'label')
      return split(raw.replace(/^\./, ''), parameter.explode ? '.' : ',', parameter, kinds, text);
    if (parameter.style === 'matrix') return matrix(raw, parameter, kinds, text);
    return split(raw, ',', parameter, kinds, text);
  };
}

function matrix(raw: string, parameter: Parameter, kinds: ReadonlySet<string>, text: (raw: string) => string): Raw {
  const items = raw
    .replace(/^;/, '')
    .split(';')
    .map((item) => cut(item, '='));
  if (parameter.explode && kinds.has('object'))
    return { kind: 'object', entries: items.map(([key, value]) => [text(key), text(value)]) };
  if (parameter.explode && kinds.has('array')) return { kind: 'array', texts: items.map(([, value]) => text(value)) };
  return split(items[0]?.[1] ?? '', ',', { ...parameter, explode: false }, kinds, text);
}

const DELIMITERS: Readonly<Record<string, RegExp | string>> = Object.freeze({
  form: ',',
  spaceDelimited: /%20|\+| /,
  pipeDelimited: /%7C|\|/i,
});

function queryReader(
  parameter: Parameter,
  kinds: ReadonlySet<string>,
  text: (raw: string) => string,
  invalid: Invalid,
): Reader['read'] {
  const { name, style, explode } = parameter;
  const deep = `${name}[`;
  return ({ query }) => {
    const own = query.filter(([key]) => key === name || key === `${name}[]`).map(([, value]) => value);
    if (kinds.has('object') && style === 'deepObject') {
      const entries = query
        .filter(([key]) => key.startsWith(deep) && key.endsWith(']') && key !== `${name}[]`)
        .map(([key, value]) => [key.slice(deep.length, -1), text(value)] as const);
      if (entries.length > 0) return { kind: 'object', entries };
    }
    if (kinds.has('object') && style === 'form' && explode && !kinds.has('array') && own.length === 0) {
      const properties = new Set(propertiesOf(parameter.schema));
      const entries = query.filter(([key]) => properties.has(key)).map(([key, value]) => [key, text(value)] as const);
      return entries.length === 0 ? undefined : { kind: 'object', entries };
    }
    const [first] = own;
    if (first === undefined) return undefined;
    if (kinds.has('array') && !parameter.json && (explode || own.length > 1))
      return { kind: 'array', texts: own.map(text) };
    if (own.length > 1) throw invalid('is given more than once');
    return split(first, DELIMITERS[style] ?? ',', parameter, kinds, text);
  };
}

const propertiesOf = (schema: Schema): string[] =>
  typeof schema === 'object' ? Object.keys((schema.properties as object | undefined) ?? {}) : [];

function split(
  raw: string,
  by: string | RegExp,
  parameter: Parameter,
  kinds: ReadonlySet<string>,
  text: (raw: string) => string,
): Raw {
  if (parameter.json || raw === '') return { kind: 'scalar', text: text(raw) };
  if (kinds.has('array')) return { kind: 'array', texts: raw.split(by).map(text) };
  if (kinds.has('object') && kinds.size === 1) {
    const parts = raw.split(by);
    const entries = parameter.explode
      ? parts.map((part) => cut(part, '=')).map(([key, value]) => [text(key), text(value)] as const)
      : parts.flatMap((key, index) => (index % 2 === 0 ? [[text(key), text(parts[index + 1] ?? '')] as const] : []));
    return { kind: 'object', entries };
  }
  return { kind: 'scalar', text: text(raw) };
}

function decode(raw: string, invalid: Invalid): string {
  try {
    return raw.includes('%') ? decodeURIComponent(raw) : raw;
  } catch {
    throw invalid('is not percent-encoded as it should be');
  }
}

/** Query names decoded, values still raw; a name that cannot be decoded stands as it is and so is unknown. */
function pairs(search: string): (readonly [string, string])[] {
  if (search === '') return [];
  return search
    .split('&')
    .filter((part) => part !== '')
    .map((part) => {
      const [name, value] = cut(part, '=');
      try {
        return [decodeURIComponent(name), value] as const;
      } catch {
        return [name, value] as const;
      }
    });
}

function cut(text: string, by: string): readonly [string, string] {
  const index = text.indexOf(by);
  return index === -1 ? [text, ''] : [text.slice(0, index), text.slice(index + 1)];
}

function ownership(parameters: readonly Parameter[]): (name: string) => boolean {
  const queries = parameters.filter(({ in: where }) => where === 'query');
  const exact = new Set(
    queries.flatMap(({ name, schema, style, explode }) => [
      name,
      `${name}[]`,
      ...(style === 'form' && explode ? propertiesOf(schema) : []),
    ]),
  );
  const deep = queries.filter(({ style }) => style === 'deepObject').map(({ name }) => `${name}[`);
  return (name) => exact.has(name) || deep.some((prefix) => name.startsWith(prefix));
}

function cookiesOf(header: string | readonly string[] | undefined): ReadonlyMap<string, string> {
  const text = typeof header === 'string' ? header : (header ?? []).join('; ');
  return new Map(text.split(/; */).map((part) => cut(part, '=')));
}

/**
 * Compiles the reading of a JSON body; `undefined` where the operation has none.
 * Throws RequestError(invalidBody) for what is missing, no JSON, against the schema, or has a dangerous key.
 */
export function compileBody(
  operation: Operation,
  by: '3.0' | '3.1' | Compile,
): ((body: Buffer, contentType: string | undefined) => unknown) | undefined {
  const { body } = operation;
  if (body === undefined) return undefined;
  const compile = typeof by === 'string' ? createCompile(by) : by;
  const validate = compile(body.schema ?? true);
  return (bytes) => {
    if (bytes.length === 0 && !body.required) return undefined;
    const value = parseJson(bytes);
    const bad = dangerousKey(value);
    if (bad !== undefined) throw new RequestError('invalidBody', `the body has a key that is not allowed: ${bad}`);
    if (!validate(value)) {
      const [error] = validate.errors ?? [];
      throw new RequestError(
        'invalidBody',
        `the body${error?.instancePath ?? ''} ${error?.message ?? 'is not as documented'}`,
      );
    }
    return value;
  };
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new RequestError('invalidBody', 'the body is not JSON', { cause });
  }
}

/** The first key that must never reach a binding: it begins with `$`, contains a dot, or is a name of the prototype's. */
export function dangerousKey(value: unknown): string | undefined {
  if (Array.isArray(value)) return value.map(dangerousKey).find((key) => key !== undefined);
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, inner] of Object.entries(value)) {
    if (isDangerous(key)) return key;
    const deeper = dangerousKey(inner);
    if (deeper !== undefined) return deeper;
  }
  return undefined;
}
