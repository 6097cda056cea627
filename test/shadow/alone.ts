import t from 'tap';
import { compare } from '../../src/compare/compare.ts';
import { compileRules } from '../../src/compare/rules.ts';
import type { Observation } from '../../src/model/answer.ts';
import type { OriginName } from '../../src/model/stage.ts';
import { standsAlone } from '../../src/shadow/alone.ts';

const plan = {
  shape: undefined,
  list: { path: '/list', key: [['id']], limit: undefined },
  token: undefined,
  rules: compileRules(undefined, undefined, 'x'),
  headers: [],
};

function seen(origin: OriginName, body: unknown): Observation {
  const status = typeof body === 'number' ? body : 200;
  const headers = { 'content-type': 'application/json' };
  const bytes = Buffer.from(JSON.stringify(typeof body === 'number' ? {} : body));
  return { origin, ok: true, duration: 1, answer: { status, headers, body: bytes } };
}

/** legacy, dynamodb, mongodb → each difference of each pair, as `pair kind path alone`. */
function alone(legacy: unknown, dynamodb: unknown, mongodb: unknown): string[] {
  const [l, d, m] = [seen('legacy', legacy), seen('dynamodb', dynamodb), seen('mongodb', mongodb)];
  const comparisons = [compare(l, d, plan, 0), compare(l, m, plan, 0), compare(d, m, plan, 0)];
  const of = standsAlone(comparisons);
  return comparisons.flatMap(({ pair, differences }) =>
    differences.map((one) => `${pair} ${one.kind} ${one.path} ${of(one)}`),
  );
}

const CASES: readonly (readonly [string, unknown, unknown, unknown, readonly string[]])[] = [
  ['all agree', { a: 1 }, { a: 1 }, { a: 1 }, []],
  ['legacy', { a: 1 }, { a: 2 }, { a: 2 }, ['legacy-dynamodb value /a legacy', 'legacy-mongodb value /a legacy']],
  [
    'dynamodb',
    { a: 1 },
    { a: 2 },
    { a: 1 },
    ['legacy-dynamodb value /a dynamodb', 'dynamodb-mongodb value /a dynamodb'],
  ],
  ['mongodb', { a: 1 }, { a: 1 }, {}, ['legacy-mongodb missing /a mongodb', 'dynamodb-mongodb missing /a mongodb']],
  [
    'nobody agrees',
    { a: 1 },
    { a: 2 },
    { a: 3 },
    ['legacy-dynamodb value /a all', 'legacy-mongodb value /a all', 'dynamodb-mongodb value /a all'],
  ],
  [
    'two places, two culprits',
    { a: 1, b: 1 },
    { a: 2, b: 1 },
    { a: 1, b: 2 },
    [
      ...['legacy-dynamodb value /a dynamodb', 'legacy-mongodb value /b mongodb'],
      ...['dynamodb-mongodb value /a dynamodb', 'dynamodb-mongodb value /b mongodb'],
    ],
  ],
  ['a status', 404, 200, 200, ['legacy-dynamodb exposure  legacy', 'legacy-mongodb exposure  legacy']],
  [
    'a status, and a place in what is left',
    { a: 1 },
    { a: 2 },
    404,
    ['legacy-dynamodb value /a undefined', 'legacy-mongodb status  mongodb', 'dynamodb-mongodb status  mongodb'],
  ],
  [
    'the order, and an item',
    { list: [{ id: 1, a: 1 }, { id: 2 }] },
    { list: [{ id: 1, a: 2 }, { id: 2 }] },
    { list: [{ id: 2 }, { id: 1, a: 1 }] },
    [
      'legacy-dynamodb value /*/*/* dynamodb',
      'legacy-mongodb order /list mongodb',
      ...['dynamodb-mongodb order /list mongodb', 'dynamodb-mongodb value /*/*/* dynamodb'],
    ],
  ],
  [
    'a place around another',
    { a: { b: 1 } },
    { a: { b: 2 } },
    {},
    ['legacy-dynamodb value /a/* all', 'legacy-mongodb missing /a mongodb', 'dynamodb-mongodb missing /a mongodb'],
  ],
];

for (const [name, legacy, dynamodb, mongodb, expected] of CASES)
  t.test(name, async (t) => {
    t.same(
      alone(legacy, dynamodb, mongodb)
        .map((line) => line.replace('/list/*', '/*/*'))
        .sort(),
      expected.toSorted(),
    );
  });

t.test('two answers say nothing of who is wrong, and neither does one that failed', async (t) => {
  const [l, d] = [seen('legacy', { a: 1 }), seen('dynamodb', { a: 2 })];
  const two = [compare(l, d, plan, 0)];
  t.equal(standsAlone(two)(two[0]?.differences[0] as never), undefined);
});
