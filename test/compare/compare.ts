import t from 'tap';
import { compare, startComparing } from '../../src/compare/compare.ts';
import { type Given, held, items, one, planOf, type Side, said, seen } from '../support/comparing.ts';

const rows: [string, Side, Side, Given, string[]][] = [
  ['equal bytes', { total: 1 }, { total: 1 }, {}, ['match']],
  ['two empty bodies', '', '', {}, ['match']],
  ['a status', { status: 200 }, { status: 404 }, {}, ['status  200→404']],
  [
    'a header of the contract',
    { status: 200, headers: { 'x-total': '1' }, body: {} },
    { total: 1, status: 200, headers: { 'x-total': '2' }, body: {} },
    {},
    ['header header:x-total string→string'],
  ],
  [
    'a header that is always compared',
    { status: 200, headers: { etag: 'a' }, body: {} },
    { status: 200, body: {} },
    {},
    ['header header:etag string→absent'],
  ],
  [
    'any CORS header',
    { status: 200, body: {} },
    { status: 200, headers: { 'access-control-allow-origin': '*' }, body: {} },
    {},
    ['header header:access-control-allow-origin absent→string'],
  ],
  [
    'a header that is nobody’s',
    { status: 200, headers: { date: 'a' }, body: {} },
    { status: 200, headers: { date: 'b' }, body: {} },
    {},
    ['match'],
  ],
  ['a missing property', one({ at: 'x' }), one({}), {}, ['missing /items/*/at string→absent']],
  ['null against absent', one({ at: null }), one({}), {}, ['missing /items/*/at null→absent']],
  ['an extra property', one({}), one({ at: 'x' }), {}, ['extra /items/*/at absent→string']],
  ['a type', { total: 1 }, { total: '1' }, {}, ['type /total number→string']],
  ['null against a value', one({ at: null }), one({ at: 'x' }), {}, ['type /items/*/at null→string']],
  ['a value', { total: 1 }, { total: 2 }, {}, ['value /total number→number']],
  [
    'a number beyond doubles',
    '{"total":9007199254740993}',
    '{"total":9007199254740992}',
    {},
    ['value /total number→number'],
  ],
  ['a number’s notation', '{"total":1.50}', '{"total":15e-1}', {}, ['notation /total number→number']],
  [
    'map keys become *',
    { labels: { secret: 'a' } },
    { labels: { secret: 'b' } },
    {},
    ['value /labels/* string→string'],
  ],
  ['so do the keys of free-form objects', { meta: { secret: 1 } }, { meta: {} }, {}, ['missing /meta/* number→absent']],
  [
    'one item missing from many',
    items('a', 'b', 'c', 'd'),
    items('a', 'c', 'd'),
    {},
    ['missing /items/* object→absent'],
  ],
  ['one item more', items('a', 'b'), items('x', 'a', 'b'), {}, ['extra /items/* absent→object']],
  ['another order', items('a', 'b', 'c'), items('b', 'a', 'c'), {}, ['order /items array→array']],
  [
    'a list without keys: a value',
    one({ tags: ['a', 'b'] }),
    one({ tags: ['a', 'c'] }),
    {},
    ['value /items/*/tags/* string→string'],
  ],
  [
    'a list without keys: a length',
    one({ tags: ['a', 'b', 'c'] }),
    one({ tags: ['a', 'c'] }),
    {},
    ['length /items/*/tags array→array'],
  ],
  [
    'a list without keys: an order',
    one({ tags: ['a', 'b'] }),
    one({ tags: ['b', 'a'] }),
    {},
    ['order /items/*/tags array→array'],
  ],
  [
    'a full page that lacks one ends later',
    items('a', 'b', 'c'),
    items('a', 'c', 'd'),
    { limit: 3 },
    ['missing /items/* object→absent'],
  ],
  [
    'a full page that has one more ends sooner',
    items('a', 'b', 'c'),
    items('x', 'a', 'b'),
    { limit: 3 },
    ['extra /items/* absent→object'],
  ],
  [
    'a page that lacks its last ends later',
    items('a', 'b', 'c'),
    items('a', 'b', 'd'),
    { limit: 3 },
    ['missing /items/* object→absent'],
  ],
  [
    'a page that is not full hides nothing',
    items('a', 'b', 'c'),
    items('a', 'c', 'd'),
    { limit: 9 },
    ['missing /items/* object→absent', 'extra /items/* absent→object'],
  ],
  ['tokens that say the same', { ...items('a'), next: 'ours-1-x' }, { ...items('a'), next: 'ours-1-y' }, {}, ['match']],
  [
    'tokens that say something else',
    { ...items('a'), next: 'ours-1-x' },
    { ...items('a'), next: 'ours-2-y' },
    {},
    ['value /next string→string'],
  ],
  ['a token of legacy’s own', { ...items('a'), next: 'theirs' }, { ...items('a'), next: 'ours-2-y' }, {}, ['match']],
  ['no token on one side', { ...items('a'), next: 'ours-1-x' }, items('a'), {}, ['missing /next string→absent']],
  [
    'tokens follow from the pages',
    { ...items('a', 'b'), next: 'ours-b-x' },
    { ...items('a', 'c'), next: 'ours-c-y' },
    { limit: 2 },
    ['missing /items/* object→absent'],
  ],
  [
    'a lost token is not hidden by an order that a rule covers',
    { ...items('a', 'b'), next: 'ours-b-x' },
    items('b', 'a'),
    { rules: [{ path: '/items', rule: 'unordered' }] },
    ['missing /next string→absent'],
  ],
  [
    'a token that differs is not hidden by what a rule covers in the last item',
    { items: [{ id: 'a', at: 'x' }], next: 'ours-1-x' },
    { items: [{ id: 'a', at: 'y' }], next: 'ours-2-y' },
    { rules: [{ path: '/items/*/at', rule: 'ignore' }] },
    ['value /next string→string'],
  ],
  ['duplicate keys', '{"total":1,"total":1}', '{"total":1,"total":2}', {}, ['unanswerable  no JSON→no JSON']],
  ['no JSON', { total: 1 }, 'oops', {}, ['unanswerable  200→no JSON']],
  ['invalid UTF-8', { total: 1 }, Buffer.from([0x22, 0xff, 0x22]), {}, ['unanswerable  200→no JSON']],
  ['no body', { total: 1 }, '', {}, ['missing  bytes→absent']],
  ['a value that cannot be decoded', { total: 1 }, { failure: 'undecodable' }, {}, ['unanswerable  200→undecodable']],
  ['a call that the store refuses', { total: 1 }, { failure: 'refused' }, {}, ['unanswerable  200→refused']],
  ['a store that is away', { total: 1 }, { failure: 'unavailable' }, {}, ['error unavailable']],
  ['a time-out', { total: 1 }, { failure: 'timeout' }, {}, ['error timeout']],
  ['a throttle', { total: 1 }, { failure: 'throttled' }, {}, ['error throttled']],
  ['more items than there may be', { total: 1 }, { failure: 'tooMany' }, {}, ['unanswerable  200→tooMany']],
  ['one that failed on the older side', { failure: 'refused' }, { total: 1 }, {}, ['unanswerable  refused→200']],
  ['an answer beyond what is looked at', { total: 1 }, { failure: 'tooLarge' }, {}, ['skipped too_large']],
  ['an answer in a coding', { failure: 'coding' }, { total: 1 }, {}, ['skipped coding']],
  ['a body more', '', { total: 1 }, {}, ['extra  absent→bytes']],
  [
    'bodies of another type',
    { status: 200, headers: { 'content-type': 'text/plain; application/json' }, body: 'a' },
    { status: 200, headers: { 'content-type': 'text/plain; application/json' }, body: 'b' },
    {},
    ['value  bytes→bytes'],
  ],
  [
    'a problem is JSON too',
    { status: 200, headers: { 'content-type': 'Application/Problem+JSON' }, body: { total: 1 } },
    { status: 200, headers: { 'content-type': 'Application/Problem+JSON' }, body: { total: 2 } },
    {},
    ['value /total number→number'],
  ],
  [
    'what the contract has holds for answers, not for errors',
    { status: 300, body: { meta: { message: 'a' } } },
    { status: 300, body: { meta: { message: 'b' } } },
    {},
    ['value /meta/* string→string'],
  ],
  [
    'names in errors are the author’s where they are outermost',
    { status: 404, body: { u1: 'a' } },
    { status: 404, body: { u1: 'b' } },
    {},
    ['value /u1 string→string'],
  ],
  [
    'large ones are looked at by their grammar alone',
    `{"total":1,"total":1,"next":"${'x'.repeat(140_000)}"}`,
    'oops',
    {},
    ['unanswerable  200→no JSON'],
  ],
  [
    'what was covered on the way to what is no JSON',
    '{"total":1,"next":1}',
    '{"total":2,"next":oops}',
    { rules: [{ path: '/total', rule: 'ignore' }] },
    ['unanswerable  200→no JSON'],
  ],
  // Rules
  [
    'ignore',
    { total: 1 },
    { total: 2 },
    { rules: [{ path: '/total', rule: 'ignore' }] },
    ['ignored by * ignore /total ×1'],
  ],
  [
    'ignore, below',
    { meta: { a: 1, b: 2 } },
    { meta: { a: 2, b: 3 } },
    { rules: [{ path: '/meta', rule: 'ignore' }] },
    ['ignored by * ignore /meta ×2'],
  ],
  [
    'ignore is no prefix of a name',
    { total: 1 },
    { total: 2 },
    { rules: [{ path: '/tot', rule: 'ignore' }] },
    ['value /total number→number'],
  ],
  [
    'ignore a header',
    { status: 200, headers: { etag: 'a' }, body: {} },
    { status: 200, body: {} },
    { rules: [{ path: 'header:etag', rule: 'ignore' }] },
    ['ignored by * ignore header:etag ×1'],
  ],
  [
    'unordered',
    one({ tags: ['a', 'b'] }),
    one({ tags: ['b', 'a'] }),
    { rules: [{ path: '/items/*/tags', rule: 'unordered' }] },
    ['ignored by * unordered /items/*/tags ×1'],
  ],
  [
    'unordered is a multiset',
    one({ tags: ['a', 'b', 'b'] }),
    one({ tags: ['b', 'a', 'a'] }),
    { rules: [{ path: '/items/*/tags', rule: 'unordered' }] },
    ['value /items/*/tags/* string→string'],
  ],
  [
    'within',
    one({ at: '2026-01-01T00:00:00.900Z' }),
    one({ at: '2026-01-01T00:00:00Z' }),
    { rules: [{ path: '/items/*/at', rule: 'within', duration: '1s' }] },
    ['ignored by * within /items/*/at ×1'],
  ],
  [
    'within, and not more',
    one({ at: '2026-01-01T00:00:01.900Z' }),
    one({ at: '2026-01-01T00:00:00Z' }),
    { rules: [{ path: '/items/*/at', rule: 'within', duration: '1s' }] },
    ['value /items/*/at string→string'],
  ],
  [
    'absentEqualsNull',
    one({ at: null }),
    one({}),
    { rules: [{ path: '/items/*/at', rule: 'absentEqualsNull' }] },
    ['ignored by * absentEqualsNull /items/*/at ×1'],
  ],
  [
    'absentEqualsNull is not for values',
    one({ at: 'x' }),
    one({}),
    { rules: [{ path: '/items/*/at', rule: 'absentEqualsNull' }] },
    ['missing /items/*/at string→absent'],
  ],
  [
    'tolerance',
    { total: 1.001 },
    { total: 1 },
    { rules: [{ path: '/total', rule: 'tolerance', tolerance: 0.001 }] },
    ['ignored by * tolerance /total ×1'],
  ],
  [
    'tolerance, exactly',
    { total: 1.0011 },
    { total: 1 },
    { rules: [{ path: '/total', rule: 'tolerance', tolerance: 0.001 }] },
    ['value /total number→number'],
  ],
  [
    'an expired rule',
    { total: 1 },
    { total: 2 },
    { rules: [{ path: '/total', rule: 'ignore', until: '2026-11-20' }] },
    ['value /total number→number'],
  ],
  [
    'a rule on its last day',
    { total: 1 },
    { total: 2 },
    { rules: [{ path: '/total', rule: 'ignore', until: '2026-11-21' }] },
    ['ignored by * ignore /total ×1'],
  ],
  [
    'a rule for another pair',
    { total: 1 },
    { total: 2 },
    { rules: [{ path: '/total', rule: 'ignore', pair: 'legacy-dynamodb' }] },
    ['value /total number→number'],
  ],
  [
    'a rule never hides a status',
    { status: 200 },
    { status: 404 },
    { rules: [{ path: '', rule: 'ignore' }] },
    ['status  200→404'],
  ],
];

for (const [name, left, right, given, expected] of rows) {
  t.test(name, async (t) => {
    t.same(said(held(left, right, given)), expected);
  });
}

t.test('exposure: legacy refuses, a store answers', async (t) => {
  for (const status of [401, 403, 404]) {
    t.same(said(held({ status }, { total: 1 }, {}, ['legacy', 'mongodb'])), [`exposure  ${status}→200`]);
  }
  t.same(said(held({ status: 400 }, { total: 1 }, {}, ['legacy', 'mongodb'])), ['status  400→200']);
});

t.test('no exposure: a store refuses, or legacy does and nobody answers', async (t) => {
  t.same(said(held({ status: 404 }, { total: 1 })), ['status  404→200']);
  t.same(said(held({ status: 404 }, { status: 300 }, {}, ['legacy', 'mongodb'])), ['status  404→300']);
});

t.test('the older origin stands left, whoever is control', async (t) => {
  const { pair, differences } = compare(seen('mongodb', one({})), seen('dynamodb', one({ at: 'x' })), planOf({}), 0);
  t.equal(pair, 'dynamodb-mongodb');
  t.match(differences, [{ kind: 'missing' }]);
});

t.test('nothing holds up the process: large bodies in slices, what cannot be sliced refused', async (t) => {
  const many = (n: number, turn: (item: object) => object) => ({
    items: Array.from({ length: n }, (_, id) => turn({ id: `${id}`, at: 'x'.repeat(300), tags: ['a'] })),
  });
  const reversed = (item: object) => Object.fromEntries(Object.entries(item).reverse());
  const comparing = startComparing(
    seen(
      'dynamodb',
      many(3000, (item) => item),
    ),
    seen('mongodb', many(3000, reversed)),
    planOf({}),
    0,
  );
  let slices = 1;
  let done = comparing.step(2);
  for (; done === undefined; slices += 1) done = comparing.step(2);
  t.equal(done.outcome, 'match');
  t.ok(done.keyOrder);
  t.ok(slices > 2, `${slices} slices`);
  const long = one({ tags: Array.from({ length: 30_000 }, (_, n) => `${n}`) });
  const other = one({ tags: Array.from({ length: 30_000 }, (_, n) => `${n + 1}`) });
  t.same(said(held(long, other)), ['skipped too_large']);
  const deep = (last: number) => `${'['.repeat(400)}"${'x'.repeat(500_000)}",${last}${']'.repeat(400)}`;
  t.same(said(held(deep(1), deep(2))), ['skipped too_large'], 'lists within lists do not take it squared');
  t.same(said(held('x'.repeat(5_000_000), 'y'.repeat(5_000_000))), ['skipped too_large']);
});
