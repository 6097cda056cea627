import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { type Dispatcher, Pool } from 'undici';
import type { ForwardedConfig } from '../config.ts';
import { StoreError } from '../errors.ts';
import type { Answer } from '../model/answer.ts';
import type { Connections } from '../model/origin.ts';
import { connector } from './connecting.ts';
import { answerHeaders, Exchange, type ForwardExtra, type Forwarded } from './exchange.ts';
import { requestHeaders, type Sent } from './forwarded.ts';
import { translate } from './legacy-error.ts';
import { Places } from './places.ts';

export type { Capturing, ForwardExtra, Forwarded } from './exchange.ts';

export interface LegacyOptions {
  /** Origin of the legacy service; a path in it goes before every request's path. */
  readonly url: string;
  /**
   * For a connection to become free, for the response's headers, and for each silence in its body, in milliseconds;
   * 0, the default: as long as the client waits.
   */
  readonly timeout?: number | undefined;
  /** For a connection to be made, in milliseconds; default 10,000. */
  readonly connectTimeout?: number | undefined;
  /** At most so many at a time; default 1,000. */
  readonly connections?: number | undefined;
  /** How long an idle connection is used again where legacy does not say, in milliseconds; default 1,000. */
  readonly keepAlive?: number | undefined;
  /** Whether clients come by TLS, for what is asked with no client behind it. */
  readonly encrypted?: boolean | undefined;
  /** Default: X-Forwarded-For is added to, X-Forwarded-Host and X-Forwarded-Proto are set where the client says none. */
  readonly forwarded?: ForwardedConfig | undefined;
  /** Headers of clients, in lower case, in whose place our own are sent: `context`. */
  readonly replaced?: readonly string[] | undefined;
}

/** What is asked of legacy once more. */
export interface Message {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** As it was sent, in the coding that the headers say. */
  readonly body?: Buffer | undefined;
  /** Headers of ours. */
  readonly context?: Readonly<Record<string, string>> | undefined;
}

export interface Legacy {
  readonly server: { readonly address: string; readonly port: number };
  /**
   * Sends the request as it came and streams the reply back, once: no retry, no decompression, nothing buffered.
   * Throws a `StoreError` only while nothing has been sent to the client. A client that leaves before legacy answers
   * gives status 499.
   */
  forward(request: IncomingMessage, reply: ServerResponse, extra?: ForwardExtra): Promise<Forwarded>;
  /**
   * The same question once more, with no client behind it and on connections of its own. Throws a `StoreError` where legacy
   * does not answer before `signal` aborts, or with a body of more than `maxBytes`.
   */
  ask(message: Message, options: { readonly signal: AbortSignal; readonly maxBytes: number }): Promise<Answer>;
  /** Resolves when legacy answers anything at all; throws a `StoreError` when it does not. */
  ping(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
  connections(): Connections;
}

const MAX_HEADER_BYTES = 256 * 1024;

/** Milliseconds by which we give up a connection before legacy does, where it says when. */
const KEEP_ALIVE_MARGIN = 1_000;

/** Connections for questions of our own. */
const OWN_CONNECTIONS = 16;

const APPENDED: ForwardedConfig = Object.freeze({ style: 'x-forwarded', trust: true });

export function createLegacyOrigin(options: LegacyOptions): Legacy {
  const url = new URL(options.url);
  const base = url.pathname.replace(/\/$/, '');
  const timeout = options.timeout ?? 0;
  const settings: Pool.Options = {
    headersTimeout: timeout,
    bodyTimeout: timeout,
    connect: connector(options.connectTimeout ?? 10_000),
    keepAliveTimeout: options.keepAlive ?? 1_000,
    keepAliveTimeoutThreshold: KEEP_ALIVE_MARGIN,
    maxHeaderSize: MAX_HEADER_BYTES,
    allowH2: false,
  };
  const connections = options.connections ?? 1_000;
  const pool = new Pool(url.origin, { ...settings, connections });
  // The pool's own queue would keep a request whose client has left until a connection is free.
  const places = new Places(connections);
  const own = new Pool(url.origin, { ...settings, connections: OWN_CONNECTIONS });
  const headersOf = requestHeaders(options.forwarded ?? APPENDED, options.replaced);

  return Object.freeze<Legacy>({
    server: serverOf(url),
    forward(message, reply, extra = {}) {
      const exchange = new Exchange(reply, extra);
      if (reply.destroyed) exchange.abandon();
      else {
        const headers = headersOf(sentBy(message), extra.requestId, extra.context);
        if (message.url === '*') askServer(url, message, headers, exchange);
        else dispatch({ pool, places }, { message, path: base + message.url, headers, timeout }, exchange);
      }
      return exchange.done;
    },
    async ask(message, { signal, maxBytes }) {
      const headers = headersOf(heldBy(message, options.encrypted === true), undefined, message.context);
      const path = base + message.url;
      const { method, body: upload = null } = message;
      const sent = own.request({ method, path, headers, body: upload, signal });
      const reply = await sent.catch(fail);
      const body = await collect(reply.body, maxBytes).catch(fail);
      return Object.freeze({ status: reply.statusCode, headers: answerHeaders(reply.headers), body });
    },
    async ping(signal) {
      const { body } = await own.request({ method: 'HEAD', path: base || '/', signal }).catch(fail);
      await body.dump();
    },
    connections: () => ({
      used: pool.stats.connected - pool.stats.free,
      idle: pool.stats.free,
      waiting: places.waiting,
    }),
    async close() {
      await Promise.all([pool.close(), own.close()]);
    },
  });
}

const serverOf = ({ protocol, hostname, port }: URL): Legacy['server'] =>
  Object.freeze({ address: hostname, port: Number(port) || (protocol === 'https:' ? 443 : 80) });

function fail(error: Error): never {
  throw translate(error);
}

function dispatch(
  { pool, places }: { readonly pool: Pool; readonly places: Places },
  request: { message: IncomingMessage; path: string; headers: string[]; timeout: number },
  exchange: Exchange,
): void {
  const { message, path, headers, timeout } = request;
  const method = message.method as Dispatcher.HttpMethod;
  const body = hasBody(message) ? exchange.upload(message) : null;
  exchange.beginAt(places, () => void pool.dispatch({ method, path, headers, body }, exchange));
  if (timeout > 0 && !exchange.started) exchange.waitFor(timeout);
}

/** `OPTIONS *` asks the server itself, not a path below it: the pool's client cannot say that. */
function askServer(url: URL, message: IncomingMessage, headers: string[], exchange: Exchange): void {
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
  const options = { method: message.method, path: '*', headers: ['Host', url.host, ...headers], agent: false };
  const sent = send(url, options);
  const controller = (reply?: IncomingMessage): Dispatcher.DispatchController => ({
    aborted: false,
    paused: false,
    reason: null,
    rawHeaders: reply?.rawHeaders ?? null,
    abort: (reason) => void sent.destroy(reason),
    pause: () => void reply?.pause(),
    resume: () => void reply?.resume(),
  });
  exchange.onRequestStart(controller());
  const onError = (error: Error) => exchange.onResponseError(undefined, error);
  sent.on('error', onError);
  sent.on('response', (reply) => {
    const control = controller(reply);
    exchange.onResponseStart(control, reply.statusCode as number, reply.headers, reply.statusMessage);
    reply.on('data', (chunk: Buffer) => exchange.onResponseData(control, chunk));
    reply.on('end', () => exchange.onResponseEnd());
    reply.on('error', onError);
  });
  if (hasBody(message)) exchange.upload(message).pipe(sent);
  else sent.end();
}

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;

const sentBy = ({ headers, rawHeaders, socket }: IncomingMessage): Sent => ({
  headers,
  rawHeaders,
  address: socket.remoteAddress,
  encrypted: (socket as Partial<TLSSocket>).encrypted === true,
});

/** A message that is no longer connected: without what delimited its body, which is whole here. */
function heldBy({ headers }: Message, encrypted: boolean): Sent {
  const rawHeaders = Object.entries(headers)
    .filter(([name]) => name.toLowerCase() !== 'content-length')
    .flatMap(([name, value]) => [value ?? []].flat().flatMap((one) => [name, one]));
  return { headers: headers as Sent['headers'], rawHeaders, address: undefined, encrypted };
}

async function collect(body: AsyncIterable<Buffer>, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > maxBytes)
      throw new StoreError('legacy', 'undecodable', `legacy answered with more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
