import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { askBeside } from '../../bench/soak/beside.ts';
import { type Disturbance, fit, flatnessOf, RECOVERY, type Seen, verdictOf } from '../../bench/soak/judge.ts';
import { isPage, type List } from '../../bench/soak/known.ts';

const seen = (more: Partial<Seen>): Seen => ({
  ...{ began: 1_000, ended: 1_100, status: 200, origin: 'dynamodb', right: true, what: 'x' },
  ...more,
});
const fault = (from: number, to: number, target = 'dynamodb'): Disturbance => ({ target, how: 'silence', from, to });

t.test('a reply is judged by its bytes, and a failure by who was disturbed', (t) => {
  const during = [fault(900, 1_050)];
  t.equal(verdictOf(seen({}), during), 'right');
  t.equal(verdictOf(seen({ right: false }), during), 'wrong bytes', 'a fault excuses no wrong byte');
  t.equal(verdictOf(seen({ status: 404, right: false }), during), 'wrong bytes');
  t.equal(verdictOf(seen({ status: 404 }), []), 'right', 'a 404 may be what the data say');
  for (const status of [500, 503, 504]) {
    const failed = seen({ status, right: false });
    t.equal(verdictOf(failed, during), 'excused');
    t.equal(verdictOf(failed, []), 'unexcused 5xx');
    t.equal(verdictOf(failed, [fault(900, 1_050, 'mongodb')]), 'unexcused 5xx', 'another was disturbed');
    t.equal(verdictOf(failed, [fault(1_101, 2_000)]), 'unexcused 5xx', 'only later');
    t.equal(verdictOf(failed, [fault(0, 1_000 - RECOVERY)]), 'excused', 'it came back');
    t.equal(verdictOf(failed, [fault(0, 999 - RECOVERY)]), 'unexcused 5xx', 'it was back');
    t.equal(verdictOf({ ...failed, origin: undefined }, during), 'unexcused 5xx', 'nobody was asked');
  }
  const cut = { status: 0, right: false };
  t.equal(verdictOf(seen(cut), during), 'broken connection', 'what a store says is whole before it begins');
  t.equal(verdictOf(seen({ ...cut, origin: 'legacy' }), [fault(900, 1_050, 'legacy')]), 'excused');
  t.equal(verdictOf(seen({ ...cut, origin: 'legacy' }), []), 'broken connection');
  t.end();
});

t.test('what rises is told from what breathes, and a short run says nothing', (t) => {
  const run = (minutes: number, value: (at: number) => number) =>
    flatnessOf(
      Array.from({ length: 100 }, (_, n) => {
        const at = (n * minutes * 60_000) / 99;
        return { at, rss: 200e6 + value(n / 99) * 1e6 };
      }),
    ).flat;
  t.same(
    run(30, () => 0),
    true,
  );
  t.same(
    run(30, (at) => Math.sin(at * 40) * 50),
    true,
    'breathes',
  );
  t.same(
    run(30, (at) => (at > 0.8 && at % 0.03 > 0.01 ? 200 : 0)),
    true,
    'is full while faults last',
  );
  t.same(
    run(30, (at) => (at < 0.2 ? at * 500 : 100)),
    true,
    'warms up',
  );
  t.same(
    run(30, (at) => at * 60),
    false,
    'leaks',
  );
  t.same(
    run(2, (at) => at * 60),
    undefined,
  );
  t.same(fit([0, 60_000, 120_000].map((at) => ({ at, value: 5 + at / 30_000 }))), { slope: 2, mean: 7 });
  t.end();
});

t.test('a page is right byte for byte, and goes on where there is more', (t) => {
  const list: List = { kind: 'list', tenant: 'acme', path: '/x', name: 'x', items: ['1', '{"a":2}', '3'] };
  t.same(isPage(list, 0, 2, '{"x":[1,{"a":2}],"nextCursor":"xf1_A-_"}'), { right: true, next: 'xf1_A-_' });
  t.same(isPage(list, 2, 2, '{"x":[3]}'), { right: true });
  t.same(isPage(list, 0, 3, '{"x":[1,{"a":2},3]}'), { right: true });
  for (const [from, body] of [
    [0, '{"x":[1,{"a":2}]}'],
    [0, '{"x":[1],"nextCursor":"A"}'],
    [0, '{"x":[{"a":2},1],"nextCursor":"A"}'],
    [2, '{"x":[3],"nextCursor":"A"}'],
    [2, '{"x":[3] }'],
    [2, '{"x":[3,3]}'],
  ] as const)
    t.equal(isPage(list, from, 2, body).right, false, body);
  t.end();
});

t.test(
  'a control that is not well beside the façade either excuses what fails then, and one that is does not',
  async (t) => {
    const answers: Readonly<Record<string, () => Promise<unknown>>> = {
      quick: async () => {},
      late: () => sleep(120),
      broken: () => Promise.reject(new Error('no')),
    };
    for (const [target, ask] of Object.entries(answers)) {
      const [disturbances, over]: [Disturbance[], AbortController] = [[], new AbortController()];
      const asking = askBeside(target, ask, { every: 20, late: 100 }, disturbances, over.signal);
      await sleep(70);
      over.abort();
      await asking;
      t.equal(disturbances.length > 0, target !== 'quick', target);
      for (const { how, from, to } of disturbances) t.ok(how === 'itself' && to >= from);
    }
  },
);
