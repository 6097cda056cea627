import fc from 'fast-check';
import t from 'tap';
import type { AdminStrategy } from '../../src/drivers/unleash-admin.ts';
import type { OperationStages } from '../../src/flags/api.ts';
import { createDecider } from '../../src/flags/decide.ts';
import { readLadder, type Strategy, strategiesOf } from '../../src/flags/ladder.ts';
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
  decider.close();
  return found;
}

t.test('after every step each tenant is where it was or where it is going, and in the end there', async () => {
  fc.assert(
    fc.property(ladder, ladder, (from, to) => {
      const wanted = strategiesOf(flag, to);
      let now = kept(strategiesOf(flag, from));
      const was = stagesBy(now);
      const willBe = stagesBy(wanted);
      for (const step of stepsTo(now, wanted)) {
        now = carriedOut(now, step);
        const is = stagesBy(now);
        if (is.some((stage, at) => stage !== was[at] && stage !== willBe[at])) return false;
      }
      const read = readLadder({ name: flag, enabled: true, strategies: now, variants: [] }, operation);
      return stepsTo(now, wanted).length === 0 && read.stages?.stage === to.stage;
    }),
    { numRuns: 150 },
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
    ['add', 'add', 'remove'],
  ],
  ['the floor: the last one first', { ...from, floor: 'dynamodb' }, ['update', 'update', 'update']],
  ['the ramp ends', { ...from, stage: 'shadow', ramp: undefined }, ['add', 'add', 'remove', 'remove', 'remove']],
];
for (const [name, to, expected] of cases) {
  t.test(name, async (t) => {
    const steps = stepsTo(kept(strategiesOf(flag, from)), strategiesOf(flag, to));
    t.strictSame(
      steps.map((step) => step.do),
      expected,
    );
  });
}

t.test('the floor that counts is written first', async (t) => {
  const steps = stepsTo(kept(strategiesOf(flag, from)), strategiesOf(flag, { ...from, floor: 'dynamodb' }));
  t.match(steps[0], { do: 'update', id: 'old-2', title: 'everybody else: dynamodb' });
});
