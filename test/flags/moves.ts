import t from 'tap';
import type { OperationStages, StagesState } from '../../src/flags/api.ts';
import { moversOf, movesOf } from '../../src/flags/moves.ts';
import { flagApi as api, tenants } from '../support/flags.ts';

const known = tenants(200);

function state(some: Partial<OperationStages>): StagesState {
  const operations = api.operations.map(({ id, initial }): OperationStages => {
    const stages = { id, stage: initial, floor: initial, ramp: undefined, tenants: new Map(), named: true };
    return id === 'getUser' ? { ...stages, stage: 'shadow', ...some } : stages;
  });
  return { kill: false, sampling: 100, operations };
}

const movers = (before: StagesState, after: StagesState) =>
  moversOf(api, before, after, known).map(({ operation, from, to, named, active }) => ({
    ...{ move: `${operation.id} ${from} ${to}`, named, active: active.length },
  }));

t.test('who moves by a change', async (t) => {
  const shadow = state({});
  t.same(movers(shadow, state({ stage: 'live' })), [{ move: 'getUser shadow live', named: [], active: 200 }]);
  const named = new Map([['tenant-1', 'live' as const]]);
  t.same(
    movers(shadow, state({ tenants: named })),
    [{ move: 'getUser shadow live', named: ['tenant-1'], active: 0 }],
    'by name',
  );
  t.same(
    movers(state({ tenants: named }), state({ stage: 'live', tenants: named })),
    [{ move: 'getUser shadow live', named: [], active: 199 }],
    'who is there already does not move',
  );
  const kept = new Map([['tenant-1', 'shadow' as const]]);
  t.same(
    movers(state({ tenants: kept }), state({ stage: 'live' })),
    [{ move: 'getUser shadow live', named: [], active: 200 }],
    'whose own stage is taken away moves with everybody',
  );
  t.same(movers(shadow, shadow), []);
});

t.test('a ramp moves those whom it takes, and a bigger one those who come in addition', async (t) => {
  const at = (percent: number) => state({ ramp: { to: 'live', percent } });
  const [quarter] = movers(state({}), at(25));
  t.match(quarter, { move: 'getUser shadow live', named: [] });
  t.ok((quarter?.active ?? 0) > 25 && (quarter?.active ?? 0) < 75, `${quarter?.active} of 200`);
  const [more] = movers(at(25), at(60));
  const [all] = movers(state({}), at(60));
  t.equal((quarter?.active ?? 0) + (more?.active ?? 0), all?.active);
  const [back] = movers(at(60), at(0));
  t.match(back, { move: 'getUser live shadow', active: all?.active });
});

t.test('whatever moves is among the moves that the gate is asked for', async (t) => {
  const states = [
    {},
    { stage: 'live' },
    { ramp: { to: 'complete', percent: 30 } },
    { stage: 'dynamodb', ramp: { to: 'live', percent: 50 } },
  ].map((some) => state(some as Partial<OperationStages>));
  for (const before of states)
    for (const after of states) {
      const moves = new Set(movesOf(api, before, after).map(({ from, to }) => `${from} ${to}`));
      const seen = moversOf(api, before, after, known);
      t.same(new Set(seen.map(({ from, to }) => `${from} ${to}`)), moves);
      const all = seen.flatMap(({ active }) => active);
      t.equal(new Set(all).size, all.length, 'nobody moves twice');
    }
});
