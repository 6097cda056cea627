import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { withCollector } from '../support/collector.ts';
import { withEcho } from '../support/echo.ts';
import { raw } from '../support/legacy.ts';
import { serveAlone } from '../support/process.ts';
import { note, withNotes } from '../support/shadow.ts';

interface Line {
  readonly level: number;
  readonly msg: string;
  readonly [name: string]: unknown;
}

/** The lines of a log; throws where one is no JSON. */
const linesOf = (text: string): Line[] =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);

async function served(t: Test, stage: string, env: Record<string, string>, legacy?: string) {
  const notes = await withNotes(t, { stage, ...(legacy === undefined ? {} : { legacy: async () => legacy }) });
  await notes.put([note('n001')]);
  const { file } = notes.facade.app.bindings;
  // With it nothing is said on standard error.
  const ADMIN_TOKENS = `ci:viewer:${'0'.repeat(64)}`;
  return await serveAlone(t, dirname(file), file, { ...notes.env, ADMIN_TOKENS, ...env });
}

t.test('hostile requests, and stores with passwords, leave one harmless line each', async (t) => {
  const { url, stop, log } = await served(t, 'complete', {
    MONGODB_URI: 'mongodb://ann:hunter2@127.0.0.1:9/x?serverSelectionTimeoutMS=200',
    TELEMETRY_TENANT: 'clear',
    LOG_REQUESTS: 'all',
  });
  const { port } = new URL(url);
  const headers = [
    'Host: x',
    'Authorization: Bearer hunter2',
    'Cookie: sid=hunter2',
    'X-Tenant-Id: ac\u009bme\u2028"}{"level":60',
    'X-Request-Id: line\tbreak',
  ];
  const paths = ['/notes/hunter2?lang=hunter2', '/notes/%0A%7B%22level%22:60%7D', '/notes/%1b%5b31mred', '/hunter2'];
  for (const path of paths) await raw(Number(port), [`GET ${path} HTTP/1.1`, ...headers]);
  await raw(Number(port), ['GET /notes/hunter2 HTTP/1.1', 'Host: x', 'X-Tenant-Id: acme', 'X-Request-Id: mine-1']);
  await stop();
  t.notMatch(log(), /hunter2/, 'no secret, no path, no query');
  t.notMatch(log(), /[^\P{Cc}\n]|[\u2028\u2029]/u, 'no control character');
  const lines = linesOf(log());
  const requests = lines.filter(({ requestId }) => requestId !== undefined);
  t.equal(requests.length, paths.length + 1, 'one line a request');
  t.ok(lines.every(({ level }) => level < 60));
  t.match(requests.at(-1), {
    ...{ level: 50, requestId: 'mine-1', method: 'GET', route: '/notes/{id}', operation: 'getNote' },
    ...{ stage: 'complete', origin: 'mongodb', tenant: 'acme', status: 503 },
    cause: { type: 'StoreError', failure: 'unavailable', cause: { type: String } },
  });
  t.equal(requests.at(-1)?.path, undefined);
});

t.test('a line and its trace say the same', async (t) => {
  const collector = await withCollector(t);
  const { url, stop, log } = await served(t, 'dynamodb', {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    SAMPLE_SECRET: 'sixteen characters',
    TELEMETRY_TENANT: 'hashed',
  });
  await (await fetch(`${url}/notes/n001`, { headers: { 'x-tenant-id': 'acme' } })).text();
  await stop();
  const line = linesOf(log()).find(({ msg }) => msg === 'request');
  const [span] = collector.spans().filter(({ kind }) => kind === 2);
  t.match(line, { traceId: span?.traceId, spanId: span?.spanId, status: 200, origin: 'dynamodb' });
  t.match(line?.tenant, /^[\w-]{16}$/);
  t.equal(line?.tenant, span?.attributes['crossfade.tenant']);
  t.equal(line?.requestId, span?.attributes['crossfade.request_id']);
});

t.test('a standard output that nobody reads any more stalls no client, and not the end', async (t) => {
  const echo = await withEcho(t, (_message, reply) => void reply.end('{}'));
  const { url, child, stop } = await served(t, 'legacy', { LOG_REQUESTS: 'all' }, echo.url);
  child.stdout?.pause();
  let slowest = 0;
  for (let n = 0; n < 4_000; n += 20) {
    const began = performance.now();
    const replies = await Promise.all(Array.from({ length: 20 }, () => fetch(`${url}/any/${n}`)));
    t.ok(replies.every(({ status }) => status === 200));
    for (const reply of replies) await reply.text();
    slowest = Math.max(slowest, performance.now() - began);
  }
  t.ok(slowest < 2_000, `20 requests took at most ${Math.round(slowest)} ms`);
  child.kill('SIGTERM');
  const ended = await Promise.race([new Promise((done) => child.once('exit', done)), sleep(8_000, 'still there')]);
  t.equal(ended, 0, 'it ends');
  child.stdout?.resume();
  await stop();
});

t.test('when the process ends, who had no line is said', async (t) => {
  const echo = await withEcho(t, (_message, reply) => void reply.end('{}'));
  const { url, stop, log } = await served(t, 'legacy', {}, echo.url);
  for (let n = 0; n < 100; n += 1) await (await fetch(`${url}/any`)).text();
  await stop();
  const lines = linesOf(log());
  const logged = lines.filter(({ msg }) => msg === 'request').length;
  const unlogged = lines.reduce((sum, { sampledOut }) => sum + Number(sampledOut ?? 0), 0);
  t.ok(logged >= 20 && logged < 100, `${logged} of 100 have a line`);
  t.equal(logged + unlogged, 100, 'and the others are counted');
});
