import { hostname } from 'node:os';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { VERSION } from '../config.ts';
import { AdminError } from '../errors.ts';
import type { Log } from '../model/log.ts';
import type { Access } from './access.ts';
import { type Begun, createLogin, type Login } from './oidc.ts';
import { Logins, Session, SignIn } from './schema.ts';
import { type Caller, cookieName, cookieOptions } from './sessions.ts';

export interface SessionParts {
  readonly access: Access;
  readonly api: string;
  readonly flags: Session['flags'];
  readonly log: Log;
}

const LOGIN_COOKIE = 'crossfade-login';
const LOGIN_PATH = '/admin/v1/login';
/** Seconds to log in at the provider. */
const LOGIN_SECONDS = 600;
const CONSOLE = '/console';

/** Who asks, and how they come to be known: by a token for a cookie, or by a provider. */
export function sessionRoutes({ access, api, flags, log }: SessionParts) {
  const { config, sessions, sealing } = access;
  const login = config.oidc && config.url ? createLogin(config.oidc, `${config.url}${LOGIN_PATH}/callback`) : undefined;
  const used = createUsed();

  const sessionOf = ({ name, role, by, until }: Caller): Session => ({
    ...{ name, role, by, api, version: VERSION, replica: `${hostname()} (process ${process.pid})`, flags },
    ...(until === undefined ? {} : { until: new Date(until).toISOString() }),
  });
  const keep = (request: FastifyRequest, reply: FastifyReply, cookie: string) => {
    const secure = access.isSecure(request);
    void reply.setCookie(cookieName(secure), cookie, cookieOptions(secure));
  };

  return async (app: FastifyInstance): Promise<void> => {
    app.get('/logins', { config: { role: 'anyone' }, schema: { response: { 200: Logins } } }, async () => ({
      oidc: login !== undefined,
    }));

    app.get('/session', { config: { role: 'viewer' }, schema: { response: { 200: Session } } }, async ({ caller }) =>
      sessionOf(caller as Caller),
    );

    app.post<{ Body: { token: string } }>(
      '/session',
      { config: { role: 'anyone' }, schema: { body: SignIn, response: { 200: Session } } },
      async (request, reply) => {
        // A page of somebody else could sign people in as whom it likes.
        await access.checkOrigin(request);
        const token = access.tokenOf(request.body.token);
        if (token === undefined)
          throw await access.refuse(
            request,
            'token',
            new AdminError(401, 'Unauthorized', 'this token is not known here'),
          );
        const { cookie, caller } = await sessions.ofToken(token);
        keep(request, reply, cookie);
        log('info', 'admin: signed in', { who: caller.who, role: caller.role });
        return sessionOf(caller);
      },
    );

    app.delete('/session', { config: { role: 'viewer' } }, async (request, reply) => {
      const secure = access.isSecure(request);
      const caller = request.caller as Caller;
      void reply.clearCookie(cookieName(secure), { ...cookieOptions(secure), maxAge: 0 });
      await sessions.end(caller);
      log('info', 'admin: signed out', { who: caller.who });
      return reply.code(204).send();
    });

    app.get('/login', { config: { role: 'anyone' } }, async (request, reply) => {
      const { url, begun } = await known(login).begin();
      const cookie = await sealing.seal('login', { ...begun }, LOGIN_SECONDS);
      // Lax: it must come along when the provider sends the browser back.
      const options = { httpOnly: true, sameSite: 'lax', path: LOGIN_PATH, secure: access.isSecure(request) } as const;
      void reply.setCookie(LOGIN_COOKIE, cookie, { ...options, maxAge: LOGIN_SECONDS });
      return reply.redirect(url, 302);
    });

    app.get('/login/callback', { config: { role: 'anyone' } }, async (request, reply) => {
      const provider = known(login);
      void reply.clearCookie(LOGIN_COOKIE, { path: LOGIN_PATH });
      const begun = (await sealing.open('login', request.cookies[LOGIN_COOKIE] ?? '')) as Begun | undefined;
      if (begun === undefined || !used.take(begun.state))
        throw await access.refuse(
          request,
          'login',
          new AdminError(400, 'Bad request', 'this login was not begun here, or is over: begin again at /console'),
        );
      const person = await provider.finish(new URL(request.url, config.url), begun).catch(async (error: AdminError) => {
        throw await access.refuse(request, 'login', error);
      });
      const { cookie, caller } = await sessions.ofPerson(person);
      keep(request, reply, cookie);
      log('info', 'admin: logged in', { who: caller.who, role: caller.role });
      return reply.redirect(CONSOLE, 302);
    });
  };
}

function known(login: Login | undefined): Login {
  if (login === undefined) throw new AdminError(404, 'Not found', 'no provider is set: OIDC_ISSUER');
  return login;
}

/** Logins that were finished within ten minutes and are remembered. */
const MOST_USED = 10_000;

/** A login is finished once: its code is the provider's to refuse, its cookie ours. */
export function createUsed() {
  const used = new Map<string, number>();
  return {
    size: () => used.size,
    take(state: string): boolean {
      const now = Date.now();
      for (const [one, until] of used) {
        if (until > now) break;
        used.delete(one);
      }
      if (used.has(state)) return false;
      // Anybody may begin a login and come back from nowhere: the oldest is forgotten, and its code is the provider's to refuse.
      const [oldest] = used.size < MOST_USED ? [] : used.keys();
      if (oldest !== undefined) used.delete(oldest);
      used.set(state, now + LOGIN_SECONDS * 1000);
      return true;
    },
  };
}
