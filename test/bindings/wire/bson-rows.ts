import { Binary, BSON, type Document } from 'mongodb';
import { test } from 'tap';
import { compileBson } from '../../../src/bindings/wire/bson.ts';
import { WIDTH } from '../../../src/bindings/wire/bson-walk.ts';
import type { RenderWire } from '../../../src/bindings/wire/render-wire.ts';
import { Room } from '../../../src/bindings/wire/room.ts';
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

/** A document, or the bytes of one. */
type Sent = Document | Buffer;

const ofMongo = (given: Given): Given => ({ ...given, store: 'mongodb' });

/** Each name `from`, which is of one letter, is `to`: so that a document has one name twice. */
function renamed(document: Document, from: string, to: string): Buffer {
  const bytes = Buffer.from(BSON.serialize(document));
  for (let at = bytes.indexOf(`${from}\0`); at !== -1; at = bytes.indexOf(`${from}\0`, at)) bytes.write(to, at);
  return bytes;
}

/** In the middle of other bytes, as in a reply. */
function sent(items: readonly Sent[]): readonly WireItem[] {
  const documents = items.map((item) => (Buffer.isBuffer(item) ? item : Buffer.from(BSON.serialize(item))));
  const bytes = Buffer.concat(documents.flatMap((document) => [Buffer.from([1, 2, 3]), document]));
  let end = 0;
  return documents.map(({ length }) => {
    const start = end + 3;
    end = start + length;
    return { bytes, start, end };
  });
}

const decode = ({ bytes, start, end }: WireItem) =>
  BSON.deserialize(bytes.subarray(start, end), { promoteLongs: false });

const written = (render: RenderWire, items: readonly WireItem[], page = PAGE): string | undefined =>
  render({ items, request: {} as never, page, decode })?.toString();

const bytes = new Binary(Buffer.from('a'));
const nothing = { type: 'object', additionalProperties: false };
const person = { schema: object({ who: ref('Person'), z: text }) };
const deep = {
  schema: object({ at: object({ x: text, y: text }, { nullable: true }), z: text }),
  sources: { '/at/x': 'x', '/at/y': 'deep.y' },
};
const tagged = {
  schema: object({ a: { oneOf: [ref('One'), ref('Two')], discriminator: { propertyName: 'kind' } } }),
};
const asked: Given = {
  schema: object({ a: text, b: { ...text, nullable: true }, c: object({ d: text }) }),
  sources: { '/b': (item: { readonly n?: string }) => item.n, '/c/d': (item: { readonly m?: string }) => item.m },
};

const ROWS: readonly Row<Sent>[] = [
  ...each<Sent>(
    'scalars',
    { schema: object({ s: text, i: integer, n: number, b: yes, none: { type: 'null' } }) },
    {
      'each of its type': [
        { none: null, b: false, n: 1.5, i: 7, s: 'x' },
        '{"s":"x","i":7,"n":1.5,"b":false,"none":null}',
      ],
      'nothing at all': [{}, '{}'],
      'nothing where it may not be': [{ s: null }, undefined],
      'a number for a text': [{ s: 1 }, undefined],
      'a document for a text': [{ s: {} }, undefined],
      'a list for a number': [{ n: [] }, undefined],
      'a name twice': [renamed({ s: 'a', q: 'b' }, 'q', 's'), undefined],
      'a name twice that nobody asks for': [renamed({ q: 'a', s: 'x', r: 'b' }, 'r', 'q'), '{"s":"x"}'],
    },
  ),
  ...each<Sent>(
    'any value',
    { schema: object({ a: {} }) },
    {
      'a document, sorted': [{ a: { b: 2, aa: { x: null }, a: '' } }, '{"a":{"a":"","aa":{"x":null},"b":2}}'],
      'lists and documents': [{ a: [[], {}, [{ b: true }]] }, '{"a":[[],{},[{"b":true}]]}'],
      'an inner name twice': [renamed({ a: { b: 'x', q: 'y' } }, 'q', 'b'), undefined],
    },
  ),
  ...each<Sent>('an inner object', person, {
    'as it is': [{ who: { age: 7, more: 'y', name: 'x' }, z: 'z' }, '{"who":{"name":"x","age":7},"z":"z"}'],
    empty: [{ who: {}, z: 'z' }, '{"who":{},"z":"z"}'],
    'not there': [{ z: 'z' }, '{"z":"z"}'],
    nothing: [{ who: null }, undefined],
    'a text': [{ who: 'x' }, undefined],
    'a list': [{ who: [] }, undefined],
    'a violation in it': [{ who: { name: 1 } }, undefined],
    'a name twice that nobody asks for': [renamed({ who: { q: 1, age: 2, r: 3 } }, 'r', 'q'), '{"who":{"age":2}}'],
  }),
  ...each<Sent>(
    'an inner object that may be nothing',
    { schema: object({ who: { ...ref('Person'), nullable: true } }) },
    {
      nothing: [{ who: null }, '{"who":null}'],
      'as it is': [{ who: { name: 'x' } }, '{"who":{"name":"x"}}'],
      'a text': [{ who: 'x' }, undefined],
      'a list': [{ who: [] }, undefined],
    },
  ),
  ...each<Sent>(
    'an object of no attributes',
    { schema: object({ e: nothing, z: text }) },
    {
      empty: [{ e: {} }, '{"e":{}}'],
      'with some': [{ e: { a: 1, b: 2 }, z: 'z' }, '{"e":{},"z":"z"}'],
      'with one twice': [renamed({ e: { a: 1, q: 2 } }, 'q', 'a'), undefined],
      'a text': [{ e: 'x' }, undefined],
    },
  ),
  ...each<Sent>('an object of attributes of the item', deep, {
    'one of its own': [{ at: {}, x: '1', deep: { y: '2' } }, '{"at":{"x":"1","y":"2"}}'],
    'none of its own': [{ x: '1', deep: { y: '2' } }, '{"at":{"x":"1","y":"2"}}'],
    'one attribute': [{ deep: { y: '2' }, z: '3' }, '{"at":{"y":"2"},"z":"3"}'],
    'no attribute': [{ z: '3' }, '{"z":"3"}'],
    'one of its own, and no attribute': [{ at: {}, z: '3' }, '{"at":{},"z":"3"}'],
    'nothing of its own': [{ at: null, x: '1' }, '{"at":null}'],
    'a text of its own': [{ at: 'x' }, undefined],
    'one of its own, with a name twice': [renamed({ at: { a: 1, q: 2 }, x: '1' }, 'q', 'a'), undefined],
    'a deep name twice that nobody asks for': [renamed({ deep: { q: 1, y: '2', r: 3 } }, 'r', 'q'), '{"at":{"y":"2"}}'],
  }),
  ...each<Sent>(
    'an object of which one attribute is its own',
    { schema: object({ at: object({ x: text, y: text }) }), sources: { '/at/x': 'x' } },
    {
      both: [{ x: '1', at: { y: '2' } }, '{"at":{"x":"1","y":"2"}}'],
      'a name twice in it that nobody asks for': [
        renamed({ x: '1', at: { q: 1, y: '2', r: 3 } }, 'r', 'q'),
        '{"at":{"x":"1","y":"2"}}',
      ],
      'none of its own': [{ x: '1' }, '{"at":{"x":"1"}}'],
    },
  ),
  ...each<Sent>(
    'a list put together from an attribute of its elements',
    { schema: object({ names: listOf(text) }), sources: { '/names/*': 'name' } },
    {
      documents: [{ names: [{ name: 'a' }, { x: 'c', name: 'b' }] }, '{"names":["a","b"]}'],
      'one that has none': [{ names: [{ name: 'a' }, {}, { name: 'c' }] }, '{"names":["a",null,"c"]}'],
      'another type': [{ names: [{ name: 1 }] }, undefined],
      none: [{ names: [] }, '{"names":[]}'],
    },
  ),
  ...each<Sent>(
    'a list of objects, with sources in it',
    { schema: object({ l: listOf(object({ a: text })), z: text }), sources: { '/l/*/a': 'deep.b' } },
    {
      'as it is': [{ l: [{ deep: { b: 'x' } }, { a: 'y' }] }, '{"l":[{"a":"x"},{}]}'],
      'not there': [{ z: 'z' }, undefined],
    },
  ),
  ...each<Sent>(
    'a list',
    { schema: object({ l: listOf(text), m: listOf(integer, { nullable: true }), z: text }) },
    {
      'of none, one and more': [{ l: [], m: [1], z: 'z' }, '{"l":[],"m":[1],"z":"z"}'],
      'of three': [{ l: ['a', 'b', 'c'] }, '{"l":["a","b","c"]}'],
      'nothing where it may be': [{ m: null }, '{"m":null}'],
      'nothing where it may not be': [{ l: null }, undefined],
      'a text': [{ l: 'a' }, undefined],
      'a text where it may be nothing': [{ m: 'a' }, undefined],
      'a document': [{ l: { 0: 'a' } }, undefined],
      'another type in it': [{ l: ['a', 1] }, undefined],
      'a document in it': [{ l: [{}] }, undefined],
    },
  ),
  ...each<Sent>(
    'lists in lists',
    { schema: object({ grid: listOf(listOf(integer)) }) },
    {
      some: [{ grid: [[1, 2], [], [3]] }, '{"grid":[[1,2],[],[3]]}'],
      'a number among them': [{ grid: [[], 1] }, undefined],
    },
  ),
  ...each<Sent>(
    'objects in a list, and in these',
    { schema: ref('Tree') },
    {
      deep: [
        { name: '1', below: [{ name: '2', below: [{ name: '3' }] }, {}] },
        '{"name":"1","below":[{"name":"2","below":[{"name":"3"}]},{}]}',
      ],
      'one that lacks what the one before it has': [
        { below: [{ name: 'a', below: [] }, { below: [] }, { name: 'b' }] },
        '{"below":[{"name":"a","below":[]},{"below":[]},{"name":"b"}]}',
      ],
    },
  ),
  ...each<Sent>(
    'what is not declared',
    { schema: object({ b: text, hidden: { ...text, writeOnly: true } }), open: true },
    {
      'behind what is, sorted': [{ z: 1, b: 'x', hidden: 'y', a: [{ k: true }] }, '{"b":"x","a":[{"k":true}],"z":1}'],
      'without what is': [{ z: 1, a: 2 }, '{"a":2,"z":1}'],
      'nothing but what is': [{ b: 'x' }, '{"b":"x"}'],
      'a name with a quote': [{ 'a"': 'x' }, '{"a\\"":"x"}'],
      'one of them twice': [renamed({ z: 1, q: 2 }, 'q', 'z'), undefined],
    },
  ),
  ...each<Sent>(
    'a map',
    { schema: { type: 'object', additionalProperties: ref('Person') } },
    {
      some: [{ y: { age: 1 }, x: { name: 'n' } }, '{"x":{"name":"n"},"y":{"age":1}}'],
      none: [{}, '{}'],
      'a text': [{ y: 'x' }, undefined],
    },
  ),
  ...each<Sent>(
    'one or the other',
    { schema: object({ pets: listOf(either) }) },
    {
      'by what it says': [
        {
          pets: [
            { good: true, kind: 'Dog' },
            { kind: 'Cat', lives: 9, good: true },
          ],
        },
        '{"pets":[{"kind":"Dog","good":true},{"kind":"Cat","lives":9}]}',
      ],
      'what says nothing': [{ pets: [{ lives: 9, good: true }] }, '{"pets":[{"lives":9,"good":true}]}'],
      'what says something else': [
        { pets: [{ kind: 'Cow', good: true, lives: 1 }] },
        '{"pets":[{"kind":"Cow","lives":1,"good":true}]}',
      ],
      nothing: [{ pets: [null] }, '{"pets":[null]}'],
      'a text': [{ pets: ['x'] }, '{"pets":["x"]}'],
      bytes: [{ pets: [bytes] }, undefined],
      'a list': [{ pets: [[]] }, undefined],
      'what says it with a number': [{ pets: [{ kind: 1 }] }, undefined],
    },
  ),
  ...each<Sent>(
    'a text, a list or an object',
    {
      schema: object({
        a: { oneOf: [text, listOf(integer), ref('Person')] },
        b: { oneOf: [text, integer] },
        c: { oneOf: [nothing, text] },
        d: { oneOf: [listOf(nothing), text] },
      }),
    },
    {
      'a text, and a number': [{ a: 'x', b: 1 }, '{"a":"x","b":1}'],
      'a list': [{ a: [1, 2] }, '{"a":[1,2]}'],
      'an object': [{ a: { age: 1, name: 'x', z: 'y' } }, '{"a":{"name":"x","age":1}}'],
      nothing: [{ a: null, b: null }, '{"a":null,"b":null}'],
      'a number where only texts are': [{ a: 1 }, undefined],
      'an object where none is': [{ b: {} }, undefined],
      'a list where none is': [{ b: [] }, undefined],
      'bytes where texts are': [{ a: bytes }, undefined],
      'an object of no attributes': [{ c: { x: 1 } }, '{"c":{}}'],
      'an object of no attributes, with one twice': [renamed({ c: { x: 1, q: 2 } }, 'q', 'x'), undefined],
      'a list of these': [{ d: [{ x: 1 }] }, '{"d":[{}]}'],
      'a list of these, with one twice': [renamed({ d: [{ x: 1, q: 2 }] }, 'q', 'x'), undefined],
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
      'none of it': [{ z: 'z', maybe: 'm', type: 'y', tags: ['t'] }, '{"type":"y","maybe":"m","tags":["t"],"z":"z"}'],
    },
  ),
  ...each<Sent>('functions', asked, {
    'all of them': [{ n: 'N', m: 'M', a: 'A' }, '{"a":"A","b":"N","c":{"d":"M"}}'],
    'what they give nothing for is left out': [{ a: 'A' }, '{"a":"A"}'],
    'an object of its own, and nothing in it': [{ c: {} }, '{"c":{}}'],
    'what is of another type': [{ n: 1 }, undefined],
  }),
  ...each<Sent>(
    'functions, and what is written where they give nothing',
    { ...asked, absentAs: 'null' },
    {
      nothing: [{ a: 'x' }, '{"a":"x","b":null}'],
      something: [{ n: 'N' }, '{"b":"N"}'],
    },
  ),
  ...each<Sent>('what says it with any type', tagged, {
    'a text': [{ a: { kind: 'One', x: 'x', y: 'y' } }, '{"a":{"kind":"One","x":"x"}}'],
    'another text': [{ a: { kind: 'Other', x: 'x', y: 'y' } }, '{"a":{"kind":"Other","x":"x","y":"y"}}'],
    'a number': [{ a: { kind: 1, x: 'x' } }, undefined],
    nothing: [{ a: { kind: null } }, undefined],
  }),
  ...each<Sent>(
    'one codec for elements that are documents',
    { schema: object({ days: listOf(text) }), sources: { '/days/*': { from: 'at', as: 'decimal(2)' } } },
    {
      some: [{ days: [{ at: 1.5 }, { at: 2 }] }, '{"days":["1.50","2.00"]}'],
      'a text': [{ days: [{ at: 'x' }] }, undefined],
    },
  ),
  {
    what: 'one of two',
    given: { schema: object({ a: text }) },
    items: [{ a: '1' }, { a: '2' }],
    wanted: '{"a":"1"}',
  },
  {
    what: 'a bare list',
    given: { schema: listOf(object({ a: text, b: text })), items: '' },
    items: [{ a: '1', b: 'x' }, { b: '2' }, {}, { a: '3' }],
    wanted: '[{"a":"1","b":"x"},{"b":"2"},{},{"a":"3"}]',
  },
  {
    what: 'functions of each item',
    given: {
      schema: object({ list: listOf(object({ a: text })), total: integer }),
      items: '/list',
      page: { total: '/total' },
      sources: { '/list/*/a': (item: { readonly n: string }) => item.n },
    },
    items: [{ n: '1' }, { n: '2' }],
    wanted: '{"list":[{"a":"1"},{"a":"2"}],"total":9}',
  },
];

// One of all rows: what an earlier one leaves there is nothing to a later one.
const room = new Room();

const pages = PAGES.map((row): Row<Sent> => ({ ...row, items: [] }));
for (const { what, given, items, page = PAGE, wanted } of [...ROWS, ...pages])
  test(`${what} is ${wanted === undefined ? 'left to the plain renderer' : 'written from the bytes'}`, async (t) => {
    const wire = sent(items);
    const render = compileBson(planned(ofMongo(given)), room.mongodb);
    t.equal(written(render, wire, page), wanted);
    t.equal(written(render, wire, page), wanted, 'and once more');
    if (wanted !== undefined)
      t.equal(plainly(ofMongo(given), wire.map(decode), page), wanted, 'as the plain one writes it');
  });

test('there is room for more values than there was', async (t) => {
  const given = ofMongo({ schema: object({ a: ref('Tree'), z: text }) });
  const render = (depth: number, numbers: number) => {
    const { mongodb } = new Room();
    mongodb.slots.table = new Int32Array(numbers);
    const tree = Array.from({ length: depth }).reduce<Document>((inner) => ({ name: 'x', below: [inner] }), {
      name: 'y',
    });
    const wire = sent([{ a: tree, z: 'z' }]);
    const body = written(compileBson(planned(given), mongodb), wire);
    t.equal(body, plainly(given, wire.map(decode)), `${depth} deep in room for ${numbers} numbers`);
    return mongodb.slots.table.length;
  };
  // Three values of each element, three numbers of each value.
  t.strictSame(
    [0, 17, 18].map((numbers) => render(0, numbers)),
    [18, 34, 18],
  );
  t.strictSame(
    [9, 26, 27].map((numbers) => render(1, numbers)),
    [36, 52, 27],
  );
});

test('what was left to the plain renderer leaves nothing behind', async (t) => {
  const tree = compileBson(planned(ofMongo({ schema: ref('Tree') })), room.mongodb);
  const bad = sent([{ name: 'a', below: [{ name: 'b', below: [{ name: 1 }] }] }]);
  const good = sent([{ below: [{ below: [{}], name: 'b' }] }]);
  for (let n = 0; n < 3; n += 1) {
    t.equal(written(tree, bad), undefined);
    t.equal(written(tree, good), '{"below":[{"name":"b","below":[{}]}]}');
  }
  t.equal(room.mongodb.slots.top, 0);
  const types = room.mongodb.slots.table.filter((_, at) => at % WIDTH === 0);
  t.ok(types.every((type) => type === 0));
});
