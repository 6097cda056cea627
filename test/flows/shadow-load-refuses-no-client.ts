import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { type ProxyMode, through, withProxy } from '../support/proxy.ts';
import { note, withNotes } from '../support/shadow.ts';
import { patience } from '../support/tools.ts';

patience(t, 300);

const TENANT = { 'x-tenant-id': 'acme' };
const CLIENTS = 4;
/** Under way, and waiting: more than the six reads of a store that MAX_REQUESTS leaves room for. */
const SHADOWS = { SHADOW_CONCURRENCY: '16', SHADOW_QUEUE: '8' };
const FULL = 16 + 8;

/** All reads are DynamoDB's and shadowed on MongoDB, which is reached through a proxy. */
async function withShadowed(t: Test, env: Readonly<Record<string, string>>) {
  let proxy: Awaited<ReturnType<typeof withProxy>> | undefined;
  const notes = await withNotes(t, {
    stage: 'shadow',
    env: { MAX_REQUESTS: '30', SHADOW_TIMEOUT_MS: '20000', OVERLOAD_EVENT_LOOP_MS: '20000', ...env },
    throughMongo: async (uri) => {
      const { hostname, port } = new URL(uri);
      proxy = await withProxy(t, hostname, Number(port));
      return through(uri, proxy.port);
    },
  });
  await notes.put(Array.from({ length: 20 }, (_, n) => note(`n${n}`)));
  const { adminUrl } = notes.facade.app;
  const metrics = async () => await (await fetch(`${adminUrl}/metrics`)).text();
  return { notes, metrics, proxy: proxy as NonNullable<typeof proxy> };
}

type Shadowed = Awaited<ReturnType<typeof withShadowed>>;

/** The sum of a metric's values whose labels hold all of `labels`. */
function measured(text: string, name: string, ...labels: string[]): number {
  if (!text.includes(`# TYPE ${name} `)) throw new Error(`there is no metric ${name}`);
  return text
    .split('\n')
    .filter((line) => new RegExp(`^${name}[{ ]`).test(line) && labels.every((label) => line.includes(label)))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

/** Clients that ask one after the other, until `ends`; gives how many got which status. */
async function load({ notes }: Shadowed, ends: () => boolean): Promise<Readonly<Record<number, number>>> {
  const statuses: Record<number, number> = {};
  let asked = 0;
  const client = async () => {
    while (!ends()) {
      asked += 1;
      const { status } = await notes.facade.get(`/notes/n${asked % 20}`, TENANT);
      statuses[status] = (statuses[status] ?? 0) + 1;
      await sleep(5);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  return statuses;
}

const candidates: readonly [mode: ProxyMode, delay: number][] = [
  ['slow', 1_000],
  ['hung', 0],
];
for (const [mode, delay] of candidates)
  t.test(`every read is shadowed, the candidate ${mode} and the queue full: each client gets its answer`, async (t) => {
    const shadowed = await withShadowed(t, SHADOWS);
    const { notes, metrics, proxy } = shadowed;
    t.equal((await notes.facade.get('/notes/n1', TENANT)).status, 200);
    proxy.delay = delay;
    proxy.mode = mode;
    const seen = { fullest: 0, shed: 0, clients: 0 };
    const end = Date.now() + 60_000;
    const watching = async () => {
      while (Date.now() < end && (seen.fullest < FULL || seen.shed < 200)) {
        await sleep(50);
        const text = await metrics();
        seen.fullest = Math.max(seen.fullest, measured(text, 'crossfade_shadow_queue_depth'));
        seen.shed = measured(text, 'crossfade_comparisons_total', 'outcome="shed"');
        seen.clients = Math.max(seen.clients, measured(text, 'http_server_active_requests'));
      }
    };
    let watched = false;
    const [statuses] = await Promise.all([
      load(shadowed, () => watched),
      watching().finally(() => {
        watched = true;
      }),
    ]);
    t.comment(JSON.stringify({ statuses, seen }));
    t.equal(seen.fullest, FULL, 'as many shadows as there is room for, more than there is room for clients');
    t.ok(seen.shed >= 200, 'the others are shed: for want of room, and by the breaker once some have failed');
    t.same(Object.keys(statuses), ['200'], 'no client is refused, or fails');
    // One that is answered may count until its connection is closed.
    t.ok(seen.clients <= 2 * CLIENTS, `no shadow counts as a client: ${seen.clients}`);
    t.equal(measured(await metrics(), 'crossfade_refused_total'), 0);
  });

t.test('while the event loop stands late shadows go first, and no client does', async (t) => {
  const shadowed = await withShadowed(t, { SHADOW_EVENT_LOOP_MS: '70' });
  const { metrics } = shadowed;
  const began = performance.now();
  const over = () => performance.now() - began > 4_000;
  const turn = (): void => {
    const until = performance.now() + 150;
    while (performance.now() < until);
    if (!over()) setTimeout(turn, 1);
  };
  setTimeout(turn, 1);
  const statuses = await load(shadowed, over);
  t.same(Object.keys(statuses), ['200']);
  const text = await metrics();
  t.ok(measured(text, 'crossfade_comparisons_total', 'outcome="shed"', 'reason="event_loop"') > 0);
  t.equal(measured(text, 'crossfade_refused_total'), 0);
});

t.test('a thread that has much to do is asked for fewer shadows, but for the first of each kind', async (t) => {
  const shadowed = await withShadowed(t, { SHADOW_BUSY_PERCENT: '10', SHADOW_EVENT_LOOP_MS: '20000' });
  const { metrics } = shadowed;
  const end = Date.now() + 60_000;
  const left = async () =>
    measured(await metrics(), 'crossfade_comparisons_total', 'outcome="skipped"', 'reason="load"');
  let over = false;
  // Whatever else runs here: the thread never waits.
  const turn = (): void => {
    const until = performance.now() + 10;
    while (performance.now() < until);
    if (!over) setImmediate(turn);
  };
  setImmediate(turn);
  const watching = async () => {
    while (Date.now() < end && (await left()) < 100) await sleep(50);
    over = true;
  };
  const [statuses] = await Promise.all([load(shadowed, () => over), watching()]);
  t.same(Object.keys(statuses), ['200']);
  const text = await metrics();
  t.ok(measured(text, 'crossfade_shadow_spare') < 1);
  t.ok((await left()) >= 100);
  const asked = ['match', 'mismatch', 'error'].reduce(
    (sum, outcome) => sum + measured(text, 'crossfade_comparisons_total', `outcome="${outcome}"`),
    0,
  );
  t.ok(asked >= 30, `${asked} were asked`);
});
