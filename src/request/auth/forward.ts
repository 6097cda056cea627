import { hash } from 'node:crypto';
import { Agent, request } from 'undici';
import { AuthError } from '../../errors.ts';
import type { Claims, ForwardAuth } from '../../model/auth.ts';
import { parseDuration } from '../../model/duration.ts';
import { soundHeaders } from '../tenant.ts';
import { Cache } from './cache.ts';
import { claimsOf } from './claims.ts';
import type { Authenticate, Caller } from './types.ts';

const REMEMBERED = 10_000;

interface Yes {
  readonly claims: Claims;
  /** Of performance.now(). */
  readonly until: number;
}

/** Asks the endpoint: once for all who ask the same at a time, and not again while its last yes is remembered. */
export function forwardAuth(auth: ForwardAuth): {
  readonly authenticate: Authenticate;
  readonly close: () => Promise<void>;
} {
  const timeout = parseDuration(auth.timeout ?? '2s') ?? 0;
  const hold = parseDuration(auth.cache ?? '5s') ?? 0;
  const names = auth.headers.map((name) => name.toLowerCase());
  const agent = new Agent({ connectTimeout: timeout });
  const remembered = new Cache<Yes>(REMEMBERED);
  const pending = new Map<string, Promise<Claims>>();

  const ask = async (name: string, headers: Readonly<Record<string, string>>): Promise<Claims> => {
    try {
      const claims = await answerOf(auth, agent, timeout, headers);
      if (hold > 0) remembered.set(name, { claims, until: performance.now() + hold });
      return claims;
    } finally {
      pending.delete(name);
    }
  };

  const authenticate: Authenticate = (message) => {
    const headers = questionOf(auth, names, message);
    const name = hash('sha256', JSON.stringify(headers), 'base64');
    const known = remembered.get(name);
    if (known !== undefined && performance.now() < known.until) return known.claims;
    const asked = pending.get(name) ?? ask(name, headers);
    pending.set(name, asked);
    return asked;
  };
  return Object.freeze({ authenticate, close: () => agent.destroy() });
}

/** What the endpoint decides by, whole: what it is not told it cannot decide by, and so is no part of what is remembered. */
function questionOf(auth: ForwardAuth, names: readonly string[], message: Caller): Readonly<Record<string, string>> {
  const sound = soundHeaders(message);
  const headers: Record<string, string> = {};
  for (const name of names) {
    // Two Cookie lines are one list (RFC 9113 §8.2.3); anything else twice says nothing.
    const value =
      name === 'cookie' && !/cookie/i.test(message.headers.connection ?? '') ? message.headers.cookie : sound[name];
    if (value !== undefined) headers[name] = value;
  }
  if (auth.decides === 'caller') return headers;
  const [method, uri] = [message.method ?? 'GET', message.url ?? '/'];
  return {
    ...headers,
    ...{ 'x-original-method': method, 'x-original-uri': uri },
    ...{ 'x-forwarded-method': method, 'x-forwarded-uri': uri },
  };
}

const REFUSES = new Set([401, 403]);

async function answerOf(
  auth: ForwardAuth,
  dispatcher: Agent,
  timeout: number,
  headers: Readonly<Record<string, string>>,
): Promise<Claims> {
  const signal = AbortSignal.timeout(timeout);
  const reply = await request(auth.url, { dispatcher, signal, headers }).catch((cause: unknown) => {
    throw unavailable(cause);
  });
  // Its body is nobody's business; what does not end costs the connection, no more.
  void reply.body.dump({ limit: 65_536 }).catch(() => undefined);
  const { statusCode } = reply;
  if (statusCode >= 200 && statusCode < 300) return claimsOf(auth.claims, reply.headers);
  if (!REFUSES.has(statusCode)) throw unavailable(new Error(`${auth.url} answered ${statusCode}`));
  const [challenge] = [reply.headers['www-authenticate']].flat();
  const [kind, message] =
    statusCode === 401 ? (['unauthorized', 'not let in'] as const) : (['forbidden', 'not allowed'] as const);
  throw new AuthError(
    kind,
    'denied',
    message,
    challenge === undefined ? {} : { headers: { 'www-authenticate': challenge } },
  );
}

const unavailable = (cause: unknown): AuthError =>
  new AuthError('unavailable', 'unavailable', 'nobody can be let in at the moment', { cause });
