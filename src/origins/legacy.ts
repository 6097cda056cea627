import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { type Dispatcher, Pool } from 'undici';
import { StoreError, type StoreFailure } from '../errors.ts';

export interface LegacyOptions {
  /** Origin of the legacy service; a path in it goes before every request's path. */
  readonly url: string;
  /** For the response's headers, and for each silence in its body, in milliseconds; default 30,000. */
  readonly timeout?: number | undefined;
  /** For the connection, in milliseconds; default 3,000. */
  readonly connectTimeout?: number | undefined;
  /** Default 128. */
  readonly connections?: number | undefined;
}

export interface ForwardExtra {
  /** Sent to legacy as X-Request-Id in place of the client's, and to the client unless legacy says one. */
  readonly requestId?: string | undefined;
  /** Put onto the client's reply, before legacy's own of the same name. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** `complete: false`: the client went away, or legacy failed in mid-body and the client's connection was destroyed. */
export interface Forwarded {
  readonly status: number;
  readonly complete: boolean;
}

export interface Legacy {
  /**
   * Sends the request as it came and streams the reply back, once: no retry, no decompression, nothing buffered.
   * Throws a `StoreError` only while nothing has been sent to the client. A client that leaves before legacy answers
   * gives status 499.
   */
  forward(request: IncomingMessage, reply: ServerResponse, extra?: ForwardExtra): Promise<Forwarded>;
  /** Resolves when legacy answers anything at all; throws a `StoreError` when it does not. */
  ping(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export function createLegacyOrigin(options: LegacyOptions): Legacy {
  const { origin, pathname } = new URL(options.url);
  const base = pathname.replace(/\/$/, '');
  const timeout = options.timeout ?? 30_000;
  const pool = new Pool(origin, {
    connections: options.connections ?? 128,
    headersTimeout: timeout,
    bodyTimeout: timeout,
    connectTimeout: options.connectTimeout ?? 3000,
    maxHeaderSize: 256 * 1024,
  });

  return Object.freeze<Legacy>({
    forward: (request, reply, extra = {}) => forward(pool, base, request, reply, extra),
    async ping(signal) {
      const sent = pool.request({ method: 'HEAD', path: base || '/', signal });
      const { body } = await sent.catch((error) => {
        throw translate(error);
      });
      await body.dump();
    },
    close: () => pool.close(),
  });
}

const NOTHING = Buffer.alloc(0);

type RawHeaders = readonly string[];

function forward(
  pool: Pool,
  base: string,
  request: IncomingMessage,
  reply: ServerResponse,
  extra: ForwardExtra,
): Promise<Forwarded> {
  const { promise, resolve, reject } = Promise.withResolvers<Forwarded>();
  const options: Dispatcher.DispatchOptions = {
    method: request.method ?? 'GET',
    path: base + originForm(request.url ?? '/'),
    headers: requestHeaders(request, extra.requestId),
    body: hasBody(request) ? request : null,
  };
  let upstream: Dispatcher.DispatchController | undefined;
  let gone = false;
  let status = 499;

  const resume = () => upstream?.resume();
  const finish = (result: Forwarded) => {
    reply.off('drain', resume).off('close', leave);
    resolve(result);
  };
  const leave = () => {
    gone = true;
    upstream?.abort(new Error('the client went away'));
    finish({ status, complete: reply.writableFinished });
  };
  reply.on('drain', resume).on('close', leave);

  const handler: Dispatcher.DispatchHandler = {
    onRequestStart(controller) {
      upstream = controller;
      if (gone) controller.abort(new Error('the client went away'));
    },
    onResponseStart(controller, code, _headers, statusText) {
      if (code < 200) return;
      status = code;
      reply.sendDate = false;
      reply.writeHead(code, reasonOf(statusText), replyHeaders(rawText(controller.rawHeaders), extra));
      reply.write(NOTHING); // sends the headers as Latin-1, as they came; flushHeaders would make them UTF-8
    },
    onResponseData(controller, chunk) {
      if (!reply.write(chunk)) controller.pause();
    },
    onResponseEnd() {
      reply.end(() => finish({ status, complete: true }));
    },
    onResponseError(_controller, error) {
      if (gone) return;
      if (!reply.headersSent) {
        reply.off('drain', resume).off('close', leave);
        reject(translate(error));
        return;
      }
      reply.off('close', leave);
      reply.destroy();
      finish({ status, complete: false });
    },
  };

  if (reply.destroyed) leave();
  else pool.dispatch(options, handler);
  return promise;
}

/** The reason phrase as far as HTTP can carry it (RFC 9112 §4): nobody reads it, and one odd byte must not cost the reply. */
const reasonOf = (text: string | undefined): string => (text ?? '').replace(/[^\t\x20-\x7e\x80-\xff]/g, '');

/** What a server parses of `GET http://host/path` is no path yet. */
function originForm(url: string): string {
  const [, rest] = /^https?:\/\/[^/?]*(.*)$/i.exec(url) ?? [undefined, url];
  return rest?.startsWith('/') ? rest : `/${rest === '*' ? '' : rest}`;
}

const hasBody = ({ headers }: IncomingMessage) =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;

const HOP_BY_HOP = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];

/** Nominated by Connection and yet needed to delimit or to route: never taken away. */
const END_TO_END = new Set(['content-length', 'host', 'set-cookie']);

function endToEnd(raw: RawHeaders, dropped: readonly string[]): [name: string, value: string][] {
  const pairs = Array.from({ length: raw.length / 2 }, (_, n): [string, string] => [
    raw[2 * n] ?? '',
    raw[2 * n + 1] ?? '',
  ]);
  const nominated = pairs
    .filter(([name]) => name.toLowerCase() === 'connection')
    .flatMap(([, value]) => value.toLowerCase().split(','))
    .map((token) => token.trim())
    .filter((token) => !END_TO_END.has(token));
  const hidden = new Set([...HOP_BY_HOP, ...nominated, ...dropped]);
  return pairs.filter(([name]) => !hidden.has(name.toLowerCase()));
}

/** Expect goes too: our own server has already answered 100 Continue. */
function requestHeaders(request: IncomingMessage, requestId: string | undefined): string[] {
  const own = ['host', 'expect', 'x-forwarded-for', ...(requestId === undefined ? [] : ['x-request-id'])];
  const kept = endToEnd(request.rawHeaders, own);
  const has = (name: string) => kept.some(([given]) => given.toLowerCase() === name);
  const chain = [request.headers['x-forwarded-for'], request.socket.remoteAddress].flat().filter(Boolean).join(', ');
  const encrypted = (request.socket as Partial<TLSSocket>).encrypted === true;
  const added: [string, string][] = [];
  if (chain) added.push(['X-Forwarded-For', chain]);
  if (!has('x-forwarded-host') && request.headers.host) added.push(['X-Forwarded-Host', request.headers.host]);
  if (!has('x-forwarded-proto')) added.push(['X-Forwarded-Proto', encrypted ? 'https' : 'http']);
  if (requestId !== undefined) added.push(['X-Request-Id', requestId]);
  return [...kept, ...added].flat();
}

function replyHeaders(raw: RawHeaders, { headers = {}, requestId }: ForwardExtra): string[] {
  const kept = endToEnd(
    raw,
    Object.keys(headers).map((name) => name.toLowerCase()),
  );
  const names = [...kept.map(([name]) => name), ...Object.keys(headers)];
  const lacksId = requestId !== undefined && !names.some((name) => name.toLowerCase() === 'x-request-id');
  return [...kept, ...Object.entries(headers), ...(lacksId ? [['X-Request-Id', requestId]] : [])].flat();
}

function rawText(raw: Dispatcher.DispatchController['rawHeaders']): RawHeaders {
  return Array.isArray(raw) ? raw.map((part) => (typeof part === 'string' ? part : part.toString('latin1'))) : [];
}

const FAILURES: Readonly<Record<string, StoreFailure>> = Object.freeze({
  UND_ERR_HEADERS_TIMEOUT: 'timeout',
  UND_ERR_BODY_TIMEOUT: 'timeout',
  UND_ERR_ABORTED: 'timeout',
  UND_ERR_HEADERS_OVERFLOW: 'undecodable',
  UND_ERR_INVALID_ARG: 'refused',
});

function translate(error: Error & { code?: string | number }): StoreError {
  const message = `legacy did not answer: ${error.message || error.code || error.name}`;
  return new StoreError('legacy', failureOf(error.name, String(error.code)), message, error);
}

function failureOf(name: string, code: string): StoreFailure {
  const known = FAILURES[code];
  if (known) return known;
  if (name === 'TimeoutError' || name === 'AbortError') return 'timeout';
  return name === 'HTTPParserError' ? 'undecodable' : 'unavailable';
}
