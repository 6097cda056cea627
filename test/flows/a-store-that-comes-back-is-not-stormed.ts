import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, Agent as HttpAgent, request, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MongoClient } from 'mongodb';
import t, { type Test } from 'tap';
import { freePort, spawnBound } from '../../src/demo/child.ts';
import { findMongod } from '../../src/demo/services.ts';
import { note, withNotes } from '../support/shadow.ts';
import { patience } from '../support/tools.ts';

patience(t, 240);

const CLIENTS = 1_000;

/** Clients that ask until they have an answer, each as often as it is told; milliseconds until all had theirs. */
async function untilAnswered(url: string, path: string): Promise<{ readonly took: number; readonly asked: number }> {
  const agent = new HttpAgent({ keepAlive: true, maxSockets: CLIENTS });
  const { hostname: host, port } = new URL(url);
  let asked = 0;
  const ask = () =>
    new Promise<number>((resolve, reject) => {
      asked += 1;
      const message = request({ host, port, path, agent, headers: { 'x-tenant-id': 'acme' } }, (reply) => {
        reply.resume().on('end', () => resolve(reply.statusCode ?? 0));
      });
      message.on('error', reject).end();
    });
  const began = Date.now();
  await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      while ((await ask()) !== 200) {
        if (Date.now() - began > 90_000) throw new Error('no answer in 90 s');
        await sleep(1_000);
      }
    }),
  );
  agent.destroy();
  return { took: Date.now() - began, asked };
}

/** A mongod of the test's own, on one port and one folder, to be killed and started anew. */
async function withOwnMongod(t: Test) {
  const found = await findMongod({ log: () => undefined });
  if (!('path' in found)) throw new Error('this test kills its mongod: unset MONGODB_URI, so that it starts one');
  // Not the test's own folder, which the façade's makes anew.
  const folder = await mkdtemp(join(tmpdir(), 'crossfade-mongod-'));
  const port = await freePort();
  const uri = `mongodb://127.0.0.1:${port}/notes?directConnection=true`;
  let child: ReturnType<typeof spawnBound> | undefined;
  const start = async () => {
    const words = [
      '--dbpath',
      folder,
      '--port',
      String(port),
      '--bind_ip',
      '127.0.0.1',
      '--pidfilepath',
      `${folder}/pid`,
    ];
    child = spawnBound(found.path, words, folder);
    const client = await MongoClient.connect(uri, { serverSelectionTimeoutMS: 60_000 });
    await client.close();
  };
  const kill = async () => {
    const client = await MongoClient.connect(uri);
    const { pid } = await client.db('admin').command({ serverStatus: 1 });
    await client.close();
    process.kill(Number(pid), 'SIGKILL');
  };
  t.teardown(async () => {
    await child?.stop();
    await rm(folder, { recursive: true, force: true });
  });
  await start();
  return { uri, start, kill };
}

t.test('a MongoDB that was killed: a thousand clients share the pool that is made anew', async (t) => {
  const mongod = await withOwnMongod(t);
  const notes = await withNotes(t, {
    stage: 'complete',
    throughMongo: async () => mongod.uri,
  });
  const client = new MongoClient(mongod.uri);
  t.teardown(() => client.close());
  await client.db().collection('notes').insertOne(note('n-1'));
  const { url } = notes.facade;
  await untilAnswered(url, '/notes/n-1');
  await mongod.kill();
  const all = untilAnswered(url, '/notes/n-1');
  await sleep(4_000);
  await mongod.start();
  const { took, asked } = await all;
  const { connections } = await client.db('admin').command({ serverStatus: 1 });
  t.comment(`${connections.totalCreated} connections, ${asked} questions, ${took} ms`);
  // The pool's hundred, and those that watch: of the façade, of this client, of the start.
  t.ok(connections.totalCreated <= 120, `${connections.totalCreated} connections were made`);
});

t.test('a legacy that was away: a thousand clients make as many connections as they may', async (t) => {
  const port = await freePort();
  let made = 0;
  const start = async (): Promise<Server> => {
    const server = createServer((_message, reply) => setTimeout(() => reply.end('legacy'), 5));
    server.on('connection', () => {
      made += 1;
    });
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return server;
  };
  const notes = await withNotes(t, {
    stage: 'dynamodb',
    env: { LEGACY_URL: `http://127.0.0.1:${port}`, LEGACY_CONNECTIONS: '50', LEGACY_KEEP_ALIVE_MS: '30000' },
  });
  const all = untilAnswered(notes.facade.url, '/other');
  await sleep(3_000);
  const server = await start();
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const { took, asked } = await all;
  t.comment(`${made} connections, ${asked} questions, ${took} ms`);
  // Beside the fifty are those of the looks.
  t.ok(made >= 2 && made <= 50 + 16, `${made} connections were made`);
});
