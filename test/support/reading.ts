import type { AddressInfo } from 'node:net';
import Fastify from 'fastify';
import type { Test } from 'tap';
import type { AdminCaller } from '../../src/admin/caller.ts';
import type { Reading } from '../../src/admin/opened.ts';
import { readingRoutes } from '../../src/admin/reading.ts';

export interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: a test knows what it asked for
  readonly json: any;
}

export interface Asked {
  readonly url: string;
  readonly get: (path: string) => Promise<Answer>;
  readonly send: (method: string, path: string, body?: unknown) => Promise<Answer>;
  readonly close: () => Promise<void>;
  /** Who asks; may be replaced. */
  caller: AdminCaller;
}

/** The reading routes on a bare app, asked by somebody whom its access has let in. */
export async function withRoutes(t: Test, reading: Reading): Promise<Asked> {
  const app = Fastify({ forceCloseConnections: 'idle' });
  app.addHook('onRequest', async (request) => {
    const { who, role, isValid } = asked.caller;
    request.caller = { who, name: who, role, by: 'token' };
    request.isStillIn = isValid;
  });
  await app.register(readingRoutes(reading), { prefix: '/admin/v1' });
  await app.listen({ host: '127.0.0.1', port: 0 });
  t.teardown(() => app.close());
  const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}/admin/v1`;
  const send: Asked['send'] = async (method, path, body) => {
    const reply = await fetch(`${url}${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    const text = await reply.text();
    return { status: reply.status, json: text === '' ? undefined : JSON.parse(text) };
  };
  const asked: Asked = {
    ...{ url, send, close: () => app.close() },
    get: (path) => send('GET', path),
    caller: { who: 'alice', role: 'operator', isValid: () => true },
  };
  return asked;
}
