import t from 'tap';
import {
  type FlagOperation,
  type OperationStages,
  sameStages,
  stagesProblem,
  suggestion,
  tenantProblem,
  whyNotOffered,
} from '../../src/flags/api.ts';
import type { Stage } from '../../src/model/stage.ts';

const operation = (...offered: Stage[]): FlagOperation => ({ id: 'x', flag: 'photos.x', offered, initial: 'legacy' });

/** What an operation has, what is asked for, and why it cannot be had. */
const refusals: [offered: Stage[], asked: Stage, why: string | undefined][] = [
  [['legacy', 'dynamodb'], 'dynamodb', undefined],
  [[], 'legacy', 'without a LEGACY_URL; it can have none'],
  [['legacy'], 'dynamodb', 'without a dynamodb binding; it can have legacy'],
  [['legacy'], 'shadow', 'without a dynamodb binding and a mongodb binding; it can have legacy'],
  [['legacy'], 'complete', 'without a mongodb binding; it can have legacy'],
  [['legacy'], 'validate', 'without a dynamodb binding and a mongodb binding; it can have legacy'],
  [['legacy', 'dynamodb'], 'validate', 'yet; it can have legacy, dynamodb'],
  [['legacy', 'dynamodb'], 'shadow', 'without a mongodb binding; it can have legacy, dynamodb'],
  [['dynamodb', 'shadow'], 'legacy', 'without a LEGACY_URL; it can have dynamodb, shadow'],
  [['dynamodb', 'shadow'], 'validate', 'without a LEGACY_URL; it can have dynamodb, shadow'],
  [['dynamodb', 'shadow'], 'dualwrite', 'yet; it can have dynamodb, shadow'],
  [['dynamodb', 'shadow'], 'live', 'until the bindings say `freshness`; it can have dynamodb, shadow'],
  [['dynamodb', 'shadow'], 'complete', 'until the bindings say `freshness`; it can have dynamodb, shadow'],
  [['dynamodb', 'shadow', 'live', 'complete'], 'rampdown', 'yet; it can have dynamodb, shadow, live, complete'],
  [['complete'], 'live', 'without a dynamodb binding; it can have complete'],
  [['complete'], 'dynamodb', 'without a dynamodb binding; it can have complete'],
  [['legacy', 'validate', 'complete'], 'rampdown', 'yet; it can have legacy, validate, complete'],
];
for (const [offered, asked, why] of refusals) {
  t.test(`${asked} of ${offered.join(', ') || 'none'}`, async (t) => {
    const expected = why === undefined ? undefined : `x cannot have stage ${asked} ${why}`;
    t.equal(whyNotOffered(operation(...offered), asked), expected);
  });
}

const base: OperationStages = {
  id: 'x',
  stage: 'dynamodb',
  floor: 'legacy',
  ramp: undefined,
  tenants: new Map(),
  named: true,
};
const at = (...pairs: [string, Stage][]) => new Map(pairs);
const NOT_SHADOW = /^x cannot have stage shadow/;
const problems: [name: string, stages: Partial<OperationStages>, problem: string | RegExp | undefined][] = [
  ['all is well', { ramp: { to: 'live', percent: 5 }, tenants: at(['acme', 'live']) }, undefined],
  ['a stage that it cannot have', { stage: 'shadow' }, NOT_SHADOW],
  ['a floor', { stage: 'live', floor: 'shadow' }, NOT_SHADOW],
  ['a ramp', { ramp: { to: 'shadow', percent: 5 } }, NOT_SHADOW],
  ['a tenant', { tenants: at(['acme', 'live'], ['b', 'shadow']) }, NOT_SHADOW],
  ['below the floor', { floor: 'live' }, 'x: stage dynamodb is below the floor, live'],
  [
    'a ramp below the floor',
    { stage: 'complete', floor: 'complete', ramp: { to: 'live', percent: 5 } },
    'x: ramp to live is below the floor, complete',
  ],
  [
    'a tenant below the floor',
    { floor: 'dynamodb', tenants: at(['b', 'live'], ['acme', 'legacy']) },
    'x: tenant acme: stage legacy is below the floor, dynamodb',
  ],
  [
    'a ramp backwards',
    { ramp: { to: 'legacy', percent: 5 } },
    'x: ramp goes from dynamodb to legacy: it must go forward',
  ],
  [
    'a ramp nowhere',
    { ramp: { to: 'dynamodb', percent: 5 } },
    'x: ramp goes from dynamodb to dynamodb: it must go forward',
  ],
  ['a tenant of no name', { tenants: at(['acme', 'live'], ['', 'live']) }, 'x: tenant `` is empty'],
];
for (const [name, stages, problem] of problems) {
  t.test(`stages: ${name}`, async (t) => {
    const found = stagesProblem({ ...base, ...stages }, operation('legacy', 'dynamodb', 'live', 'complete'));
    if (problem instanceof RegExp) t.match(found, problem);
    else t.equal(found, problem);
  });
}

const names: [string, string | undefined][] = [
  ['acme', undefined],
  ['a b', undefined],
  ['x'.repeat(128), undefined],
  ['x'.repeat(129), 'is longer than 128 characters'],
  ['', 'is empty'],
  [' acme', 'has white space at an end'],
  ['acme\n', 'has white space at an end'],
];
for (const [name, problem] of names) t.equal(tenantProblem(name), problem, JSON.stringify(name.slice(0, 10)));

t.test('stages are the same in whatever order they name tenants', async (t) => {
  const given = { ...base, tenants: at(['a', 'live'], ['b', 'legacy'], ['c', 'live']) };
  t.ok(sameStages(given, { ...given, tenants: at(['c', 'live'], ['a', 'live'], ['b', 'legacy']) }));
  t.ok(sameStages(given, { ...given, named: false }), 'who names it does not matter');
  const others: Partial<OperationStages>[] = [
    { stage: 'live' },
    { floor: 'dynamodb' },
    { ramp: { to: 'live', percent: 5 } },
    { tenants: at(['a', 'live'], ['b', 'legacy']) },
    { tenants: at(['a', 'live'], ['b', 'live'], ['c', 'live']) },
  ];
  for (const other of others) t.notOk(sameStages(given, { ...given, ...other }));
  const ramp = { ...given, ramp: { to: 'live', percent: 5 } as const };
  t.notOk(sameStages(ramp, { ...given, ramp: { to: 'live', percent: 6 } }));
  t.notOk(sameStages(ramp, { ...given, ramp: { to: 'complete', percent: 5 } }));
});

const words: [word: string, known: string[], suggested: string][] = [
  ['getUsr', ['getUser', 'listMessages'], '; did you mean `getUser`?'],
  ['GETUSER', ['listMessages', 'getUser'], '; did you mean `getUser`?'],
  ['kil', ['kill'], '; did you mean `kill`?'],
  ['zzzz', ['kill', 'sampling'], '; there are kill, sampling'],
  ['klil', ['kill'], '; did you mean `kill`?'],
  ['llik', ['kill'], '; there are kill'],
  ['lstMesages', ['listMessages', 'x'], '; did you mean `listMessages`?'],
  ['lssaMege', ['listMessages'], '; there are listMessages'],
  ['x', [], ''],
  [
    'zzzzzz',
    Array.from({ length: 12 }, (_, at) => `o${at}`),
    `; there are ${Array.from({ length: 12 }, (_, at) => `o${at}`).join(', ')}`,
  ],
  ['zzzzzz', Array.from({ length: 13 }, (_, at) => `o${at}`), ''],
];
for (const [word, known, suggested] of words) t.equal(suggestion(word, known), suggested, `${word} of ${known.length}`);
