import fc from 'fast-check';
import t from 'tap';
import type { AdminStrategy } from '../../src/drivers/unleash-admin.ts';
import type { OperationStages } from '../../src/flags/api.ts';
import { createDecider } from '../../src/flags/decide.ts';
import { LIMITS, readLadder, type Strategy, strategiesOf, strategyOf } from '../../src/flags/ladder.ts';
import { type Step, stepsTo } from '../../src/flags/steps.ts';
import { compareStages, type Stage } from '../../src/model/stage.ts';
import { flagApi, tenants } from '../support/flags.ts';

const [operation] = flagApi.operations;
if (operation === undefined) throw new Error('there is an operation');
const flag = operation.flag;
const NAMES = tenants(40);

const stageOf = fc.constantFrom<Stage>('legacy', 'dynamodb', 'shadow', 'live', 'complete');
const ladder = fc
  .record({
    stage: stageOf,
    floor: fc.constantFrom<Stage>('legacy'),
    ramp: fc.option(fc.record({ to: stageOf, percent: fc.nat(100) }), { nil: undefined }),
    tenants: fc.array(fc.tuple(fc.constantFrom(...NAMES), stageOf), { maxLength: 12 }).map((pairs) => new Map(pairs)),
  })
  .map((given): OperationStages => {
    const forward = given.ramp !== undefined && compareStages(given.ramp.to, given.stage) > 0;
    return { ...given, id: operation.id, named: true, ramp: forward ? given.ramp : undefined };
  });

/** As a server keeps them. */
function kept(strategies: readonly Strategy[]): AdminStrategy[] {
  return strategies.map((strategy, at) => ({
    ...strategy,
    id: `old-${at}`,
    sortOrder: at,
    title: null,
    disabled: false,
  }));
}

function carriedOut(strategies: readonly AdminStrategy[], step: Step): AdminStrategy[] {
  if (step.do === 'remove') return strategies.filter(({ id }) => id !== step.id);
  const { strategy, sortOrder, title } = step;
  const made = { ...strategy, sortOrder, title, disabled: false };
  if (step.do === 'update') return strategies.map((one) => (one.id === step.id ? { ...made, id: one.id } : one));
  return [...strategies, { ...made, id: `new-${sortOrder}` }].sort((a, b) => a.sortOrder - b.sortOrder);
}

function stagesBy(strategies: readonly Strategy[]): (Stage | undefined)[] {
  const decider = createDecider(flagApi);
  decider.swap('1', [{ name: flag, enabled: true, strategies: [...strategies], variants: [] }]);
  const found = NAMES.map((tenant) => decider.stageOf(0, tenant).stage);
  return found;
}

const wantedOf = (stages: OperationStages, constraintValues = 250, anew = false) => ({
  ...{ flag, stages, anew },
  limits: { ...LIMITS, constraintValues },
});

t.test('after every step each tenant is where it was or where it is going, and in the end there', async () => {
  fc.assert(
    fc.property(ladder, ladder, fc.constantFrom(2, 3, 250), fc.boolean(), (from, to, values, anew) => {
      const limits = { ...LIMITS, constraintValues: values };
      const wanted = wantedOf(to, values, anew);
      let now = kept(strategiesOf(flag, from, limits));
      const was = stagesBy(now);
      const willBe = stagesBy(strategiesOf(flag, to, limits));
      for (const step of stepsTo(now, wanted)) {
        now = carriedOut(now, step);
        const is = stagesBy(now);
        if (is.some((stage, at) => stage !== was[at] && stage !== willBe[at])) return false;
        if (now.some(({ constraints }) => (constraints[0]?.values.length ?? 0) > values)) return false;
        // Whoever dies here can go on: what is left is read, and the same steps lead on.
        const half = readLadder({ name: flag, enabled: true, strategies: now, variants: [] }, operation);
        if (!anew && half.odd !== undefined) return false;
      }
      const read = readLadder({ name: flag, enabled: true, strategies: now, variants: [] }, operation);
      const done = stepsTo(now, { ...wanted, anew: false }).length === 0;
      const forward = to.ramp === undefined || to.ramp.percent < 100;
      return (
        done &&
        stagesBy(now).every((stage, at) => stage === willBe[at]) &&
        (!forward || read.stages?.stage === to.stage)
      );
    }),
    { numRuns: Number(process.env.FLAG_CASES ?? 400) },
  );
});

const base: OperationStages = {
  id: operation.id,
  stage: 'dynamodb',
  floor: 'legacy',
  ramp: undefined,
  tenants: new Map(),
  named: true,
};
const from: OperationStages = { ...base, ramp: { to: 'shadow', percent: 25 }, tenants: new Map([['acme', 'live']]) };
const cases: [string, OperationStages, string[]][] = [
  ['nothing to do', from, []],
  ['a bigger share: one call', { ...from, ramp: { to: 'shadow', percent: 26 } }, ['update']],
  ['another stage for everybody else: one call', { ...from, stage: 'legacy' }, ['update']],
  [
    'one more tenant at the same stage: one call',
    {
      ...from,
      tenants: new Map([
        ['acme', 'live'],
        ['b', 'live'],
      ]),
    },
    ['update'],
  ],
  [
    'a tenant at a stage that nobody else has',
    {
      ...from,
      tenants: new Map([
        ['acme', 'live'],
        ['b', 'complete'],
      ]),
    },
    ['add'],
  ],
  ['the floor', { ...from, floor: 'dynamodb' }, ['update', 'update', 'update']],
  ['a tenant back to another list', { ...from, tenants: new Map([['acme', 'shadow']]) }, ['add', 'remove']],
  ['no tenants', { ...from, tenants: new Map() }, ['remove']],
  ['the ramp ends', { ...from, stage: 'shadow', ramp: undefined }, ['update', 'remove']],
];
for (const [name, to, expected] of cases) {
  t.test(name, async (t) => {
    const steps = stepsTo(kept(strategiesOf(flag, from)), wantedOf(to));
    t.strictSame(
      steps.map((step) => step.do),
      expected,
    );
  });
}

t.test('a ramp begins in place of the rest, under which a new one was put', async (t) => {
  const now = kept(strategiesOf(flag, base));
  t.match(stepsTo(now, wantedOf({ ...base, ramp: { to: 'live', percent: 1 } })), [
    { do: 'add', sortOrder: 1, title: 'everybody else: dynamodb' },
    { do: 'update', id: 'old-0', title: 'ramp to live' },
  ]);
});

t.test('whoever is named twice, by hand or by a command that was cut short, goes nowhere else on the way', async () => {
  const list = fc.tuple(stageOf, fc.uniqueArray(fc.constantFrom(...NAMES.slice(0, 6)), { minLength: 1, maxLength: 4 }));
  fc.assert(
    fc.property(fc.array(list, { maxLength: 4 }), stageOf, ladder, (lists, rest, to) => {
      const strategies = [
        ...lists.map(([stage, names]) => strategyOf(flag, stage, 'legacy', 100, [...names, names[0] as string])),
        strategyOf(flag, rest, 'legacy', 100),
      ];
      let now = kept(strategies);
      const was = stagesBy(now);
      const willBe = stagesBy(strategiesOf(flag, to));
      for (const step of stepsTo(now, wantedOf(to))) {
        now = carriedOut(now, step);
        const is = stagesBy(now);
        if (is.some((stage, at) => stage !== was[at] && stage !== willBe[at])) return false;
      }
      return stagesBy(now).every((stage, at) => stage === willBe[at]);
    }),
    { numRuns: Number(process.env.FLAG_CASES ?? 400) },
  );
});

t.test('who has no tenant goes through no third stage where a whole ramp ends', async (t) => {
  const now = kept(strategiesOf(flag, { ...base, stage: 'legacy', ramp: { to: 'shadow', percent: 100 } }));
  const steps = stepsTo(now, wantedOf({ ...base, stage: 'live' }));
  t.match(steps, [
    { do: 'update', id: 'old-0', title: 'everybody else: live' },
    { do: 'remove', id: 'old-1' },
  ]);
});

t.test('one of 4,000 named tenants is moved back by two calls', async (t) => {
  const many = new Map(tenants(4_000).map((tenant): [string, Stage] => [tenant, 'live']));
  const now = kept(strategiesOf(flag, { ...base, tenants: many }));
  const steps = stepsTo(now, wantedOf({ ...base, tenants: new Map([...many, ['tenant-7', 'dynamodb']]) }));
  t.strictSame(
    steps.map((step) => step.do),
    ['add', 'update'],
  );
});

t.test('the floor goes into every strategy; the last one’s counts', async (t) => {
  const steps = stepsTo(kept(strategiesOf(flag, from)), wantedOf({ ...from, floor: 'dynamodb' }));
  t.match(steps, [{ id: 'old-1' }, { id: 'old-2', title: 'everybody else: dynamodb' }, { id: 'old-0' }]);
});

const lists = (...pairs: [string, Stage][]) => ({ ...base, tenants: new Map(pairs) });
const told = (steps: readonly Step[]) =>
  steps.map((step) => (step.do === 'remove' ? `remove ${step.id}` : `${step.do} ${step.sortOrder} ${step.title}`));

t.test('new lists go above all that is there, each at a place of its own, and each says what it is for', async (t) => {
  const now = kept(strategiesOf(flag, lists(['a', 'shadow'])));
  const wanted = wantedOf(lists(['a', 'shadow'], ['b', 'live'], ['c', 'complete'], ['d', 'shadow']));
  t.strictSame(told(stepsTo(now, wanted)), [
    'update 0 tenants at shadow',
    'add -2 tenants at live',
    'add -1 tenants at complete',
  ]);
  const below = now.map((one) => ({ ...one, sortOrder: one.sortOrder - 7 }));
  t.strictSame(told(stepsTo(below, wanted)), [
    'update -7 tenants at shadow',
    'add -9 tenants at live',
    'add -8 tenants at complete',
  ]);
});

t.test('who leaves a list is told by its title too', async (t) => {
  const now = kept(strategiesOf(flag, lists(['a', 'shadow'], ['b', 'shadow'])));
  t.strictSame(told(stepsTo(now, wantedOf(lists(['a', 'shadow'])))), ['update 0 tenants at shadow']);
});

t.test('a share that changes keeps its place and says where it leads', async (t) => {
  const ramp = (to: Stage, percent: number) => ({ ...base, ramp: { to, percent } });
  const now = kept(strategiesOf(flag, ramp('shadow', 25)));
  t.strictSame(told(stepsTo(now, wantedOf(ramp('live', 25)))), ['update 0 ramp to live']);
  t.strictSame(told(stepsTo(now, wantedOf({ ...ramp('live', 25), stage: 'legacy' }))), [
    'update 0 ramp to live',
    'update 1 everybody else: legacy',
  ]);
  t.strictSame(told(stepsTo(now, wantedOf({ ...ramp('live', 24), stage: 'legacy' }))), [
    'update 1 everybody else: legacy',
    'update 0 ramp to live',
  ]);
  t.strictSame(told(stepsTo(now, wantedOf(base))), ['remove old-0']);
});

t.test('what nobody gets to goes first: a change above it might let somebody', async (t) => {
  const hidden = strategyOf(flag, 'live', 'legacy', 100);
  const now = kept([...strategiesOf(flag, base), hidden]);
  t.strictSame(told(stepsTo(now, wantedOf(lists(['a', 'shadow'])))), ['remove old-1', 'add -1 tenants at shadow']);
});

t.test('all anew: from the first above all that is there to the last, which goes first of the old', async (t) => {
  const wanted = wantedOf({ ...lists(['a', 'shadow']), ramp: { to: 'live', percent: 5 } }, 250, true);
  t.strictSame(told(stepsTo(kept(strategiesOf(flag, from)), wanted)), [
    'add -3 tenants at shadow',
    'add -2 ramp to live',
    'add -1 everybody else: dynamodb',
    'remove old-2',
    'remove old-1',
    'remove old-0',
  ]);
});

t.test(
  'what a server adds and what blanks change is nothing to do; the same names in another order neither',
  async (t) => {
    const stages = lists(['a', 'shadow'], ['b', 'shadow']);
    const now = kept(strategiesOf(flag, stages)).map((one) => ({
      ...one,
      constraints: one.constraints.map((constraint) => ({
        ...constraint,
        caseInsensitive: false,
        values: [' b', 'a'],
      })),
      variants: one.variants?.map((variant) => ({ ...variant, weightType: 'variable' })) ?? [],
    }));
    t.strictSame(stepsTo(now as AdminStrategy[], wantedOf(stages)), []);
  },
);
