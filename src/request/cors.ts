import type { Bindings } from '../bindings/load.ts';
import { fits } from '../contract/route.ts';
import type { Answer } from '../model/answer.ts';
import type { CorsSpec } from '../model/auth.ts';

type Headers = Readonly<Record<string, string>>;

/** Headers of a store's answer, or of an error of ours, for a script of this origin; the same where nothing is declared. */
export function withCors(cors: CorsSpec | undefined, origin: unknown, headers: Answer['headers']): Answer['headers'] {
  if (cors === undefined) return headers;
  const { vary, ...allowed } = allows(cors, origin);
  const varies = [headers.vary, vary].flat().filter((one) => one !== undefined);
  const said = [...new Set(varies.flatMap((one) => one.split(',')).map((one) => one.trim()))];
  const once = said.filter((one, at) => said.findIndex((other) => other.toLowerCase() === one.toLowerCase()) === at);
  const expose = cors.expose === undefined || cors.expose.length === 0 ? undefined : cors.expose.join(', ');
  const own = 'access-control-allow-origin' in allowed && expose !== undefined;
  return Object.freeze({
    ...allowed,
    ...(own ? { 'access-control-expose-headers': expose } : {}),
    ...headers,
    ...(once.length === 0 ? {} : { vary: once.join(', ') }),
  });
}

function allows({ origins, credentials }: CorsSpec, origin: unknown): Headers {
  if (origins.includes('*')) return { 'access-control-allow-origin': '*' };
  // What a cache keeps for one origin, or for none, is not another's.
  const vary = { vary: 'Origin' };
  if (typeof origin !== 'string' || !origins.includes(origin)) return vary;
  const cookies: Headers = credentials === true ? { 'access-control-allow-credentials': 'true' } : {};
  return { ...vary, 'access-control-allow-origin': origin, ...cookies };
}

interface Asking {
  readonly url?: string | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/**
 * The reply to OPTIONS where there is no legacy: which methods a path has here, and what a preflight may do. Nobody is
 * authenticated, since a browser sends a preflight without credentials. `undefined`: there is no such path.
 */
export function optionsAnswer(bindings: Bindings, { url = '/', headers }: Asking): Answer | undefined {
  const methods = methodsAt(bindings, url);
  if (methods === undefined) return undefined;
  const { cors } = bindings.spec;
  const asks = headers.origin !== undefined && headers['access-control-request-method'] !== undefined;
  const preflight = asks && cors !== undefined ? preflightOf(cors, headers, methods) : {};
  return Object.freeze({
    status: 204,
    headers: Object.freeze({ allow: methods.join(', '), ...preflight }),
    body: NOTHING,
  });
}

const NOTHING = Buffer.alloc(0);

const ASKED = 'Access-Control-Request-Method, Access-Control-Request-Headers';

function preflightOf(cors: CorsSpec, headers: Asking['headers'], methods: readonly string[]): Headers {
  const { vary, ...allowed } = allows(cors, headers.origin);
  const varies = { vary: vary === undefined ? ASKED : `${vary}, ${ASKED}` };
  if (!('access-control-allow-origin' in allowed)) return varies;
  const wanted = [headers['access-control-request-headers']].flat().join(', ');
  const names = cors.headers?.join(', ') ?? (NAMES.test(wanted) ? wanted : '');
  return {
    ...varies,
    ...allowed,
    'access-control-allow-methods': (cors.methods ?? methods).join(', '),
    ...(names === '' ? {} : { 'access-control-allow-headers': names }),
    ...(cors.maxAge === undefined ? {} : { 'access-control-max-age': String(cors.maxAge) }),
  };
}

const NAMES = /^[\w!#$%&'*+.^`|~-]+( *, *[\w!#$%&'*+.^`|~-]+)*$/;

function methodsAt({ operations, basePath, spec }: Bindings, url: string): readonly string[] | undefined {
  const pathname = url.split('?', 1)[0] as string;
  if (!pathname.startsWith(`${basePath}/`)) return undefined;
  const below = pathname.slice(basePath.length);
  const path = spec.trailingSlash === 'ignore' && below.length > 1 ? below.replace(/\/$/, '') : below;
  const fitting = operations
    .map(({ contract, stores }) => ({ contract, stores, fit: fits(contract.path, path) }))
    .filter(({ fit }) => fit !== undefined)
    .sort((a, b) => (b.fit as number) - (a.fit as number));
  const [best] = fitting;
  if (best === undefined) return undefined;
  const here = fitting.filter(
    ({ contract, stores }) => contract.path === best.contract.path && Object.keys(stores).length > 0,
  );
  const bound = here.map(({ contract }) => contract.method);
  return [...new Set([...bound, ...(bound.includes('GET') ? ['HEAD'] : []), 'OPTIONS'])];
}
