import t from 'tap';
import { type Given, held, items, one, type Side, said } from '../support/comparing.ts';

const AT = 'value /items/*/at string→string';
const NEXT = 'value /next string→string';
const NO_JSON = 'unanswerable  no JSON→200';

const tokens = (side: object, next: number) => ({ ...side, next: `ours-${next}-x` });
const both = (a: object, b: object) => ({
  items: [
    { id: 'a', ...a },
    { id: 'b', ...b },
  ],
});
/** Beyond what is compared in one go. */
const large = { at: 'x'.repeat(300_000) };
const numbered = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`k${n}`, 1]));
const nested = (depth: number, leaf: number) => `{"meta":${'['.repeat(depth)}${leaf}${']'.repeat(depth)}}`;

const rows: [string, Side, Side, Given, string[]][] = [
  // What a token says
  ['a token follows from the last item', tokens(one({ at: 'x' }), 1), tokens(one({ at: 'y' }), 2), {}, [AT]],
  ['of several', tokens(both({}, { at: 'x' }), 1), tokens(both({}, { at: 'y' }), 2), {}, [AT]],
  ['not from one before it', tokens(both({ at: 'x' }, {}), 1), tokens(both({ at: 'y' }, {}), 2), {}, [AT, NEXT]],
  ['of a large page', tokens(both({}, large), 1), tokens(both({}, { at: 'y' }), 2), {}, [AT]],
  [
    'not from what is in a list of one before it',
    tokens(both({ tags: ['x'] }, {}), 1),
    tokens(both({ tags: ['y'] }, {}), 2),
    {},
    ['value /items/*/tags/* string→string', NEXT],
  ],
  [
    'nor from another list',
    tokens({ ...items('a'), meta: { l: [1, 2] } }, 1),
    tokens({ ...items('a'), meta: { l: [2, 1] } }, 2),
    {},
    ['order /meta/* array→array', NEXT],
  ],
  [
    'nor is it forgotten for a list that is the same but for spaces',
    '{"items":[{"id":"a"},{"id":"b"}],"meta":{"l":[1 ,2]},"next":"ours-b-x"}',
    '{"items":[{"id":"b"},{"id":"a"}],"meta":{"l":[1,2]},"next":"ours-a-x"}',
    {},
    ['order /items array→array'],
  ],
  ['a token that only the newer one has', items('a'), tokens(items('a'), 1), {}, ['extra /next absent→string']],
  ['a token against one of legacy’s own', tokens(items('a'), 1), { ...items('a'), next: 'theirs' }, {}, ['match']],
  ['no token but a number', { next: 1 }, { next: 2 }, {}, ['value /next number→number']],
  ['a token without its page', { total: 1, next: 'ours-1-x' }, { total: 1 }, {}, ['missing /next string→absent']],
  // What is no JSON
  ['text behind one', '{"total":1} x', '{"total":2}', {}, [NO_JSON]],
  ['text behind the other', '{"total":1}', '{"total":2} x', {}, ['unanswerable  200→no JSON']],
  [
    'a key that comes again where keys are in another order',
    '{"total":1,"next":"a","total":1}',
    '{"next":"a","total":1}',
    {},
    [NO_JSON],
  ],
  ['or in the other', '{"next":"a","total":1}', '{"total":1,"next":"a","total":1}', {}, ['unanswerable  200→no JSON']],
  ['nested too deep', nested(600, 1), nested(600, 2), {}, ['unanswerable  no JSON→no JSON']],
  ['nested deep', nested(10, 1), nested(10, 2), {}, [`value /meta${'/*'.repeat(10)} number→number`]],
  // What is too much
  ['members, many of which only one has', { meta: numbered(3_001) }, { meta: {} }, {}, ['skipped too_large']],
  ['or the other', { meta: {} }, { meta: numbered(3_001) }, {}, ['skipped too_large']],
  ['items that only one has', one({ tags: Array(3_001).fill('x') }), one({ tags: [] }), {}, ['skipped too_large']],
  [
    'members behind one that differs',
    { meta: { a: 1, ...numbered(3_001) } },
    { meta: { a: 2, ...numbered(3_001) } },
    {},
    ['value /meta/* number→number'],
  ],
  [
    'as many as can be',
    { meta: numbered(3_000) },
    { meta: { ...numbered(2_999), k2999: 2 } },
    {},
    ['value /meta/* number→number'],
  ],
];

for (const [name, left, right, given, expected] of rows)
  t.test(name, async (t) => {
    t.same(said(held(left, right, given)), expected);
  });

t.test('where a difference stands, by what tells items apart', async (t) => {
  const at = (left: Side, right: Side) => held(left, right).differences.map((difference) => difference.at);
  t.same(at({ meta: { a: 1 } }, { meta: { a: 2 } }), ['/meta/a'], 'in its place');
  t.same(at({ meta: { a: 1, b: 1 } }, { meta: { b: 1, a: 2 } }), ['/meta/a'], 'behind keys in another order');
  t.same(at({ meta: { a: 1 } }, { meta: {} }), ['/meta/a'], 'missing');
  t.same(at({ meta: {} }, { meta: { a: 1 } }), ['/meta/a'], 'extra');
  t.same(at(one({ tags: ['x', 'y'] }), one({ tags: ['x', 'z'] })), ['/items/[a]/tags/1'], 'in a list');
  t.same(at('1', '2'), ['']);
  t.same(at({ ...items('a'), next: 'ours-1-x' }, { ...items('a'), next: 'ours-2-x' }), ['/next'], 'a token');
});

t.test('the bytes of a difference are its own, on either side', async (t) => {
  const [first] = held({ meta: { a: 'x' }, total: 1 }, { meta: { a: [1, 2] }, total: 1 }).differences;
  t.equal(String(first?.left), '"x"');
  t.equal(String(first?.right), '[1,2]');
  const [lost] = held({ meta: { a: 'x' } }, { meta: {} }).differences;
  t.equal(String(lost?.left), '"x"');
  t.equal(lost?.right, undefined);
});
