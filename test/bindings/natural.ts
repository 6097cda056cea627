import { NumberValue } from '@aws-sdk/lib-dynamodb';
import { ObjectId } from 'mongodb';
import t from 'tap';
import { isContainer, listOf, natural, projected, sorted } from '../../src/bindings/natural.ts';

t.test('a set is sorted alike whatever it holds', async (t) => {
  const written = (...items: unknown[]) => (listOf(new Set(items)) ?? []).map(String);
  t.same(written(10, 9, 1), ['1', '9', '10'], 'numbers by size');
  t.same(written(NumberValue.from('9007199254740993'), NumberValue.from('9007199254740992')).length, 2);
  const long = [NumberValue.from('9007199254740993'), NumberValue.from('9007199254740992')];
  t.same(
    (listOf(new Set(long)) as NumberValue[]).map(({ value }) => value),
    ['9007199254740992', '9007199254740993'],
    'also where a double cannot tell',
  );
  t.same(written('b', 'a', 'B', 'é'), ['B', 'a', 'b', 'é'], 'texts by code unit');
  t.same(written('10', '9'), ['10', '9']);
  t.same(written(10, 'x', 9), ['x', '9', '10'], 'of both: texts before numbers');
  t.equal(listOf(new Set([new Map(), new Map(), 'a']))?.length, 3, 'what has no text');
  t.same(listOf([3, 1, 2]), [3, 1, 2], 'a list as it is');
  t.equal(listOf('abc'), undefined);
  t.equal(listOf({ length: 0 }), undefined);
});

t.test('keys of a map are sorted by code unit', async (t) => {
  t.same(sorted({ b: 1, a: 2, é: 3, Z: 4 }), [
    ['Z', 4],
    ['a', 2],
    ['b', 1],
    ['é', 3],
  ]);
});

t.test('what the schema has no place for: scalars and lists of them, and nothing of an object', async (t) => {
  t.equal(projected('x'), '"x"');
  t.equal(projected({ secret: 1 }), '{}');
  t.equal(projected([1, { secret: 1 }, ['x', 'y']]), '[1,{},["x","y"]]');
});

t.test('any value whole', async (t) => {
  t.equal(natural(undefined, ''), 'null');
  t.equal(natural({ b: [1, null, { d: 'x' }], a: undefined, c: true }, ''), '{"b":[1,null,{"d":"x"}],"c":true}');
  t.equal(natural(new Set(['b', 'a']), ''), '["a","b"]');
  t.equal(natural({ _bsontype: 'ObjectId' }, ''), '{"_bsontype":"ObjectId"}', 'data of that name');
  const symbol = Symbol('x');
  t.throws(() => natural(symbol, '/x'), { name: 'Undecodable', message: '/x: a value of no JSON kind' });
  t.throws(() => natural({ a: symbol }, ''), { message: '/: a value of no JSON kind' });
  t.throws(() => natural(() => {}, '/x'), { message: '/x: a value of no JSON kind' });
  t.throws(() => natural(new Date(Number.NaN), '/x'), { message: '/x: a value of no JSON kind' });
});

t.test('containers are lists, sets and maps', async (t) => {
  for (const one of [[], new Set(), {}, { a: 1 }]) t.equal(isContainer(one), true);
  for (const none of [undefined, null, 'x', 1, true, new Date(), new Date(Number.NaN), Buffer.alloc(1), new ObjectId()])
    t.equal(isContainer(none), false, String(none));
  t.equal(isContainer(NumberValue.from('1')), false);
  t.equal(isContainer(NumberValue.from('1e99999999999999999999')), false, 'a number that none can use');
});
