import t from 'tap';
import { factsOf } from '../../src/compare/facts.ts';
import type { Difference, ValueType } from '../../src/model/comparison.ts';

const DAY = 86_400_000;

const typeOf = (text: string): ValueType => (text.startsWith('"') ? 'string' : text === 'null' ? 'null' : 'number');

const difference = (left: string, right: string): Difference => ({
  ...{ kind: 'value', path: '/x', at: '/x', leftType: typeOf(left), rightType: typeOf(right) },
  ...{ left: Buffer.from(left), right: Buffer.from(right) },
});

const date = (ms: number) => `"${new Date(Date.UTC(2026, 0, 1) + ms).toISOString()}"`;

/** JSON texts of both sides → what is said of them. */
const ROWS: readonly (readonly [string, string, readonly string[]])[] = [
  // Numbers
  ['100', '101', ['differs by 1']],
  ['-100', '-101', ['differs by 1']],
  ['10', '11', ['differs by 1']],
  ['11', '10', ['differs by 1']],
  ['9', '10', []],
  ['10', '9', []],
  ['0', '1', []],
  ['1', '2', []],
  ['100.25', '100.3', ['differs by 0.05', 'equal but for scale']],
  ['100.3', '100.25', ['differs by 0.05', 'equal but for scale']],
  ['100.25', '100.27', ['differs by 0.02']],
  ['100.25', '100.4', ['differs by 0.15']],
  ['7.5', '8', ['differs by 0.5', 'equal but for scale']],
  ['9007199254740993', '9007199254740992', ['differs by 1', 'equal as doubles']],
  ['9007199254740992', '9007199254740993', ['differs by 1', 'equal as doubles']],
  ['1e2000', '100', []],
  // Dates
  [date(0), date(0).replace('.000', ''), ['differs by 0 ms', 'equal but for milliseconds']],
  [date(100), date(900), ['differs by 800 ms', 'equal but for milliseconds']],
  [date(999), date(1000), ['differs by 1 ms']],
  [date(0), date(1000), ['differs by 1000 ms']],
  [date(7_200_000), date(0), ['differs by 7200000 ms', 'differs by whole hours: a time zone?']],
  [date(0), date(DAY), ['differs by 86400000 ms', 'differs by whole hours: a time zone?']],
  [date(0), date(DAY + 1), ['differs by more than a day']],
  [date(DAY + 1), date(0), ['differs by more than a day']],
  [date(0), '"yesterday"', []],
  ['"yesterday"', date(0), []],
  // Texts
  ['"Anna"', '"aNNa"', ['equal but for case']],
  ['"a b  c"', '"ab c "', ['equal but for spaces']],
  ['"caf\u00e9"', '"cafe\u0301"', ['equal but for Unicode normalization']],
  ['"Anna"', '"Annabel"', ['one is the beginning of the other']],
  ['"Annabel"', '"Anna"', ['one is the beginning of the other']],
  ['"abel"', '"Annabel"', []],
  ['"listen"', '"silent"', ['the same characters in another order']],
  ['"listen"', '"silence"', []],
  ['"\\u0061"', '"a"', ['equal but for the time zone’s notation']],
  // Others
  ['1', '"1"', []],
  ['"1"', '1', []],
  ['null', 'null', []],
  [`"${'x'.repeat(65_533)}"`, `"${'x'.repeat(65_534)}"`, ['one is the beginning of the other']],
  [`"${'x'.repeat(65_533)}"`, `"${'x'.repeat(65_535)}"`, []],
  [`"${'x'.repeat(65_535)}"`, `"${'x'.repeat(65_533)}"`, []],
];

for (const [left, right, facts] of ROWS)
  t.test(`${left.slice(0, 40)} against ${right.slice(0, 40)}`, async (t) => {
    const found = factsOf(difference(left, right));
    t.same(found, facts);
    t.ok(Object.isFrozen(found));
  });

t.test('of what is no pair of values nothing is said', async (t) => {
  const pair = difference('100', '101');
  t.same(factsOf({ ...pair, left: undefined }), []);
  t.same(factsOf({ ...pair, right: undefined }), []);
  t.same(factsOf({ ...pair, kind: 'order' }), []);
});
