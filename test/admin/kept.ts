import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { createKept } from '../../src/admin/kept.ts';

t.test('one reading at a time, kept for a while, however many ask', async (t) => {
  let reads = 0;
  let time = 0;
  const kept = createKept(async () => ++reads, { ttl: 1_000, now: () => time });
  t.match(kept.now(), { value: undefined, problem: /still being read/ }, 'who does not wait has nothing yet');
  t.same(
    await Promise.all([kept.get(), kept.get(), kept.get()]).then((all) => all.map(({ value }) => value)),
    [1, 1, 1],
  );
  time = 999;
  t.equal((await kept.get()).value, 1);
  time = 1_001;
  t.match(await kept.get(), { value: 2, version: 2, problem: undefined });
  kept.forget();
  t.equal((await kept.get()).value, 3);
});

t.test('what was under way when something was forgotten is read again', async (t) => {
  let state = 'before';
  const kept = createKept(
    async () => {
      const seen = state;
      await sleep(50);
      return seen;
    },
    { ttl: 60_000 },
  );
  const early = kept.get();
  await sleep(10);
  state = 'after';
  kept.forget();
  t.equal((await kept.get()).value, 'after');
  await early;
});

t.test('a failure is told beside what was known, and soon tried again', async (t) => {
  let time = 0;
  let fails = false;
  const kept = createKept(
    async () => {
      if (fails) throw new Error('away');
      return 'good';
    },
    { ttl: 1_000, now: () => time },
  );
  await kept.get();
  fails = true;
  time = 2_000;
  t.match(await kept.get(), { value: 'good', problem: 'away' });
  fails = false;
  t.match(await kept.get(), { problem: 'away' }, 'not at once');
  time = 3_100;
  t.match(await kept.get(), { value: 'good', problem: undefined });
});

t.test('nobody waits for ever, and what takes long is read seldom', async (t) => {
  // What waits keeps no process up by itself.
  const alive = setInterval(() => {}, 1_000);
  t.teardown(() => clearInterval(alive));
  let end = () => {};
  const kept = createKept(
    () =>
      new Promise<string>((done) => {
        end = () => done('late');
      }),
    { ttl: 1 },
  );
  const began = performance.now();
  t.match(await kept.get(50), { value: undefined, problem: /still being read/ });
  t.ok(performance.now() - began < 1_000);
  end();
  await sleep(10);
  t.equal(kept.now().value, 'late');
  await sleep(100);
  t.equal((await kept.get(20)).version, 1, 'it took 60 ms: it is good for ten times that');
});
