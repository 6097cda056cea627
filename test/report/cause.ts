import t from 'tap';
import {
  CAUSES,
  type Cause,
  causeOf,
  causeSentence,
  type Evidence,
  isSystematic,
  twinKey,
} from '../../src/report/cause.ts';

const few: Evidence = {
  ...{
    kind: 'value',
    alone: 'mongodb',
    refusal: false,
    subjects: 1,
    places: 1,
    possible: 1_000,
    againstContract: false,
  },
};
const many = { subjects: 16, places: 300 };

/** The table, row by row: who stands alone, with how many → the cause, and a word of what is said. */
const ROWS: readonly (readonly [Partial<Evidence>, Cause | undefined, RegExp])[] = [
  [{ alone: 'legacy', kind: 'exposure' }, 'access', /`allow`/],
  [{ alone: 'legacy', kind: 'exposure', ...many }, 'access', /`allow`/],
  [{ alone: 'legacy', refusal: true }, 'binding', /in one case: `errors` in the bindings/],
  [{ alone: 'legacy', againstContract: true, ...many }, 'legacy', /not what the contract has/],
  [{ alone: 'legacy', ...many }, 'binding', /in many cases, 30 %.*bindings/],
  [{ alone: 'legacy' }, 'legacy', /in one case.*legacy’s own/],
  [{ alone: 'dynamodb' }, 'binding', /DynamoDB stands alone, in one case: its binding/],
  [{ alone: 'mongodb', ...many }, 'binding', /its binding, or the way its data was carried over/],
  [{ alone: 'mongodb', subjects: 2, places: 500 }, 'binding', /in 2 cases, 50 %/],
  [{ alone: 'mongodb', subjects: 4, places: 499 }, 'data', /in 4 cases: its data/],
  [{ alone: 'mongodb', subjects: 16, places: 49 }, 'data', /in 16 cases or more: its data/],
  [{ alone: 'mongodb', kind: 'exposure' }, 'data', /its data/],
  [{ alone: 'all' }, 'several', /No two of the three agree/],
  [{ alone: undefined }, undefined, /^$/],
];

for (const [some, cause, words] of ROWS)
  t.test(JSON.stringify(some), async (t) => {
    const evidence = { ...few, ...some };
    t.equal(causeOf(evidence), cause);
    t.match(causeSentence(evidence) ?? '', words);
  });

t.test('every row of the table is reached', async (t) => {
  const reached = new Set(
    ROWS.map(([some]) => {
      const evidence = { ...few, ...some };
      return CAUSES.findIndex(
        (row) =>
          row.alone === evidence.alone &&
          (row.kind ?? evidence.kind) === evidence.kind &&
          (row.refusal ?? evidence.refusal) === evidence.refusal &&
          (row.systematic ?? isSystematic(evidence)) === isSystematic(evidence) &&
          (row.againstContract ?? evidence.againstContract) === evidence.againstContract,
      );
    }),
  );
  reached.delete(-1);
  t.equal(reached.size, CAUSES.length);
});

t.test('a finding and its twin in another pair', async (t) => {
  const base = { operation: 'getNote', path: '/a', leftType: 'object', rightType: 'absent' } as const;
  const inLegacy = twinKey({ ...base, pair: 'legacy-dynamodb', kind: 'missing', alone: 'dynamodb' });
  const between = { ...base, pair: 'dynamodb-mongodb', leftType: 'absent', rightType: 'object' } as const;
  t.equal(inLegacy, twinKey({ ...between, kind: 'extra', alone: 'dynamodb' }));
  t.not(inLegacy, twinKey({ ...between, kind: 'extra', alone: 'mongodb' }), 'another one stands alone');
  t.not(inLegacy, twinKey({ ...base, pair: 'legacy-dynamodb', kind: 'missing', alone: 'dynamodb', path: '/b' }));
  for (const alone of ['all', undefined, 'mongodb'] as const)
    t.equal(twinKey({ ...base, pair: 'legacy-dynamodb', kind: 'missing', alone }), undefined, String(alone));
});
