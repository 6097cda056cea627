import { randomUUID } from 'node:crypto';
import { type IncomingMessage, type ServerOptions, type ServerResponse, STATUS_CODES } from 'node:http';
import type { ServerOptions as HttpsOptions } from 'node:https';
import type { Socket } from 'node:net';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { BoundOperation } from './bindings/load.ts';
import { toFastifyPath } from './contract/route.ts';
import type { TlsConfig } from './credentials.ts';
import { RequestError } from './errors.ts';
import type { Metrics } from './metrics.ts';
import type { ErrorRequest } from './model/binding.ts';
import type { Tracing } from './model/span.ts';
import { type Accounts, createAccounts } from './request/accounts.ts';
import { type Admission, kindOf, type Refusal } from './request/admission.ts';
import { errorRequest } from './request/ask.ts';
import { optionsAnswer } from './request/cors.ts';
import { handle, type Line } from './request/handle.ts';
import type { RequestLog } from './request/log.ts';
import { isHead, type ParserError, parserRefusal, refusal, tunnelRefusal } from './request/refusal.ts';
import { errorAnswer, forward, LINGERS, type Lingering, send, toRequestError, writeLast } from './request/reply.ts';
import { endRequestSpan, knownMethod } from './request/spans.ts';
import type { Trace } from './request/trace.ts';

const REQUEST_ID = /^[\x21-\x7e]{1,128}$/;

/** Any header size that a legacy server would take. */
const MAX_HEADER_BYTES = 128 * 1024;

/** Longer than any URL that fits into the headers. */
const MAX_PARAMETER_LENGTH = MAX_HEADER_BYTES;

/** How often those whose head does not come are looked for, in milliseconds. */
const LOOK_EVERY = 5_000;

/** Requests of one connection that wait for their turn; beyond it there is no reading on, and the connection ends. */
const MAX_PIPELINED = 100;

export interface FacadeOptions {
  readonly line: Line;
  readonly metrics: Metrics;
  /** Absent where nobody takes traces. */
  readonly tracing?: Tracing | undefined;
  /** Without it the façade speaks plain HTTP. */
  readonly tls?: TlsConfig | undefined;
  readonly requestLog?: RequestLog | undefined;
  /** A tenant as traces and logs may show it. */
  readonly shownTenant?: ((tenant: string | undefined) => string | undefined) | undefined;
  readonly isDraining: () => boolean;
  readonly admission: Admission;
  /** Milliseconds for a request's head to arrive. */
  readonly headTimeout: number;
  /** Clients' connections at a time; further ones are closed at once. */
  readonly maxConnections: number;
  /** Requests under way by method; written here alone. */
  readonly active?: Map<string, number>;
}

/**
 * The client side. Bound reads go down the line in `request/handle.ts`; all else passes to legacy in the first hook,
 * before any body is touched.
 */
export function createFacade(options: FacadeOptions): FastifyInstance {
  const { line, metrics, tracing, tls, isDraining, admission, active = new Map<string, number>() } = options;
  const accounts = createAccounts(metrics);
  const nextId = createIds();
  /** Requests of a connection that wait for their turn. */
  const waiting = new WeakMap<Socket, number>();
  /** Counts a request in, decides whether it may, and acts when its turn comes. */
  const receive = (
    request: FastifyRequest,
    reply: FastifyReply,
    operation: BoundOperation | undefined,
    act: () => void,
  ): void => {
    const { raw } = reply;
    const { socket } = request.raw;
    if (raw.socket === null && (socket.destroyed || (waiting.get(socket) ?? 0) >= MAX_PIPELINED))
      return void socket.destroy();
    const trace = newTrace(operation);
    if (tracing !== undefined) trace.span = tracing.request(request.headers, trace.began);
    request.trace = trace;
    const method = knownMethod(request.method);
    const kind = kindOf(request.method, operation, operation && line.flags.stages()[operation.index]);
    const refused = admission.enter(kind);
    if (refused !== undefined) metrics.refused.inc({ kind, reason: refused });
    active.set(method, (active.get(method) ?? 0) + 1);
    const ended = (): void => {
      active.set(method, (active.get(method) ?? 0) - 1);
      if (refused === undefined) admission.leave(kind);
      finish(options, accounts, request, reply);
    };
    raw.on('close', ended);
    const turn = refused === undefined ? act : () => turnAway(line, refused, operation, request, reply);
    if (raw.socket === null) waitInLine(waiting, socket, raw, turn);
    else turn();
  };
  metrics.onCollect(() => {
    for (const [method, count] of active) metrics.activeRequests.set({ http_request_method: method }, count);
  });
  const app = Fastify({
    logger: false,
    // A body may take long; a head that does not come is not waited for.
    ...listening(
      {
        headersTimeout: options.headTimeout,
        connectionsCheckingInterval: Math.min(LOOK_EVERY, options.headTimeout),
        maxHeaderSize: MAX_HEADER_BYTES,
        optimizeEmptyRequests: true,
        // Refused with the rest of what is wrong, in the shape of the API's errors.
        requireHostHeader: false,
      },
      tls,
    ),
    genReqId: (message: IncomingMessage) => requestId(message.headers['x-request-id'], nextId),
    requestIdHeader: false,
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    exposeHeadRoutes: false,
    routerOptions: {
      maxParamLength: MAX_PARAMETER_LENGTH,
      ignoreTrailingSlash: line.bindings.spec.trailingSlash === 'ignore',
    },
    frameworkErrors: (_error, request, reply) => {
      const unfit = refusal(request.raw);
      receive(request as FastifyRequest, reply as FastifyReply, undefined, () => {
        if (unfit === undefined) void pass(line, request as FastifyRequest, reply as FastifyReply);
        else refuse(line, unfit, request as FastifyRequest, reply as FastifyReply);
      });
    },
    clientErrorHandler: (error, socket) => refuseUnparsed(line, error, socket),
  });

  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _payload, done) => done(null));
  app.decorateRequest('trace');

  app.server.on('connect', (_message, socket: Connection) => {
    socket.on('error', () => socket.destroy());
    // A refusal ahead of the reply to what came before would pass for that reply; and Node has let go of the connection.
    if (socket._httpMessage) socket.destroy();
    else end(line, tunnelRefusal(), socket);
  });
  app.server.on('checkContinue', (message, reply) => {
    // Node writes the head of a reply that waits for its turn before all else of it: this would be among its body.
    if (reply.socket !== null) reply.writeContinue();
    else reply.once('socket', () => reply.headersSent || reply.writeContinue());
    app.server.emit('request', message, reply);
  });
  app.server.maxConnections = options.maxConnections;
  app.server.on('drop', () => metrics.connectionsRefused.inc());
  app.server.maxHeadersCount = 0; // their size is bounded, not their number

  const admit = (request: FastifyRequest, reply: FastifyReply, operation: BoundOperation | undefined): void => {
    const unfit = refusal(request.raw);
    if (unfit !== undefined) refuse(line, unfit, request, reply);
    else if (operation === undefined || operation.kind === 'write' || operation.spec === undefined)
      void pass(line, request, reply);
    else void handle(line, operation, request, reply);
  };

  // Nobody calls what comes next: the reply is ours to write, and Fastify's own steps towards it would cost and do nothing.
  app.addHook('onRequest', (request, reply, _next) => {
    const operation = request.is404 ? undefined : (request.routeOptions.config as RouteConfig).operation;
    // While draining each reply ends its connection, so that none is cut later.
    if (isDraining()) reply.raw.shouldKeepAlive = false;
    receive(request, reply, operation, () => admit(request, reply, operation));
  });

  const never = (): never => {
    throw new Error('a request went past the first hook');
  };
  for (const operation of line.bindings.operations) {
    for (const method of methodsOf(operation, line.bindings.operations)) {
      const url = line.bindings.basePath + toFastifyPath(operation.contract.path);
      app.route({ method, url, config: { operation }, handler: never });
    }
  }

  app.setNotFoundHandler(never);
  return app;
}

/**
 * With TLS a client's certificate is asked for where there is an authority for it, and judged where a store answers: what
 * passes to legacy passes without one.
 */
function listening(http: ServerOptions, tls: TlsConfig | undefined): { http: ServerOptions } | { https: HttpsOptions } {
  if (tls === undefined) return { http };
  const { cert, key, clientCa } = tls;
  const asks = clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: false };
  return { https: { ...http, cert, key, ...asks } };
}

/** One that came behind another on its connection waits for its turn (RFC 9112 §9.3.2): a write may be before it. */
function waitInLine(waiting: WeakMap<Socket, number>, socket: Socket, raw: ServerResponse, act: () => void): void {
  const add = (one: number): unknown => waiting.set(socket, (waiting.get(socket) ?? 0) + one);
  add(1);
  raw.once('socket', () => {
    add(-1);
    act();
  });
}

interface RouteConfig {
  readonly operation?: BoundOperation;
}

/** HEAD is GET without a body, unless the contract has a HEAD of its own. */
function methodsOf({ contract }: BoundOperation, all: readonly BoundOperation[]): string[] {
  const ownHead = all.some((other) => other.contract.path === contract.path && other.contract.method === 'HEAD');
  return contract.method === 'GET' && !ownHead ? ['GET', 'HEAD'] : [contract.method];
}

async function pass(line: Line, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  try {
    const own =
      line.legacy === undefined && request.method === 'OPTIONS' ? optionsAnswer(line.bindings, request.raw) : undefined;
    if (own !== undefined) return send(line, request, reply, own);
    await forward(line, request, reply);
  } catch (error) {
    const failure = toRequestError(error);
    line.onFailure(failure, request);
    send(line, request, reply, errorAnswer(line.bindings.errors, failure, errorRequest(request, undefined, undefined)));
  }
}

/** Where the bounds of a request are in doubt, so are those of the next: the connection ends with the reply. */
function refuse(line: Line, error: RequestError, request: FastifyRequest, reply: FastifyReply): void {
  reply.raw.shouldKeepAlive = false;
  line.onFailure(error, request);
  send(line, request, reply, errorAnswer(line.bindings.errors, error, errorRequest(request, undefined, undefined)));
}

const WHY: Readonly<Record<Refusal, string>> = Object.freeze({
  event_loop: 'the service has more to do than it can',
  requests: 'too many requests are under way',
});

/** Whoever cannot be served now is told so at once, and when to ask again: not all at the same time. */
function turnAway(
  line: Line,
  why: Refusal,
  operation: BoundOperation | undefined,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  if (refusal(request.raw) !== undefined) reply.raw.shouldKeepAlive = false;
  const headers = { 'retry-after': String(1 + Math.floor(Math.random() * 3)) };
  const error = new RequestError('unavailable', WHY[why], { headers });
  const errors = operation?.errors ?? line.bindings.errors;
  send(line, request, reply, errorAnswer(errors, error, errorRequest(request, operation, undefined)));
}

/** On a reply after which its connection is to be refused: what cannot be read comes in as many pieces as its sender likes. */
const ENDS: unique symbol = Symbol('ends');

/** A connection as Node keeps it: with the reply that it is to carry now. */
type Connection = Socket & { readonly _httpMessage?: (ServerResponse & Lingering & { [ENDS]?: true }) | null };

/**
 * What is no request has no reply object: its refusal is written by hand, after the replies to what came before, and the
 * connection ends. A reply that has begun is cut.
 */
function refuseUnparsed(line: Line, error: ParserError, socket: Connection): void {
  // A connection that broke, or whose encryption did, has nobody to read a reply.
  if (!/^(HPE_|ERR_HTTP_)/.test(error.code ?? '')) return void socket.destroy();
  const current = socket._httpMessage;
  // Its reply is whole, and what could not be read here is what it passes over.
  if (current?.[LINGERS] !== undefined) {
    current[LINGERS]();
    return;
  }
  if (current?.req.complete && !current.writableFinished) {
    if (!current[ENDS]) current.once('finish', () => refuseUnparsed(line, error, socket));
    current[ENDS] = true;
    return;
  }
  if (!socket.writable || current?.headersSent) return void socket.destroy();
  end(line, parserRefusal(error.code), socket, !isHead(error));
}

/** Writes an error reply where Node gives no reply object, and ends the connection. */
function end(line: Line, error: RequestError, socket: Socket, hasBody = true): void {
  const { status, headers, body } = errorAnswer(line.bindings.errors, error, UNPARSED);
  const lines = Object.entries({ ...headers, 'x-request-id': randomUUID(), 'content-length': String(body.length) })
    .flatMap(([name, value]) => [value].flat().map((one) => `${name}: ${one}\r\n`))
    .join('');
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines}connection: close\r\n\r\n`;
  writeLast(socket, Buffer.concat([Buffer.from(head, 'latin1'), ...(hasBody ? [body] : [])]));
}

const UNPARSED: ErrorRequest = Object.freeze({
  ...{ operation: undefined, method: '', url: '', tenant: undefined },
  ...{ headers: Object.freeze({}), path: Object.freeze({}), query: Object.freeze({}) },
});

const newTrace = (operation: BoundOperation | undefined): Trace => ({
  began: performance.now(),
  operation: operation?.id,
  route: operation?.contract.path ?? '',
  tenant: undefined,
  stage: undefined,
  origin: undefined,
  failure: undefined,
  done: false,
  span: undefined,
});

/** A UUID whose last part counts, so that it is made without the random numbers that each of its kind costs. */
function createIds(): () => string {
  const begin = randomUUID().slice(0, -12);
  let last = Math.floor(Math.random() * 2 ** 32);
  return () => {
    last += 1;
    return begin + last.toString(16).padStart(12, '0');
  };
}

const requestId = (sent: string | string[] | undefined, nextId: () => string): string =>
  typeof sent === 'string' && REQUEST_ID.test(sent) ? sent : nextId();

/** What became of a request, once nothing more is sent. */
function finish(options: FacadeOptions, accounts: Accounts, request: FastifyRequest, reply: FastifyReply): void {
  const { requestLog, shownTenant } = options;
  const { trace } = request;
  // The client may have left before it had its reply.
  const status = reply.raw.writableFinished ? reply.raw.statusCode : undefined;
  const duration = performance.now() - trace.began;
  accounts.note(trace, request.method, status, duration);
  if (trace.span !== undefined) endRequestSpan(trace.span, request, status, shownTenant?.(trace.tenant));
  requestLog?.note(request, status, duration);
  trace.done = true;
}
