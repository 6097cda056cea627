import t from 'tap';
import type { BoundOperation } from '../../src/bindings/load.ts';
import { STAGES, type Stage } from '../../src/model/stage.ts';
import { createAdmission, type Kind, kindOf, RULES } from '../../src/request/admission.ts';

const KINDS = Object.keys(RULES) as Kind[];
const LATE = 100;
const open = (maxRequests = 1_000_000) => createAdmission({ maxRequests, eventLoopDelay: LATE });
type Admission = ReturnType<typeof open>;

const beats = (admission: Admission, standing: number, count: number, every = 20) => {
  for (let n = 0; n < count; n += 1) admission.beat(standing, every + standing);
};

/** Of a thousand that come. */
const refused = (admission: Admission, kind: Kind): number => {
  let count = 0;
  for (let n = 0; n < 1_000; n += 1)
    if (admission.enter(kind) === undefined) admission.leave(kind);
    else count += 1;
  return count;
};

t.test('the order in which they are refused is that of the table, and their rooms are all there is', async (t) => {
  t.same(KINDS, ['store', 'passed_read', 'passed_write']);
  const delays = KINDS.map((kind) => RULES[kind].delay);
  t.same(
    delays,
    delays.toSorted((one, other) => one - other),
  );
  t.equal(new Set(delays).size, KINDS.length);
  t.ok(Math.abs(KINDS.reduce((sum, kind) => sum + RULES[kind].room, 0) - 1) < 1e-9);
});

for (const [at, kind] of KINDS.entries())
  t.test(`${kind}: refused from its delay on, and those behind it are not`, async (t) => {
    const { delay } = RULES[kind];
    const below = open();
    beats(below, delay * LATE, 1_000);
    t.equal(refused(below, kind), 0, 'at its delay nobody of it is refused');
    const above = open();
    beats(above, delay * LATE + 1, 1_000);
    for (const [n, one] of KINDS.entries()) t.equal(refused(above, one), n <= at ? 1_000 : 0, `${one}`);
  });

t.test('the share rises in two seconds, stays between, and falls in four', async (t) => {
  const admission = open();
  beats(admission, LATE + 80, 5);
  t.ok(Math.abs(refused(admission, 'store') - 500) <= 1, 'half of them after a second');
  beats(admission, LATE * 0.75, 1_000);
  t.ok(Math.abs(refused(admission, 'store') - 500) <= 1, 'still half');
  beats(admission, 0, 50);
  t.ok(Math.abs(refused(admission, 'store') - 250) <= 1);
  beats(admission, 0, 51);
  t.equal(refused(admission, 'store'), 0);
});

t.test('each kind has room of its own, and gives it back', async (t) => {
  const admission = open(10);
  const most = { store: 3, passed_read: 3, passed_write: 3 };
  for (const kind of KINDS) {
    for (let n = 0; n < most[kind]; n += 1) t.equal(admission.enter(kind), undefined, kind);
    t.equal(admission.enter(kind), 'requests', `${kind} has no more room`);
    t.equal(admission.underWay(kind), most[kind], 'who is refused takes none');
  }
  admission.leave('store');
  t.equal(admission.enter('store'), undefined);
  t.equal(admission.enter('store'), 'requests');
});

t.test('what a request is', async (t) => {
  const operation = (kind: 'read' | 'write', spec: unknown = {}) => ({ kind, spec }) as unknown as BoundOperation;
  const unbound = { kind: 'read', spec: undefined } as unknown as BoundOperation;
  for (const method of ['GET', 'HEAD', 'OPTIONS']) t.equal(kindOf(method, undefined), 'passed_read');
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND'])
    t.equal(kindOf(method, undefined), 'passed_write');
  t.equal(kindOf('POST', operation('write'), ['dynamodb']), 'passed_write');
  t.equal(kindOf('GET', unbound, ['legacy']), 'passed_read');
  t.equal(kindOf('GET', operation('read'), []), 'passed_read', 'without flags no store is asked');
  for (const stage of STAGES) {
    const passes: Stage[] = ['legacy', 'validate'];
    t.equal(kindOf('GET', operation('read'), [stage]), passes.includes(stage) ? 'passed_read' : 'store', stage);
  }
  t.equal(kindOf('POST', operation('read'), ['legacy']), 'passed_read', 'a POST that reads');
  t.equal(kindOf('GET', operation('read'), ['legacy', 'live']), 'store', 'where some tenants are at a store');
});
