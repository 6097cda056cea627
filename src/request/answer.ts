import { validateHeaderName, validateHeaderValue } from 'node:http';
import { Undecodable } from '../bindings/codecs.ts';
import { type CursorContent, type Cursors, plainPosition } from '../bindings/cursor.ts';
import { replyHeaders } from '../bindings/headers.ts';
import type { BoundOperation, BoundStore } from '../bindings/load.ts';
import type { Unpaged } from '../bindings/page.ts';
import { NoSuchItem, RequestError, StoreError } from '../errors.ts';
import { type Answer, TextAnswer } from '../model/answer.ts';
import type { Found, PageFacts, Read, Request } from '../model/binding.ts';
import type { Call, Fetched, Item, Want } from '../model/call.ts';
import { createDeadlines, type Deadline } from '../model/deadline.ts';
import type { StoreOrigin } from '../model/origin.ts';
import type { StoreName } from '../model/stage.ts';
import type { WireFetched, WireItem } from '../model/wire.ts';
import { linkHeader } from './link.ts';

/** A store's question, complete: what is asked, by whom, from where on. Frozen; holds nothing of the HTTP request. */
export interface Question {
  readonly operation: BoundOperation;
  readonly request: Unpaged;
  /** Path and query as the client sent them, for links. */
  readonly url: string;
  /** Of the client's cursor, where it sent one of ours. */
  readonly cursor: CursorContent | undefined;
  /** Hash of all parameters but the cursor, which a cursor is bound to. */
  readonly parameters: string;
}

export interface AnswererOptions {
  readonly origins: Readonly<Partial<Record<StoreName, StoreOrigin>>>;
  readonly cursors: Cursors;
  /** Gives back a position as the store's own client takes it. */
  readonly revive: (position: CursorContent['position'], store: StoreName) => Readonly<Record<string, unknown>>;
  /** Milliseconds. */
  readonly timeout: number;
}

export interface How {
  /** Read what is written, not what has arrived, where the store can. */
  readonly consistent?: boolean;
  /** One that has begun already, for whoever waited for something before the store; without it one begins now. */
  readonly deadline?: Deadline | undefined;
  /** Bytes that the answer probably has: whoever gets it from elsewhere need not keep them twice. */
  readonly like?: Buffer | undefined;
}

/** (store, question) → the answer a client would get. Throws RequestError, StoreError; never asks another store. */
export type Answerer = (store: StoreName, question: Question, how?: How) => Promise<Answer>;

const NONE: Fetched = Object.freeze({ items: Object.freeze([]), more: false });

export function createAnswerer(options: AnswererOptions): Answerer {
  const deadlines = createDeadlines(options.timeout);
  return async (store, question, how) => {
    const { operation } = question;
    const origin = options.origins[store];
    const bound = operation.stores[store];
    if (origin === undefined || bound === undefined)
      throw new StoreError(store, 'unavailable', `${store} is not connected`);
    const request = paged(options, store, question);
    const own = how?.deadline === undefined ? deadlines.next() : undefined;
    const want: Want = {
      limit: request.page.limit,
      maxItems: operation.maxItems,
      deadline: how?.deadline ?? (own as Deadline),
      consistent: how?.consistent === true,
    };
    try {
      let found: Obtained;
      try {
        const given = bound.call(request, readWith(origin, want));
        const sent = given instanceof Promise ? await given : given;
        found = isCall(sent) ? await fetched(bound, origin, sent, want) : asFetched(sent, want, operation.isList);
      } catch (error) {
        if (!(error instanceof NoSuchItem || isMalformedId(error))) throw error;
        found = NONE;
      }
      refuseNone(operation, request, found);
      return compose(options, store, question, request, bound, found);
    } finally {
      own?.end();
    }
  };
}

/** Items as they came, or decoded. */
type Obtained = Fetched | WireFetched;

const countOf = (found: Obtained): number => ('wire' in found ? found.wire.length : found.items.length);

const itemsOf = (found: Obtained): readonly Item[] => ('wire' in found ? found.wire.map(found.decode) : found.items);

function lastOf(found: Obtained): Item | undefined {
  if (!('wire' in found)) return found.items.at(-1);
  const last = found.wire.at(-1);
  return last === undefined ? undefined : found.decode(last);
}

/** Throws RequestError where there is nothing to give, or not to this caller. */
function refuseNone(operation: BoundOperation, request: Request, found: Obtained): void {
  const { isList, spec } = operation;
  if (countOf(found) === 0 && (!isList || spec?.empty === 'notFound'))
    throw new RequestError('notFound', `there is no such ${isList ? 'list' : 'item'}`);
  if (spec?.allow === undefined) return;
  const items = itemsOf(found);
  refuseWho(spec.allow(request, isList ? items : items[0]), operation);
}

/** Only `true` lets in: a rule that forgets to answer, `item.owners?.includes(…)`, must not let everybody in. */
function refuseWho(verdict: unknown, { id, spec }: BoundOperation): void {
  if (spec?.allow === undefined || verdict === true) return;
  if (verdict === 'forbidden') throw new RequestError('forbidden', 'not allowed');
  if (verdict === 'notFound') throw new RequestError('notFound', 'there is no such item');
  throw new Error(`allow of ${id} gave neither true, 'forbidden' nor 'notFound'`);
}

function paged(options: AnswererOptions, store: StoreName, { operation, request, cursor }: Question): Request {
  if (isPaged(request)) return request;
  const page = Object.freeze({
    limit: limitOf(operation, request),
    after: cursor === undefined ? undefined : options.revive(cursor.position, store),
  });
  return Object.freeze({ ...request, page });
}

const isPaged = (request: Unpaged): request is Request => request.page !== undefined;

/** What is asked for, at most what the operation may give at once. Throws RequestError(invalidParameter). */
function limitOf({ page, maxItems }: BoundOperation, request: Unpaged): number | undefined {
  const limit = page?.limit(request);
  if (limit === undefined) return undefined;
  if (!Number.isSafeInteger(limit) || limit < 1)
    throw new RequestError('invalidParameter', 'the page limit must be a whole number from 1 on', {
      parameter: 'limit',
    });
  return Math.min(limit, maxItems);
}

/** As the store sent it, where this is to be rendered from that and the store can give it so. */
function fetched(bound: BoundStore, origin: StoreOrigin, call: Call, want: Want): Promise<Obtained> {
  const wire = bound.renderWire === undefined ? undefined : origin.fetchWire?.(call, want);
  return wire ?? origin.fetch(call, want);
}

/** `new ObjectId('x')` in a binding: a value that the store could never hold as a key. */
const isMalformedId = (error: unknown): boolean => error instanceof Error && error.name === 'BSONError';

const ONE_ITEM = new Set(['GetItem', 'findOne']);
const CALLS = new Set(['GetItem', 'BatchGetItem', 'Query', 'Scan', 'findOne', 'find', 'aggregate']);

function isCall(value: Found): value is Call {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const names = Object.keys(value);
  return names.length === 1 && CALLS.has(names[0] as string);
}

/**
 * What an async binding reads with: an item for one-item calls, else all items up to the call's own limit. A key that the
 * store could never hold is no item, so that the binding can say what that means.
 */
function readWith(origin: StoreOrigin, want: Want): Read {
  return async (call) => {
    const [name] = Object.keys(call);
    const input = Object.values(call)[0] as { limit?: number; Limit?: number };
    const { items } = await origin.fetch(call, { ...want, limit: input.limit ?? input.Limit }).catch(noneFor);
    return ONE_ITEM.has(name as string) ? items[0] : items;
  };
}

function noneFor(error: unknown): Fetched {
  if (error instanceof NoSuchItem) return NONE;
  throw error;
}

function asFetched(found: Exclude<Found, Call>, { limit }: Want, isList: boolean): Fetched {
  if (found === undefined || found === null) return NONE;
  const pageOf = isList && !Array.isArray(found) && Array.isArray((found as { items?: unknown }).items);
  const { items, more, total } = (pageOf ? found : { items: Array.isArray(found) ? found : [found] }) as {
    items: readonly Item[];
    more?: boolean;
    total?: number;
  };
  const over = limit !== undefined && items.length > limit;
  return { items: over ? items.slice(0, limit) : items, more: more ?? over, ...(total === undefined ? {} : { total }) };
}

function compose(
  options: AnswererOptions,
  store: StoreName,
  question: Question,
  request: Request,
  bound: BoundStore,
  found: Obtained,
): Answer {
  const { operation } = question;
  const page = pageFacts(options, store, question, request, found);
  let viewed = false;
  const viewOf = (wire: WireFetched) => (item: WireItem) => {
    viewed = true;
    return wire.view(item);
  };
  const wired =
    'wire' in found ? bound.renderWire?.({ items: found.wire, request, page, decode: viewOf(found) }) : undefined;
  const decoded = wired === undefined || operation.headers !== undefined ? itemsOf(found) : undefined;
  // Who has a view may look at it later.
  if ('wire' in found && !viewed) found.giveBack?.(found.wire);
  const item = operation.isList ? undefined : decoded?.[0];
  const items = operation.isList ? decoded : undefined;
  const text = wired === undefined ? renderWith(bound, store, { item, items, request, page }) : '';
  const own = operation.headers?.(request, { item, items, page });
  const link = linkHeader(operation, question.url, page, request);
  if (own !== undefined) refuseUnsendable(store, own);
  const made = link === undefined ? own : { link, ...own };
  const headers =
    made === undefined ? operation.usualHeaders : replyHeaders(operation.contract.success.type, operation.fixed, made);
  const count = operation.isList ? page.count : undefined;
  if (wired === undefined) return new TextAnswer(operation.status, headers, text, count);
  return Object.freeze({ status: operation.status, headers, body: wired, items: count, giveBack: bound.giveBack });
}

/** A value of an item that HTTP cannot carry in a header: this store cannot answer. */
function refuseUnsendable(store: StoreName, headers: Readonly<Record<string, string | undefined>>): void {
  for (const [name, value] of Object.entries(headers)) {
    try {
      validateHeaderName(name);
      if (value !== undefined) validateHeaderValue(name, value);
    } catch (error) {
      throw new StoreError(store, 'undecodable', `header ${name}: ${(error as Error).message}`, error);
    }
  }
}

function renderWith(bound: BoundStore, store: StoreName, input: Parameters<BoundStore['render']>[0]): string {
  try {
    return bound.render(input);
  } catch (error) {
    if (error instanceof Undecodable) throw new StoreError(store, 'undecodable', error.message, error);
    throw error;
  }
}

function pageFacts(
  options: AnswererOptions,
  store: StoreName,
  question: Question,
  request: Request,
  found: Obtained,
): PageFacts {
  const { more, total } = found;
  const { limit } = request.page;
  const count = countOf(found);
  if (count === 1 && !more && total === undefined && limit === undefined) return ONE;
  const next =
    more && question.operation.page?.issues === true ? seal(options, store, question, request, found) : undefined;
  const pages = total === undefined || limit === undefined ? undefined : Math.ceil(total / limit);
  return Object.freeze({ limit, count, more, next, total, pages });
}

/** Of what is one and has no page. */
const ONE: PageFacts = Object.freeze({
  ...{ limit: undefined, count: 1, more: false, next: undefined, total: undefined, pages: undefined },
});

function seal(
  options: AnswererOptions,
  store: StoreName,
  question: Question,
  request: Request,
  found: Obtained,
): string | undefined {
  const { operation, parameters } = question;
  const last = lastOf(found);
  if (operation.page === undefined || last === undefined) return undefined;
  const content = {
    operation: operation.id,
    tenant: request.tenant,
    parameters,
    position: plainPosition(operation.page.position(store, last)),
  };
  return options.cursors.seal(travels(operation, request) ? content : { ...content, store });
}

/**
 * Whether the other store can go on from this position. A Scan has an order of its own, so a cursor over one stays with
 * the store that issued it; an async binding's order is what its author declared by `position`.
 */
function travels(operation: BoundOperation, request: Request): boolean {
  return Object.values(operation.stores).every(
    ({ call }) => isAsync(call) || !('Scan' in (call(request, NEVER) as Call)),
  );
}

const isAsync = (call: BoundStore['call']): boolean => call.constructor.name === 'AsyncFunction';

const NEVER: Read = () => Promise.reject(new Error('only an async binding reads'));
