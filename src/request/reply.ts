import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { BoundOperation } from '../bindings/load.ts';
import { NoSuchItem, RequestError, Resting, StoreError, type StoreFailure } from '../errors.ts';
import type { Answer } from '../model/answer.ts';
import type { BindingsSpec, ErrorRequest } from '../model/binding.ts';
import type { Capturing, Forwarded, Legacy } from '../origins/legacy.ts';
import { withCors } from './cors.ts';
import { holdToPace } from './sending.ts';
import { forwarded } from './spans.ts';

const CAUSE_OF: Readonly<Record<StoreFailure, 'unavailable' | 'timeout' | 'internal'>> = Object.freeze({
  unavailable: 'unavailable',
  throttled: 'unavailable',
  timeout: 'timeout',
  refused: 'internal',
  undecodable: 'internal',
  tooMany: 'internal',
  tooLarge: 'internal',
  coding: 'internal',
});

/** What a client is told of each cause that is ours: never what the store or the driver said. */
const SAID = Object.freeze({
  unavailable: 'the service cannot answer at the moment',
  timeout: 'the service did not answer in time',
  internal: 'the service could not answer',
});

/** Any error → the RequestError whose reply the client gets; its `cause` is for the log alone. */
export function toRequestError(error: unknown): RequestError {
  if (error instanceof RequestError) return error;
  if (error instanceof NoSuchItem) return new RequestError('notFound', 'there is no such item', { cause: error });
  const kind = error instanceof StoreError ? CAUSE_OF[error.failure] : 'internal';
  return new RequestError(kind, SAID[kind], { cause: error, ...(error instanceof Resting ? SOON : {}) });
}

/** Whoever was not let ask may ask again soon: that an origin is back is seen within a second. */
const SOON = Object.freeze({ headers: Object.freeze({ 'retry-after': '1' }) });

/** The error reply in the contract's shape. */
export function errorAnswer(errors: BoundOperation['errors'], error: RequestError, request: ErrorRequest): Answer {
  return errors(error, request);
}

interface Sender {
  readonly bindings: { readonly spec: Pick<BindingsSpec, 'cors'> };
  readonly legacy: Legacy | undefined;
  readonly serverTiming: boolean;
}

/** Writes an answer: its length said, in one piece; without the body for HEAD. Nothing, where the reply has begun. */
export function send(line: Sender, request: FastifyRequest, reply: FastifyReply, answer: Answer): void {
  const { raw } = reply;
  reply.hijack();
  if (raw.headersSent || raw.destroyed) {
    raw.destroy();
    return;
  }
  try {
    for (const name of raw.getHeaderNames()) raw.removeHeader(name);
    const bodiless = answer.status === 204 || answer.status === 304;
    const ascii = asciiOf(answer);
    const last: string[] = bodiless ? [] : ['content-length', String((ascii ?? answer.body).length)];
    const unread = isUnread(request.raw);
    if (unread) last.push('connection', 'close');
    raw.statusMessage = '';
    raw.writeHead(answer.status, headOf(line, request, answer, last));
    const body = request.method === 'HEAD' || bodiless ? undefined : (ascii ?? answer.body);
    if (unread) endUnread(request.raw, raw, body);
    else if (body === undefined) raw.end();
    else if (typeof body === 'string') raw.end(body, 'latin1');
    // A string goes out together with the head; read and written as Latin-1 its bytes stay what they are.
    else if (body.length <= ONE_WRITE) raw.end(body.toString('latin1'), 'latin1');
    else raw.end(body);
    holdToPace(raw);
  } catch {
    // What HTTP cannot carry was refused where it came from; should anything be left, this one request ends.
    raw.destroy();
  }
}

/** How much is worth copying so that head and body go out in one write. */
const ONE_WRITE = 4 * 1024;
/** Of a text nothing has to be copied first. */
const ONE_TEXT = 16 * 1024;

/** The body as a text of which each character is a byte; `undefined` where it is none, or too long to go out in one write. */
function asciiOf({ text }: Answer): string | undefined {
  if (text === undefined || text.length > ONE_TEXT) return undefined;
  return Buffer.byteLength(text) === text.length ? text : undefined;
}

/** Names and values in turn, each name once: ours, where the answer says nothing of them, the answer's, then `last`. */
function headOf(line: Sender, request: FastifyRequest, answer: Answer, last: readonly string[]): string[] {
  const { cors } = line.bindings.spec;
  const headers = cors === undefined ? answer.headers : withCors(cors, request.headers.origin, answer.headers);
  const head: string[] = [];
  if (headers['x-request-id'] === undefined) head.push('x-request-id', request.id);
  const timing = timingOf(line, request);
  if (timing !== undefined && headers['server-timing'] === undefined) head.push('server-timing', timing);
  for (const name of Object.keys(headers)) {
    const value = headers[name];
    if (value === undefined || name === last[0] || name === last[2]) continue;
    if (typeof value === 'string') head.push(name, value);
    else for (const one of value) head.push(name, one);
  }
  for (const part of last) head.push(part);
  return head;
}

/** Whether a body is still to come. A request without one is not complete yet either while its head is looked at. */
const isUnread = ({ complete, headers }: IncomingMessage): boolean =>
  !complete && (headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0');

/** On a reply that is whole while its connection still passes over what comes: how to be done with that. */
export const LINGERS: unique symbol = Symbol('lingers');

export interface Lingering {
  [LINGERS]?: () => void;
}

/** Milliseconds in which what a client still sends is passed over. */
const LINGER = 1_000;

/** Writes the last reply of a connection for which Node gives no reply object, and ends it. */
export function writeLast(socket: Socket, bytes: Buffer): void {
  socket.end(bytes);
  // Of a tunnel's connection nobody reads what else came, and before that its end is not seen.
  socket.resume();
  const late = setTimeout(() => socket.destroy(), LINGER).unref();
  socket.once('close', () => clearTimeout(late));
}

/**
 * A body that nobody reads to its end must not hold the connection: it is closed with the reply. Closed at once, it would be
 * reset under a client that still sends, and the reply lost with it (RFC 9112 §9.6); so the rest is passed over for a while.
 */
function endUnread(message: IncomingMessage, raw: ServerResponse, body: Buffer | string | undefined): void {
  if (body === undefined) raw.flushHeaders();
  else raw.write(body);
  const end = (): void => {
    clearTimeout(late);
    message.off('end', end).off('close', end);
    raw.end();
  };
  const late = setTimeout(end, LINGER);
  late.unref();
  (raw as Lingering)[LINGERS] = end;
  raw.once('finish', () => message.destroy());
  message.once('end', end).once('close', end).resume();
}

/**
 * Passes the request to the legacy service as it came and its reply back as it comes. Without one: 501 for what the
 * contract has, 404 for what it has not. Throws a StoreError where legacy failed before it replied. `capture` keeps the
 * reply for a comparison.
 */
export async function forward(
  line: Sender,
  request: FastifyRequest,
  reply: FastifyReply,
  capture?: Capturing,
): Promise<Forwarded> {
  if (line.legacy === undefined) {
    const known = request.trace.operation !== undefined;
    throw known
      ? new RequestError('unavailable', 'nobody here answers this operation', { status: 501 })
      : new RequestError('notFound', 'there is no such path');
  }
  request.trace.origin = 'legacy';
  reply.hijack();
  const headers = ownHeaders(line, request);
  const { forward: pass, server } = line.legacy;
  return await forwarded(request, server, (context) =>
    pass(request.raw, reply.raw, { requestId: request.id, headers, capture, context }),
  );
}

function ownHeaders(line: Sender, request: FastifyRequest): Readonly<Record<string, string>> {
  const id = { 'x-request-id': request.id };
  const timing = timingOf(line, request);
  return timing === undefined ? id : { ...id, 'server-timing': timing };
}

function timingOf(line: Sender, { trace }: FastifyRequest): string | undefined {
  const { origin, stage } = trace;
  if (!line.serverTiming || origin === undefined) return undefined;
  return `origin;desc=${origin}${stage === undefined ? '' : `, stage;desc=${stage}`}`;
}
