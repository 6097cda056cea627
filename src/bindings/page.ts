import { RequestError } from '../errors.ts';
import type { PageSpec, PositionSource, Request } from '../model/binding.ts';
import type { Item } from '../model/call.ts';
import type { StoreName } from '../model/stage.ts';

/** The parts of a request that decide a page: all but the page itself, unless its operation has none. */
export type Unpaged = Omit<Request, 'page'> & { readonly page?: Request['page'] | undefined };

/** Of an operation without pages. */
export const NO_PAGE: Request['page'] = Object.freeze({ limit: undefined, after: undefined });

/** A paged operation, compiled. */
export interface BoundPage {
  /** Items of a full page. Throws RequestError(invalidParameter) where the bindings refuse the client's figure. */
  readonly limit: (request: Unpaged) => number | undefined;
  /** The client's cursor as it came; `undefined` on the first page. */
  readonly cursor: (request: Unpaged) => string | undefined;
  /** Whether this operation issues cursors at all (page numbers and object ids do not). */
  readonly issues: boolean;
  /** Where a page ended, from its last item: plain values still as the store's client gives them. */
  readonly position: (store: StoreName, last: Item) => Readonly<Record<string, unknown>>;
  /** The query parameter that a Link header sets, where the operation has one. */
  readonly links: string | undefined;
}

/** Compiles `page`; its mistakes are found by `loadBindings`. */
export function compilePage(spec: PageSpec): BoundPage {
  const { position } = spec;
  const perStore = position !== undefined && !Array.isArray(position) && typeof position !== 'function';
  const sources = (perStore ? position : { dynamodb: position, mongodb: position }) as Record<
    StoreName,
    PositionSource | undefined
  >;
  const readers = { dynamodb: readPosition(sources.dynamodb), mongodb: readPosition(sources.mongodb) };
  return Object.freeze({
    limit: compileLimit(spec.limit),
    cursor: spec.cursor ?? (() => undefined),
    issues: position !== undefined && spec.cursor !== undefined,
    position: (store: StoreName, last: Item) => readers[store](last),
    links: spec.links,
  });
}

function readPosition(source: PositionSource | undefined): (last: Item) => Readonly<Record<string, unknown>> {
  if (source === undefined) return () => ({});
  if (typeof source === 'function') return source;
  return (last) => Object.fromEntries(source.map((name) => [name, last[name]]));
}

function compileLimit(spec: PageSpec['limit']): (request: Unpaged) => number | undefined {
  if (spec === undefined) return () => undefined;
  if (typeof spec === 'function') return spec;
  const { value, max, over = 'clamp', parameter = 'limit' } = spec;
  return (request) => {
    const asked = Number(value(request) ?? spec.default);
    if (asked >= 1 && asked <= max) return asked;
    if (over === 'refuse') {
      throw new RequestError('invalidParameter', `${parameter} must be from 1 to ${max}`, { parameter });
    }
    return Math.min(Math.max(asked, 1), max);
  };
}
