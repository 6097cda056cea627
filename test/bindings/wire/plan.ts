import { test } from 'tap';
import { loadBindings } from '../../../src/bindings/load.ts';
import type { RendererOptions } from '../../../src/bindings/sources.ts';
import { programOf } from '../../../src/bindings/wire/plan.ts';
import type { Element, Field, Node, ObjectNode, Program } from '../../../src/bindings/wire/program.ts';
import { createShapes } from '../../../src/contract/shape.ts';
import type { Sources } from '../../../src/model/binding.ts';

type Given = Partial<Omit<RendererOptions, 'shape'>> & { readonly schema: unknown };

const COMPONENTS: Readonly<Record<string, unknown>> = {
  Person: { type: 'object', properties: { id: { type: 'string' }, name: { type: 'string' } } },
  Tree: { type: 'object', properties: { name: { type: 'string' }, below: { type: 'array', items: ref('Tree') } } },
  Chain: { type: 'object', properties: { name: { type: 'string' }, next: ref('Chain') } },
  Any: { oneOf: [{ type: 'string' }, { type: 'array', items: ref('Any') }] },
};

function ref(name: string) {
  return { $ref: `#/components/schemas/${name}` };
}

function planned({ schema, ...given }: Given): Program | undefined {
  const shape = createShapes((name) => COMPONENTS[name.split('/').at(-1) as string])(schema);
  return programOf({
    where: 'test',
    shape,
    store: 'dynamodb',
    sources: {},
    shapes: {},
    items: undefined,
    page: {},
    ...given,
  });
}

const object = (properties: Readonly<Record<string, unknown>>, more: object = {}) => ({
  type: 'object',
  properties,
  ...more,
});
const text = { type: 'string' };

const one = (program: Program | undefined): Element => {
  if (program?.kind !== 'one') throw new Error(`${program?.kind} is no plan of one item`);
  return program.item;
};
const objectOf = (node: Node | Field['assembled'] | Field['content']): ObjectNode => {
  if (node === undefined || node === 'plain' || node.kind !== 'object') throw new Error('no object');
  return node;
};
const kinds = (element: Element): string[] => objectOf(element.node).fields.map(({ content }) => content.kind);

/** Attribute paths of an element, with their slots. */
function wanted({ wants }: Element): Record<string, number> {
  const found: Record<string, number> = {};
  const walk = (path: string, at: Element['wants']): void => {
    if (at.slot !== -1) found[path] = at.slot;
    for (const [name, inner] of at.children) walk(`${path}/${name}`, inner);
  };
  walk('', wants);
  return found;
}

test('attributes have slots in the order of the contract, once each', async (t) => {
  const element = one(
    planned({
      schema: object({ id: text, name: text, alias: text, lat: { type: 'number' } }),
      sources: { '/id': 'user_id', '/alias': 'name', '/lat': { from: 'place.0.lat', as: 'number' } },
    }),
  );
  t.same(wanted(element), { '': 0, '/user_id': 1, '/name': 2, '/place/0/lat': 3 });
  t.same(
    objectOf(element.node).fields.map(({ name, key, slot }) => [name, String(key), slot]),
    [
      ['id', '"id":', 1],
      ['name', '"name":', 2],
      ['alias', '"alias":', 2],
      ['lat', '"lat":', 3],
    ],
  );
  t.match(objectOf(element.node).fields[3]?.content, { kind: 'scalar', type: 'number', codec: 'number' });
});

test('an object whose fields are attributes of the item is put together, with or without one of its own', async (t) => {
  const element = one(
    planned({
      schema: object({ at: object({ x: text, y: text, z: text }) }),
      sources: { '/at/x': 'here.x', '/at/y': 'y' },
    }),
  );
  t.same(wanted(element), { '': 0, '/at': 4, '/here/x': 1, '/y': 2, '/at/z': 3 });
  const [at] = objectOf(element.node).fields;
  t.same(
    objectOf(at?.content).fields.map(({ slot }) => slot),
    [1, 2, 3],
  );
  t.same(
    objectOf(at?.assembled).fields.map(({ slot }) => slot),
    [1, 2, -1],
    'without the object there is nothing in it',
  );
});

test('an object that no source reaches is an element of its own', async (t) => {
  const element = one(planned({ schema: object({ who: ref('Person'), tree: ref('Tree'), chain: ref('Chain') }) }));
  t.same(kinds(element), ['inner', 'inner', 'inner']);
  const tree = objectOf(element.node).fields[1]?.content;
  if (tree?.kind !== 'inner') throw new Error('no element');
  const below = objectOf(tree.element.node).fields[1]?.content;
  t.equal(below?.kind === 'list' && below.each, tree.element, 'a recursive shape is a cyclic plan');
});

test('sources of a component are relative to the value that is written with it', async (t) => {
  const shapes = { Person: { '/id': 'person_id' } };
  const element = one(planned({ schema: object({ who: ref('Person') }), shapes }));
  t.same(wanted(element), { '': 0, '/who': 1 });
  const who = objectOf(element.node).fields[0]?.content;
  t.same(who?.kind === 'inner' && wanted(who.element), { '': 0, '/person_id': 1, '/name': 2 });
});

test('what is written where nothing is stored', async (t) => {
  const schema = object(
    { type: { const: 'user' }, note: { type: ['string', 'null'] }, tags: { type: 'array', items: text } },
    { required: ['type'] },
  );
  const element = one(planned({ schema, absentAs: 'null', sources: { '/tags': { absent: [] } } }));
  t.same(
    objectOf(element.node).fields.map(({ missing }) => String(missing)),
    ['"user"', 'null', '[]'],
  );
});

test('a function, or what has no plan, is carried out on the decoded item', async (t) => {
  const schema = object({ url: text, raw: {}, list: { type: 'array', items: text }, links: object({ self: text }) });
  const element = one(
    planned({
      schema,
      sources: {
        '/url': (item: { id?: string }) => item.id && `/of/${item.id}`,
        '/raw': { from: 'raw', as: 'json' },
        '/list/0': 'first',
        '/links/self': (item: { id?: string }) => `/of/${item.id}`,
      } as Sources,
    }),
  );
  t.same(kinds(element), ['made', 'made', 'made', 'object']);
  t.same(wanted(element), { '': 0, '/links': 1 });
  const input = { items: [], request: {} as never, page: {} as never, decode: () => ({}) };
  const texts = (item: Record<string, unknown>) =>
    objectOf(element.node).fields.map(({ content }) => content.kind === 'made' && content.make(item, input));
  t.same(texts({ id: 'a"b', raw: '{"x":1e2}', list: [{ first: 'z' }] }), ['"/of/a\\"b"', '{"x":100}', '["z"]', false]);
  t.same(texts({}), [undefined, undefined, undefined, false]);
  t.throws(() => texts({ id: 1, list: [{ first: 1 }] }), 'a violation is for the plain renderer to count');
  const [self] = objectOf(objectOf(element.node).fields[3]?.assembled).fields;
  t.equal(self?.content.kind, 'made');
});

test('maps, free objects, unions and lists in lists have a plan', async (t) => {
  const schema = object({
    map: { type: 'object', additionalProperties: ref('Person') },
    free: { type: 'object' },
    any: {},
    mixed: ref('Any'),
    either: { oneOf: [ref('Person'), ref('Tree')], discriminator: { propertyName: 'kind' } },
    grid: { type: 'array', items: { type: 'array', items: { type: 'integer' } } },
    days: { type: 'array', items: { type: 'string', format: 'date' } },
  });
  const element = one(planned({ schema, sources: { '/days': { from: 'days', as: 'epoch-seconds' } } }));
  t.same(kinds(element), ['inner', 'natural', 'natural', 'union', 'union', 'list', 'list']);
  const [map, , , , either, , days] = objectOf(element.node).fields.map(({ content }) => content);
  t.ok(map?.kind === 'inner' && objectOf(map.element.node).rest);
  t.same(either?.kind === 'union' && [...(either.discriminator?.branches.keys() ?? [])], ['Person', 'Tree']);
  t.match(days?.kind === 'list' && days.each.node, { kind: 'scalar', codec: 'epoch-seconds', format: 'date' });
});

test('a page is what stands around its list', async (t) => {
  const schema = object({
    data: object({ list: { type: 'array', items: ref('Person') }, kind: { const: 'x' } }, { required: ['kind'] }),
    next: { type: ['string', 'null'] },
    other: text,
  });
  const program = planned({
    schema,
    items: '/data/list',
    page: { next: '/next' },
    sources: { '/data/list/*/name': 'n', '/data/list/*/id': (item: { i: string }) => item.i } as Sources,
    absentAs: 'null',
  });
  if (program?.kind !== 'page') throw new Error('no page');
  const [data, next, other] = program.fields;
  t.same([data?.kind, next?.kind, other], ['object', 'made', undefined], 'what no store gives is left out');
  const [list, kind] = data?.kind === 'object' ? data.fields : [];
  t.match(kind, { kind: 'text', text: Buffer.from('"x"') });
  t.ok(list?.kind === 'items');
  if (list?.kind === 'items') t.same(kinds(list.item), ['made', 'scalar']);
  const input = (next?: string) => ({
    items: [],
    request: {} as never,
    decode: () => ({}),
    page: { limit: 1, count: 1, more: true, next } as never,
  });
  t.equal(next?.kind === 'made' && next.make(input('abc')), '"abc"');
  t.equal(next?.kind === 'made' && next.make(input()), undefined);
  t.equal(next?.kind === 'made' && String(next.missing), 'null');
  t.equal(planned({ schema: { type: 'array', items: ref('Person') }, items: '' })?.kind, 'list');
});

const list = { type: 'array', items: object({ a: text, inner: { type: 'array', items: object({ b: text }) } }) };

const NONE: readonly { readonly name: string; readonly given: Given }[] = [
  { name: 'variant', given: { schema: object({ a: text }), variant: () => 'x' } },
  { name: 'no body', given: { schema: undefined, sources: { '': 'a' } } },
  { name: 'a source of the whole body', given: { schema: object({ a: text }), sources: { '': 'inner' } } },
  { name: 'a function below a bare array', given: { schema: list, items: '', sources: { '/*/a': () => 1 } } },
  { name: 'a source of one item', given: { schema: list, items: '', sources: { '/0/a': 'b' } } },
  { name: 'a bare list that is no array', given: { schema: object({ a: text }), items: '' } },
  {
    name: 'a function of each element of a bare array',
    given: { schema: list, items: '', sources: { '/*': () => 1 } },
  },
  { name: 'a list that is no array', given: { schema: object({ items: {} }), items: '/items' } },
  { name: 'a path over __proto__', given: { schema: list, items: '', sources: { '/*/a': '__proto__.x' } } },
  {
    name: 'a source of a whole component',
    given: { schema: object({ who: ref('Person') }), shapes: { Person: { '': 'person' } } },
  },
];

for (const { name, given } of NONE) {
  test(`no plan: ${name}`, async (t) => {
    t.equal(planned(given), undefined);
  });
}

const of = (item: { readonly id?: string }) => item.id;
const around = (more: Readonly<Record<string, unknown>>) => object({ list: { type: 'array', items: text }, ...more });
const NO_PAGE: readonly { readonly name: string; readonly given: Omit<Given, 'items'> }[] = [
  { name: 'sources in what may be anything', given: { schema: around({ x: {} }), sources: { '/x/y': of } } },
  { name: 'sources in a text', given: { schema: around({ x: text }), sources: { '/x/y': of } } },
  { name: 'a codec of the list', given: { schema: around({}), sources: { '/list': { as: 'epoch-seconds' } } } },
  {
    name: 'a function, and sources below it',
    given: { schema: around({ x: object({ y: text }) }), sources: { '/x': of, '/x/y': of } as Sources },
  },
  {
    name: 'a codec, and sources below it',
    given: { schema: around({ x: object({ y: text }) }), sources: { '/x': { as: 'json' }, '/x/y': of } as Sources },
  },
];
for (const { name, given } of NO_PAGE)
  test(`no plan of a page: ${name}`, async (t) => {
    t.equal(planned({ ...given, items: '/list' }), undefined);
  });

test('a page has a plan where', async (t) => {
  const fields = (given: Omit<Given, 'items'>) => {
    const program = planned({ ...given, items: '/list' });
    return program?.kind === 'page' ? program.fields.map(({ kind, key }) => [kind, String(key)]) : program?.kind;
  };
  const x = object({ y: text });
  const list = ['items', '"list":'];
  t.same(fields({ schema: around({ x }), sources: { '/x/y': of } }), [list, ['object', '"x":']]);
  t.same(fields({ schema: around({ x: { type: 'object' } }), sources: { '/x/y': of } }), [list, ['object', '"x":']]);
  t.same(fields({ schema: around({ x }), sources: { '/x/y': 'of' } }), [list, ['object', '"x":']]);
  t.same(fields({ schema: around({ x }), sources: { '/x': of } }), [list, ['made', '"x":']]);
  t.same(
    fields({
      schema: around({ x: { ...x, nullable: true } }),
      sources: { '/x': of, '/x/y': of } as Sources,
      absentAs: 'null',
    }),
    [list, ['made', '"x":']],
    'a function gives nothing, so that null is written and no source below is asked',
  );
  const hidden = { ...around({ k: { const: 'k', writeOnly: true } }), required: ['k'] };
  t.same(fields({ schema: hidden }), [list], 'what is only written is not read');
  const chain = {
    schema: around({ c: ref('Chain') }),
    sources: { '/c/name': of },
    shapes: { Chain: { '/next/name': of } },
  };
  t.same(fields(chain), [list, ['object', '"c":']], 'a recursive component ends');
});

test('what a page says of itself is known to one item too', async (t) => {
  const element = one(planned({ schema: object({ next: text, a: text }), page: { next: '/next' } }));
  t.same(kinds(element), ['made', 'scalar']);
});

const Any = { Any: { '/x': 'y' } };
const map = (values: unknown) => ({ type: 'object', additionalProperties: values });
const whom = { oneOf: [ref('Person'), text] };
/** What each field of an item is planned as. */
const FIELDS: readonly (readonly [name: string, given: Given, kinds: readonly string[]])[] = [
  ['a union', { schema: object({ a: whom }) }, ['union']],
  ['a union with sources in it', { schema: object({ a: whom }), sources: { '/a/id': 'b' } }, ['made']],
  ['a union that is a component with sources', { schema: object({ a: ref('Any') }), shapes: Any }, ['made']],
  [
    'a union in a union',
    { schema: object({ a: { oneOf: [ref('Person'), { oneOf: [text, { type: 'integer' }] }] } }) },
    ['made'],
  ],
  ['a union of any and an object', { schema: object({ a: { oneOf: [ref('Person'), {}] } }) }, ['union']],
  ['a map', { schema: object({ a: map(ref('Person')) }) }, ['inner']],
  ['a map with sources in it', { schema: object({ a: map(ref('Person')) }), sources: { '/a/*/id': 'b' } }, ['made']],
  ['a free object', { schema: object({ a: { type: 'object' } }) }, ['natural']],
  [
    'a free object with sources in it',
    { schema: object({ a: { type: 'object' } }), sources: { '/a/b': 'b' } },
    ['object'],
  ],
  ['an object that is open', { schema: object({ a: ref('Person') }), open: true }, ['inner']],
  [
    'one that is open, with sources in it',
    { schema: object({ a: ref('Person'), b: text }), open: true, sources: { '/a/id': 'b' } },
    ['made', 'scalar'],
  ],
  [
    'a list with a function of each',
    { schema: object({ a: { type: 'array', items: text } }), sources: { '/a/*': of } },
    ['made'],
  ],
  [
    'a list with functions in each',
    { schema: object({ a: { type: 'array', items: ref('Person') } }), sources: { '/a/*/id': of } },
    ['made'],
  ],
  [
    'a list with a path of each',
    { schema: object({ a: { type: 'array', items: text } }), sources: { '/a/*': 'b' } },
    ['list'],
  ],
  [
    'a list with a codec of each',
    { schema: object({ a: { type: 'array', items: text } }), sources: { '/a/*': { from: 'b', as: 'uuid' } } },
    ['list'],
  ],
];
for (const [name, given, wanted] of FIELDS)
  test(`a field that is ${name} is ${wanted[0]}`, async (t) => {
    t.same(kinds(one(planned(given))), wanted);
  });

test('what stands in a map has the sources of all its values', async (t) => {
  const values = (sources: Sources) => {
    const program = planned({ schema: map(ref('Person')), sources });
    const rest = program && objectOf(one(program).node).rest;
    return rest && wanted(rest.values);
  };
  t.same(values({}), { '': 0, '/id': 1, '/name': 2 });
  t.same(values({ '/*/name': 'n' }), { '': 0, '/id': 1, '/n': 2 });
  t.equal(values({ '/*/name': of }), undefined, 'no function is asked of what is no item');
});

test('what is not declared may be anything, where an object is open', async (t) => {
  const { rest } = objectOf(one(planned({ schema: object({ a: text }), open: true })).node);
  t.same([...(rest?.declared ?? [])], ['a']);
  t.same(rest?.values.node, { kind: 'natural' });
  t.equal(objectOf(one(planned({ schema: object({ a: text }) })).node).rest, undefined);
  const deep = { schema: object({ at: object({ x: text }) }), sources: { '/at/x': of }, open: true };
  const [at] = objectOf(one(planned(deep)).node).fields;
  t.equal(objectOf(at?.assembled).rest, undefined, 'but of what no store holds');
});

test('an object that has a codec and sources below it is for the plain renderer where it is not there', async (t) => {
  const assembled = (schema: unknown, sources: Sources) =>
    objectOf(one(planned({ schema: object({ at: schema }), sources })).node).fields[0]?.assembled;
  const x = object({ x: text });
  t.equal(assembled(x, { '/at': { as: 'json' }, '/at/x': 'x' }), 'plain');
  t.equal(objectOf(assembled(x, { '/at/x': 'x' })).fields.length, 1);
  t.equal(assembled({ type: 'array', items: x }, { '/at/*/x': 'x' }), 'plain');
  t.equal(assembled(x, {}), undefined);
  t.equal(assembled(x, { '/at': { absent: 1 }, '/at/x': 'x' }), undefined);
});

test('a codec of what is no scalar makes one of any type', async (t) => {
  const type = (schema: unknown) => {
    const [at] = objectOf(
      one(planned({ schema: object({ at: schema }), sources: { '/at': { from: 'at', as: 'string' } } })).node,
    ).fields;
    const content = at?.content.kind === 'list' ? at.content.each.node : at?.content;
    return content?.kind === 'scalar' && content.type;
  };
  const integer = { type: 'integer' };
  t.same([text, integer, { type: 'boolean' }].map(type), ['string', 'integer', 'boolean']);
  t.same([object({ x: text }), { oneOf: [text, integer] }, {}].map(type), ['any', 'any', 'any']);
  t.equal(type({ type: 'array', items: integer }), 'integer');
  t.equal(type({ type: 'array', items: { type: 'array', items: integer } }), 'any');
});

test('sources ten lists or maps deep have a plan, and no deeper ones', async (t) => {
  const deep = (levels: number, around: (inner: unknown) => unknown, within: unknown) =>
    Array.from({ length: levels }).reduce<unknown>((inner) => around(inner), within);
  const lists = (inner: unknown) => ({ type: 'array', items: inner });
  const at = (levels: number, rest: string) => `${'/*'.repeat(levels)}${rest}`;
  const plans = (made: (levels: number) => Given) => [10, 11, 12].map((levels) => planned(made(levels)) !== undefined);
  const a = object({ a: text });
  t.same(
    plans((n) => ({ schema: deep(n, lists, a), items: '', sources: { [at(n, '/a')]: 'b' } })),
    [true, true, false],
    'the first is the list of the items',
  );
  t.same(
    plans((n) => ({ schema: deep(n, lists, text), items: '', sources: { [at(n, '')]: 'b' } })),
    [true, true, false],
    'a source of the elements themselves',
  );
  const days = object({ days: lists(text) });
  t.same(
    plans((n) => ({
      schema: deep(n, lists, days),
      items: '',
      sources: { [at(n, '/days')]: { from: 'd', as: 'uuid' } },
    })),
    [true, false, false],
    'a list with a codec is one more',
  );
  t.same(
    plans((n) => ({ schema: deep(n, map, a), sources: { [at(n, '/a')]: 'b' } })),
    [true, false, false],
    'maps',
  );
  t.same(
    plans((n) => ({ schema: deep(n, lists, a), items: '' })),
    [true, true, true],
    'what no source reaches may be of any depth',
  );
});

test('without a contract there is no plan, and what is no lack of one is thrown', async (t) => {
  const options = { where: 'test', store: 'dynamodb', sources: {}, shapes: {}, items: undefined, page: {} } as const;
  t.equal(programOf({ ...options, shape: undefined }), undefined);
  const shape = {
    ...{ name: undefined, nullable: false },
    get kind(): 'any' {
      throw new RangeError('broken');
    },
  };
  t.throws(() => programOf({ ...options, shape }), new RangeError('broken'));
});

test('rules that reach into each other without end have no plan, and take no time', async (t) => {
  const shapes = { Chain: { '/next/name': 'n', '/name': 'm' } };
  t.equal(planned({ schema: { type: 'array', items: ref('Chain') }, items: '', shapes }), undefined);
});

test('every read of the sample API has a plan', async (t) => {
  const { operations, spec } = await loadBindings('openapi/photos.bindings.ts', { legacy: false });
  for (const operation of operations.filter(({ kind }) => kind === 'read')) {
    for (const store of ['dynamodb', 'mongodb'] as const) {
      const { response, items, page } = operation.spec ?? {};
      const options = {
        where: '',
        shape: operation.contract.success.shape,
        store,
        sources: response ?? {},
        shapes: spec.shapes ?? {},
        items,
      };
      t.ok(
        programOf({ ...options, page: page?.next === undefined ? {} : { next: page.next } }),
        `${operation.id} ${store}`,
      );
    }
  }
});
