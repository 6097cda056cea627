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
