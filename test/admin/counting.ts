import t from 'tap';
import { createCounting } from '../../src/admin/counting.ts';
import type { FlagApi, OperationStages } from '../../src/flags/api.ts';
import { createDecider } from '../../src/flags/decide.ts';
import { toFeatures } from '../../src/flags/ladder.ts';
import { countStages } from '../../src/flags/moves.ts';
import { STAGES, type Stage } from '../../src/model/stage.ts';

const api: FlagApi = {
  name: 'notes',
  operations: ['a', 'b', 'c'].map((id) => ({ id, flag: `notes.${id}`, offered: [...STAGES], initial: 'legacy' })),
};

const stagesOf = (id: string, some: Partial<OperationStages> = {}): OperationStages => ({
  ...{ id, stage: 'dynamodb', floor: 'legacy', ramp: undefined, tenants: new Map(), named: true },
  ...some,
});

t.test('tenants by stage are what deciding for each would give', async (t) => {
  let names = Array.from({ length: 2_000 }, (_, at) => `tenant-${at}`);
  const decider = createDecider(api);
  let peeked = 0;
  const own = new Map<string, Stage>([
    ['tenant-1', 'live'],
    ['tenant-2', 'shadow'],
    ['tenant-2001', 'live'],
    ['nobody', 'complete'],
  ]);
  let state = { kill: false, sampling: 100, operations: ['a', 'b', 'c'].map((id) => stagesOf(id)) };
  const set = (kill: boolean, operations: OperationStages[]) => {
    state = { kill, sampling: 100, operations };
    decider.swap(JSON.stringify([kill, operations]), toFeatures(state, api));
  };
  const counting = createCounting({
    peek: (index, tenant) => {
      peeked += 1;
      return decider.peek(index, tenant);
    },
    state: () => state as never,
    odd: () => new Map(),
    ready: decider.ready,
  });
  const check = async (name: string) => {
    await counting.update({ names, last: new Map() }, 10_000);
    for (const index of api.operations.keys()) {
      const wanted = [...countStages(api, state, index, names)].map(([stage, n]) => ({ stage, n }));
      t.same(counting.of(index), wanted, `${name}: ${index}`);
    }
  };
  t.equal(counting.of(0), undefined, 'nobody has counted yet');
  const ramp = { to: 'shadow', percent: 30 } as const;
  set(false, [stagesOf('a', { tenants: own }), stagesOf('b', { ramp, tenants: own }), stagesOf('c')]);
  await check('stages');
  peeked = 0;
  await check('again');
  t.equal(peeked, 0, 'what is counted is not counted again');
  set(false, [stagesOf('a', { stage: 'shadow' }), stagesOf('b', { ramp, tenants: own }), stagesOf('c')]);
  await check('another operation moved');
  t.ok(peeked < 10, 'who did not move is not asked again');
  names = [...names.slice(5), 'tenant-2001', 'tenant-2002'].sort();
  peeked = 0;
  await check('tenants came and went');
  t.ok(peeked < 30, `those alone are decided for: ${peeked}`);
  set(true, [stagesOf('a', { floor: 'dynamodb' }), stagesOf('b', { ramp, tenants: own }), stagesOf('c')]);
  await check('killed');
  set(false, [
    stagesOf('a', { floor: 'dynamodb' }),
    stagesOf('b', { ramp: { to: 'live', percent: 100 } }),
    stagesOf('c'),
  ]);
  await check('a ramp to its end');
});
