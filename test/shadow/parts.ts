import t from 'tap';
import { createBreakers } from '../../src/shadow/breaker.ts';
import { createBudget } from '../../src/shadow/budget.ts';
import { percentAt } from '../../src/shadow/load.ts';
import { createQueue } from '../../src/shadow/queue.ts';
import { createSampler } from '../../src/shadow/sampler.ts';

const clock = () => {
  const state = { now: 0 };
  return {
    now: () => state.now,
    pass: (milliseconds: number) => {
      state.now += milliseconds;
    },
  };
};

t.test('a queue is bounded in number and bytes, and runs so many at a time', async (t) => {
  const queue = createQueue({ maxCount: 2, maxBytes: 100, concurrency: 1 });
  const gates: (() => void)[] = [];
  const ended: number[] = [];
  const work = (n: number) => () =>
    new Promise<void>((done) =>
      gates.push(() => {
        ended.push(n);
        done();
      }),
    );
  const none = () => {};
  t.ok(queue.offer(10, work(1), none));
  t.ok(queue.offer(10, work(2), none));
  t.ok(queue.offer(10, work(3), none));
  t.notOk(queue.offer(10, work(4), none), 'two wait already');
  t.equal(queue.depth(), 3);
  await new Promise(setImmediate);
  t.equal(gates.length, 1, 'one at a time');
  for (let n = 0; n < 3; n += 1) {
    gates.shift()?.();
    await new Promise(setImmediate);
  }
  t.same(ended, [1, 2, 3]);
  t.ok(queue.offer(60, work(5), none));
  t.notOk(queue.offer(60, work(6), none), 'more bytes than it holds');
  await new Promise(setImmediate);
  let dropped = 0;
  t.ok(
    queue.offer(10, work(7), () => {
      dropped += 1;
    }),
  );
  const closed = queue.close();
  t.equal(dropped, 1);
  gates.shift()?.();
  await closed;
  t.same(ended, [1, 2, 3, 5]);
  t.notOk(queue.offer(1, work(8), none), 'closed');
});

t.test('work never begins in the caller’s own turn', async (t) => {
  const queue = createQueue({ maxCount: 1, maxBytes: 1, concurrency: 1 });
  let begun = false;
  queue.offer(
    0,
    async () => {
      begun = true;
    },
    () => {},
  );
  await Promise.resolve();
  t.notOk(begun);
  await new Promise(setImmediate);
  t.ok(begun);
});

t.test('a breaker opens after failures in a row, tries again after a pause that doubles, and closes', async (t) => {
  const { now, pass } = clock();
  const breakers = createBreakers({ failures: 3, pause: 100, longest: 300, now });
  const fail = () => breakers.report('mongodb', 'getUser', false);
  fail();
  fail();
  breakers.report('mongodb', 'getUser', true);
  fail();
  fail();
  t.ok(breakers.allows('mongodb', 'getUser'), 'a success in between starts the count anew');
  pass(1);
  fail();
  t.notOk(breakers.allows('mongodb', 'getUser'));
  t.ok(breakers.allows('mongodb', 'getMessage'), 'each operation has its own');
  t.same(breakers.open(), ['mongodb getUser']);
  pass(100);
  t.ok(breakers.allows('mongodb', 'getUser'), 'one trial');
  t.notOk(breakers.allows('mongodb', 'getUser'), 'and only one');
  fail();
  pass(150);
  t.notOk(breakers.allows('mongodb', 'getUser'), 'the pause has doubled');
  pass(50);
  t.ok(breakers.allows('mongodb', 'getUser'));
  breakers.report('mongodb', 'getUser', true);
  t.ok(breakers.allows('mongodb', 'getUser'));
  t.same(breakers.open(), []);
});

t.test('a budget gives so many a second, half after a throttle, and recovers slowly', async (t) => {
  const { now, pass } = clock();
  pass(10_000);
  const budget = createBudget(10, now);
  const taken = () => Array.from({ length: 100 }, () => budget.take()).filter(Boolean).length;
  t.equal(taken(), 10);
  pass(500);
  t.equal(taken(), 5);
  budget.throttled();
  budget.throttled();
  t.equal(budget.perSecond(), 5, 'calls that were throttled together count once');
  pass(1_000);
  t.equal(taken(), 5);
  budget.throttled();
  t.ok(budget.perSecond() < 2.6);
  pass(60 * 60_000);
  taken();
  t.equal(budget.perSecond(), 10);
});

t.test('a budget that was halved many times still gives a call now and then', async (t) => {
  const { now, pass } = clock();
  pass(10_000);
  const budget = createBudget(1, now);
  for (let n = 0; n < 10; n += 1) {
    pass(1_001);
    budget.throttled();
  }
  pass(10 * 60_000);
  t.ok(budget.take());
});

t.test(
  'strata with little evidence are always sampled, the others by the percentage, and by what there is to do',
  async (t) => {
    const sampler = createSampler(() => 0.5);
    const all = (tenant: string, percent: number, spare: number) =>
      Array.from({ length: 100 }, () => sampler.leaves('getUser', tenant, 200, percent, spare) ?? 'taken');
    for (const [percent, spare, taken, why] of [
      [10, 100, 30, 'sampling'],
      [60, 100, 100, undefined],
      [0, 100, 0, 'sampling'],
      [100, 60, 100, undefined],
      [100, 40, 30, 'load'],
      [40, 40, 30, 'sampling'],
      [60, 90, 100, undefined],
      [60, 80, 30, 'load'],
    ] as const) {
      const came = all(`${percent} ${spare}`, percent, spare);
      t.equal(came.filter((one) => one === 'taken').length, taken, `${percent} % and ${spare} %`);
      t.equal(came.at(-1), why ?? 'taken');
    }
  },
);

t.test('the busier the thread that serves, the fewer shadows, down to a tenth', async (t) => {
  for (const [utilization, from, percent] of [
    [0, 25, 100],
    [0.25, 25, 100],
    [0.35, 25, 55],
    [0.45, 25, 10],
    [1, 25, 10],
    [0.9, 80, 55],
    [1, 80, 10],
    [1, 99, 95.5],
    [1, 100, 100],
    [0.02, 1, 95.5],
  ] as const)
    t.ok(Math.abs(percentAt(utilization, from) - percent) < 1e-9, `${utilization} from ${from} on`);
});

t.test('what was under way when a breaker opened does not lengthen its pause', async (t) => {
  const { now, pass } = clock();
  const breakers = createBreakers({ failures: 2, pause: 100, longest: 10_000, now });
  const fail = () => breakers.report('mongodb', 'getUser', false);
  // Sixteen that were asked together fail together.
  for (let n = 0; n < 16; n += 1) fail();
  pass(100);
  t.ok(breakers.allows('mongodb', 'getUser'), 'a trial after the first pause');
  for (let n = 0; n < 16; n += 1) fail();
  pass(199);
  t.notOk(breakers.allows('mongodb', 'getUser'), 'doubled');
  pass(1);
  t.ok(breakers.allows('mongodb', 'getUser'), 'and doubled once');
});

t.test('queue and breakers show their state to people', async (t) => {
  const queue = createQueue({ maxCount: 5, maxBytes: 100, concurrency: 1 });
  const ends: (() => void)[] = [];
  const work = () => new Promise<void>((done) => void ends.push(done));
  for (let n = 0; n < 3; n += 1) queue.offer(10, work, () => {});
  await new Promise(setImmediate);
  t.same(queue.state(), { waiting: 2, underWay: 1, bytes: 30 });
  for (let n = 0; n < 3; n += 1) {
    ends.shift()?.();
    await new Promise(setImmediate);
  }
  t.same(queue.state(), { waiting: 0, underWay: 0, bytes: 0 });

  const { now, pass } = clock();
  const breakers = createBreakers({ failures: 2, pause: 100, now });
  const unwell = () => breakers.states().filter(({ state }) => state !== 'closed');
  t.same(unwell(), []);
  pass(1);
  for (let n = 0; n < 2; n += 1) breakers.report('mongodb', 'getNote', false);
  t.same(unwell(), [{ origin: 'mongodb', operation: 'getNote', state: 'open' }]);
  pass(100);
  t.ok(breakers.allows('mongodb', 'getNote'));
  t.match(unwell(), [{ state: 'trying' }]);
  breakers.report('mongodb', 'getNote', false);
  t.match(unwell(), [{ state: 'open' }]);
  pass(200);
  breakers.allows('mongodb', 'getNote');
  breakers.report('mongodb', 'getNote', true);
  t.same(unwell(), []);
});
