import { test } from 'tap';
import { compileDynamoDb } from '../../../src/bindings/wire/dynamodb.ts';
import { Out } from '../../../src/bindings/wire/out.ts';
import type { RenderWire } from '../../../src/bindings/wire/render-wire.ts';
import { type DynamoDbRoom, Room } from '../../../src/bindings/wire/room.ts';
import { decodeItem } from '../../../src/drivers/dynamodb/decode.ts';
import { framed } from '../../../src/drivers/dynamodb/frame.ts';
import type { WireItem } from '../../../src/model/wire.ts';
import {
  each,
  either,
  type Given,
  integer,
  listOf,
  number,
  object,
  PAGE,
  PAGES,
  plainly,
  planned,
  type Row,
  ref,
  text,
  yes,
} from '../../support/wire-rows.ts';

/** An item as DynamoDB writes it, or what is to be written so. */
type Sent = string | Readonly<Record<string, unknown>>;

const S = (value: string) => ({ S: value });
const N = (value: number | string) => ({ N: String(value) });
const L = (...values: readonly unknown[]) => ({ L: values });
const M = (value: Readonly<Record<string, unknown>>) => ({ M: value });
const NULL = { NULL: true };
const TRUE = { BOOL: true };

function sent(items: readonly Sent[]): readonly WireItem[] {
  const texts = items.map((item) => (typeof item === 'string' ? item : JSON.stringify(item)));
  return framed(Buffer.from(`{"Items":[${texts.join(',')}]}`)).items;
}

const bare = (items: readonly WireItem[]) => items.map(({ bytes, start, end }): WireItem => ({ bytes, start, end }));

const written = (render: RenderWire, items: readonly WireItem[], page = PAGE): string | undefined =>
  render({ items, request: {} as never, page, decode: decodeItem })?.toString();

const scalars = object({
  s: text,
  maybe: { ...text, nullable: true },
  n: number,
  i: integer,
  b: yes,
  none: { type: 'null' },
});
const free = { schema: object({ a: {} }) };
const person = { schema: object({ who: ref('Person'), z: text }) };
const pets = { schema: object({ pets: listOf(either) }) };
const items = { schema: object({ list: listOf(object({ a: text })) }), items: '/list' };
const tagged = {
  schema: object({ a: { oneOf: [ref('One'), ref('Two')], discriminator: { propertyName: 'kind' } } }),
};
const further = { schema: object({ b: text, hidden: { ...text, writeOnly: true } }), open: true };
const asked: Given = {
  schema: object({ a: text, b: text, c: object({ d: text }) }),
  sources: { '/b': (item: { readonly n?: string }) => item.n, '/c/d': (item: { readonly m?: string }) => item.m },
};

const ROWS: readonly Row<Sent>[] = [
  ...each<Sent>(
    'scalars',
    { schema: scalars },
    {
      'each of its type': [
        { b: { BOOL: false }, s: S('x'), n: N('1.50'), i: N(7) },
        '{"s":"x","n":1.5,"i":7,"b":false}',
      ],
      'those that may be nothing': [{ maybe: NULL, none: NULL }, '{"maybe":null,"none":null}'],
      'one that may be nothing, and is not': [{ maybe: S('x') }, '{"maybe":"x"}'],
      'bytes for a text': [{ s: { B: 'YQ==' } }, '{"s":"YQ=="}'],
      'a truth': [{ b: TRUE }, '{"b":true}'],
      'a fraction': [{ n: N('0.25') }, '{"n":0.25}'],
      'a whole number that has a point': [{ i: N('7.0') }, '{"i":7}'],
      'nothing at all': [{}, '{}'],
      'nothing where it may not be': [{ s: NULL }, undefined],
      'a number for a text': [{ s: N(1) }, undefined],
      'a truth for a text': [{ s: TRUE }, undefined],
      'a text for a number': [{ n: S('1') }, undefined],
      'bytes for a number': [{ n: { B: 'YQ==' } }, undefined],
      'a fraction for an integer': [{ i: N('7.5') }, undefined],
      'a text for a truth': [{ b: S('true') }, undefined],
      'a list for a text': [{ s: L(S('x')) }, undefined],
      'a list for nothing': [{ none: L() }, undefined],
      'a map for a text': [{ s: M({}) }, undefined],
      'a set of texts for a text': [{ s: { SS: ['x'] } }, undefined],
      'a set of numbers for nothing': [{ none: { NS: ['1'] } }, undefined],
      'a set of bytes for a text': [{ s: { BS: ['YQ=='] } }, undefined],
      'a name twice': ['{"s":{"S":"a"},"s":{"S":"b"}}', undefined],
      'a name with an escape': ['{"\\u0073":{"S":"a"}}', undefined],
    },
  ),
  ...each<Sent>('any value', free, {
    'a text': [{ a: S('x"y') }, '{"a":"x\\"y"}'],
    'a number': [{ a: N('-0.50') }, '{"a":-0.5}'],
    'a truth': [{ a: TRUE }, '{"a":true}'],
    nothing: [{ a: NULL }, '{"a":null}'],
    bytes: [{ a: { B: 'YQ==' } }, '{"a":"YQ=="}'],
    'an empty map': [{ a: M({}) }, '{"a":{}}'],
    'a map, sorted': [
      { a: M({ b: N(2), aa: M({ x: NULL }), B: L(), a: S('') }) },
      '{"a":{"B":[],"a":"","aa":{"x":null},"b":2}}',
    ],
    'names beyond ASCII': [{ a: M({ 写: N(1), é: N(2), a: N(3) }) }, '{"a":{"a":3,"é":2,"写":1}}'],
    'an empty list': [{ a: L() }, '{"a":[]}'],
    'a list': [{ a: L(S('x'), L(N(1), L()), M({ b: TRUE }), NULL) }, '{"a":["x",[1,[]],{"b":true},null]}'],
    'a set of texts, sorted': [{ a: { SS: ['b', 'a'] } }, '{"a":["a","b"]}'],
    'a set of numbers, sorted': [{ a: { NS: ['10', '9'] } }, '{"a":[9,10]}'],
    'a set of bytes': [{ a: { BS: ['YQ=='] } }, undefined],
    'a map in a list in a map': [{ a: M({ b: L(M({ c: L(M({})) })) }) }, '{"a":{"b":[{"c":[{}]}]}}'],
    'a name that JavaScript knows': ['{"a":{"M":{"__proto__":{"S":"x"}}}}', undefined],
    'a name that JavaScript knows, behind another': ['{"a":{"M":{"a":{"S":"x"},"__proto__":{"S":"x"}}}}', undefined],
    'an inner name with an escape': ['{"a":{"M":{"\\u0061":{"S":"x"}}}}', undefined],
    'an inner name twice': ['{"a":{"M":{"b":{"S":"x"},"b":{"S":"y"}}}}', undefined],
    'an inner name twice, the last ones': [
      '{"a":{"M":{"a":{"S":"x"},"c":{"S":"y"},"b":{"S":"x"},"c":{"S":"z"}}}}',
      undefined,
    ],
  }),
  ...each<Sent>('an inner object', person, {
    'as it is': [
      { who: M({ age: N(7), name: S('x'), more: S('y') }), z: S('z') },
      '{"who":{"name":"x","age":7},"z":"z"}',
    ],
    empty: [{ who: M({}), z: S('z') }, '{"who":{},"z":"z"}'],
    'not there': [{ z: S('z') }, '{"z":"z"}'],
    nothing: [{ who: NULL }, undefined],
    'a text': [{ who: S('x') }, undefined],
    'a list': [{ who: L() }, undefined],
    'a violation in it': [{ who: M({ name: N(1) }) }, undefined],
  }),
  ...each<Sent>(
    'an inner object that may be nothing',
    { schema: object({ who: { ...ref('Person'), nullable: true } }) },
    {
      nothing: [{ who: NULL }, '{"who":null}'],
      'as it is': [{ who: M({ name: S('x') }) }, '{"who":{"name":"x"}}'],
      'a text': [{ who: S('x') }, undefined],
      'a number': [{ who: N(1) }, undefined],
    },
  ),
  ...each<Sent>(
    'an object of attributes of the item',
    {
      schema: object({ at: object({ x: text, y: text }, { nullable: true }), z: text }),
      sources: { '/at/x': 'x', '/at/y': 'deep.y' },
    },
    {
      'one of its own': [{ at: M({}), x: S('1'), deep: M({ y: S('2') }) }, '{"at":{"x":"1","y":"2"}}'],
      'none of its own': [{ x: S('1'), deep: M({ y: S('2') }) }, '{"at":{"x":"1","y":"2"}}'],
      'one attribute': [{ deep: M({ y: S('2') }), z: S('3') }, '{"at":{"y":"2"},"z":"3"}'],
      'no attribute': [{ z: S('3') }, '{"z":"3"}'],
      'one of its own, and no attribute': [{ at: M({}), z: S('3') }, '{"at":{},"z":"3"}'],
      'nothing of its own': [{ at: NULL, x: S('1') }, '{"at":null}'],
      'a text of its own': [{ at: S('x') }, undefined],
      'a map instead of an attribute': [{ x: M({}) }, undefined],
    },
  ),
  ...each<Sent>(
    'a list put together from an attribute of its elements',
    { schema: object({ names: listOf(text) }), sources: { '/names/*': 'name' } },
    {
      maps: [{ names: L(M({ name: S('a') }), M({ x: S('c'), name: S('b') })) }, '{"names":["a","b"]}'],
      'one that has none': [{ names: L(M({ name: S('a') }), M({}), M({ name: S('c') })) }, '{"names":["a",null,"c"]}'],
      none: [{ names: L() }, '{"names":[]}'],
      'what is no map': [{ names: L(S('a')) }, undefined],
      'a set': [{ names: { SS: ['a'] } }, undefined],
      'another type': [{ names: L(M({ name: N(1) })) }, undefined],
    },
  ),
  ...each<Sent>(
    'a list',
    { schema: object({ l: listOf(text), m: listOf(integer, { nullable: true }), z: text }) },
    {
      'of none, one and more': [{ l: L(), m: L(N(1)), z: S('z') }, '{"l":[],"m":[1],"z":"z"}'],
      'of three': [{ l: L(S('a'), S('b'), S('c')) }, '{"l":["a","b","c"]}'],
      'a set': [{ l: { SS: ['b', 'a'] }, m: { NS: ['2', '1'] } }, '{"l":["a","b"],"m":[1,2]}'],
      'nothing where it may be': [{ m: NULL }, '{"m":null}'],
      'nothing where it may not be': [{ l: NULL }, undefined],
      'a text': [{ l: S('a') }, undefined],
      'a text where it may be nothing': [{ m: S('a') }, undefined],
      'a map': [{ l: M({}) }, undefined],
      'another type in it': [{ l: L(S('a'), N(1)) }, undefined],
      'nothing in it': [{ l: L(NULL) }, undefined],
      'a map in it': [{ l: L(M({})) }, undefined],
    },
  ),
  ...each<Sent>(
    'lists in lists',
    { schema: object({ grid: listOf(listOf(integer)) }) },
    {
      some: [{ grid: L(L(N(1), N(2)), L(), L(N(3))) }, '{"grid":[[1,2],[],[3]]}'],
      'a set': [{ grid: L({ NS: ['2', '1'] }) }, '{"grid":[[1,2]]}'],
      'a number among them': [{ grid: L(L(), N(1)) }, undefined],
    },
  ),
  ...each<Sent>(
    'objects in a list, and in these',
    { schema: ref('Tree') },
    {
      deep: [
        { name: S('1'), below: L(M({ below: L(M({ name: S('3') })), name: S('2') }), M({})) },
        '{"name":"1","below":[{"name":"2","below":[{"name":"3"}]},{}]}',
      ],
      'one that lacks what the one before it has': [
        { below: L(M({ name: S('a'), below: L() }), M({ below: L() }), M({ name: S('b') })) },
        '{"below":[{"name":"a","below":[]},{"below":[]},{"name":"b"}]}',
      ],
      'a text among them': [{ below: L(M({}), S('a')) }, undefined],
    },
  ),
  ...each<Sent>('what is not declared', further, {
    'behind what is, sorted': [
      { z: N(1), b: S('x'), hidden: S('y'), a: L(M({ k: TRUE })) },
      '{"b":"x","a":[{"k":true}],"z":1}',
    ],
    'without what is': [{ z: N(1), a: N(2) }, '{"a":2,"z":1}'],
    'nothing but what is': [{ b: S('x') }, '{"b":"x"}'],
    'nothing at all': [{}, '{}'],
    'a name with a quote': ['{"a\\"":{"S":"x"}}', undefined],
    'one of them twice': ['{"z":{"N":"1"},"z":{"N":"1"}}', undefined],
  }),
  ...each<Sent>(
    'a map',
    { schema: { type: 'object', additionalProperties: ref('Person') } },
    {
      some: [{ y: M({ age: N(1) }), x: M({ name: S('n') }) }, '{"x":{"name":"n"},"y":{"age":1}}'],
      none: [{}, '{}'],
      'a text': [{ y: S('x') }, undefined],
      nothing: [{ y: NULL }, undefined],
    },
  ),
  ...each<Sent>('one or the other', pets, {
    'by what it says': [
      { pets: L(M({ good: TRUE, kind: S('Dog') }), M({ kind: S('Cat'), lives: N(9), good: TRUE })) },
      '{"pets":[{"kind":"Dog","good":true},{"kind":"Cat","lives":9}]}',
    ],
    'what says nothing, behind one that does': [
      { pets: L(M({ kind: S('Dog'), good: TRUE }), M({ lives: N(9), good: TRUE })) },
      '{"pets":[{"kind":"Dog","good":true},{"lives":9,"good":true}]}',
    ],
    'what says something else': [
      { pets: L(M({ kind: S('Cow'), good: TRUE, lives: N(1) })) },
      '{"pets":[{"kind":"Cow","lives":1,"good":true}]}',
    ],
    nothing: [{ pets: L(NULL) }, '{"pets":[null]}'],
    'a text': [{ pets: L(S('x')) }, '{"pets":["x"]}'],
    bytes: [{ pets: L({ B: 'YQ==' }) }, undefined],
    'a list': [{ pets: L(L()) }, undefined],
    'what says it with a number': [{ pets: L(M({ kind: N(1) })) }, undefined],
    'what says it with nothing': [{ pets: L(M({ kind: NULL })) }, undefined],
    'what says it with an escape': ['{"pets":{"L":[{"M":{"kind":{"S":"\\u0044og"}}}]}}', undefined],
    'what says it twice': ['{"pets":{"L":[{"M":{"kind":{"S":"Dog"},"kind":{"S":"Dog"}}}]}}', undefined],
  }),
  ...each<Sent>(
    'two kinds of choices',
    {
      schema: object({
        a: listOf(either),
        b: listOf({ oneOf: [ref('Person'), ref('Cat')], discriminator: { propertyName: 'name' } }),
        c: listOf({ oneOf: [ref('Person'), ref('Cat')] }),
      }),
    },
    {
      'each by its own': [
        {
          a: L(M({ kind: S('Dog'), name: S('Cat'), lives: N(1) })),
          b: L(M({ kind: S('Dog'), name: S('Cat'), age: N(1), lives: N(2) }), M({ name: S('Person'), lives: N(3) })),
          c: L(M({ kind: S('Cat'), name: S('Cat'), age: N(1), lives: N(2) })),
        },
        '{"a":[{"kind":"Dog"}],"b":[{"kind":"Dog","lives":2},{"name":"Person"}],"c":[{"name":"Cat","age":1,"kind":"Cat","lives":2}]}',
      ],
    },
  ),
  ...each<Sent>(
    'a text, a list or an object',
    { schema: object({ a: { oneOf: [text, listOf(integer), ref('Person')] }, b: { oneOf: [text, integer] } }) },
    {
      'a text, and a number': [{ a: S('x'), b: N(1) }, '{"a":"x","b":1}'],
      'a list': [{ a: L(N(1), N(2)) }, '{"a":[1,2]}'],
      'a set': [{ a: { NS: ['2', '1'] } }, '{"a":[1,2]}'],
      'an object': [{ a: M({ age: N(1), name: S('x'), z: S('y') }) }, '{"a":{"name":"x","age":1}}'],
      nothing: [{ a: NULL, b: NULL }, '{"a":null,"b":null}'],
      'a number where only texts are': [{ a: N(1) }, undefined],
      'an object where none is': [{ b: M({}) }, undefined],
      'a list where none is': [{ b: L() }, undefined],
    },
  ),
  ...each<Sent>(
    'by a codec',
    {
      schema: object({ at: text, cents: { ...text, nullable: true }, days: listOf({ ...text, format: 'date' }) }),
      sources: {
        '/at': { from: 'at', as: 'epoch-seconds' },
        '/cents': { from: 'cents', as: 'decimal(2)' },
        '/days': { from: 'days', as: 'epoch-seconds' },
      },
    },
    {
      'each by its own': [
        { at: N(1_767_600_000), cents: N('1.5'), days: L(N(1_767_600_000), N(0)) },
        '{"at":"2026-01-05T08:00:00.000Z","cents":"1.50","days":["2026-01-05","1970-01-01"]}',
      ],
      nothing: [{ cents: NULL }, '{"cents":null}'],
      'nothing where it may not be': [{ at: NULL }, undefined],
      'a list': [{ at: L() }, undefined],
      'a map': [{ at: M({}) }, undefined],
      'no number': [{ at: S('x') }, undefined],
      'a set': [{ days: { NS: ['1'] } }, undefined],
    },
  ),
  ...each<Sent>(
    'what is written where nothing is stored',
    {
      schema: object(
        { type: { const: 'x' }, maybe: { ...text, nullable: true }, tags: listOf(text), z: text },
        { required: ['type'] },
      ),
      sources: { '/tags': { absent: [] } },
      absentAs: 'null',
    },
    {
      'all of it': [{}, '{"type":"x","maybe":null,"tags":[]}'],
      'none of it': [
        { z: S('z'), maybe: S('m'), type: S('y'), tags: L(S('t')) },
        '{"type":"y","maybe":"m","tags":["t"],"z":"z"}',
      ],
    },
  ),
  ...each<Sent>('functions', asked, {
    'all of them': [{ n: S('N'), m: S('M'), a: S('A') }, '{"a":"A","b":"N","c":{"d":"M"}}'],
    'what they give nothing for is left out': [{ a: S('A') }, '{"a":"A"}'],
    'an object of its own, and nothing in it': [{ c: M({}) }, '{"c":{}}'],
    'what is of another type': [{ n: N(1) }, undefined],
  }),
  ...each<Sent>(
    'a function, and what is written where it gives nothing',
    {
      ...asked,
      schema: object({ b: { ...text, nullable: true }, c: text }),
      sources: { '/b': asked.sources?.['/b'] },
      absentAs: 'null',
    },
    { nothing: [{ c: S('x') }, '{"b":null,"c":"x"}'], something: [{ n: S('N') }, '{"b":"N"}'] },
  ),
  {
    what: 'a function that throws',
    given: {
      schema: object({ a: text }),
      sources: {
        '/a': () => {
          throw new TypeError('no');
        },
      },
    },
    items: [{ a: S('x') }],
    wanted: undefined,
  },
  ...each<Sent>(
    'a list of objects, with sources in it',
    { schema: object({ l: listOf(object({ a: text })), z: text }), sources: { '/l/*/a': 'deep.b' } },
    {
      'as it is': [{ l: L(M({ deep: M({ b: S('x') }) }), M({ a: S('y') })) }, '{"l":[{"a":"x"},{}]}'],
      'not there': [{ z: S('z') }, undefined],
    },
  ),
  ...each<Sent>(
    'an object of which one attribute is its own',
    { schema: object({ at: object({ x: text, y: text }) }), sources: { '/at/x': 'x' } },
    {
      both: [{ x: S('1'), at: M({ y: S('2') }) }, '{"at":{"x":"1","y":"2"}}'],
      'none of its own': [{ x: S('1'), y: S('2') }, '{"at":{"x":"1"}}'],
      neither: [{ y: S('2') }, '{}'],
    },
  ),
  ...each<Sent>('what says it with any type', tagged, {
    'a text': [{ a: M({ kind: S('One'), x: S('x'), y: S('y') }) }, '{"a":{"kind":"One","x":"x"}}'],
    'another text': [{ a: M({ kind: S('Other'), x: S('x'), y: S('y') }) }, '{"a":{"kind":"Other","x":"x","y":"y"}}'],
    'a number': [{ a: M({ kind: N(1), x: S('x') }) }, undefined],
    nothing: [{ a: M({ kind: NULL }) }, undefined],
  }),
  ...each<Sent>(
    'one codec for elements that are maps',
    { schema: object({ days: listOf(text) }), sources: { '/days/*': { from: 'at', as: 'epoch-seconds' } } },
    {
      some: [
        { days: L(M({ at: N(0) }), M({ at: N(1) })) },
        '{"days":["1970-01-01T00:00:00.000Z","1970-01-01T00:00:01.000Z"]}',
      ],
      'a text': [{ days: L(M({ at: S('x') })) }, undefined],
    },
  ),
  {
    what: 'one of two',
    given: { schema: object({ a: text }) },
    items: [{ a: S('1') }, { a: S('2') }],
    wanted: '{"a":"1"}',
  },
  {
    what: 'a bare list',
    given: { schema: listOf(object({ a: text, b: text })), items: '' },
    items: [{ a: S('1'), b: S('x') }, { b: S('2') }, {}, { a: S('3') }],
    wanted: '[{"a":"1","b":"x"},{"b":"2"},{},{"a":"3"}]',
  },
  { what: 'a list in an object, of none', given: items, items: [], wanted: '{"list":[]}' },
  {
    what: 'a list in an object',
    given: items,
    items: [{ a: S('1') }, { a: S('2') }],
    wanted: '{"list":[{"a":"1"},{"a":"2"}]}',
  },
  {
    what: 'a list in an object, with another type',
    given: items,
    items: [{ a: S('1') }, { a: N(2) }],
    wanted: undefined,
  },
  {
    what: 'functions of each item',
    given: {
      schema: object({ list: listOf(object({ a: text, b: text })) }),
      items: '/list',
      sources: {
        '/list/*/a': (item: { readonly n: string }) => item.n,
        '/list/*/b': (item: { readonly n: string }) => `${item.n}!`,
      },
    },
    items: [{ n: S('1') }, { n: S('2') }],
    wanted: '{"list":[{"a":"1","b":"1!"},{"a":"2","b":"2!"}]}',
  },
];

// One of all rows: what an earlier one leaves there is nothing to a later one.
const room = new Room();

const pages = PAGES.map((row): Row<Sent> => ({ ...row, items: [] }));
for (const { what, given, items, page = PAGE, wanted } of [...ROWS, ...pages])
  test(`${what} is ${wanted === undefined ? 'left to the plain renderer' : 'written from the bytes'}`, async (t) => {
    const wire = sent(items);
    const render = compileDynamoDb(planned(given), room.dynamodb);
    t.equal(written(render, wire, page), wanted);
    t.equal(written(render, bare(wire), page), wanted, 'without marks');
    t.equal(written(render, wire, page), wanted, 'and once more');
    if (wanted !== undefined) t.equal(plainly(given, wire.map(decodeItem), page), wanted, 'as the plain one writes it');
  });

const roomOf = (places: number): DynamoDbRoom => ({
  out: new Out(),
  places: new Int32Array(places),
  ends: new Int32Array(places),
});

test('what does not fit into the room is left to the plain renderer', async (t) => {
  // The item has two places, each of the elements in it two more.
  const tree = planned({ schema: ref('Tree') });
  const nested = (depth: number): Sent =>
    Array.from({ length: depth }).reduce<Readonly<Record<string, unknown>>>(
      (inner) => ({ name: S('x'), below: L(M(inner)) }),
      { name: S('x') },
    );
  const { slots } = tree.kind === 'one' ? tree.item : { slots: 0 };
  t.equal(slots, 3);
  const fits = (places: number, depth: number) =>
    written(compileDynamoDb(tree, roomOf(places)), sent([nested(depth)])) !== undefined;
  t.strictSame([fits(3, 0), fits(2, 0)], [true, false]);
  t.strictSame([fits(9, 2), fits(8, 2)], [true, false]);
});

test('what is told by a text in it needs two places for that', async (t) => {
  // Two of the item, one of the element of the list, and of the map in it one, which is less than the two.
  const bags = { oneOf: [ref('Bag'), ref('Cat')], discriminator: { propertyName: 'kind' } };
  const program = planned({ schema: object({ bags: listOf(bags) }) });
  const one = sent([{ bags: L(M({ kind: S('Bag') })) }]);
  const of = (places: number) => written(compileDynamoDb(program, roomOf(places)), one);
  t.strictSame([4, 5, 6].map(of), [undefined, '{"bags":[{"kind":"Bag"}]}', '{"bags":[{"kind":"Bag"}]}']);
});

test('what was left to the plain renderer leaves nothing behind', async (t) => {
  const tree = compileDynamoDb(planned({ schema: ref('Tree') }), roomOf(9));
  const good = sent([{ name: S('a'), below: L(M({ name: S('b'), below: L(M({ name: S('c') })) })) }]);
  const bad = sent([{ name: S('a'), below: L(M({ name: S('b'), below: L(M({ name: N(1) })) })) }]);
  const wanted = '{"name":"a","below":[{"name":"b","below":[{"name":"c"}]}]}';
  for (let n = 0; n < 3; n += 1) {
    t.equal(written(tree, bad), undefined);
    t.equal(written(tree, good), wanted);
  }
});

test('texts and numbers that are as we write them are copied', async (t) => {
  class Watched extends Out {
    texts = 0;

    override text(text: string): void {
      this.texts += 1;
      super.text(text);
    }
  }
  const out = new Watched();
  const render = compileDynamoDb(planned({ schema: object({ s: text, n: number }) }), { ...roomOf(10), out });
  t.equal(written(render, sent([{ s: S('x'), n: N('1.5') }])), '{"s":"x","n":1.5}');
  t.equal(out.texts, 0);
});

test('functions get the item, decoded once', async (t) => {
  let decoded = 0;
  const decode = (item: WireItem) => {
    decoded += 1;
    return decodeItem(item);
  };
  const given: Given = {
    schema: listOf(object({ a: text })),
    items: '',
  };
  const one = (item: { readonly n?: string }) => item.n;
  const render = compileDynamoDb(
    planned({ schema: object({ a: text, b: text }), sources: { '/a': one, '/b': one } }),
    room.dynamodb,
  );
  const input = { request: {} as never, page: PAGE, decode };
  t.equal(String(render({ ...input, items: sent([{ n: S('1') }]) })), '{"a":"1","b":"1"}');
  t.equal(decoded, 1);
  t.equal(String(render({ ...input, items: sent([{ n: S('2') }]) })), '{"a":"2","b":"2"}');
  t.equal(decoded, 2);
  t.equal(
    String(compileDynamoDb(planned(given), room.dynamodb)({ ...input, items: sent([{ a: S('x') }]) })),
    '[{"a":"x"}]',
  );
  t.equal(decoded, 2, 'and not at all where none is asked');
});

test('what is no fault of the data is thrown, and leaves nothing behind', async (t) => {
  const program = planned({ schema: object({ a: text, b: text }), sources: { '/b': () => 'x' } });
  const render = compileDynamoDb(program, room.dynamodb);
  const items = sent([{ a: S('y') }]);
  const broken = () => {
    throw new RangeError('broken');
  };
  t.throws(() => render({ items, request: {} as never, page: PAGE, decode: broken }), new RangeError('broken'));
  t.equal(written(render, items), '{"a":"y","b":"x"}');
});

test('an end that was noted for one renderer is none for another', async (t) => {
  const many = compileDynamoDb(planned({ schema: object({ a: text, b: text, c: text, d: text }) }), room.dynamodb);
  const deep = planned({
    schema: object({ a: text, b: text, c: text }),
    sources: { '/a': 'deep.a', '/b': 'deep.b', '/c': 'deep.c' },
  });
  const inner = M({ a: S('a longer text'), b: S('x'), c: S('yy') });
  t.equal(written(many, sent([{ a: S('1'), b: S('2'), c: S('3'), d: S('4') }])), '{"a":"1","b":"2","c":"3","d":"4"}');
  t.equal(
    written(compileDynamoDb(deep, room.dynamodb), sent([{ deep: inner }])),
    '{"a":"a longer text","b":"x","c":"yy"}',
  );
});
