import t from 'tap';
import type { FlagOperation, OperationStages, StagesState } from '../../src/flags/api.ts';
import { countStages, moversOf, movesOf, needsGate, type StageMove } from '../../src/flags/moves.ts';
import { STAGES, type Stage } from '../../src/model/stage.ts';
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

const named = (...pairs: [string, Stage][]) => new Map(pairs);
const ramp = (to: Stage, percent: number) => ({ ramp: { to, percent } });

/** `getUser` before and after, and from where to where someone is taken. */
const changes: [name: string, before: Partial<OperationStages>, after: Partial<OperationStages>, moves: string[]][] = [
  ['nothing', {}, {}, []],
  ['everybody', {}, { stage: 'live' }, ['shadow live']],
  ['everybody, back', { stage: 'live' }, {}, ['live shadow']],
  ['a share begins', {}, ramp('live', 10), ['shadow live']],
  ['a share of nobody', {}, ramp('live', 0), []],
  ['a share grows', ramp('live', 10), ramp('live', 20), ['shadow live']],
  ['a share shrinks', ramp('live', 20), ramp('live', 10), ['live shadow']],
  ['a share goes further', ramp('live', 10), ramp('complete', 10), ['live complete']],
  ['a share goes further and grows', ramp('live', 10), ramp('complete', 20), ['live complete', 'shadow complete']],
  ['a share goes further and shrinks', ramp('live', 20), ramp('complete', 10), ['live complete', 'live shadow']],
  ['the share becomes everybody', ramp('live', 10), { stage: 'live' }, ['shadow live']],
  ['the rest moves beside a share', ramp('complete', 10), { stage: 'live', ...ramp('complete', 10) }, ['shadow live']],
  ['the rest moves beside a share of all', ramp('complete', 100), { stage: 'live', ...ramp('complete', 100) }, []],
  ['a share of all ends', ramp('complete', 100), {}, ['complete shadow']],
  ['somebody goes ahead', {}, { tenants: named(['acme', 'live']) }, ['shadow live']],
  ['somebody comes back to the rest', { tenants: named(['acme', 'live']) }, {}, ['live shadow']],
  [
    'somebody goes elsewhere',
    { tenants: named(['acme', 'live']) },
    { tenants: named(['acme', 'dynamodb']) },
    ['live dynamodb'],
  ],
  [
    'two go to two stages',
    {},
    { tenants: named(['a', 'live'], ['b', 'complete']) },
    ['shadow live', 'shadow complete'],
  ],
  ['the floor rises above everybody', { stage: 'dynamodb' }, { stage: 'dynamodb', floor: 'dynamodb' }, []],
];
for (const [name, before, after, moves] of changes) {
  t.test(`moves: ${name}`, async (t) => {
    const found = movesOf(api, state(before), state(after));
    t.strictSame([...new Set(found.map(({ from, to }) => `${from} ${to}`))].sort(), moves.sort());
    for (const { operation } of found) t.equal(operation, api.operations[0]);
    t.strictSame(
      movesOf(api, { ...state(before), kill: true }, { ...state(after), kill: true }),
      found,
      'under a kill too',
    );
    const seen = moversOf(api, state(before), state(after), [...known, 'acme', 'a', 'b']);
    t.strictSame([...new Set(seen.map(({ from, to }) => `${from} ${to}`))].sort(), moves, 'who moves is said of each');
    t.equal(new Set(seen.map(({ from, to }) => `${from} ${to}`)).size, seen.length, 'once');
  });
}

t.test('an operation that only one of two states has moves nobody', async (t) => {
  const none = { ...state({}), operations: [] };
  t.strictSame(movesOf(api, none, state({ stage: 'live' })), []);
  t.strictSame(movesOf(api, state({ stage: 'live' }), none), []);
});

t.test('two operations at once are told apart, and who is named for one is not for the other', async (t) => {
  const both = (stage: Stage, tenants: ReadonlyMap<string, Stage>): StagesState => {
    const given = state({ stage, tenants });
    return {
      ...given,
      operations: given.operations.map((one) =>
        one.id === 'listMessages' && stage === 'live' ? { ...one, stage: 'shadow' } : one,
      ),
    };
  };
  const seen = moversOf(api, both('shadow', named()), both('live', named(['acme', 'shadow'])), ['acme', 'globex']);
  t.match(
    seen.map(({ operation: { id }, from, to, named, active }) => [id, from, to, named, active]),
    [
      ['getUser', 'shadow', 'live', [], ['globex']],
      ['listMessages', 'dynamodb', 'shadow', [], ['acme', 'globex']],
    ],
  );
});

t.test('who is named and known is told once, and who is named but not known too', async (t) => {
  const [move] = moversOf(api, state({}), state({ tenants: named(['acme', 'live'], ['new', 'live']) }), [
    'acme',
    'globex',
  ]);
  t.match(move, { named: ['acme', 'new'], active: [] });
  const [back] = moversOf(api, state({ tenants: named(['acme', 'live'], ['new', 'live']) }), state({}), [
    'acme',
    'globex',
  ]);
  t.match(back, { from: 'live', to: 'shadow', named: [], active: ['acme', 'new'] });
  const shared = moversOf(api, state({ ...ramp('live', 100), tenants: named(['acme', 'shadow']) }), state({}), [
    'acme',
    'globex',
  ]);
  t.match(shared, [{ from: 'live', to: 'shadow', named: [], active: ['globex'] }]);
  const begun = moversOf(api, state({}), state(ramp('live', 100)), ['acme']);
  t.match(begun, [{ from: 'shadow', to: 'live', named: [], active: ['acme'] }]);
});

/** Of an operation with all stages, which steps need the gate. */
const gated: [from: Stage, to: Stage, needs: boolean][] = [
  ['legacy', 'validate', false],
  ['legacy', 'dynamodb', true],
  ['validate', 'dynamodb', true],
  ['validate', 'legacy', false],
  ['dynamodb', 'dualwrite', false],
  ['dynamodb', 'shadow', true],
  ['dualwrite', 'shadow', false],
  ['shadow', 'live', true],
  ['live', 'rampdown', true],
  ['rampdown', 'complete', true],
  ['complete', 'live', false],
  ['live', 'live', false],
];
t.test(
  'back is free, and so is one stage forward; out of validate, to live and later, and further is not',
  async (t) => {
    const wide: FlagOperation = { id: 'x', flag: 'photos.x', offered: STAGES, initial: 'legacy' };
    const move = (operation: FlagOperation, from: Stage, to: Stage): StageMove => ({ operation, from, to });
    for (const [from, to, needs] of gated) t.equal(needsGate(move(wide, from, to)), needs, `${from} to ${to}`);
    const few = { ...wide, offered: ['dynamodb', 'shadow', 'live'] as const };
    t.equal(needsGate(move(few, 'dynamodb', 'shadow')), false, 'what it cannot have is no step');
  },
);

t.test('tenants at each stage, in the order of the migration', async (t) => {
  const given = state({ tenants: named(['acme', 'live'], ['b', 'dynamodb']) });
  const counts = (state: StagesState, index = 0) => [...countStages(api, state, index, ['acme', 'b', 'c', 'd'])];
  t.strictSame(counts(given), [
    ['dynamodb', 1],
    ['shadow', 2],
    ['live', 1],
  ]);
  t.strictSame(counts({ ...given, kill: true }), [['legacy', 4]], 'a kill counts');
  t.strictSame(counts(given, 1), [['dynamodb', 4]]);
  t.strictSame([...countStages(api, given, 0, [])], []);
  const operations = given.operations.map((one) => ({
    ...one,
    stage: 'complete' as const,
    floor: 'complete' as const,
  }));
  t.strictSame(counts({ ...given, operations }, 1), [['none', 4]], 'where no stage that it can have is true');
});
