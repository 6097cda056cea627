import type { CursorContent } from '../bindings/cursor.ts';
import type { Bindings, BoundOperation } from '../bindings/load.ts';
import { StoreError, type StoreFailure } from '../errors.ts';
import type { Observation } from '../model/answer.ts';
import type { ErrorRequest } from '../model/binding.ts';
import type { StoreName } from '../model/stage.ts';
import type { Question } from '../request/answer.ts';
import { ask } from '../request/ask.ts';
import { frozen } from '../request/auth/claims.ts';
import { type Claims, NO_CLAIMS } from '../request/auth.ts';
import { question } from '../request/handle.ts';
import type { RingReader, RingWriter } from './ring.ts';

/** A question to a candidate as it goes to the thread: what the request was, of which the same is made there again. */
export type AskMessage = readonly [
  id: number,
  operation: number,
  store: StoreName,
  consistent: boolean,
  method: string,
  url: string,
  tenant: string,
  headers: ErrorRequest['headers'],
  more: More | undefined,
];

/** What few questions have. */
interface More {
  readonly claims: Claims | undefined;
  readonly body: unknown;
  readonly cursor: CursorContent | undefined;
}

export function askMessage(
  id: number,
  store: StoreName,
  asked: Question,
  { method, url, headers }: ErrorRequest,
  consistent: boolean,
): AskMessage {
  const { operation, request, cursor } = asked;
  const claims = request.claims === NO_CLAIMS ? undefined : request.claims;
  const { body, tenant } = request;
  const plain = claims === undefined && body === undefined && cursor === undefined;
  const more = plain ? undefined : { claims, body, cursor };
  return [id, operation.index, store, consistent, method, url, tenant, headers, more];
}

/** A question as an observer takes it. */
export interface Read {
  readonly store: StoreName;
  readonly question: Question;
  readonly error: () => ErrorRequest;
  readonly how: { readonly consistent: boolean };
}

/** The other way round, with the operations of that thread. */
export function readAsk(message: AskMessage, operations: Bindings['operations']): Read {
  const [, index, store, consistent, method, url, tenant, sent, more] = message;
  const operation = operations[index] as BoundOperation;
  const headers = Object.freeze(sent);
  const asked = ask(operation, { url, headers, rawHeaders: [] });
  asked.body = more?.body;
  const claims = more?.claims === undefined ? NO_CLAIMS : frozen(more.claims);
  const read = question(operation, asked, { tenant, cursor: more?.cursor }, claims);
  const { path, query } = read.request;
  return {
    store,
    question: read,
    error: () => Object.freeze({ operation: operation.id, method, url, tenant, headers, path, query }),
    how: { consistent },
  };
}

/** What the thread says of a question: `answer`, or `failure` where it has no status. */
export type TellMessage = AnswerMessage | FailureMessage;

type AnswerMessage = readonly [
  id: number,
  duration: number,
  status: number,
  /** `undefined`: those that the operation's successes mostly have. */
  headers: Readonly<Record<string, string | readonly string[]>> | undefined,
  items: number | undefined,
  /** Where the body stands: in the ring from there on, or else in a buffer of its own. */
  from: number | ArrayBuffer,
  length: number,
];

type FailureMessage = readonly [
  id: number,
  duration: number,
  status: 0,
  /** Of a StoreError. */
  failure: StoreFailure | undefined,
  name: string,
  message: string,
];

/** Several answers. */
export interface Tells {
  readonly tells: readonly TellMessage[];
  /** How far the ring is written with them. */
  readonly written: number;
}

/** An observation that waits to be told. */
export interface Told {
  readonly id: number;
  readonly operation: BoundOperation;
  readonly observation: Observation;
}

/** `transfer`: the buffers of bodies for which the ring has no room. */
export function tellMessages(all: readonly Told[], ring: RingWriter): Tells & { readonly transfer: ArrayBuffer[] } {
  const transfer: ArrayBuffer[] = [];
  const tells = all.map(({ id, operation, observation }): TellMessage => {
    const { duration } = observation;
    if (!observation.ok) {
      const { error } = observation;
      const failure = error instanceof StoreError ? error.failure : undefined;
      return [id, duration, 0, failure, String(error.name), String(error.message)];
    }
    const { status, items, body } = observation.answer;
    const headers = observation.answer.headers === operation.usualHeaders ? undefined : observation.answer.headers;
    let from: number | ArrayBuffer | undefined = ring.put(body);
    if (from === undefined) {
      from = new Uint8Array(body).buffer;
      transfer.push(from);
    }
    return [id, duration, status, headers, items, from, body.length];
  });
  return { tells, transfer, written: ring.written() };
}

/**
 * The other way round; the ring may then be written again. A body that has the bytes of `like` is that one. What an error was
 * caused by stays where it was.
 */
export function readTell(
  message: TellMessage,
  ring: RingReader,
  { store: origin, operation, like }: Expected,
): Observation {
  const [, duration, status] = message;
  if (isFailure(message)) {
    const [, , , failure, name, text] = message;
    const error =
      failure === undefined ? Object.assign(new Error(text), { name }) : new StoreError(origin, failure, text);
    return Object.freeze({ origin, ok: false, error, duration });
  }
  const [, , , headers = operation.usualHeaders, items, from, length] = message;
  const body = typeof from === 'number' ? kept(ring.look(from, length), like) : Buffer.from(from);
  return Object.freeze({
    ...{ origin, ok: true, duration },
    answer: Object.freeze({ status, headers: Object.freeze(headers), body, items }),
  });
}

/** What was asked. */
export interface Expected {
  readonly operation: BoundOperation;
  readonly store: StoreName;
  /** Bytes that the answer probably has. */
  readonly like: Buffer | undefined;
}

const kept = (seen: Buffer, like: Buffer | undefined): Buffer =>
  like !== undefined && seen.equals(like) ? like : Buffer.from(seen);

const isFailure = (message: TellMessage): message is FailureMessage => message[2] === 0;
