import t from 'tap';
import { fixedHeaders, headerProblem, madeHeaders, replyHeaders } from '../../src/bindings/headers.ts';
import type { HeaderSource } from '../../src/model/binding.ts';

const made =
  (headers: Record<string, string | undefined>): HeaderSource =>
  () =>
    headers;
const nothing = {} as never;

t.test('fixed headers: ours, the API’s, the operation’s', async (t) => {
  t.strictSame(fixedHeaders(undefined, undefined), { 'cache-control': 'private, no-store' });
  t.strictSame(fixedHeaders({ 'Cache-Control': undefined }, { 'X-A': '1' }), { 'x-a': '1' });
  t.strictSame(fixedHeaders({ 'cache-control': undefined }, { 'Cache-Control': 'max-age=5' }), {
    'cache-control': 'max-age=5',
  });
  t.strictSame(fixedHeaders(made({ a: '1' }), undefined), { 'cache-control': 'private, no-store' });
});

t.test('made headers: the operation’s over the API’s', async (t) => {
  t.equal(madeHeaders({ a: '1' }, undefined), undefined);
  t.strictSame(madeHeaders(made({ a: '1', b: '2' }), made({ b: '3' }))?.(nothing, nothing), { a: '1', b: '3' });
  t.strictSame(madeHeaders({ a: '1' }, made({ b: '3' }))?.(nothing, nothing), { b: '3' });
});

t.test('one reply', async (t) => {
  const fixed = { 'content-type': 'application/json; charset=utf-8', 'x-a': '1', vary: 'Origin' };
  const cases: [string | undefined, Record<string, string | undefined> | undefined, Record<string, string>][] = [
    ['application/json', undefined, { ...fixed }],
    ['Application/JSON;x=y', undefined, { ...fixed }],
    ['application/problem+json', undefined, { ...fixed, 'content-type': 'application/problem+json' }],
    ['text/plain', { 'Content-Type': 'text/html' }, { ...fixed, 'content-type': 'text/html' }],
    [undefined, undefined, { 'x-a': '1', vary: 'Origin' }],
    [
      'application/json',
      { 'X-A': undefined, 'x-b': '2' },
      { 'content-type': fixed['content-type'], vary: 'Origin', 'x-b': '2' },
    ],
  ];
  for (const [type, own, expected] of cases) t.strictSame(replyHeaders(type, fixed, own), expected, String(type));
});

t.test('what HTTP has no place for', async (t) => {
  t.equal(headerProblem(undefined), undefined);
  t.equal(headerProblem({ 'x-a': 'é', 'x-b': undefined }), undefined);
  t.match(headerProblem({ 'x a': '1' }), /x a/);
  t.match(headerProblem({ 'x-a': '1\r\nx-b: 2' }), /x-a/);
  t.match(headerProblem({ 'x-a': 1 as never }), /must be a text/);
  t.match(headerProblem({ 'Content-Length': '3' }), /the server's own/);
  t.match(headerProblem('x' as never), /must be a function, or an object/);
});
