import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import Provider, { type Configuration } from 'oidc-provider';
import type { Test } from 'tap';

export interface IdentityProvider {
  readonly issuer: string;
  readonly stop: () => Promise<void>;
  readonly start: () => Promise<void>;
  /** Walks its pages as somebody with a browser of their own; gives where it sends them back to. */
  readonly logIn: (url: string, login: string) => Promise<string>;
}

export const CLIENT = Object.freeze({ id: 'crossfade', secret: 'a-secret-of-the-client' });

/** A real provider on loopback. Who logs in as `ann` is in the groups that `groups` says of her. */
export async function withProvider(
  t: Test,
  redirect: string,
  groups: Readonly<Record<string, unknown>>,
  more: Configuration = {},
): Promise<IdentityProvider> {
  const port = await freePort();
  const issuer = `http://127.0.0.1:${port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: CLIENT.id,
        client_secret: CLIENT.secret,
        redirect_uris: [redirect],
        response_types: ['code'],
        grant_types: ['authorization_code'],
      },
    ],
    scopes: ['openid', 'profile', 'email'],
    claims: { openid: ['sub'], profile: ['preferred_username', 'groups'] },
    findAccount: (_context, id) => ({
      accountId: id,
      claims: () => ({ sub: id, preferred_username: id, ...(id in groups ? { groups: groups[id] } : {}) }),
    }),
    cookies: { keys: ['a key of the provider'] },
    ...more,
  });
  // It says on its own what it is not meant for.
  provider.on('server_error', () => {});
  let server: Server | undefined;
  const start = async () => {
    server = createServer(provider.callback());
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  };
  const stop = async () => {
    const running = server;
    server = undefined;
    running?.closeAllConnections();
    if (running !== undefined) await new Promise((done) => running.close(done));
  };
  await start();
  t.teardown(stop);
  return { issuer, start, stop, logIn: (url, login) => walk(url, login, redirect) };
}

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}

async function walk(from: string, login: string, redirect: string): Promise<string> {
  const jar = new Map<string, string>();
  let url = from;
  let form: URLSearchParams | undefined;
  for (let step = 0; step < 20; step += 1) {
    if (url.startsWith(redirect)) return url;
    const reply: Response = await fetch(url, {
      ...{ redirect: 'manual', method: form === undefined ? 'GET' : 'POST', body: form ?? null },
      headers: { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') },
    });
    for (const one of reply.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(one) as unknown as [string, string, string];
      jar.set(name, value);
    }
    const page = await reply.text();
    const location = reply.headers.get('location');
    form = undefined;
    if (location !== null) url = new URL(location, url).href;
    else if (page.includes('name="prompt" value="login"'))
      form = new URLSearchParams({ prompt: 'login', login, password: 'x' });
    else if (page.includes('name="prompt" value="consent"')) form = new URLSearchParams({ prompt: 'consent' });
    else throw new Error(`the provider says ${reply.status}: ${page.slice(0, 500)}`);
    if (form !== undefined) url = new URL(/action="([^"]+)"/.exec(page)?.[1] ?? url, url).href;
  }
  throw new Error('the provider never comes to an end');
}
