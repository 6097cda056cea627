import t from 'tap';
import { compileRules, dateOf, isExpired } from '../../src/compare/rules.ts';
import type { CompareRule } from '../../src/model/binding.ts';
import { type Difference, KINDS } from '../../src/model/comparison.ts';

const NOW = Date.parse('2026-11-21T12:00:00Z');
const PAIR = 'dynamodb-mongodb';

const rule = (spec: object) => ({ path: '/x', reason: 'x', ...spec }) as CompareRule;

/** A difference at `/x`; of a value its two JSON texts. */
const difference = (some: object = {}, left = '1', right = '2'): Difference => ({
  ...{ kind: 'value', path: '/x', at: '/x', leftType: 'number', rightType: 'number' },
  ...{ left: Buffer.from(left), right: Buffer.from(right) },
  ...some,
});
const dates = (left: string, right: string) =>
  difference({ leftType: 'string', rightType: 'string' }, JSON.stringify(left), JSON.stringify(right));

const within = { rule: 'within', duration: '1s' };
const tolerance = { rule: 'tolerance', tolerance: 0.5 };
const orNull = { rule: 'absentEqualsNull' };
const [nullLeft, nullRight] = [
  { leftType: 'null', rightType: 'absent' },
  { leftType: 'absent', rightType: 'null' },
];

/** A rule, a difference → whether the one covers the other. */
const ROWS: readonly (readonly [object, Difference, boolean])[] = [
  [{ rule: 'ignore' }, difference(), true],
  [{ rule: 'ignore' }, difference({ path: '/x/*/y' }), true],
  [{ rule: 'ignore' }, difference({ path: '/xy' }), false],
  ...KINDS.map((kind): [object, Difference, boolean] => [
    { rule: 'ignore' },
    difference({ kind }),
    !['exposure', 'status', 'unanswerable'].includes(kind),
  ]),
  [{ rule: 'unordered' }, difference({ kind: 'order' }), true],
  [{ rule: 'unordered' }, difference({ kind: 'order', path: '/x/*' }), false],
  [{ rule: 'unordered' }, difference({ kind: 'length' }), false],
  [within, dates('2026-01-01T00:00:00Z', '2026-01-01T00:00:01Z'), true],
  [within, dates('2026-01-01T00:00:01Z', '2026-01-01T00:00:00Z'), true],
  [within, dates('2026-01-01T00:00:00Z', '2026-01-01T00:00:01.001Z'), false],
  [within, dates('2026-01-01', '2026-01-01T01:00:00+01:00'), true],
  [within, dates('2026-01-01T00:00:00Z', 'today'), false],
  [within, dates('today', '2026-01-01T00:00:00Z'), false],
  [within, dates('today', 'today'), false],
  [within, { ...dates('2026-01-01', '2026-01-01'), path: '/y' }, false],
  [within, { ...dates('2026-01-01', '2026-01-01'), kind: 'type' }, false],
  [{ rule: 'within', duration: '0s' }, dates('2026-01-01', '2026-01-01T00:00:00Z'), true],
  [orNull, difference({ kind: 'missing', ...nullLeft }), true],
  [orNull, difference({ kind: 'extra', ...nullRight }), true],
  [orNull, difference({ kind: 'missing', leftType: 'string', rightType: 'absent' }), false],
  [orNull, difference({ kind: 'extra', leftType: 'absent', rightType: 'string' }), false],
  [orNull, difference({ kind: 'type', leftType: 'null', rightType: 'string' }), false],
  [orNull, difference({ kind: 'missing', ...nullLeft, path: '/y' }), false],
  [orNull, difference({ kind: 'extra', ...nullRight, path: '/y' }), false],
  [tolerance, difference({}, '1', '1.5'), true],
  [tolerance, difference({}, '1', '1.51'), false],
  [tolerance, difference({ kind: 'notation' }, '1e400', '10e399'), true],
  [tolerance, difference({}, '1e99999999', '1e99999998'), false],
  [tolerance, difference({ path: '/y' }, '1', '1.5'), false],
  [tolerance, difference({ leftType: 'string' }, '1', '1.5'), false],
  [tolerance, difference({ rightType: 'string' }, '1', '1.5'), false],
];

for (const [spec, differs, covered] of ROWS)
  t.test(`${JSON.stringify(spec)}: ${differs.kind} ${differs.path} ${differs.left} ${differs.right}`, async (t) => {
    const [compiled] = compileRules(undefined, [rule(spec)], 'getUser').all;
    t.equal(compiled?.covers(differs), covered);
  });

t.test('rules of the API and of the operation, by their names', async (t) => {
  const rules = compileRules(
    [rule({ rule: 'ignore' })],
    [rule({ rule: 'unordered', pair: 'legacy-dynamodb', path: '/y' })],
    'getUser',
  );
  t.same(
    rules.all.map(({ id }) => id),
    ['* ignore /x', 'getUser unordered /y legacy-dynamodb'],
  );
  t.same(compileRules(undefined, undefined, 'getUser').all, []);
});

t.test('a rule holds for its pair and until its end', async (t) => {
  const holding = (...specs: object[]) =>
    compileRules(specs.map(rule), undefined, 'x')
      .of(PAIR, NOW)
      .map(({ spec }) => spec.path);
  t.same(holding({ rule: 'ignore' }), ['/x']);
  t.same(holding({ rule: 'ignore', pair: PAIR }), ['/x']);
  t.same(holding({ rule: 'ignore', pair: 'legacy-mongodb' }), []);
  t.same(holding({ rule: 'ignore', until: '2026-11-21' }), ['/x']);
  t.same(holding({ rule: 'ignore', until: '2026-11-20' }), []);
  t.same(holding({ rule: 'ignore', path: '/y' }, { rule: 'ignore', until: '2026-11-20' }), ['/y'], 'one of two');
  t.same(holding({ rule: 'ignore', path: '/y' }, { rule: 'ignore', pair: 'legacy-mongodb' }), ['/y'], 'one of two');
});

t.test('a day ends with it, a moment at once', async (t) => {
  t.notOk(isExpired(undefined, NOW));
  t.notOk(isExpired('2026-11-21', Date.parse('2026-11-21T23:59:59.999Z')));
  t.ok(isExpired('2026-11-21', Date.parse('2026-11-22T00:00:00Z')));
  t.notOk(isExpired('2026-11-21T12:00:00.001Z', NOW));
  t.ok(isExpired('2026-11-21T12:00:00Z', NOW));
});

t.test('what is a date', async (t) => {
  const moment = Date.parse('2026-01-01T00:00:00Z');
  for (const text of [
    '2026-01-01',
    '2026-01-01T00:00:00Z',
    '2026-01-01t01:30:00.000+01:30',
    '2025-12-31T22:30:00-01:30',
  ])
    t.equal(dateOf(Buffer.from(`"${text}"`)), moment, text);
  for (const text of [
    '20260101',
    '2026-01-01T00:00:00',
    '2026-01-01T00:00Z',
    '2026-13-01',
    'x2026-01-01',
    '2026-01-01x',
  ])
    t.equal(dateOf(Buffer.from(`"${text}"`)), undefined, text);
  t.equal(dateOf(Buffer.from('2026-01-01')), undefined, 'no string');
  t.equal(dateOf(undefined), undefined);
  const long = (digits: number) => dateOf(Buffer.from(`"2026-01-01T00:00:00.${'0'.repeat(digits)}Z"`));
  t.equal(long(41), moment, '64 bytes');
  t.equal(long(42), undefined, 'no date is longer');
});
