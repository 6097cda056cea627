import { timingSafeEqual } from 'node:crypto';
import { TLSSocket } from 'node:tls';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type AccessConfig, type AdminToken, hashOf, isToken } from '../access.ts';
import { AdminError } from '../errors.ts';
import type { Metrics } from '../metrics.ts';
import type { Log } from '../model/log.ts';
import { createEnded, type Ended } from './ended.ts';
import { createGuesses, type Guesses } from './guesses.ts';
import { createSealing, type Sealing } from './sealing.ts';
import { type Caller, cookieName, createSessions, type Sessions } from './sessions.ts';

/** Who may use a route. */
export type Needed = 'anyone' | 'viewer' | 'operator';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** A route of the admin API without one does not start. */
    role?: Needed;
  }
  interface FastifyRequest {
    /** `undefined` only where anyone may ask. */
    caller?: Caller | undefined;
    /** Of a caller: whether it would be let in now, for a reply that goes on for long. */
    isStillIn?: () => boolean;
  }
}

/** Why somebody is refused: a label of a metric, so that there are no others. */
export type Refused = 'missing' | 'token' | 'session' | 'role' | 'csrf' | 'login' | 'host';

/** A page whose session is over, or somebody who may only look, must learn that, however often they ask. */
const GUESSES: ReadonlySet<Refused> = new Set(['token', 'login']);

export interface Access {
  readonly config: AccessConfig;
  readonly sessions: Sessions;
  readonly sealing: Sealing;
  /** Whether cookies of this request are for encrypted connections alone. */
  isSecure(request: FastifyRequest): boolean;
  /** The one whose token it is; every token is compared. */
  tokenOf(text: string): AdminToken | undefined;
  /** Counts and logs a refusal, and gives it: 429 where it is one guess too many. */
  refuse(request: FastifyRequest, reason: Refused, error: AdminError): Promise<AdminError>;
  /** Throws where a page of somebody else may have made this request. */
  checkOrigin(request: FastifyRequest): Promise<void>;
  /** Admits whoever may use the route, and puts them on the request. */
  admit(request: FastifyRequest): Promise<void>;
}

export interface AccessParts {
  readonly config: AccessConfig;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly ended?: Ended;
  readonly guesses?: Guesses;
}

export function createAccess({
  config,
  metrics,
  log,
  ended = createEnded(undefined),
  guesses = createGuesses(),
}: AccessParts): Access {
  const sealing = createSealing(config.sessionSecrets);
  const sessions = createSessions(config, sealing, ended);
  const isSecure = (request: FastifyRequest) =>
    config.url?.startsWith('https:') === true || request.raw.socket instanceof TLSSocket;

  const tokenOf = (text: string): AdminToken | undefined => {
    const hash = hashOf(text);
    let found: AdminToken | undefined;
    for (const token of config.tokens) if (timingSafeEqual(hash, token.hash)) found = token;
    return isToken(text) ? found : undefined;
  };

  const refuse: Access['refuse'] = async (request, reason, error) => {
    metrics.adminRefused.inc({ reason });
    // A page that asks who it is has tried nothing.
    if (reason === 'missing') return error;
    const { wait, told } = await guesses.count(request.ip);
    if (told) {
      const details = { reason, address: request.ip, method: request.method, route: request.routeOptions.url };
      log('warn', wait === undefined ? 'admin: refused' : 'admin: refused too often; more are counted alone', details);
    }
    return wait === undefined || !GUESSES.has(reason) ? error : tooMany(wait);
  };

  const urlHost = config.url === undefined ? undefined : new URL(config.url).host;
  const isOwn = (origin: string, request: FastifyRequest): boolean => {
    if (origin === config.url) return true;
    const host = URL.canParse(origin) ? new URL(origin).host : undefined;
    // By the name of ADMIN_URL with another scheme anybody in between may have made the page.
    return host === request.host.toLowerCase() && host !== urlHost;
  };

  const checkOrigin = async (request: FastifyRequest): Promise<void> => {
    const { origin, 'sec-fetch-site': site, 'content-type': type = '' } = request.headers;
    if (!/^application\/json\s*(;|$)/i.test(type))
      throw await refuse(
        request,
        'csrf',
        unsupported('a change made with a session needs content-type: application/json'),
      );
    const said = origin !== undefined || site !== undefined;
    const ours = (origin === undefined || isOwn(origin, request)) && (site === undefined || site === 'same-origin');
    if (said && ours) return;
    const message = said
      ? 'this request comes from another page than our own'
      : 'a change made with a session needs an Origin header; programs use a bearer token';
    throw await refuse(request, 'csrf', new AdminError(403, 'Forbidden', message));
  };

  const callerOf = async (request: FastifyRequest): Promise<Caller | undefined> => {
    // What a proxy in front asks for (Basic) is not for us.
    const { authorization = '' } = request.headers;
    if (/^Bearer( |$)/i.test(authorization)) {
      const [, text = ''] = /^Bearer +(\S+)$/i.exec(authorization) ?? [];
      const token = tokenOf(text);
      if (token === undefined) throw await refuse(request, 'token', unauthorized('this token is not known here', true));
      const { name, role } = token;
      return Object.freeze({ name, role, by: 'token', who: `${name} (token)` });
    }
    const cookie = request.cookies[cookieName(isSecure(request))];
    if (cookie === undefined) return undefined;
    const caller = await sessions.caller(cookie);
    if (caller === undefined && needed(request) !== 'anyone')
      throw await refuse(request, 'session', unauthorized('this session is over: sign in again'));
    if (caller !== undefined && !isSafe(request)) await checkOrigin(request);
    return caller;
  };

  return Object.freeze<Access>({
    ...{ config, sessions, sealing, isSecure, tokenOf, refuse, checkOrigin },
    async admit(request) {
      if (request.is404) return;
      const role = needed(request);
      const caller = await callerOf(request);
      request.caller = caller;
      if (caller !== undefined) request.isStillIn = () => sessions.isStillIn(caller);
      if (role === 'anyone') return;
      if (caller === undefined)
        throw await refuse(request, 'missing', unauthorized('give a token (Authorization: Bearer …), or sign in'));
      if (role === 'operator' && caller.role !== 'operator')
        throw await refuse(
          request,
          'role',
          new AdminError(403, 'Forbidden', `${caller.name} may look, but not do this`),
        );
    },
  });
}

/** A route that does not say who may use it is not one. */
export function requireRoles(app: FastifyInstance): void {
  app.addHook('onRoute', ({ config, method, url }) => {
    if (config?.role === undefined) throw new TypeError(`${method} ${url} does not say which role it needs`);
  });
}

const needed = (request: FastifyRequest): Needed => request.routeOptions.config.role as Needed;

const isSafe = ({ method }: FastifyRequest): boolean => method === 'GET' || method === 'HEAD';

const unsupported = (message: string) => new AdminError(415, 'Unsupported media type', message);

const unauthorized = (message: string, wrong = false) =>
  new AdminError(401, 'Unauthorized', message, {
    'www-authenticate': `Bearer realm="crossfade"${wrong ? ', error="invalid_token"' : ''}`,
  });

const tooMany = (wait: number) =>
  new AdminError(429, 'Too many requests', `too many wrong attempts: try again in ${wait} s`, {
    'retry-after': String(wait),
  });

/** Names of the admin side: whoever makes a browser ask under another name gets nothing (DNS rebinding). */
export function checkHost(allowed: ReadonlySet<string>, metrics: Metrics) {
  return (request: FastifyRequest, reply: FastifyReply, done: () => void): void => {
    const name = request.host.replace(/:\d+$/, '').toLowerCase();
    if (allowed.has(name) || isProbe(request.url)) {
      done();
      return;
    }
    metrics.adminRefused.inc({ reason: 'host' satisfies Refused });
    reply.code(421).type('text/plain').send(`This is not ${name}: ADMIN_HOSTS says by which names it is.\n`);
  };
}

const isProbe = (url: string): boolean => /^\/(livez|readyz|metrics)($|\?)/.test(url);
