import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request as httpRequest, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Test } from 'tap';
import type { FlagApi } from '../../src/flags/api.ts';
import { flagApi } from './flags.ts';
import { sharedAddress } from './stores.ts';
import { ADMIN_TOKEN, CLIENT_TOKEN } from './unleash-server.ts';

export { ADMIN_TOKEN, CLIENT_TOKEN };

/** A real Unleash that the whole run shares; what a test makes there has names of its own. */
export interface Unleash {
  readonly url: string;
  /** An API that nobody else has, with the operations of `flagApi`. */
  readonly api: FlagApi;
  /** The Admin API, as whoever may do everything. Throws for anything but a 2xx. */
  // biome-ignore lint/suspicious/noExplicitAny: a test knows what it asked for
  readonly admin: (method: string, path: string, body?: unknown) => Promise<any>;
  /** Settings of a façade or a command that use it. */
  readonly env: Readonly<Record<string, string>>;
}

export const FEATURES = '/api/admin/projects/default/features';

export async function withUnleash(t: Test): Promise<Unleash> {
  const url = (await sharedAddress('unleash')) as string;
  const name = `test-${randomBytes(4).toString('hex')}`;
  const admin = (method: string, path: string, body?: unknown) => adminCall(url, method, path, body);
  const operations = flagApi.operations.map((operation) => ({ ...operation, flag: `${name}.${operation.id}` }));
  t.teardown(() => archiveAll(admin, `${name}.`));
  return {
    ...{ url, admin, api: { name, operations } },
    env: { UNLEASH_URL: url, UNLEASH_TOKEN: CLIENT_TOKEN, UNLEASH_ADMIN_TOKEN: ADMIN_TOKEN, UNLEASH_REFRESH_MS: '100' },
  };
}

async function adminCall(url: string, method: string, path: string, body?: unknown): Promise<unknown> {
  const reply = await fetch(`${url}${path}`, {
    method,
    headers: { authorization: ADMIN_TOKEN, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    body: body === undefined ? null : JSON.stringify(body),
  });
  const text = await reply.text();
  if (!reply.ok) throw new Error(`${method} ${path}: ${reply.status} ${text}`);
  return text === '' ? undefined : JSON.parse(text);
}

async function archiveAll(admin: Unleash['admin'], prefix: string): Promise<void> {
  const { features } = await admin('GET', FEATURES);
  const names = (features as { name: string }[]).map(({ name }) => name).filter((name) => name.startsWith(prefix));
  if (names.length > 0) await admin('POST', '/api/admin/projects/default/archive', { features: names });
}

/** What a proxy does instead of passing a request on. */
export type Fault =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string }
  /** The connection ends after so many bytes of the real reply. */
  | { readonly cut: number }
  /** No answer ever. */
  | 'hang'
  /** The connection is refused. */
  | 'down';

export interface FaultyProxy {
  readonly url: string;
  /** From now on, for paths that the pattern fits; `undefined`: all is well. */
  fault(what: Fault | undefined, paths?: RegExp): Promise<void>;
  /** Requests so far. */
  requests(): number;
}

/** Stands before a flag server and breaks what is told. */
export async function withFaultyProxy(t: Test, target: string): Promise<FaultyProxy> {
  let current: Fault | undefined;
  let broken = /./;
  let count = 0;
  const held = new Set<ServerResponse>();
  const server = createServer((message, reply) => {
    count += 1;
    if (current === undefined || current === 'down' || !broken.test(message.url ?? ''))
      return void pass(message.url, reply);
    if (current === 'hang') return void held.add(reply);
    if ('cut' in current) return void pass(message.url, reply, current.cut);
    reply.writeHead(current.status, { 'content-type': 'application/json', ...current.headers });
    reply.end(current.body ?? '{"message":"made up"}');

    function pass(path: string | undefined, to: ServerResponse, cut?: number): void {
      const { 'if-none-match': known, ...headers } = { ...message.headers, host: new URL(target).host };
      // What is to be cut must have a body.
      const conditional = known === undefined || cut !== undefined ? {} : { 'if-none-match': known };
      const asked = httpRequest(`${target}${path}`, {
        method: message.method,
        headers: { ...headers, ...conditional },
      });
      asked.on('response', (answer) => {
        to.writeHead(answer.statusCode ?? 502, answer.headers);
        if (cut === undefined) return void answer.pipe(to);
        answer.once('data', (chunk: Buffer) => to.write(chunk.subarray(0, cut), () => to.destroy()));
      });
      asked.on('error', () => to.destroy());
      message.pipe(asked);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const release = () => {
    for (const reply of held) reply.destroy();
    held.clear();
  };
  const shut = async () => {
    release();
    server.closeAllConnections();
    if (server.listening) await new Promise((done) => server.close(done));
  };
  t.teardown(shut);
  return {
    url: `http://127.0.0.1:${port}`,
    requests: () => count,
    async fault(what, paths = /./) {
      current = what;
      broken = paths;
      if (what !== 'hang') release();
      if (what === 'down') await shut();
      else if (!server.listening) {
        server.listen(port, '127.0.0.1');
        await once(server, 'listening');
      }
    },
  };
}
