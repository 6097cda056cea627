import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { withEcho } from '../support/echo.ts';
import type { Reply } from '../support/facade.ts';
import { type ProxyMode, through, withProxy } from '../support/proxy.ts';
import { note, withNotes } from '../support/shadow.ts';
import { patience } from '../support/tools.ts';

patience(t, 300);

const TENANT = { 'x-tenant-id': 'acme' };

/** `getNote` is MongoDB's, `listNotes` DynamoDB's, the rest legacy's. */
async function withThree(t: Test, env: Readonly<Record<string, string>> = {}) {
  const legacy = await withEcho(t, (message, reply) => {
    message.resume();
    message.on('end', () => reply.end('legacy'));
  });
  type Way = Awaited<ReturnType<typeof withProxy>>;
  const ways: Partial<Record<'mongodb' | 'dynamodb', Way>> = {};
  const proxied = async (store: keyof typeof ways, { hostname, port }: URL) => {
    const way = await withProxy(t, hostname, Number(port));
    ways[store] = way;
    return way.port;
  };
  const notes = await withNotes(t, {
    stage: 'dynamodb',
    env: { LEGACY_URL: legacy.url, ...env },
    throughMongo: async (uri) => through(uri, await proxied('mongodb', new URL(uri))),
    throughDynamo: async (endpoint) => `http://127.0.0.1:${await proxied('dynamodb', new URL(endpoint))}`,
  });
  await notes.put([note('n-1')]);
  await notes.facade.stages('operations: { getNote: { stage: complete }, listNotes: { stage: dynamodb } }\n');
  const { facade } = notes;
  const metric = async (name: string, labels: string) => {
    const text = await (await fetch(`${facade.app.adminUrl}/metrics`)).text();
    return Number(new RegExp(`^${name}\\{${labels}\\} (\\S+)$`, 'm').exec(text)?.[1] ?? 0);
  };
  return {
    ...{ facade, legacy, metric },
    ways: ways as Record<keyof typeof ways, Way>,
    mongo: () => facade.get('/notes/n-1', TENANT),
    dynamo: () => facade.get('/notes?shelf=n', TENANT),
    passed: () => facade.get('/other'),
    write: () => facade.send('POST', '/notes', { 'content-type': 'text/plain' }, 'x'),
  };
}

const isRefusal = (t: Test, { status, headers, json }: Reply, what: string): void => {
  t.equal(status, 503, what);
  t.match(headers['retry-after'], /^[123]$/);
  t.match(json, { status: 503, title: 'Unavailable' }, 'in the shape of the API’s errors');
};

t.test('each kind has room of its own, whoever is under way stays, and the room comes back', async (t) => {
  const three = await withThree(t, { MAX_REQUESTS: '10' });
  const open: (() => void)[] = [];
  three.legacy.answer((_message, reply) => void open.push(() => reply.end('late')));
  const reads = [1, 2, 3].map(three.passed);
  while (open.length < 3) await sleep(5);
  isRefusal(t, await three.passed(), 'a fourth');
  const doubtful = connect(Number(new URL(three.facade.url).port), '127.0.0.1');
  let said = '';
  doubtful.on('data', (chunk) => {
    said += chunk;
  });
  doubtful.write('GET /other HTTP/1.1\r\nHost: one\r\nHost: other\r\n\r\n');
  await once(doubtful, 'close');
  t.match(
    said,
    /^HTTP\/1.1 503 .*connection: close/is,
    'where its bounds are in doubt the connection ends with the refusal',
  );
  const write = three.write();
  while (open.length < 4) await sleep(5);
  t.equal((await three.mongo()).status, 200, 'reads of a store have room');
  t.equal((await fetch(`${three.facade.app.adminUrl}/livez`)).status, 200, 'probes are never refused');
  t.equal(await three.metric('crossfade_refused_total', 'kind="passed_read",reason="requests"'), 2);
  const { headers } = await fetch(`${three.facade.url}/other`);
  t.equal(headers.get('connection'), 'keep-alive', 'whoever is refused need not connect anew');
  const counted = 'http_request_method="GET",http_route="",http_response_status_code="503",origin="none"';
  t.equal(
    await three.metric('http_server_request_duration_seconds_count', counted),
    3,
    'each is counted as what it was',
  );
  for (const one of open.splice(0)) one();
  for (const { text } of await Promise.all([...reads, write])) t.equal(text, 'late');
  const again = three.passed();
  while (open.length < 1) await sleep(5);
  open[0]?.();
  t.equal((await again).status, 200);
});

t.test('a store that hangs takes no room from what the other answers', async (t) => {
  const three = await withThree(t, { MAX_REQUESTS: '30', ORIGIN_TIMEOUT_MS: '2000' });
  t.equal((await three.mongo()).status, 200);
  three.ways.mongodb.mode = 'hung';
  const began = performance.now();
  const timed = async () => ({ ...(await three.mongo()), took: performance.now() - began });
  // More than the whole room for reads of stores, which is nine.
  const hanging = Array.from({ length: 12 }, timed);
  const refused = () => three.metric('crossfade_refused_total', 'kind="store",reason="origin"');
  for (const end = Date.now() + 1_500; (await refused()) < 6 && Date.now() < end; ) await sleep(20);
  t.equal(await refused(), 6, 'six may wait for it');
  t.equal((await three.dynamo()).status, 200, 'the other store has room');
  const came = (await Promise.all(hanging)).toSorted((a, b) => a.took - b.took);
  t.same(
    came.map(({ status, headers }) => [status, headers['retry-after']]),
    Array.from({ length: 12 }, (_, n) => (n < 6 ? [503, '1'] : [504, undefined])),
  );
  three.ways.mongodb.mode = 'pass';
  for (const end = Date.now() + 20_000; (await three.mongo()).status !== 200; await sleep(50))
    if (Date.now() > end) throw new Error('it did not come back');
});

const block = (milliseconds: number): void => {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
};

t.test(
  'a loop that pauses refuses nobody; one that stands late refuses reads of stores, and then nobody any more',
  async (t) => {
    const { mongo, passed, write, metric } = await withThree(t, {
      ...{ SHADOW_EVENT_LOOP_MS: '200', OVERLOAD_EVENT_LOOP_MS: '250' },
    });
    for (let n = 0; n < 3; n += 1) {
      block(1_000);
      const [one, two, three] = await Promise.all([mongo(), passed(), write()]);
      t.same([one.status, two.status, three.status], [200, 200, 200]);
    }
    let blocking = true;
    const turn = (): void => {
      block(400);
      if (blocking) setTimeout(turn, 1);
    };
    turn();
    const replies: Promise<Reply>[] = [];
    const others: Promise<Reply>[] = [];
    for (const end = Date.now() + 8_000; Date.now() < end; await sleep(100)) {
      replies.push(mongo());
      others.push(passed(), write());
    }
    blocking = false;
    const came = await Promise.all(replies);
    const refused = came.filter(({ status }) => status !== 200);
    t.ok(refused.length > 0, `${refused.length} of ${came.length}`);
    for (const one of refused) isRefusal(t, one, 'a read of a store');
    for (const { status } of await Promise.all(others))
      t.equal(status, 200, 'what passes to legacy is not refused yet');
    t.equal(await metric('crossfade_refused_total', 'kind="store",reason="event_loop"'), refused.length);
    await sleep(6_000);
    const after = await Promise.all(Array.from({ length: 20 }, mongo));
    t.ok(
      after.every(({ status }) => status === 200),
      'all are let in again',
    );
  },
);

/** One that has failed a few, and then says no at once. */
async function untilDown(ask: () => Promise<Reply>): Promise<number> {
  const began = performance.now();
  const asking: Promise<Reply>[] = [];
  let quick = false;
  while (!quick && performance.now() - began < 30_000) {
    const sent = performance.now();
    asking.push(
      ask().then((reply) => {
        quick ||= reply.headers['retry-after'] !== undefined && performance.now() - sent < 1_000;
        return reply;
      }),
    );
    await sleep(50);
  }
  if (!quick) throw new Error('nobody was told at once');
  return performance.now() - began;
}

/** With the milliseconds in which it is found well again: long before what hung in it ends, at the deadline. */
const AWAY: readonly (readonly ['mongodb' | 'dynamodb', ProxyMode, number])[] = [
  // What was sent to a hung one is lost in this proxy: the driver's own handshake, of 2.5 s, must end first.
  ['mongodb', 'hung', 6_000],
  ['mongodb', 'refused', 3_000],
  ['dynamodb', 'hung', 3_000],
  ['dynamodb', 'refused', 3_000],
];

for (const [store, mode, most] of AWAY)
  t.test(`${store} is ${mode}: told at once, the others untouched, and found well soon`, async (t) => {
    const three = await withThree(t, { ORIGIN_TIMEOUT_MS: '20000' });
    const [ask, other] = store === 'mongodb' ? [three.mongo, three.dynamo] : [three.dynamo, three.mongo];
    t.equal((await ask()).status, 200);
    const ready = async () => await (await fetch(`${three.facade.app.adminUrl}/readyz`)).json();
    t.match(await ready(), { ready: true });
    three.ways[store].mode = mode;
    const took = await untilDown(ask);
    t.comment(`down after ${Math.round(took)} ms`);
    t.ok(took < 15_000, 'long before the deadline of any');
    t.equal(await three.metric('crossfade_origin_down', `origin="${store}"`), 1);
    isRefusal(t, await ask(), `a read of ${store}`);
    t.equal((await other()).status, 200, 'the other store');
    t.equal((await three.passed()).status, 200, 'legacy');
    t.equal((await three.write()).status, 200, 'a write');
    const parts = ['flags', 'dynamodb', 'mongodb'].map((part) => (part === store ? { part, note: /./ } : { part }));
    t.match(await ready(), { ready: true, parts }, 'it stays in the balancer: others answer');
    three.ways[store].mode = 'pass';
    const healed = performance.now();
    while ((await ask()).status !== 200 && performance.now() - healed < 20_000) await sleep(20);
    const back = performance.now() - healed;
    t.comment(`back after ${Math.round(back)} ms`);
    t.ok(back < most, `${back} ms`);
    t.equal(await three.metric('crossfade_origin_down', `origin="${store}"`), 0);
  });

t.test('a MongoDB that is slow is not down: each gets its answer', async (t) => {
  const three = await withThree(t, { ORIGIN_TIMEOUT_MS: '60000' });
  three.ways.mongodb.mode = 'slow';
  three.ways.mongodb.delay = 1_300;
  const replies = await Promise.all(Array.from({ length: 30 }, three.mongo));
  t.same(new Set(replies.map(({ status }) => status)), new Set([200]));
  t.equal(await three.metric('crossfade_origin_down', 'origin="mongodb"'), 0);
});
