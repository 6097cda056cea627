import { readFileSync } from 'node:fs';
import { type Dispatcher, Pool } from 'undici';
import { FlagServerError, type FlagServerFailure } from '../errors.ts';

export interface UnleashOptions {
  /** Of the server, with or without `/api`. */
  readonly url: string;
  /** Asked for each request, since it may have been replaced. */
  readonly token: () => string;
  /** Milliseconds for one request; default 3,000. */
  readonly timeout?: number;
}

/** A reply whose body was read and parsed; `undefined` where it has none. */
export interface UnleashReply {
  readonly status: number;
  readonly etag: string | undefined;
  readonly body: unknown;
}

/** HTTP to an Unleash server. Throws a `FlagServerError` for anything but a 2xx or 304, and for what is not JSON. */
export interface UnleashHttp {
  readonly url: string;
  request(method: Method, path: string, options?: RequestOptions): Promise<UnleashReply>;
  close(): Promise<void>;
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

interface RequestOptions {
  readonly body?: unknown;
  readonly etag?: string | undefined;
  readonly signal?: AbortSignal;
}

/** Far above 5,000 flags of 30 strategies in practice, and a bound on what a lying server can make us hold. */
const MAX_BYTES = 64 * 1024 * 1024;

export function openUnleash({ url, token, timeout = 3_000 }: UnleashOptions): UnleashHttp {
  const { origin, base } = serverOf(url);
  const pool = new Pool(origin, {
    connections: 4,
    connect: { timeout },
    headersTimeout: timeout,
    bodyTimeout: timeout,
    maxResponseSize: MAX_BYTES,
  });
  return Object.freeze<UnleashHttp>({
    url: `${origin}${base}`,
    async request(method, path, { body, etag, signal } = {}) {
      const deadline = AbortSignal.timeout(timeout);
      const secret = token();
      const headers: Record<string, string> = { authorization: secret, accept: 'application/json' };
      if (body !== undefined) headers['content-type'] = 'application/json';
      if (etag !== undefined) headers['if-none-match'] = etag;
      headers['unleash-appname'] = 'crossfade';
      try {
        const reply = await pool.request({
          method,
          path: `${base}/api${path}`,
          headers,
          body: body === undefined ? null : JSON.stringify(body),
          signal: signal === undefined ? deadline : AbortSignal.any([deadline, signal]),
        });
        return await replyOf(reply, `${method} ${path}`, secret);
      } catch (error) {
        throw translated(error, `${origin}${base}`, timeout);
      }
    },
    close: () => pool.destroy(),
  });
}

/**
 * The token as it is now: one in a file may be replaced while the process runs. A file that cannot be read any more
 * leaves the last one.
 */
export function tokenOf({ token, tokenFile }: TokenPlace): () => string {
  if (tokenFile === undefined) return () => token ?? '';
  let last = token ?? '';
  return () => {
    try {
      last = readFileSync(tokenFile, 'utf8').trim() || last;
    } catch {
      // The server will say whether the last one is still good.
    }
    return last;
  };
}

interface TokenPlace {
  readonly token: string | undefined;
  readonly tokenFile: string | undefined;
}

/** `https://flags.example.com/team/api/` → its origin and `/team`. */
export function serverOf(url: string): { readonly origin: string; readonly base: string } {
  const { origin, pathname } = new URL(url);
  return { origin, base: pathname.replace(/\/+$/, '').replace(/\/api$/, '') };
}

const FAILURES: Readonly<Record<number, FlagServerFailure>> = Object.freeze({
  401: 'unauthorized',
  403: 'forbidden',
  404: 'notFound',
  429: 'throttled',
});

async function replyOf(reply: Dispatcher.ResponseData, what: string, secret: string): Promise<UnleashReply> {
  const { statusCode: status, headers } = reply;
  const text = await reply.body.text();
  if (status === 304) return { status, etag: undefined, body: undefined };
  if (status < 200 || status > 299) {
    const said = clean(reasonIn(text), secret);
    throw new FlagServerError(
      FAILURES[status] ?? 'failed',
      `the flag server says ${status} to ${what}${said === '' ? '' : `: ${said}`}`,
      retryOf(headers['retry-after']),
    );
  }
  const etag = typeof headers.etag === 'string' ? headers.etag : undefined;
  if (text === '') return { status, etag, body: undefined };
  const type = String(headers['content-type'] ?? '');
  if (!/^application\/json\b/i.test(type))
    throw new FlagServerError(
      'invalid',
      `the flag server answers ${what} with ${clean(type, secret) || 'no content type'}, not JSON`,
    );
  try {
    return { status, etag, body: JSON.parse(text) };
  } catch (cause) {
    throw new FlagServerError('invalid', `the flag server's answer to ${what} is no JSON`, {
      cause,
    });
  }
}

/** What a server says, short, without the token, should it repeat it. */
function clean(text: string, secret: string): string {
  const told = secret === '' ? text : text.replaceAll(secret, '***');
  return told.replace(/[^\P{C}]/gu, '\uFFFD').slice(0, 300);
}

/** The server's own sentence. */
function reasonIn(text: string): string {
  try {
    const { message, details } = JSON.parse(text) as { message?: unknown; details?: { message?: unknown }[] };
    const said = details?.[0]?.message ?? message;
    return typeof said === 'string' ? said : '';
  } catch {
    return '';
  }
}

function retryOf(header: string | string[] | undefined): { retryAfter?: number } {
  const seconds = Number(header);
  return header !== undefined && Number.isFinite(seconds) && seconds >= 0 ? { retryAfter: seconds * 1000 } : {};
}

function translated(error: unknown, url: string, timeout: number): FlagServerError {
  if (error instanceof FlagServerError) return error;
  const { name, code, message } = error as Error & { code?: string };
  if (name === 'TimeoutError' || code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT')
    return new FlagServerError('timeout', `the flag server ${url} did not answer within ${timeout} ms`, {
      cause: error,
    });
  if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE')
    return new FlagServerError('invalid', `the flag server ${url} sends more than ${MAX_BYTES} bytes`, {
      cause: error,
    });
  return new FlagServerError('unreachable', `the flag server ${url} cannot be reached: ${code ?? message}`, {
    cause: error,
  });
}
