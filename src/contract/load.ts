import { readFile } from 'node:fs/promises';
import { compileErrors, dereference, validate } from '@readme/openapi-parser';
import { parse as parseYaml } from 'yaml';
import { ConfigError } from '../errors.ts';
import type { Contract, Method, Operation, Parameter, Schema } from '../model/operation.ts';
import type { Shape } from '../model/shape.ts';
import { createShapes } from './shape.ts';

type Json = Readonly<Record<string, unknown>>;

const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'];

const STYLES = Object.freeze({ path: 'simple', header: 'simple', query: 'form', cookie: 'form' });

/**
 * Reads an OpenAPI 3.0 or 3.1 document, YAML or JSON. Throws a ConfigError that names the file and, where it can, the
 * place in it.
 */
export async function loadContract(file: string, options: { basePath?: string } = {}): Promise<Contract> {
  const fail = (message: string): never => {
    throw new ConfigError([{ where: file, message }]);
  };
  const source = await readFile(file).catch((error: Error) => fail(`the contract cannot be read: ${error.message}`));
  const document = parseDocument(source.toString('utf8'), fail);
  const version = String(document.openapi ?? '');
  if (!/^3\.[01]\./.test(version)) fail(`is not an OpenAPI 3.0 or 3.1 document (openapi: ${version || 'missing'})`);
  const openapi = version.startsWith('3.0') ? '3.0' : '3.1';
  const result = await validate(structuredClone(document) as never);
  if (!result.valid) fail(compileErrors(result));
  const whole = (await dereference(structuredClone(document) as never, {
    dereference: { circular: 'ignore' },
  })) as unknown as Json;
  const resolve = (ref: string) => at(document, ref) ?? fail(`${ref} points at nothing`);
  const shapes = createShapes(resolve);
  const operations = Object.entries((whole.paths ?? {}) as Json).flatMap(([path, item]) =>
    operationsOf(path, item as Json, at(document, `#/paths/${escapeToken(path)}`) as Json, shapes, resolve, document),
  );
  const info = (document.info ?? {}) as Json;
  return Object.freeze({
    file,
    source,
    json: Buffer.from(JSON.stringify(document)),
    openapi,
    title: String(info.title ?? ''),
    version: String(info.version ?? ''),
    basePath: (options.basePath ?? serverPath(document.servers)).replace(/\/+$/, ''),
    operations: Object.freeze(operations),
    schemas: Object.freeze(Object.keys(((document.components as Json | undefined)?.schemas ?? {}) as Json)),
  });
}

function parseDocument(text: string, fail: (message: string) => never): Json {
  try {
    const document = parseYaml(text, { merge: true });
    return isObject(document) ? document : fail('is not an OpenAPI document');
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    return fail(`cannot be parsed: ${(error as Error).message}`);
  }
}

function operationsOf(
  path: string,
  item: Json,
  raw: Json,
  shapes: (schema: unknown) => Shape,
  resolve: (ref: string) => unknown,
  document: Json,
): Operation[] {
  return METHODS.filter((method) => isObject(item[method])).map((method) => {
    const operation = item[method] as Json;
    const written = follow(raw[method], resolve) as Json;
    const responses = (written.responses ?? {}) as Json;
    return Object.freeze({
      id: typeof operation.operationId === 'string' ? operation.operationId : idOf(method, path),
      method: method.toUpperCase() as Method,
      path,
      pointer: `#/paths/${escapeToken(path)}/${method}`,
      parameters: Object.freeze(parametersOf(item.parameters, operation.parameters)),
      body: bodyOf(operation.requestBody),
      success: successOf(responses, shapes, resolve),
      statuses: Object.freeze(Object.keys(responses)),
      headers: Object.freeze(headersOf(responses, resolve)),
      security: securityOf(operation.security ?? document.security, document, resolve),
    });
  });
}

/** An empty requirement, `{}`, lets everybody in (OpenAPI, Security Requirement Object). */
function securityOf(given: unknown, document: Json, resolve: (ref: string) => unknown): Operation['security'] {
  const requirements = list(given) as Json[];
  const all = ((document.components as Json | undefined)?.securitySchemes ?? {}) as Json;
  const kindOf = (name: string): string => {
    const { type, scheme } = (follow(all[name], resolve) ?? {}) as Json;
    return type === 'http' ? `http ${String(scheme).toLowerCase()}` : String(type ?? name);
  };
  const schemes = [...new Set(requirements.flatMap(Object.keys).map(kindOf))];
  const required = requirements.length > 0 && requirements.every((one) => Object.keys(one).length > 0);
  return Object.freeze({ required, schemes: Object.freeze(schemes) });
}

const idOf = (method: string, path: string): string =>
  `${method}${path}`
    .replace(/[{}]/g, '')
    .replace(/[^A-Za-z0-9]+/g, '-')
    .replace(/-+$/, '');

function parametersOf(shared: unknown, own: unknown): Parameter[] {
  const all = new Map<string, Parameter>();
  for (const given of [...list(shared), ...list(own)] as Json[]) {
    const where = given.in as Parameter['in'];
    const content = isObject(given.content) ? (Object.values(given.content)[0] as Json) : undefined;
    const style = (given.style ?? STYLES[where]) as Parameter['style'];
    all.set(
      `${where} ${given.name}`,
      Object.freeze({
        name: String(given.name),
        in: where,
        required: given.required === true || where === 'path',
        style,
        explode: typeof given.explode === 'boolean' ? given.explode : style === 'form' || style === 'deepObject',
        allowReserved: given.allowReserved === true,
        json: content !== undefined,
        schema: (content?.schema ?? given.schema ?? true) as Schema,
      }),
    );
  }
  return [...all.values()];
}

function bodyOf(given: unknown): Operation['body'] {
  if (!isObject(given)) return undefined;
  const content = isObject(given.content) ? given.content : {};
  const [, json] = Object.entries(content).find(([type]) => isJson(type)) ?? [];
  return Object.freeze({
    required: given.required === true,
    types: Object.freeze(Object.keys(content)),
    schema: isObject(json) ? (json.schema as Schema | undefined) : undefined,
  });
}

function successOf(
  responses: Json,
  shapes: (schema: unknown) => Shape,
  resolve: (ref: string) => unknown,
): Operation['success'] {
  const successes = Object.keys(responses).filter((status) => /^2\d\d$/.test(status));
  const status = successes.length === 1 ? Number(successes[0]) : 200;
  const response = follow(
    responses[successes.includes(String(status)) ? String(status) : (successes[0] ?? '2XX')],
    resolve,
  );
  const content = isObject(response) && isObject(response.content) ? response.content : {};
  const [type, media] = Object.entries(content).find(([one]) => isJson(one)) ?? Object.entries(content)[0] ?? [];
  const schema = isObject(media) ? media.schema : undefined;
  return Object.freeze({
    status,
    type: type === undefined || type.includes('*') ? 'application/json' : type,
    shape: schema === undefined ? undefined : shapes(schema),
  });
}

function headersOf(responses: Json, resolve: (ref: string) => unknown): string[] {
  const names = Object.entries(responses)
    .filter(([status]) => status.startsWith('2'))
    .flatMap(([, given]) => Object.keys(((follow(given, resolve) as Json | undefined)?.headers ?? {}) as Json));
  return [...new Set(names.map((name) => name.toLowerCase()))];
}

/** The path of the first server, its variables at their defaults. */
function serverPath(servers: unknown): string {
  const [first] = list(servers) as Json[];
  if (first === undefined) return '';
  const variables = (first.variables ?? {}) as Record<string, Json>;
  const url = String(first.url ?? '/').replace(/\{([^}]+)\}/g, (_, name) => String(variables[name]?.default ?? ''));
  return new URL(url, 'http://relative.invalid/').pathname;
}

const isJson = (type: string): boolean => /^application\/([^;]+\+)?json\b/i.test(type);

const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

const escapeToken = (token: string): string => token.replaceAll('~', '~0').replaceAll('/', '~1');

function follow(value: unknown, resolve: (ref: string) => unknown): unknown {
  return isObject(value) && typeof value.$ref === 'string' ? resolve(value.$ref) : value;
}

function at(document: unknown, ref: string): unknown {
  if (!ref.startsWith('#/')) return undefined;
  return ref
    .slice(2)
    .split('/')
    .map((token) => decodeURIComponent(token).replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce<unknown>(
      (inner, token) => (isObject(inner) || Array.isArray(inner) ? (inner as Json)[token] : undefined),
      document,
    );
}

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
