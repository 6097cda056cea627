import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { NoSuchItem, RequestError, StoreError, type StoreFailure } from '../../src/errors.ts';
import { createGuard, type GuardOptions, SIGNS, signOf } from '../../src/request/guard.ts';

const failed = (failure: StoreFailure) => new StoreError('mongodb', failure, 'it did not');

t.test('what a failure says of its origin', async (t) => {
  const ill = Object.keys(SIGNS).filter((failure) => SIGNS[failure as StoreFailure] === 'ill');
  t.same(ill, ['unavailable', 'timeout'], 'nothing else is a reason to look');
  for (const [failure, sign] of Object.entries(SIGNS)) t.equal(signOf(failed(failure as StoreFailure)), sign, failure);
  t.equal(signOf(new NoSuchItem('no key')), 'none');
  t.equal(signOf(new RequestError('notFound', 'none')), 'none');
  t.equal(signOf(new Error('ours')), 'none');
});

/** An origin that answers pings or not, and a guard that looks each 20 ms. */
function guarded(t: Test, options: Partial<GuardOptions> = {}) {
  const origin = { state: 'well' as 'well' | 'refusing' | 'hung' | 'throttling', pings: 0 };
  const guard = createGuard({
    ...{ every: 20, pingTimeout: 60, trialEvery: 100_000 },
    ping: async (signal) => {
      origin.pings += 1;
      if (origin.state === 'refusing') throw failed('unavailable');
      if (origin.state === 'throttling') throw failed('throttled');
      if (origin.state === 'hung') {
        await new Promise((done) => signal.addEventListener('abort', done));
        throw failed('timeout');
      }
    },
    ...options,
  });
  t.teardown(guard.close);
  const fail = (count: number) => {
    for (let n = 0; n < count; n += 1) {
      guard.begin();
      guard.end('ill');
    }
  };
  const until = async (wanted: boolean) => {
    for (const end = Date.now() + 5_000; guard.isDown() !== wanted; await sleep(2))
      if (Date.now() > end) throw new Error(`it is not ${wanted ? 'down' : 'up'}`);
  };
  return { origin, guard, fail, until };
}

for (const state of ['refusing', 'hung'] as const)
  t.test(`failures and an origin that is ${state}: down, until it answers a look`, async (t) => {
    const { origin, guard, fail, until } = guarded(t);
    origin.state = state;
    fail(4);
    await sleep(100);
    t.equal(origin.pings, 0, 'four are no reason to look');
    fail(1);
    await until(true);
    t.equal(guard.begin(), 'down');
    origin.state = 'well';
    await until(false);
    const { pings } = origin;
    await sleep(100);
    t.equal(origin.pings, pings, 'nobody looks any more');
    t.equal(guard.begin(), undefined);
  });

t.test('failures of an origin that is there never bring it down', async (t) => {
  for (const state of ['well', 'throttling'] as const) {
    const { origin, guard, fail } = guarded(t);
    origin.state = state;
    for (let n = 0; n < 20; n += 1) {
      fail(10);
      await sleep(5);
      t.notOk(guard.isDown());
    }
    t.ok(origin.pings > 0 && origin.pings <= 20 * 10, 'it is looked at, and not for each');
  }
});

t.test('one good answer among failures counts; what says nothing counts neither way', async (t) => {
  const { origin, guard, fail } = guarded(t);
  origin.state = 'refusing';
  for (let n = 0; n < 10; n += 1) {
    fail(4);
    guard.begin();
    guard.end('well');
  }
  for (let n = 0; n < 10; n += 1) {
    guard.begin();
    guard.end('none');
  }
  await sleep(50);
  t.equal(origin.pings, 0);
});

t.test('many that wait in vain are a reason to look, where there is patience to run out', async (t) => {
  for (const patience of [30, undefined]) {
    const { origin, guard } = guarded(t, { patience });
    origin.state = 'hung';
    for (let n = 0; n < 6; n += 1) guard.begin();
    await sleep(50);
    guard.begin();
    await sleep(120);
    t.equal(guard.isDown(), patience !== undefined);
  }
});

t.test('no more wait for it than it has room for, whether it is down or not', async (t) => {
  let refused = 0;
  const onFull = () => {
    refused += 1;
  };
  const { origin, guard, fail, until } = guarded(t, { most: 3, trialEvery: 1, onFull });
  const many = (count: number) => Array.from({ length: count }, () => guard.begin());
  t.same(many(5), [undefined, undefined, undefined, 'requests', 'requests']);
  t.equal(refused, 2);
  guard.end('none');
  t.same(many(2), [undefined, 'requests'], 'room comes back');
  for (let n = 0; n < 3; n += 1) guard.end('none');
  origin.state = 'refusing';
  fail(5);
  await until(true);
  await sleep(5);
  t.same(many(2), [undefined, 'down']);
  for (let n = 0; n < 2; n += 1) {
    guard.end('ill');
    await sleep(5);
    t.equal(guard.begin(), undefined, 'whoever ends makes room for a trial');
  }
});

t.test('an answer brings it up, and one request at a time is let try', async (t) => {
  const { origin, guard, fail, until } = guarded(t, { trialEvery: 80 });
  origin.state = 'refusing';
  fail(5);
  await until(true);
  let tried = 0;
  for (const end = Date.now() + 60; Date.now() < end; await sleep(2)) if (guard.begin() === undefined) tried += 1;
  t.equal(tried, 0);
  await sleep(60);
  t.equal(guard.begin(), undefined, 'a trial');
  t.equal(guard.begin(), 'down', 'and no other beside it');
  guard.end('well');
  t.notOk(guard.isDown());
});
