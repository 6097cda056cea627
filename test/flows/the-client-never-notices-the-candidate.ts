import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { through, withProxy } from '../support/proxy.ts';
import { note, THREADS, withNotes } from '../support/shadow.ts';

const TENANT = { 'x-tenant-id': 'acme' };
const id = (n: number) => `n${String(n).padStart(3, '0')}`;

async function withCandidate(t: Test, env: Record<string, string> = {}) {
  let proxy: Awaited<ReturnType<typeof withProxy>> | undefined;
  const notes = await withNotes(t, {
    env: { SHADOW_TIMEOUT_MS: '300', ...env },
    throughMongo: async (uri) => {
      const { hostname, port } = new URL(uri);
      proxy = await withProxy(t, hostname, Number(port));
      return through(uri, proxy.port);
    },
  });
  await notes.put(Array.from({ length: 40 }, (_, n) => note(id(n))));
  return { notes, proxy: proxy as NonNullable<typeof proxy> };
}

/** `count` reads, eight at a time; gives the statuses and the longest time. */
async function reads(notes: Awaited<ReturnType<typeof withNotes>>, count: number) {
  const statuses: number[] = [];
  let longest = 0;
  let next = 0;
  const worker = async () => {
    while (next < count) {
      const n = next++;
      const began = performance.now();
      const { status } = await notes.facade.get(`/notes/${id(n % 42)}`, TENANT);
      longest = Math.max(longest, performance.now() - began);
      statuses.push(status);
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  return { statuses, longest };
}

/** Two of 42 ids are of no note. */
const expected = (count: number) => Array.from({ length: count }, (_, n) => (n % 42 < 40 ? 200 : 404)).sort();

const modes = [
  { mode: 'slow', name: 'ten times slower', reasons: /^timeout$|^unavailable$|^queue$|^breaker$/ },
  { mode: 'hung', name: 'hung', reasons: /^timeout$|^unavailable$|^queue$|^breaker$/ },
  { mode: 'refused', name: 'refusing', reasons: /^unavailable$|^throttled$|^breaker$|^timeout$|^queue$/ },
] as const;

for (const { mode, name, reasons, thread } of modes.flatMap((one) => THREADS.map((thread) => ({ ...one, thread })))) {
  t.test(
    `a candidate that is ${name}: the same statuses, no 5xx, every shadow accounted for; thread ${thread}`,
    async (t) => {
      const { notes, proxy } = await withCandidate(t, { SHADOW_THREAD: thread });
      const before = await reads(notes, 84);
      proxy.mode = mode;
      proxy.delay = 400;
      const during = await reads(notes, 840);
      t.same(before.statuses.sort(), expected(84));
      t.same(during.statuses.sort(), expected(840));
      t.ok(during.longest < 1_000, `the slowest reply took ${Math.round(during.longest)} ms`);
      const { summary, totals } = await notes.settled();
      const { offered, pending, dropped: _, ...done } = totals;
      t.equal(offered, 924);
      t.equal(pending, 0);
      t.equal(
        Object.values(done).reduce((sum, n) => sum + n, 0),
        offered,
        JSON.stringify(done),
      );
      const notCompared = summary.operations.flatMap((one) => one.notCompared);
      t.ok(notCompared.length > 0);
      t.same(
        notCompared.filter(({ reason }) => !reasons.test(reason)),
        [],
      );
      t.same([...summary.findings, ...summary.unsettled], [], 'a store that is away is no finding');
    },
  );
}

t.test('a candidate that answers 1 MB of nonsense, and results that nobody takes', async (t) => {
  const { notes } = await withCandidate(t, { RESULTS_URI: 'mongodb://127.0.0.1:1/nowhere?directConnection=true' });
  const junk = 'x'.repeat(1_000_000);
  await notes.db.collection('notes').updateMany({}, { $set: { text: junk } });
  const { statuses } = await reads(notes, 420);
  t.same(statuses.sort(), expected(420));
});

t.test('a full queue sheds, and says so', async (t) => {
  const { notes, proxy } = await withCandidate(t, { SHADOW_QUEUE: '4', SHADOW_CONCURRENCY: '1' });
  proxy.mode = 'slow';
  proxy.delay = 100;
  const { statuses } = await reads(notes, 84);
  t.same(statuses.sort(), expected(84));
  const { summary, totals } = await notes.settled();
  t.ok(totals.shed > 0, JSON.stringify(totals));
  t.ok(summary.operations[0]?.notCompared.some(({ outcome, reason }) => outcome === 'shed' && reason === 'queue'));
});

for (const thread of THREADS)
  t.test(`a shutdown loses no shadow: each is written, or shed and counted; thread ${thread}`, async (t) => {
    const { notes, proxy } = await withCandidate(t, { SHADOW_CONCURRENCY: '1', SHADOW_THREAD: thread });
    await notes.db.collection('notes').updateMany({}, { $set: { text: 'other' } });
    proxy.mode = 'slow';
    proxy.delay = 50;
    await reads(notes, 40);
    // So that some have been compared, and wait to be read again.
    await sleep(250);
    await notes.facade.app.close();
    const { totals, summary } = await notes.settled();
    t.equal(totals.offered, 40);
    t.ok(totals.shed > 0);
    t.ok(
      summary.unsettled.some(({ verdicts }) => verdicts.unverified > 0),
      'what could not be read again is unverified',
    );
  });

t.test('a process that is busy sheds its shadows, counted, and answers all the same', async (t) => {
  const notes = await withNotes(t, { env: { SHADOW_EVENT_LOOP_MS: '1' } });
  await notes.put([note('n1')]);
  const end = performance.now() + 300;
  while (performance.now() < end);
  const replies = await Promise.all(
    Array.from({ length: 30 }, () => notes.facade.get('/notes/n1', { 'x-tenant-id': 'acme' })),
  );
  t.ok(replies.every(({ status }) => status === 200));
  const { summary, totals } = await notes.settled();
  t.ok(totals.shed > 0);
  t.match(summary.operations[0]?.notCompared, [{ outcome: 'shed', reason: 'event_loop' }]);
});
