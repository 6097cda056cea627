import type { IncomingMessage } from 'node:http';
import type { FastifyRequest } from 'fastify';
import type { Cursors } from '../bindings/cursor.ts';
import type { BoundOperation } from '../bindings/load.ts';
import { NO_PAGE, type Unpaged } from '../bindings/page.ts';
import { RequestError } from '../errors.ts';
import type { ErrorRequest } from '../model/binding.ts';
import { NO_CLAIMS } from './auth/claims.ts';

/** What of a request says what is asked. */
export type Message = Pick<IncomingMessage, 'url' | 'headers' | 'rawHeaders'>;

type Parsed = ReturnType<BoundOperation['parse']>;

/** What a request asks for, parsed at most once and only when somebody wants to know: legacy answers it unparsed. */
export class Asked {
  readonly url: string;
  readonly #operation: BoundOperation;
  readonly #message: Message;
  #parsed: Parsed | undefined;
  #unpaged: Unpaged | undefined;
  /** Of a read that has one, once it is read: a cursor may stand in it. */
  body: unknown;

  constructor(operation: BoundOperation, message: Message) {
    this.url = message.url ?? '/';
    this.#operation = operation;
    this.#message = message;
  }

  get path(): Parsed['path'] {
    return this.#parse().path;
  }

  get query(): Parsed['query'] {
    return this.#parse().query;
  }

  get unknown(): readonly string[] {
    return this.#parse().unknown;
  }

  /** Whether a cursor of ours could be in here, written plainly or escaped: one look at the URL. */
  mayCarryCursor(cursors: Cursors): boolean {
    return this.#operation.page?.issues === true && (this.url.includes(cursors.prefix) || this.url.includes('%'));
  }

  /** All parameters but the cursor. */
  parameters(cursor: string | undefined): Readonly<Record<string, unknown>> {
    return parametersBut(cursor, this.#parse(), this.body);
  }

  /** The request as a binding sees it, but for its page, claims and body. */
  unpaged(operation: BoundOperation, tenant: string): Unpaged {
    const known = this.#unpaged;
    if (known !== undefined && known.tenant === tenant && known.body === this.body) return known;
    const { path, query, headers } = this.#parse();
    const { body } = this;
    const page = operation.page === undefined ? NO_PAGE : undefined;
    this.#unpaged = Object.freeze({
      operation: operation.id,
      tenant,
      claims: NO_CLAIMS,
      path,
      query,
      headers,
      body,
      page,
    });
    return this.#unpaged;
  }

  /** As far as parsing came. */
  soFar(): Pick<ErrorRequest, 'path' | 'query'> {
    return { path: this.#parsed?.path ?? NOTHING, query: this.#parsed?.query ?? NOTHING };
  }

  #parse(): Parsed {
    if (this.#parsed === undefined) {
      // Routers and gateways do not agree on where a path with `#` ends (RFC 9112 §3.2 has no fragment).
      if (this.url.includes('#')) throw new RequestError('invalidParameter', 'the request target holds a #');
      const cut = this.url.indexOf('?');
      const pathname = cut === -1 ? this.url : this.url.slice(0, cut);
      this.#parsed = this.#operation.parse({
        pathname: belowBase(pathname, this.#operation.contract.path),
        search: cut === -1 ? '' : this.url.slice(cut + 1),
        headers: this.#message.headers,
      });
    }
    return this.#parsed;
  }
}

/** All parameters but the cursor, of a request that was parsed. */
export function parametersBut(
  cursor: string | undefined,
  { path, query }: Pick<Parsed, 'path' | 'query'>,
  body: unknown,
): Readonly<Record<string, unknown>> {
  const rest = (value: unknown) => (cursor === undefined || !isObject(value) ? value : without(value, cursor));
  return { path, query: rest(query), ...(body === undefined ? {} : { body: rest(body) }) };
}

/** The same without a text, wherever it is nested (`page[after]`), and without what held nothing else. */
function without(value: object, text: string): Readonly<Record<string, unknown>> {
  const kept: [string, unknown][] = [];
  for (const [name, inner] of Object.entries(value)) {
    if (inner === text) continue;
    const rest = isObject(inner) ? without(inner, text) : inner;
    if (!isObject(inner) || Object.keys(rest as object).length > 0) kept.push([name, rest]);
  }
  return Object.fromEntries(kept);
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const NOTHING = Object.freeze({});

export const ask = (operation: BoundOperation, message: Message): Asked => new Asked(operation, message);

/** What an error reply may know of the request. */
export function errorRequest(
  request: FastifyRequest,
  operation: BoundOperation | undefined,
  asked: Asked | undefined,
): ErrorRequest {
  return Object.freeze({
    operation: operation?.id,
    method: request.method,
    url: request.raw.url ?? '/',
    tenant: request.trace.tenant,
    headers: request.headers,
    ...(asked?.soFar() ?? { path: NOTHING, query: NOTHING }),
  });
}

/** The part of a raw path that the contract's template speaks of: as many segments, counted from the end. */
function belowBase(given: string, template: string): string {
  const pathname = given.endsWith('/') && !template.endsWith('/') ? given.slice(0, -1) : given;
  let from = pathname.length;
  for (let at = template.indexOf('/'); at !== -1; at = template.indexOf('/', at + 1))
    from = pathname.lastIndexOf('/', from - 1);
  return pathname.slice(Math.max(from, 0));
}
