import t from 'tap';
import { filtered, mergeHealth, mergeOperations, sharesOf } from '../../console/merge.js';
import type { Health, Operation, Operations } from '../../src/admin/schema.ts';

const operation = (id: string, more: Partial<Operation> = {}): Operation => ({
  ...{ id, method: 'GET', path: `/v1/${id}`, bound: true, offered: ['legacy', 'validate', 'dynamodb'] },
  ...{ stage: 'legacy', floor: 'legacy', named: 0, requests: [], perSecond: 0, errorShare: 0, health: 'good', why: '' },
  ...{ findings: 0, exposures: 0, next: 'validate', ...more },
});
const operations = (...all: Operation[]): Operations => ({
  kill: false,
  sampling: 100,
  revision: 'r',
  operations: all,
});

t.test('an event replaces what changed, and nothing else', async (t) => {
  const [a, b] = [operation('a'), operation('b')];
  const known = operations(a, b);
  const changed = operation('b', { stage: 'validate' });
  const merged = mergeOperations(known, { ...operations(changed), kill: true }, false);
  t.equal(merged.kill, true);
  t.equal(merged.operations[0], a, 'the same object: it is not drawn anew');
  t.equal(merged.operations[1], changed);
  t.equal(mergeOperations(known, operations(), false).operations, known.operations);
});

t.test('the first event of a connection is whole: what is gone goes', async (t) => {
  const whole = operations(operation('c'));
  t.same(mergeOperations(operations(operation('a')), whole, true).operations, whole.operations);
});

t.test('where tenants are', async (t) => {
  t.same(sharesOf(operation('a')), [{ stage: 'legacy', share: 1 }]);
  t.same(sharesOf(operation('a', { ramp: { to: 'validate', percent: 25 } })), [
    { stage: 'legacy', share: 0.75 },
    { stage: 'validate', share: 0.25 },
  ]);
  t.same(sharesOf(operation('a', { ramp: { to: 'validate', percent: 100 } })), [{ stage: 'validate', share: 1 }]);
  t.same(
    sharesOf(operation('a', { stage: 'dynamodb' }), true),
    [{ stage: 'legacy', share: 1 }],
    'killed: at the floor',
  );
  const tenants = [
    { stage: 'legacy', n: 1 },
    { stage: 'validate', n: 0 },
    { stage: 'none', n: 3 },
  ];
  const found = sharesOf(operation('a', { tenants, ramp: { to: 'validate', percent: 50 } }));
  t.same(
    found,
    [
      { stage: 'legacy', share: 0.25 },
      { stage: 'none', share: 0.75 },
    ],
    'known tenants before the flag',
  );
});

t.test('filters', async (t) => {
  const all = [
    operation('getUser', { health: 'failing' }),
    operation('listUsers', { stage: 'validate', next: undefined, previous: undefined }),
    operation('getPhoto', { ramp: { to: 'validate', percent: 10 } }),
  ];
  const none = { search: '', stage: '', health: '', movable: false };
  const ids = (filter: Partial<typeof none>) => filtered(all, { ...none, ...filter }).map(({ id }) => id);
  t.same(ids({}), ['getUser', 'listUsers', 'getPhoto']);
  t.same(ids({ search: 'USER list' }), ['listUsers']);
  t.same(ids({ search: '/v1/getPh' }), ['getPhoto']);
  t.same(ids({ stage: 'validate' }), ['listUsers', 'getPhoto']);
  t.same(ids({ health: 'failing' }), ['getUser']);
  t.same(ids({ movable: true }), ['getUser', 'getPhoto']);
});

t.test('a newest point is put to those before, once, and the oldest go', async (t) => {
  const at = (minute: number) => new Date(minute * 60_000).toISOString();
  const health = (minutes: number[]) =>
    ({
      origins: [{ origin: 'mongodb', role: 'control', points: minutes.map((m) => ({ at: at(m), perSecond: m })) }],
    }) as unknown as Health;
  const long = health(Array.from({ length: 90 }, (_, i) => i));
  const merged = mergeHealth(long, health([90])).origins[0]?.points ?? [];
  t.equal(merged.length, 90);
  t.same([merged[0]?.at, merged.at(-1)?.at], [at(1), at(90)]);
  t.equal(mergeHealth(health([1, 2]), health([2])).origins[0]?.points.length, 2);
});
