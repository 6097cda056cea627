import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MongoClient } from 'mongodb';
import t, { type Test } from 'tap';
import { withEcho } from '../support/echo.ts';
import { withFacade } from '../support/facade.ts';
import { serveAlone } from '../support/process.ts';
import { through, withProxy } from '../support/proxy.ts';
import { withMongo } from '../support/stores.ts';
import { patience } from '../support/tools.ts';

patience(t, 300);

const CONTRACT = `
openapi: 3.1.0
info: { title: Things, version: '1' }
paths:
  /search:
    post:
      operationId: search
      requestBody: { content: { application/json: { schema: { type: object, properties: { id: { type: string } } } } } }
      responses:
        '200':
          description: One
          content: { application/json: { schema: { type: object, properties: { id: { type: string } } } } }
`;

const BINDINGS = `
export default bind({
  contract: './contract.yaml',
  tenant: () => 'all',
  operations: {
    search: {
      kind: 'read',
      tenantScope: { none: 'a test' },
      mongodb: ({ body }) => ({ findOne: { collection: 'things', filter: { id: body.id } } }),
    },
  },
});
`;

/** A façade in a process of its own; `search` is MongoDB's, all else legacy's. */
async function withThings(t: Test, env: Readonly<Record<string, string>>) {
  const mongo = await withMongo(t);
  const client = await MongoClient.connect(mongo.uri);
  t.teardown(() => client.close());
  await client.db().collection('things').insertOne({ id: 'a' });
  const legacy = await withEcho(t, (message, reply) => {
    let bytes = 0;
    message.on('data', (chunk) => {
      bytes += chunk.length;
    });
    message.on('end', () => reply.end(`${bytes} bytes`));
  });
  const settings = { MONGODB_URI: mongo.uri, LEGACY_URL: legacy.url, ...env };
  const stages = 'operations: { search: { stage: complete } }\n';
  const { app } = await withFacade(t, { bindings: { text: BINDINGS, contract: CONTRACT }, env: settings, stages });
  await app.close();
  const folder = join(t.testdirName, 'alone');
  await mkdir(folder);
  const file = app.bindings.file;
  const served = await serveAlone(t, folder, file, { ...settings, STAGES_FILE: join(t.testdirName, 'stages.yaml') });
  const port = Number(new URL(served.url).port);
  const open = (): Promise<Open> => opened(t, port);
  const metric = async (name: string): Promise<number> => {
    const text = await (await fetch(`${served.adminUrl}/metrics`)).text();
    const values = [...text.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, 'gm'))];
    return values.reduce((sum, [, value]) => sum + Number(value), 0);
  };
  const passes = async () => (await fetch(`${served.url}/other`)).status;
  const search = async () =>
    (await fetch(`${served.url}/search`, { method: 'POST', headers: JSON_TYPE, body: '{"id":"a"}' })).status;
  return { ...{ legacy, open, metric, passes, search } };
}

const JSON_TYPE = { 'content-type': 'application/json' };

interface Open {
  readonly socket: Socket;
  readonly text: () => string;
  /** Milliseconds until the façade ended it. */
  readonly ended: Promise<number>;
}

async function opened(t: Test, port: number): Promise<Open> {
  const socket = connect(port, '127.0.0.1');
  t.teardown(() => void socket.destroy());
  let text = '';
  const began = Date.now();
  socket.on('error', () => undefined);
  socket.on('data', (chunk) => {
    if (text.length < 1_000_000) text += chunk.toString('latin1');
  });
  const ended = new Promise<number>((done) => socket.on('close', () => done(Date.now() - began)));
  await once(socket, 'connect');
  return { socket, text: () => text, ended };
}

/** Writes a byte at a time until the connection ends. */
async function trickle(socket: Socket, text: string, pause: number): Promise<void> {
  for (const one of text) {
    if (!socket.writable) return;
    socket.write(one);
    await sleep(pause);
  }
}

t.test('heads and bodies that trickle', async (t) => {
  const { open, metric, passes, search, legacy } = await withThings(t, {
    ...{ HEAD_TIMEOUT_MS: '1000', ORIGIN_TIMEOUT_MS: '1500' },
  });
  const head = `GET /other HTTP/1.1\r\nHost: x\r\nX-Slow: ${'y'.repeat(1_000)}`;
  const slow = await Promise.all(Array.from({ length: 100 }, open));
  for (const { socket } of slow) void trickle(socket, head, 50);
  const silent = await open();
  const upload = await open();
  upload.socket.write('POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 60\r\nConnection: close\r\n\r\n');
  void trickle(upload.socket, 'z'.repeat(60), 100);
  const body = await open();
  body.socket.write(
    'POST /search HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n',
  );
  void trickle(body.socket, ' '.repeat(1_000), 50);
  t.equal(await passes(), 200, 'others are served meanwhile');
  t.equal(await search(), 200);
  for (const { ended, text } of [...slow, silent]) {
    t.ok((await ended) < 6_000);
    t.match(text(), /^HTTP\/1.1 408 /);
  }
  t.ok((await body.ended) < 8_000, 'a body that a store waits for');
  t.match(body.text(), /^HTTP\/1.1 408 .*in time/s);
  t.ok((await upload.ended) > 5_500, 'an upload to legacy takes as long as it takes');
  t.match(upload.text(), /^HTTP\/1.1 200 .*60 bytes$/s);
  t.equal(legacy.seen.filter(({ url }) => url === '/upload').length, 1);
  t.equal(await metric('http_server_active_requests'), 0, 'nobody is left');
});

t.test('connections beyond the bound are closed at once, and there is room again when others leave', async (t) => {
  const { open, metric, passes } = await withThings(t, { MAX_CONNECTIONS: '20' });
  const held = await Promise.all(Array.from({ length: 20 }, open));
  const over = await open();
  t.ok((await over.ended) < 2_000);
  t.equal(over.text(), '');
  t.equal(await metric('crossfade_connections_refused_total'), 1);
  held[0]?.socket.write('GET /other HTTP/1.1\r\nHost: x\r\n\r\n');
  for (let n = 0; n < 500 && held[0]?.text() === ''; n += 1) await sleep(10);
  t.match(held[0]?.text(), /^HTTP\/1.1 200 /, 'those that are in are served');
  for (const { socket } of held) socket.destroy();
  await sleep(200);
  t.equal(await passes(), 200);
});

t.test('a flood of pipelined requests ends its connection, and leaves nothing', async (t) => {
  const { open, metric, passes, legacy } = await withThings(t, {});
  for (let n = 0; n < 50; n += 1) await passes();
  const before = await metric('process_resident_memory_bytes');
  const waiting: (() => void)[] = [];
  legacy.answer((_message, reply) => void waiting.push(() => reply.end('late')));
  const flood = 'GET /other HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(20_000);
  const floods = await Promise.all(Array.from({ length: 20 }, open));
  for (const { socket } of floods) socket.write(flood);
  for (const { ended } of floods) t.ok((await ended) < 30_000);
  legacy.answer((_message, reply) => void reply.end('soon'));
  for (const one of waiting) one();
  for (let n = 0; n < 100 && (await metric('http_server_active_requests')) > 0; n += 1) await sleep(50);
  t.equal(await metric('http_server_active_requests'), 0);
  const grown = (await metric('process_resident_memory_bytes')) - before;
  t.comment(`${Math.round(grown / 2 ** 20)} MB more`);
  t.ok(grown < 200 * 2 ** 20, `${grown} bytes more`);
  t.equal(await passes(), 200);
  const few = await open();
  few.socket.write('GET /other HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(50));
  for (let n = 0; n < 500 && (few.text().match(/soon/g)?.length ?? 0) < 50; n += 1) await sleep(10);
  t.equal(few.text().match(/soon/g)?.length, 50, 'fifty are served one after the other');
});

t.test('who reads a long reply of legacy slowly holds little of it here', async (t) => {
  const { open, metric, passes, legacy } = await withThings(t, {});
  for (let n = 0; n < 50; n += 1) await passes();
  const before = await metric('process_resident_memory_bytes');
  const piece = Buffer.alloc(64 * 1024, 'x');
  legacy.answer((message, reply) => {
    if (message.url === '/other') return void reply.end('soon');
    let left = 1_000;
    const more = (): void => {
      while (left > 0 && !reply.destroyed) {
        left -= 1;
        if (!reply.write(piece)) return void reply.once('drain', more);
      }
      reply.end();
    };
    more();
  });
  const readers = await Promise.all(Array.from({ length: 50 }, open));
  for (const { socket } of readers) {
    socket.pause();
    socket.write('GET /long HTTP/1.1\r\nHost: x\r\n\r\n');
  }
  await sleep(3_000);
  const grown = (await metric('process_resident_memory_bytes')) - before;
  t.comment(`${Math.round(grown / 2 ** 20)} MB more for 50 × 64 MB`);
  t.ok(grown < 150 * 2 ** 20, `${grown} bytes more`);
  t.equal(await passes(), 200);
});

t.test('one deadline for a body that comes late and a store that then hangs', async (t) => {
  const mongo = await withMongo(t);
  const { hostname, port } = new URL(mongo.uri);
  const proxy = await withProxy(t, hostname, Number(port));
  const env = { MONGODB_URI: through(mongo.uri, proxy.port), RESULTS_URI: mongo.uri, ORIGIN_TIMEOUT_MS: '2000' };
  const stages = 'operations: { search: { stage: complete } }\n';
  const { app, send } = await withFacade(t, { bindings: { text: BINDINGS, contract: CONTRACT }, env, stages });
  t.equal((await send('POST', '/search', JSON_TYPE, '{"id":"a"}')).status, 404, 'connected');
  proxy.mode = 'hung';
  const { socket, text, ended } = await opened(t, Number(new URL(app.facadeUrl).port));
  const head = 'POST /search HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 10\r\n';
  socket.write(`${head}Connection: close\r\n\r\n{"id":`);
  await sleep(1_200);
  socket.write('"a"}');
  const took = await ended;
  t.match(text(), /^HTTP\/1.1 504 /);
  t.ok(took > 1_900 && took < 3_000, `${took} ms in all`);
});
