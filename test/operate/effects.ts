import { monitorEventLoopDelay } from 'node:perf_hooks';
import t from 'tap';
import type { FlagApi, OperationStages, StagesState } from '../../src/flags/api.ts';
import { createDecider } from '../../src/flags/decide.ts';
import { toFeatures } from '../../src/flags/ladder.ts';
import type { Stage } from '../../src/model/stage.ts';
import { effectsOf } from '../../src/operate/effects.ts';

const OFFERED = ['legacy', 'dynamodb', 'shadow', 'live', 'complete'] as const;

const apiOf = (count: number): FlagApi => ({
  name: 'many',
  operations: Array.from({ length: count }, (_, at) => ({
    ...{ id: `get${at}`, flag: `many.get${at}`, offered: OFFERED, initial: 'legacy' as const },
  })),
});

const tenants = (count: number) => Array.from({ length: count }, (_, at) => `tenant-${String(at).padStart(5, '0')}`);

const stages = (id: string, some: Partial<OperationStages> = {}): OperationStages => ({
  ...{ id, stage: 'shadow', floor: 'dynamodb', ramp: undefined, tenants: new Map(), named: true },
  ...some,
});

const state = (operations: readonly OperationStages[], kill = false): StagesState => ({
  kill,
  sampling: 100,
  operations,
});

/** By asking the engine for every tenant: what the façade does. */
function counted(api: FlagApi, given: StagesState, names: readonly string[]) {
  const decider = createDecider(api);
  decider.swap('', toFeatures(given, api));
  const found = new Map(names.map((name) => [name, decider.stageOf(0, name).stage ?? 'none']));
  return found;
}

const cases: [string, Partial<OperationStages>, Partial<OperationStages>, boolean, boolean][] = [
  ['everybody', {}, { stage: 'live' }, false, false],
  ['a ramp begins', {}, { ramp: { to: 'live', percent: 25 } }, false, false],
  ['a ramp grows', { ramp: { to: 'live', percent: 25 } }, { ramp: { to: 'live', percent: 60 } }, false, false],
  ['a ramp is whole', { ramp: { to: 'live', percent: 25 } }, { ramp: { to: 'live', percent: 100 } }, false, false],
  ['a ramp of nobody', {}, { ramp: { to: 'live', percent: 0 } }, false, false],
  [
    'names under a ramp',
    { ramp: { to: 'live', percent: 50 } },
    {
      ramp: { to: 'live', percent: 50 },
      tenants: new Map<string, Stage>([
        ['tenant-00001', 'live'],
        ['stranger', 'dynamodb'],
      ]),
    },
    false,
    false,
  ],
  [
    'all, names too',
    { tenants: new Map<string, Stage>([['tenant-00002', 'complete']]) },
    { stage: 'dynamodb' },
    false,
    false,
  ],
  [
    'a kill',
    { ramp: { to: 'live', percent: 50 }, tenants: new Map<string, Stage>([['tenant-00003', 'complete']]) },
    { ramp: { to: 'live', percent: 50 }, tenants: new Map<string, Stage>([['tenant-00003', 'complete']]) },
    false,
    true,
  ],
  ['a kill that is lifted', { stage: 'live' }, { stage: 'live' }, true, false],
  ['a move under a kill', {}, { stage: 'live' }, true, true],
];
for (const [name, from, to, was, is] of cases) {
  t.test(`counts as the engine does: ${name}`, async (t) => {
    const api = apiOf(1);
    const [before, after] = [state([stages('get0', from)], was), state([stages('get0', to)], is)];
    const known = tenants(300);
    const all = [...new Set([...known, ...(from.tenants?.keys() ?? []), ...(to.tenants?.keys() ?? [])])];
    const [old, now] = [counted(api, before, all), counted(api, after, all)];
    const movers = all.filter((one) => old.get(one) !== now.get(one)).sort();
    const [effect] = await effectsOf(api, { before, after }, ['get0'], known);
    t.equal(effect?.moving, movers.length);
    t.strictSame(effect?.some, movers.slice(0, 20));
    const sum = (found: Map<string, string>) =>
      Object.fromEntries(
        Map.groupBy(found.values(), (one) => one)
          .entries()
          .map(([stage, every]) => [stage, every.length]),
      );
    t.same(Object.fromEntries((effect?.tenantsBefore ?? []).map(({ stage, n }) => [stage, n])), sum(old));
    t.same(Object.fromEntries((effect?.tenantsAfter ?? []).map(({ stage, n }) => [stage, n])), sum(now));
  });
}

t.test('a kill of 1,000 operations and 10,000 tenants, a tenth on a ramp, keeps nobody waiting', async (t) => {
  const api = apiOf(1_000);
  const named = new Map<string, Stage>(tenants(20).map((one) => [one, 'live']));
  const operations = api.operations.map(({ id }, at) =>
    stages(id, { tenants: named, ramp: at % 10 === 0 ? { to: 'live', percent: 25 } : undefined }),
  );
  const [before, after] = [state(operations), state(operations, true)];
  const ids = api.operations.map(({ id }) => id);
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  const began = performance.now();
  const effects = await effectsOf(api, { before, after }, ids, tenants(10_000));
  const took = performance.now() - began;
  delay.disable();
  t.comment(`${Math.round(took)} ms, longest wait ${Math.round(delay.max / 1e6)} ms`);
  t.equal(effects.length, 1_000);
  t.equal(effects[1]?.moving, 10_000);
  t.equal(effects.filter(({ moving }) => moving === undefined).length, 60, 'beyond what is looked at one by one');
  t.ok(delay.max / 1e6 < 500, `a request would wait ${delay.max / 1e6} ms`);
  t.ok(took < 60_000);
});
