import t from 'tap';
import { compileRenderer } from '../../src/bindings/render.ts';
import { checkSources, type RendererOptions, type RenderInput } from '../../src/bindings/sources.ts';
import { createShapes } from '../../src/contract/shape.ts';

const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });
const text = { type: 'string' };
const object = (properties: Record<string, unknown>, more: object = {}) => ({ type: 'object', properties, ...more });
const array = (items: unknown) => ({ type: 'array', items });
const COMPONENTS: Readonly<Record<string, unknown>> = {
  Person: object({ id: text, name: text }),
  Cat: object({ kind: text, lives: { type: 'integer' } }),
  Dog: object({ kind: text, bark: { type: 'boolean' } }),
  Tree: object({ name: text, below: array(ref('Tree')), first: ref('Tree') }),
  Named: { allOf: [ref('Person'), object({ age: { type: 'integer' } })] },
};
const shapeOf = createShapes((name) => COMPONENTS[name.split('/').at(-1) as string]);

type Given = Partial<Omit<RendererOptions, 'shape'>> &
  Partial<Omit<RenderInput, 'page'>> & { readonly page?: never; readonly facts?: RendererOptions['page'] };
const PAGE = { limit: 10, count: 2, more: true, next: 'cursor', total: 7, pages: 4 };

/** The body, and the places where it breaks the contract. */
function rendered(
  schema: unknown,
  { item, items, facts = {}, ...options }: Omit<Given, 'items'> & { items?: unknown; list?: unknown },
  list?: unknown,
) {
  const broken: string[] = [];
  const write = compileRenderer({
    ...{ where: 'b.ts', store: 'mongodb', sources: {}, shapes: {}, items: items as string | undefined, page: facts },
    ...{
      shape: schema === undefined ? undefined : shapeOf(schema),
      onViolation: (pointer) => void broken.push(pointer),
    },
    ...(options as object),
  });
  const body = write({
    item,
    items: list,
    request: { operation: 'x' },
    page: PAGE,
  } as unknown as RenderInput).toString();
  return [body, ...broken];
}

const petOf = { oneOf: [ref('Cat'), ref('Dog')] };
const tagged = {
  ...petOf,
  discriminator: {
    propertyName: 'kind',
    mapping: { cat: '#/components/schemas/Cat', dog: '#/components/schemas/Dog' },
  },
};
const CAT = { kind: 'cat', lives: 9, bark: true };
/** What is stored, how the bindings say it is written, the body, and where it breaks the contract. */
const rows: [
  name: string,
  schema: unknown,
  given: Parameters<typeof rendered>[1],
  body: string,
  ...broken: string[],
][] = [
  ['no body', undefined, { item: { a: 1 } }, ''],
  [
    'the whole body by a function',
    object({ a: text }),
    { item: { b: 'x' }, sources: { '': ({ b }) => ({ a: b }) } },
    '{"a":"x"}',
  ],
  [
    'the whole body by an attribute',
    object({ a: text }),
    { item: { b: { a: 'x' } }, sources: { '': 'b' } },
    '{"a":"x"}',
  ],
  [
    'an attribute of another name',
    object({ a: text }),
    { item: { b: { c: ['x', 'y'] } }, sources: { '/a': 'b.c.1' } },
    '{"a":"y"}',
  ],
  [
    'an attribute of what is no object',
    object({ a: text, z: text }),
    { item: { b: null, z: 'z' }, sources: { '/a': 'b.c' } },
    '{"z":"z"}',
  ],
  [
    'what all objects have is no attribute',
    object({ a: {}, toString: {} }),
    { item: { z: 1 }, sources: { '/a': 'constructor.name' } },
    '{}',
  ],
  [
    'another store’s source: the attribute of the same name',
    object({ a: text }),
    { item: { a: 'own', b: 'x' }, sources: { '/a': { dynamodb: 'b' } } },
    '{"a":"own"}',
  ],
  [
    'this store’s source',
    object({ a: text }),
    { item: { a: 'own', b: 'x' }, sources: { '/a': { dynamodb: 'a', mongodb: 'b' } } },
    '{"a":"x"}',
  ],
  [
    'a pointer with ~ and /',
    object({ 'a/b': text, 'c~d': text }),
    { item: { x: 'x', y: 'y' }, sources: { '/a~1b': 'x', '/c~0d': 'y' } },
    '{"a/b":"x","c~d":"y"}',
  ],
  [
    'what is said where it is absent',
    object({ a: {}, b: {} }),
    { item: { b: 1 }, sources: { '/a': { from: 'x', absent: [0] }, '/b': { absent: 2 } } },
    '{"a":[0],"b":1}',
  ],
  [
    'absent as null, where it may be',
    object({ a: { ...text, nullable: true }, b: text }),
    { item: { c: 1 }, absentAs: 'null' },
    '{"a":null}',
  ],
  ['absent, and not said', object({ a: { ...text, nullable: true } }), { item: { c: 1 } }, '{}'],
  [
    'a function sees the element, the item, its parent, request and page',
    object({ list: array(object({ all: {} })) }),
    {
      item: { list: [{ n: 1 }] },
      sources: {
        '/list/*/all': (element, { item, parent, request, page }) => [element, item, parent, request, page.total],
      },
    },
    '{"list":[{"all":[{"n":1},{"list":[{"n":1}]},{"list":[{"n":1}]},{"operation":"x"},7]}]}',
  ],
  [
    'what a page says of itself',
    object({ a: text, b: { type: 'boolean' }, c: { type: 'integer' }, d: { type: 'integer' } }),
    { item: { z: 1 }, facts: { next: '/a', more: '/b', total: '/c', pages: '/d' } },
    '{"a":"cursor","b":true,"c":7,"d":4}',
  ],
  [
    'each of a list',
    object({ l: array(text) }),
    { item: { l: [{ v: 'a' }, { v: 'b' }] }, sources: { '/l/*': 'v' } },
    '{"l":["a","b"]}',
  ],
  [
    'one of a list',
    object({ l: array(text) }),
    { item: { l: ['a', 'b', 'c'] }, sources: { '/l/1': () => 'x' } },
    '{"l":["a","x","c"]}',
  ],
  [
    'one of a list beside each',
    object({ l: array(object({ a: text, b: text })) }),
    {
      item: {
        l: [
          { x: '1', y: '2' },
          { x: '3', y: '4' },
        ],
      },
      sources: { '/l/*/a': 'x', '/l/*/b': 'y', '/l/0/b': 'x' },
    },
    '{"l":[{"a":"1","b":"1"},{"a":"3","b":"4"}]}',
  ],
  [
    'one of a list that has no such attribute',
    array(object({ a: text })),
    { item: [{}] as never, sources: {} },
    '[{}]',
  ],
  [
    'an element for which there is nothing',
    object({ l: array(text) }),
    { item: { l: [{ v: 'a' }, {}] }, sources: { '/l/*': 'v' } },
    '{"l":["a",null]}',
  ],
  [
    'each value of a map',
    object({ m: { type: 'object', additionalProperties: object({ a: text }) } }),
    { item: { m: { x: { b: '1' }, y: { b: '2' }, z: undefined } }, sources: { '/m/*/a': 'b' } },
    '{"m":{"x":{"a":"1"},"y":{"a":"2"}}}',
  ],
  [
    'a map beside declared names',
    { type: 'object', properties: { a: text }, additionalProperties: { type: 'integer' } },
    { item: { b: 2, a: 'x' } },
    '{"a":"x","b":2}',
  ],
  [
    'a map whose value breaks the contract is named',
    { type: 'object', additionalProperties: { type: 'integer' } },
    { item: { b: 'x' } },
    '{"b":"x"}',
    '/*',
  ],
  [
    'an object whose parts are attributes of the item',
    object({ o: object({ a: text, b: text }), p: object({ a: text }) }),
    { item: { x: '1', y: '2' }, sources: { '/o/a': 'x', '/o/b': 'y', '/p/a': 'z' } },
    '{"o":{"a":"1","b":"2"}}',
  ],
  [
    'an object that is there, with a part from elsewhere',
    object({ o: object({ a: text, b: text }) }),
    { item: { x: '1', o: { b: '2' } }, sources: { '/o/a': 'x' } },
    '{"o":{"a":"1","b":"2"}}',
  ],
  [
    'a component’s sources, relative to it',
    object({ p: ref('Person') }),
    { item: { p: { _id: '7', name: 'x' } }, shapes: { Person: { '/id': '_id' } } },
    '{"p":{"id":"7","name":"x"}}',
  ],
  [
    'a component’s sources, each in a list',
    object({ l: array(ref('Person')) }),
    { item: { l: [{ _id: '1' }, { _id: '2' }] }, shapes: { Person: { '/id': '_id' } } },
    '{"l":[{"id":"1"},{"id":"2"}]}',
  ],
  [
    'a component as a whole',
    object({ p: ref('Person') }),
    { item: { p: { q: { name: 'x' } } }, shapes: { Person: { '': ({ p }) => p.q } } },
    '{"p":{"name":"x"}}',
  ],
  [
    'an operation’s sources before the component’s',
    object({ p: ref('Person') }),
    {
      item: { p: { a: '1', b: '2', c: '3' } },
      sources: { '/p/id': 'b' },
      shapes: { Person: { '/id': 'a', '/name': 'c' } },
    },
    '{"p":{"id":"2","name":"3"}}',
  ],
  [
    'sources of what a component was merged from',
    object({ n: ref('Named') }),
    { item: { n: { _id: '1', age: 3 } }, shapes: { Person: { '/id': '_id' } } },
    '{"n":{"id":"1","age":3}}',
  ],
  [
    'a tree',
    ref('Tree'),
    { item: { name: 'a', below: [{ name: 'b', below: [] }], first: { name: 'c' } } },
    '{"name":"a","below":[{"name":"b","below":[]}],"first":{"name":"c"}}',
  ],
  [
    'a tree by a component’s sources',
    ref('Tree'),
    { item: { n: 'a', below: [{ n: 'b' }] }, shapes: { Tree: { '/name': 'n' } } },
    '{"name":"a","below":[{"name":"b"}]}',
  ],
  [
    'a list that is the body',
    array(object({ a: text })),
    { items: '', list: [{ a: '1' }, { a: '2' }] },
    '[{"a":"1"},{"a":"2"}]',
  ],
  [
    'a list within the body',
    object({ items: array(object({ a: text, p: {} })), next: text }),
    {
      items: '/items',
      list: [{ b: '1' }],
      facts: { next: '/next' },
      sources: { '/items/*/a': 'b', '/items/*/p': (_: unknown, { item }) => (item as { b: string }).b },
    },
    '{"items":[{"a":"1","p":"1"}],"next":"cursor"}',
  ],
  [
    'a list that is empty',
    object({ items: array(object({ a: text })) }),
    { items: '/items', list: [] },
    '{"items":[]}',
  ],
  [
    'texts of a list by a codec',
    object({ l: array({ type: 'integer' }) }),
    { item: { l: ['1', '22'] }, sources: { '/l': { from: 'l', as: 'number' } } },
    '{"l":[1,22]}',
  ],
  [
    'JSON in a text',
    object({ o: object({ a: text }) }),
    { item: { o: '{"a":"x","b":"y"}' }, sources: { '/o': { as: 'json', from: 'o' } } },
    '{"o":{"a":"x"}}',
  ],
  [
    'a constant that need not be stored',
    object({ kind: { type: 'string', enum: ['cat'] }, other: { type: 'string', enum: ['x'] } }, { required: ['kind'] }),
    { item: { z: 1 } },
    '{"kind":"cat"}',
  ],
  ['anything goes', object({ any: {} }), { item: { any: { b: 1, a: [null] } } }, '{"any":{"a":[null],"b":1}}'],
  [
    'a free object with a source',
    object({ f: { type: 'object' } }),
    { item: { g: { x: 1 } }, sources: { '/f': 'g' } },
    '{"f":{"x":1}}',
  ],
  ['one of two: by the tag', tagged, { item: CAT }, '{"kind":"cat","lives":9}'],
  ['one of two: by another tag', tagged, { item: { ...CAT, kind: 'dog' } }, '{"kind":"dog","bark":true}'],
  ['one of two: by what the bindings say', petOf, { item: CAT, variant: () => 'Dog' }, '{"kind":"cat","bark":true}'],
  [
    'one of two: the tag before what the bindings say',
    tagged,
    { item: CAT, variant: () => 'Dog' },
    '{"kind":"cat","lives":9}',
  ],
  ['one of two: an unknown tag', tagged, { item: { ...CAT, kind: 'cow' } }, '{"kind":"cow","lives":9,"bark":true}'],
  ['one of two: nobody says which', petOf, { item: CAT }, '{"kind":"cat","lives":9,"bark":true}'],
  [
    'one of two: the bindings say one that is none',
    petOf,
    { item: CAT, variant: () => 'Cow' },
    '{"kind":"cat","lives":9,"bark":true}',
  ],
  [
    'a text or an object: an object',
    object({ a: { oneOf: [text, ref('Cat')] } }),
    { item: { a: CAT } },
    '{"a":{"kind":"cat","lives":9}}',
  ],
  ['a text or an object: a text', object({ a: { oneOf: [text, ref('Cat')] } }), { item: { a: 'x' } }, '{"a":"x"}'],
  ['a text or an object: a number', object({ a: { oneOf: [text, ref('Cat')] } }), { item: { a: 5 } }, '{"a":5}', '/a'],
  [
    'a text or a number: a number',
    object({ a: { oneOf: [text, { type: 'integer' }] } }),
    { item: { a: 5 } },
    '{"a":5}',
  ],
  [
    'a text, a list or an object: a list',
    object({ a: { oneOf: [text, array({ type: 'integer' }), ref('Cat')] } }),
    { item: { a: [1, 2] } },
    '{"a":[1,2]}',
  ],
  [
    'a list of numbers or an object: texts',
    object({ a: { oneOf: [ref('Cat'), array({ type: 'integer' })] } }),
    { item: { a: ['x'] } },
    '{"a":["x"]}',
    '/a/*',
  ],
  [
    'a text or a list: an object',
    object({ a: { oneOf: [text, array(text)] } }),
    { item: { a: { b: 1 } } },
    '{"a":{}}',
    '/a',
  ],
  ['one of two: null', object({ a: petOf }), { item: { a: null } }, '{"a":null}'],
  [
    'one of two, by sources within',
    object({ a: petOf }),
    { item: { a: { kind: 'cat', n: 9, bark: true } }, sources: { '/a/lives': 'a.n' } },
    '{"a":{"kind":"cat","lives":9,"bark":true}}',
  ],
  ['a text where an object should be', object({ a: ref('Cat') }), { item: { a: 'x' } }, '{"a":"x"}', '/a'],
  ['null where an object should be', object({ a: ref('Cat') }), { item: { a: null } }, '{"a":null}', '/a'],
  [
    'null where an object may be',
    object({ a: { ...object({ b: text }), nullable: true } }),
    { item: { a: null } },
    '{"a":null}',
  ],
  [
    'a list where an object should be: of such objects',
    object({ a: ref('Cat') }),
    { item: { a: [CAT, { kind: 'x', z: 1 }] } },
    '{"a":[{"kind":"cat","lives":9},{"kind":"x"}]}',
    '/a',
  ],
  ['an object where a list should be', object({ a: array(text) }), { item: { a: { b: 1 } } }, '{"a":{}}', '/a'],
  ['an object where a text should be', object({ a: text }), { item: { a: { b: 1 } } }, '{"a":{}}', '/a'],
  ['a number where a text should be', object({ a: text }), { item: { a: 5 } }, '{"a":5}', '/a'],
  ['a text where a number should be', object({ a: { type: 'number' } }), { item: { a: '5' } }, '{"a":"5"}', '/a'],
  [
    'a text where yes or no should be',
    object({ a: { type: 'boolean' } }),
    { item: { a: 'true' } },
    '{"a":"true"}',
    '/a',
  ],
  [
    'yes and no',
    object({ a: { type: 'boolean' }, b: { type: 'boolean' } }),
    { item: { a: true, b: false } },
    '{"a":true,"b":false}',
  ],
  ['half an integer', object({ a: { type: 'integer' } }), { item: { a: 1.5 } }, '{"a":1.5}', '/a'],
  ['a small part of an integer', object({ a: { type: 'integer' } }), { item: { a: 1e-7 } }, '{"a":1e-7}', '/a'],
  ['a part of a small one', object({ a: { type: 'integer' } }), { item: { a: -1.25e-7 } }, '{"a":-1.25e-7}', '/a'],
  [
    'a large integer',
    object({ a: { type: 'integer' }, b: { type: 'integer' } }),
    { item: { a: 1.5e30, b: 1e21 } },
    '{"a":1.5e+30,"b":1e+21}',
  ],
  ['half a number', object({ a: { type: 'number' } }), { item: { a: 1.5 } }, '{"a":1.5}'],
  ['null where it may not be', object({ a: text }), { item: { a: null } }, '{"a":null}', '/a'],
  [
    'null where nothing else may be',
    { type: 'object', properties: { a: { type: 'null' } } },
    { item: { a: null } },
    '{"a":null}',
  ],
  [
    'open: what is not declared, in order, each as it is',
    object({ a: text }),
    { item: { c: { y: 1, x: undefined }, b: [1], a: 'x', n: undefined }, open: true },
    '{"a":"x","b":[1],"c":{"y":1}}',
  ],
  ['open, and nothing declared', object({}), { item: { a: 1 }, open: true }, '{"a":1}'],
];
for (const [name, schema, given, ...expected] of rows) {
  t.test(`written: ${name}`, async (t) => {
    t.strictSame(rendered(schema, given, (given as { list?: unknown }).list), expected);
  });
}

const bad: [name: string, given: Parameters<typeof rendered>[1], message: RegExp][] = [
  [
    'a function that throws names its place',
    {
      item: { a: 1 },
      sources: {
        '/a': () => {
          throw new Error('no');
        },
      },
    },
    /^\/a: the source threw Error: no$/,
  ],
  [
    'a function of the whole body',
    {
      item: { a: 1 },
      sources: {
        '': () => {
          throw new Error('no');
        },
      },
    },
    /^\/: the source threw Error: no$/,
  ],
  ['a value of no kind', { item: { a: Symbol('x') } }, /^\/a: a value of no JSON kind$/],
  ['what is no JSON', { item: { a: '{' }, sources: { '/a': { from: 'a', as: 'json' } } }, /^\/a: /],
];
for (const [name, given, message] of bad) {
  t.test(`cannot be written: ${name}`, async (t) => {
    t.throws(() => rendered(object({ a: text }), given), { name: 'Undecodable', message });
  });
}

t.test('a text as the whole body that cannot be written is named by the root', async (t) => {
  t.throws(() => rendered(text, { item: Symbol('x') as never }), { message: '/: a value of no JSON kind' });
});

const BODY = object({
  ...{
    name: text,
    list: array(object({ a: text })),
    any: {},
    free: { type: 'object' },
    lists: { oneOf: [text, array(text)] },
  },
  ...{
    map: { type: 'object', additionalProperties: object({ a: text }) },
    pet: petOf,
    none: { oneOf: [text, ref('Cat')] },
  },
});
const lacks = (pointer: string) => `the response schema has no ${pointer}`;
/** Places that bindings name, and what is said of those that the schema lacks. */
const places: [name: string, given: Partial<RendererOptions>, ...problems: string[]][] = [
  [
    'all there',
    {
      sources: {
        '/name': 'x',
        '/list/*/a': 'x',
        '/list/10/a': 'x',
        '': 'x',
        '/any/deep/er': 'x',
        '/free/x/y': 'x',
        '/map/k/a': 'x',
        '/map/*/a': 'x',
        '/pet/lives': 'x',
        '/pet/bark': 'x',
      },
    },
  ],
  ['not there', { sources: { '/nome': 'x' } }, `b.ts/response//nome: ${lacks('/nome')}`],
  ['below a text', { sources: { '/name/x': 'x' } }, `b.ts/response//name/x: ${lacks('/name/x')}`],
  [
    'no index',
    { sources: { '/list/x/a': 'x', '/list/1x/a': 'x', '/list/x1/a': 'x' } },
    ...['/list/x/a', '/list/1x/a', '/list/x1/a'].map((at) => `b.ts/response/${at}: ${lacks(at)}`),
  ],
  ['not there in a list', { sources: { '/list/*/b': 'x' } }, `b.ts/response//list/*/b: ${lacks('/list/*/b')}`],
  ['not there in a map', { sources: { '/map/k/b': 'x' } }, `b.ts/response//map/k/b: ${lacks('/map/k/b')}`],
  ['in none of two', { sources: { '/pet/wings': 'x' } }, `b.ts/response//pet/wings: ${lacks('/pet/wings')}`],
  ['no pointer', { sources: { name: 'x' } }, 'b.ts/response/name: "name" is no JSON pointer; it begins with /'],
  ['of a page', { page: { next: '/name', more: '/more' } }, `b.ts/page/more: ${lacks('/more')}`],
  [
    'no schema',
    { shape: undefined, sources: { '/name': 'x' }, items: '/list' },
    `b.ts/response//name: ${lacks('/name')}`,
    `b.ts/items: ${lacks('/list')}`,
  ],
  ['a list', { items: '/list' }],
  ['the body as a list', { items: '' }],
  ['what may be a list', { items: '/lists' }],
  ['what may be anything', { items: '/any' }],
  ['below anything', { items: '/any/x' }],
  ['a text as a list', { items: '/name' }, 'b.ts/items: /name is no array in the response schema'],
  ['what is no list either way', { items: '/none' }, 'b.ts/items: /none is no array in the response schema'],
  ['a list that is not there', { items: '/lost' }, `b.ts/items: ${lacks('/lost')}`],
  [
    'a list that is no pointer',
    { items: 'list' },
    'b.ts/items: "list" is no JSON pointer; it begins with /',
    'b.ts/items: list is no array in the response schema',
  ],
];
for (const [name, given, ...problems] of places) {
  t.test(`places: ${name}`, async (t) => {
    const found = checkSources({
      ...{ where: 'b.ts', shape: shapeOf(BODY), store: 'mongodb', sources: {}, shapes: {}, items: undefined, page: {} },
      ...given,
    });
    t.strictSame(
      found.map(({ where, message }) => `${where}: ${message}`),
      problems,
    );
  });
}
