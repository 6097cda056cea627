import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import type { Test } from 'tap';
import { newToken, type Role, tokenEntry } from '../../src/access.ts';
import { type App, compose, type Log } from '../../src/compose.ts';
import { loadConfig } from '../../src/config.ts';
import { withFacade } from './facade.ts';
import { CONTRACT } from './shadow.ts';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test knows what it asked for
  readonly json: any;
  /** `name=value` of each cookie that is set, for the next request. */
  readonly cookies: readonly string[];
}

export interface Asking {
  readonly token?: string;
  readonly cookie?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON, unless it is a text. */
  readonly body?: unknown;
}

export type Ask = (method: string, path: string, asking?: Asking) => Promise<Answer>;

/** Sends every header as it is told, the Host too. */
export const asker =
  (base: string): Ask =>
  (method, path, { token, cookie, headers = {}, body } = {}) => {
    const { hostname, port } = new URL(base);
    const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
    const all = {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(cookie === undefined ? {} : { cookie }),
      ...(text === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)) }),
      ...headers,
    };
    return new Promise((resolve, reject) => {
      const message = httpRequest({ hostname, port, method, path, headers: all, agent: false }, (reply) => {
        const chunks: Buffer[] = [];
        reply.on('data', (chunk: Buffer) => chunks.push(chunk));
        reply.on('error', reject);
        reply.on('end', () => {
          const told = Buffer.concat(chunks).toString('utf8');
          const cookies = (reply.headers['set-cookie'] ?? []).map((one) => one.split(';')[0] as string);
          const json = /json/.test(reply.headers['content-type'] ?? '') ? JSON.parse(told) : undefined;
          resolve({ status: reply.statusCode ?? 0, headers: reply.headers, text: told, json, cookies });
        });
      });
      message.on('error', reject);
      message.end(text);
    });
  };

/** Tokens of one of each role, and the setting that knows them. */
export function tokens() {
  const [operator, viewer] = [newToken(), newToken()];
  const entry = (name: string, role: Role, token: string) => tokenEntry(name, role, token);
  return {
    ...{ operator, viewer },
    ADMIN_TOKENS: `${entry('olga', 'operator', operator)},${entry('vera', 'viewer', viewer)}`,
  };
}

/** What a page of our own sends along. */
export const ownPage = (url: string, cookie: string) => ({
  cookie,
  headers: { origin: new URL(url).origin, 'sec-fetch-site': 'same-origin', 'content-type': 'application/json' },
});

/** A façade with nothing but legacy, whose admin side is what is tested. */
export async function withAdmin(t: Test, env: Readonly<Record<string, string>> = {}) {
  const made = tokens();
  const settings = { LEGACY_URL: 'http://127.0.0.1:9', ADMIN_TOKENS: made.ADMIN_TOKENS, ...env };
  const { app } = await withFacade(t, {
    bindings: {
      text: `export default bind({ contract: './contract.yaml', name: 'notes', tenant: () => 'all', operations: {} });`,
      contract: CONTRACT,
    },
    env: settings,
  });
  const again = (more: Readonly<Record<string, string>>, log?: Log) => replica(t, app, { ...settings, ...more }, log);
  return { ...made, app, url: app.adminUrl, ask: asker(app.adminUrl), again };
}

/** Another process's worth of the same, or of other settings. */
async function replica(t: Test, { bindings }: App, env: Readonly<Record<string, string>>, log: Log = () => {}) {
  const cwd = t.testdirName;
  const config = loadConfig({ PORT: '0', ADMIN_PORT: '0', STAGES_FILE: 'stages.yaml', ...env }, cwd);
  const app = await compose(config, { bindings: bindings.file, log });
  t.teardown(() => app.close());
  return { app, url: app.adminUrl, ask: asker(app.adminUrl) };
}

/** Signs in with a token; gives the cookie. */
export async function signIn(url: string, token: string): Promise<string> {
  const { status, cookies, text } = await asker(url)('POST', '/admin/v1/session', {
    body: { token },
    headers: ownPage(url, '').headers,
  });
  if (status !== 200) throw new Error(`not signed in: ${status} ${text}`);
  return cookies[0] as string;
}
