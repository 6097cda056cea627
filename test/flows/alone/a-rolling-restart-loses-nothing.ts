import { createHash, randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MongoClient } from 'mongodb';
import t, { type Test } from 'tap';
import { freePort, spawnBound } from '../../../src/demo/child.ts';
import { withEcho } from '../../support/echo.ts';
import { type Served, serveAlone } from '../../support/process.ts';
import { DEPLOY } from '../../support/rules.ts';
import { note, withNotes } from '../../support/shadow.ts';
import { haproxy, patience } from '../../support/tools.ts';

patience(t, 300);

const TENANT = { 'x-tenant-id': 'acme' };
const BODY = randomBytes(100_000);
const HASH = createHash('sha256').update(BODY).digest('hex');

interface Replica {
  readonly port: number;
  readonly adminPort: number;
  readonly start: () => Promise<Served>;
}

/** HAProxy as `deploy/` has it, in front of these. */
async function withHaproxy(t: Test, replicas: readonly Replica[]): Promise<number> {
  const { binary, libraries } = await haproxy();
  const port = await freePort();
  const addresses = replicas.flatMap(({ port, adminPort }, n) => [
    `CROSSFADE_${n + 1}=127.0.0.1:${port}`,
    `CROSSFADE_${n + 1}_ADMIN=${adminPort}`,
  ]);
  const words = [`LD_LIBRARY_PATH=${libraries}`, `CROSSFADE_LISTEN=127.0.0.1:${port}`, ...addresses];
  const child = spawnBound('env', [...words, binary, '-db', '-f', join(DEPLOY, 'haproxy.cfg')], DEPLOY);
  t.teardown(child.stop);
  for (const end = Date.now() + 20_000; ; await sleep(50)) {
    const up = await fetch(`http://127.0.0.1:${port}/up`).then(
      ({ status }) => status === 200,
      () => false,
    );
    if (up) return port;
    if (child.ended() || Date.now() > end) throw new Error(`HAProxy did not start: ${child.output()}`);
  }
}

interface Load {
  readonly sent: Record<string, number>;
  readonly failed: string[];
  readonly stop: () => Promise<void>;
}

/** So many requests a second of each kind, whatever becomes of those before; connections are kept. */
function startLoad(port: number, perSecond: number): Load {
  const agent = new Agent({ keepAlive: true, maxSockets: 30 });
  const sent: Record<string, number> = { read: 0, passed: 0, upload: 0 };
  const failed: string[] = [];
  const underWay = new Set<Promise<void>>();
  const send = (kind: string, method: string, path: string, good: (text: string) => boolean, body?: Buffer): void => {
    sent[kind] = (sent[kind] ?? 0) + 1;
    const began = Date.now();
    const done = new Promise<void>((resolve) => {
      const fail = (what: string) => {
        failed.push(`${kind} after ${Date.now() - began} ms: ${what}`);
        resolve();
      };
      const headers = { ...TENANT, ...(body === undefined ? {} : { 'content-type': 'application/octet-stream' }) };
      const message = request({ host: '127.0.0.1', port, agent, method, path, headers }, (reply) => {
        let text = '';
        reply.setEncoding('utf8').on('data', (chunk) => {
          text += chunk;
        });
        reply.on('error', (error) => fail(error.message));
        reply.on('end', () =>
          reply.statusCode === 200 && good(text) ? resolve() : fail(`${reply.statusCode} ${text}`),
        );
      });
      message.on('error', (error) => fail(error.message));
      message.end(body);
    });
    underWay.add(done);
    void done.then(() => underWay.delete(done));
  };
  const timer = setInterval(() => {
    send('read', 'GET', '/notes/n-1', (text) => JSON.parse(text).text === 'Text of n-1');
    send('passed', 'GET', '/slow', (text) => text === 'slow');
    send('upload', 'POST', '/notes', (text) => text === HASH, BODY);
  }, 1_000 / perSecond);
  return {
    ...{ sent, failed },
    stop: async () => {
      clearInterval(timer);
      await Promise.all(underWay);
      agent.destroy();
    },
  };
}

t.test(
  'three replicas behind HAProxy are restarted one by one under load: no request fails, no comparison is lost',
  async (t) => {
    const legacy = await withEcho(t, (message, reply) => {
      if (message.method !== 'POST') return void setTimeout(() => reply.end('slow'), message.url === '/slow' ? 300 : 0);
      const hash = createHash('sha256');
      message.on('data', (chunk) => hash.update(chunk)).on('end', () => reply.end(hash.digest('hex')));
    });
    const notes = await withNotes(t, {
      stage: 'live',
      env: { LEGACY_URL: legacy.url, DRAIN_DELAY_MS: '3000', SHADOW_EVENT_LOOP_MS: '60000' },
    });
    await notes.put([note('n-1')]);
    await notes.facade.app.close();
    await notes.db.collection('crossfade_replicas').deleteMany({});
    const { file } = notes.facade.app.bindings;
    const replicas: Replica[] = [];
    for (const name of ['one', 'two', 'three']) {
      const folder = join(t.testdirName, name);
      await mkdir(folder, { recursive: true });
      const [port, adminPort] = [await freePort(), await freePort()];
      const env = {
        ...notes.env,
        PORT: String(port),
        ADMIN_PORT: String(adminPort),
        STAGES_FILE: join(t.testdirName, 'stages.yaml'),
      };
      replicas.push({ port, adminPort, start: () => serveAlone(t, folder, file, env) });
    }
    const running = await Promise.all(replicas.map(({ start }) => start()));
    const port = await withHaproxy(t, replicas);
    const load = startLoad(port, 20);
    const codes: (number | null)[] = [];
    await sleep(1_000);
    for (const [n, replica] of replicas.entries()) {
      codes.push(await (running[n] as Served).stop());
      running[n] = await replica.start();
      // Two looks of the balancer, and it is asked again.
      await sleep(2_000);
    }
    await load.stop();
    t.same(load.failed, [], `of ${JSON.stringify(load.sent)}`);
    t.same(codes, [0, 0, 0]);
    for (const one of running) t.equal(await one.stop(), 0);

    const client = await MongoClient.connect(notes.env.MONGODB_URI as string);
    t.teardown(() => client.close());
    const rows = await client.db().collection('crossfade_replicas').find().toArray();
    const totals = rows.map((row) => row.totals as Record<string, number>);
    const sum = (name: string) => totals.reduce((all, one) => all + (one[name] ?? 0), 0);
    t.equal(rows.length, 6, 'each process has told what it did');
    t.equal(sum('offered'), load.sent.read, 'each read was to be compared');
    t.equal(sum('pending'), 0, 'none was left');
    const counts = await client.db().collection('crossfade_counts').find().toArray();
    t.equal(
      counts.reduce((all, { n }) => all + Number(n), 0) + sum('dropped'),
      sum('offered'),
      'each is written, or counted as dropped',
    );
    t.ok(sum('match') > sum('offered') * 0.9, JSON.stringify(totals));
  },
);
