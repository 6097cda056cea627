import t from 'tap';
import { compare } from '../../src/compare/compare.ts';
import { held, one, planOf, type Side, said, seen } from '../support/comparing.ts';

t.test('the headers that are always compared', async (t) => {
  const names = ['cache-control', 'content-type', 'etag', 'last-modified', 'link', 'location', 'set-cookie', 'vary'];
  for (const name of names) {
    const answer = (value: string) => ({ status: 200, headers: { [name]: value }, body: {} });
    t.same(said(held(answer('a'), answer('b'))), [`header header:${name} string→string`]);
  }
});

t.test('values of headers are kept as JSON, many of them as one', async (t) => {
  const answer = (headers: object) => ({ status: 200, headers, body: {} });
  const of = (left: object, right: object) =>
    held(answer(left), answer(right)).differences.map(({ at, left, right }) => [
      at,
      left && `${left}`,
      right && `${right}`,
    ]);
  t.same(of({ etag: 'a' }, { etag: 'b' }), [['header:etag', '"a"', '"b"']]);
  t.same(of({ etag: 'a' }, {}), [['header:etag', '"a"', undefined]]);
  t.same(of({}, { etag: 'b' }), [['header:etag', undefined, '"b"']]);
  t.same(of({ 'set-cookie': ['a', 'b'] }, { 'set-cookie': ['a', 'c'] }), [['header:set-cookie', '"a, b"', '"a, c"']]);
  t.same(of({ 'set-cookie': ['a', 'b'] }, { 'set-cookie': ['a', 'b'] }), []);
});

t.test('what in a header differs for reasons of ours does not count', async (t) => {
  const answer = (link: string) => seen('dynamodb', { status: 200, headers: { link }, body: {} });
  const other = (link: string) => seen('mongodb', { status: 200, headers: { link }, body: {} });
  const plan = { ...planOf({}), headerValue: (name: string, value: string) => `${name} ${value.split('#')[0]}` };
  t.equal(compare(answer('a#1'), other('a#2'), plan, 0).outcome, 'match');
  t.equal(compare(answer('a#1'), other('b#1'), plan, 0).outcome, 'mismatch');
});

t.test('an origin that fails for a reason of its own', async (t) => {
  const failed = { origin: 'mongodb', ok: false, duration: 1, error: new Error('x') } as const;
  t.same(said(compare(seen('dynamodb', { total: 1 }), failed, planOf({}), 0)), ['unanswerable  200→failed']);
});

t.test('a comparison says whether it saw all', async (t) => {
  const differing = (count: number) => (value: string) =>
    one({ tags: Array.from({ length: count }, (_, n) => `${value}${n}`) });
  const complete = (left: Side, right: Side) => {
    const { complete, differences } = held(left, right);
    return [complete, differences.length];
  };
  t.same(complete({ total: 1 }, { total: 1 }), [true, 0]);
  t.same(complete({ total: 1 }, { total: 2 }), [true, 1]);
  t.same(complete({ total: 1 }, { failure: 'timeout' }), [false, 0]);
  t.same(complete('x'.repeat(2_000_000), 'y'.repeat(2_000_000)), [false, 0]);
  t.same(complete(differing(499)('a'), differing(499)('b')), [true, 499]);
  t.same(complete(differing(500)('a'), differing(500)('b')), [false, 500], 'as many as are kept');
  t.same(complete(differing(501)('a'), differing(501)('b')), [false, 500]);
  const many = Object.fromEntries(Array.from({ length: 3_001 }, (_, n) => [`k${n}`, 1]));
  t.same(complete({ meta: { a: 1, ...many } }, { meta: { a: 2, ...many } }), [false, 1], 'what was found stands');
});

t.test('bodies beyond a size are compared for equal bytes only', async (t) => {
  const within = (maxBytes: number, left: object, right: object) =>
    said(compare(seen('dynamodb', left), seen('mongodb', right), { ...planOf({}), maxBytes }, 0));
  t.same(within(11, { total: 1 }, { total: 2 }), ['value /total number→number']);
  t.same(within(10, { total: 1 }, { total: 1 }), ['match']);
  t.same(within(11, { total: 1 }, { total: 12 }), ['skipped too_large']);
  t.same(within(11, { total: 12 }, { total: 1 }), ['skipped too_large']);
});

t.test('of rules only those that covered something are named', async (t) => {
  const rules = [{ path: '/total', rule: 'ignore' }];
  t.same(held({ total: 1 }, { total: 1 }, { rules }).rules, []);
  t.same(held({ total: 1 }, { total: 2 }, { rules }).rules, [{ rule: '* ignore /total', uses: 1 }]);
  t.same(held('{"total":1,"next":1}', '{"total":2,"next":oops}', { rules }).rules, [], 'none of what is no JSON');
});
