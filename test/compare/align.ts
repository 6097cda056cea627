import t from 'tap';
import { commonKey, type ListKey } from '../../src/compare/align.ts';
import { type Given, held, items, one, type Side, said } from '../support/comparing.ts';

const tags = (...given: (string | number)[]) => one({ tags: given });
const letters = [...'abcdefghijklmnopqrstuvwxyABCDEFGH'];

const MISSING = ['missing /items/* object→absent'];
const EXTRA = ['extra /items/* absent→object'];
const TAG = 'value /items/*/tags/* string→string';
const ORDER = 'order /items/*/tags array→array';

const rows: [string, Side, Side, Given, string[]][] = [
  [
    'a full page that lacks one in its middle and has others more',
    items('a', 'm', 'b', 'z'),
    items('x', 'y', 'a', 'b'),
    { limit: 4 },
    ['missing /items/* object→absent', 'extra /items/* absent→object', 'extra /items/* absent→object'],
  ],
  [
    'more at the end than one that lacks can have drawn in',
    items('a', 'b'),
    items('b', 'y', 'z'),
    { limit: 3 },
    ['missing /items/* object→absent', 'extra /items/* absent→object', 'extra /items/* absent→object'],
  ],
  [
    'less at the end than one more can have pushed out',
    items('a', 'y', 'z'),
    items('x', 'a'),
    { limit: 3 },
    ['missing /items/* object→absent', 'missing /items/* object→absent', 'extra /items/* absent→object'],
  ],
  [
    'what a page that is not full lacks at its end is missing',
    items('a', 'b', 'z'),
    items('x', 'a', 'b'),
    { limit: 9 },
    ['missing /items/* object→absent', 'extra /items/* absent→object'],
  ],
  ['numbers tell items apart', { items: [{ id: 12 }] }, { items: [{ id: 13 }] }, {}, [...MISSING, ...EXTRA]],
  [
    'however they are written',
    '{"items":[{"id":1.0,"at":"x"}]}',
    '{"items":[{"id":1,"at":"y"}]}',
    {},
    ['notation /items/*/id number→number', 'value /items/*/at string→string'],
  ],
  [
    'keys of two parts do not run into each other',
    { items: [{ id: 'a', at: 'bc' }] },
    { items: [{ id: 'ab', at: 'c' }] },
    { key: [['id'], ['at']] },
    [...MISSING, ...EXTRA],
  ],
  [
    'values differ behind keys in another order',
    '{"total":1,"meta":{"a":1},"next":"x"}',
    '{"meta":{"a":2},"total":1,"next":"x"}',
    {},
    ['value /meta/* number→number'],
  ],
  [
    'of many keys in another order one is another',
    { meta: Object.fromEntries(letters.map((letter) => [letter, 1])) },
    { meta: Object.fromEntries([...letters.slice(1), 'z'].reverse().map((letter) => [letter, 1])) },
    {},
    ['missing /meta/* number→absent', 'extra /meta/* absent→number'],
  ],
  // A list whose items nothing tells apart
  ['a list without keys: all items', tags('a', 'b'), tags('c', 'd'), {}, [TAG, TAG]],
  ['a list without keys: one that is moved by another', tags('x', 'a', 'b'), tags('a', 'b', 'y'), {}, [ORDER, TAG]],
  ['a list without keys: more than one', tags('a'), tags('a', 'b', 'c'), {}, ['length /items/*/tags array→array']],
  ['a list without keys: less than one', tags('a', 'b', 'c'), tags('a'), {}, ['length /items/*/tags array→array']],
  ['a list without keys: numbers', tags(1, 2), tags(2, 3), {}, [ORDER, 'value /items/*/tags/* number→number']],
  [
    'a list without keys: texts, however they are written',
    '{"items":[{"id":"a","tags":["\\u0061","b"]}]}',
    one({ tags: ['b', 'a'] }),
    {},
    [ORDER],
  ],
  [
    'a list without keys: objects, in whatever order their keys are',
    one({ tags: [{ a: 1, b: 2 }, 'x', 'y'] }),
    one({ tags: [{ b: 2, a: 1 }, 'y', 'x'] }),
    {},
    [ORDER],
  ],
  [
    'a token that is lost with an item follows from it',
    { ...items('a', 'b'), next: 'ours-b-x' },
    items('a'),
    {},
    MISSING,
  ],
  ['so does one that comes with an item', items('a'), { ...items('a', 'b'), next: 'ours-b-x' }, {}, EXTRA],
  [
    'a token that is another since an item is missing',
    { ...items('a', 'b'), next: 'ours-b-x' },
    { ...items('a'), next: 'ours-a-x' },
    {},
    MISSING,
  ],
  [
    'or since there is one more',
    { ...items('a'), next: 'ours-a-x' },
    { ...items('a', 'b'), next: 'ours-b-x' },
    {},
    EXTRA,
  ],
  [
    'or since the page has another order',
    { ...items('a', 'b'), next: 'ours-b-x' },
    { ...items('b', 'a'), next: 'ours-a-x' },
    {},
    ['order /items array→array'],
  ],
  [
    'a token that is another though the page ends alike',
    { items: [{ id: 'a', at: 'x'.repeat(300_000) }, { id: 'b' }], next: 'ours-1-x' },
    { items: [{ id: 'a', at: 'y' }, { id: 'b' }], next: 'ours-2-x' },
    {},
    ['value /items/*/at string→string', 'value /next string→string'],
  ],
  [
    'tokens of a page without keys: one is lost, and so is an item',
    { ...items('a', 'b'), next: 'ours-b-x' },
    items('a'),
    { key: null },
    ['length /items array→array'],
  ],
  [
    'tokens of a page without keys: one is lost, and no item is',
    { ...items('a', 'b'), next: 'ours-b-x' },
    items('b', 'a'),
    { key: null },
    ['order /items array→array', 'missing /next string→absent'],
  ],
  [
    'tokens of a page without keys: another order',
    { ...items('a', 'b'), next: 'ours-b-x' },
    { ...items('b', 'a'), next: 'ours-a-x' },
    { key: null },
    ['order /items array→array'],
  ],
  [
    'tokens of a page without keys: another value, not at its end',
    { items: [{ id: 'a' }, { id: 'b' }, { id: 'c' }], next: 'ours-1-x' },
    { items: [{ id: 'x' }, { id: 'y' }, { id: 'c' }], next: 'ours-2-x' },
    { key: null },
    ['value /items/*/id string→string', 'value /items/*/id string→string', 'value /next string→string'],
  ],
];

for (const [name, left, right, given, expected] of rows) {
  t.test(name, async (t) => {
    t.same(said(held(left, right, given)), expected);
  });
}

t.test('keys are one where they are the same, as bytes or as values, and however long', async (t) => {
  const long = 'k'.repeat(200);
  const key = (left: string, right: string) => commonKey(Buffer.from(left), 0, Buffer.from(right), 0, [['id']]);
  t.equal(key('{"id":"a"}', '{"id":"a"}'), '[a]');
  t.equal(key('{"id":"a"}', '{"id":"\\u0061"}'), '[a]');
  t.ok(key('{"id":1}', '{"id":1.0}'), 'numbers however written');
  t.equal(key('{"id":1}', '{"id":12}'), undefined, 'one begins as the other');
  t.equal(key('{"x":0,"id":"a"}', '{"id":"a","x":0}'), '[a]', 'at another place');
  t.equal(key(`{"id":"${long}"}`, '{"id":"b"}'), undefined, 'longer than the other body');
  t.equal(key(`{"id":"${long}"}`, `{"id":"${long}"}`), `[${long}]`);
  t.equal(key(`{"id":"${long}"`, `{"id":"${long}"`), `[${long}]`, 'at the very end');
  t.equal(key('{"id":{}}', '{"id":{}}'), undefined, 'no scalar');
  t.equal(key('[1]', '[1]'), undefined);
});

t.test('items are named by what tells them apart, and by their number among those alike', async (t) => {
  const named = (left: object[], right: object[], key: ListKey) =>
    held({ items: left }, { items: right }, { key }).differences.map(({ at }) => at);
  const [a, b, c] = [{ id: 'a' }, { id: 'b' }, { id: 'c' }];
  t.same(named([a, { id: 'b', at: 'x' }], [a, { id: 'b', at: 'y' }], [['id']]), ['/items/[b]/at'], 'in its place');
  t.same(named([a, b], [b], [['id']]), ['/items/[a]'], 'at another');
  t.same(named([a, b, b, b], [c, c, c], [['id']]), [
    ...['/items/[a]', '/items/[b]', '/items/[b]1', '/items/[b]2'],
    ...['/items/[c]', '/items/[c]1', '/items/[c]2'],
  ]);
  t.same(named([{ at: 'x' }], [{ at: 'y' }], [['id']]), ['/items/[?]/at'], 'without a key');
  t.same(named([{ id: 'a', at: 'b', tags: [1] }], [{ id: 'a', at: 'b' }], [['id'], ['at']]), [
    '/items/[a\u0000b]/tags',
  ]);
  t.same(named([a, { id: 'a', at: 'b' }], [{ id: 'a', at: 'b' }], [['id'], ['at']]), ['/items/[?]']);
});

t.test('keys in another order are told, those that only one has are not', async (t) => {
  for (const [left, right, other] of [
    [['a', 'b', 'c'], ['c', 'a', 'b'], true],
    [['a', 'b', 'c'], ['b', 'a', 'c'], true],
    [['a', 'b', 'c'], ['a', 'c'], false],
    [['a', 'b', 'c'], ['b', 'c'], false],
    [['a', 'c'], ['a', 'b', 'c'], false],
    [['a', 'b'], ['a', 'b'], false],
  ] as const) {
    const [one, another] = [left, right].map((keys) => ({ meta: Object.fromEntries(keys.map((key) => [key, 1])) }));
    t.equal(held(one as object, another as object).keyOrder, other, `${left} ${right}`);
  }
});
