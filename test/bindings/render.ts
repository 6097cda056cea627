import { NumberValue } from '@aws-sdk/lib-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import fc from 'fast-check';
import { Binary, BSON, Decimal128, Long } from 'mongodb';
import t from 'tap';
import { compileRenderer } from '../../src/bindings/render.ts';
import type { RendererOptions, RenderInput } from '../../src/bindings/sources.ts';
import { createShapes } from '../../src/contract/shape.ts';
import { exactDouble } from '../../src/model/number.ts';

const shapeOf = createShapes(() => undefined);

const base = { where: 'b.ts#/operations/x', sources: {}, shapes: {}, items: undefined, page: {} };
const page = { limit: undefined, count: 0, more: false, next: undefined, total: undefined, pages: undefined };

function render(schema: object, item: unknown, options: Partial<RendererOptions> = {}): string {
  const write = compileRenderer({ ...base, shape: shapeOf(schema), store: 'mongodb', ...options });
  return write({ item, items: undefined, request: {}, page } as unknown as RenderInput);
}

/** As the DynamoDB driver is set up: plain where a double is exact, wrapped where not. */
const fromDynamo = (item: Record<string, unknown>) =>
  unmarshall(marshall(item, { removeUndefinedValues: true }), {
    wrapNumbers: (text: string) => exactDouble(text) ?? NumberValue.from(text),
  });
const fromMongo = (item: Record<string, unknown>) => BSON.deserialize(BSON.serialize(item), { promoteLongs: false });

const digits = fc
  .tuple(fc.constantFrom('', '-'), fc.stringMatching(/^[1-9][0-9]{0,33}$/), fc.nat({ max: 33 }))
  .map(([sign, text, point]) =>
    point > 0 && point < text.length ? `${sign}${text.slice(0, point)}.${text.slice(point)}` : sign + text,
  );

t.test('a number of 1 to 34 digits has the same bytes from both stores, and loses none', async (t) => {
  const schema = { type: 'object', properties: { n: { type: 'number' } } };
  fc.assert(
    fc.property(digits, (text) => {
      const left = render(schema, fromDynamo({ n: NumberValue.from(text) }), { store: 'dynamodb' });
      const right = render(schema, fromMongo({ n: Decimal128.fromString(text) }));
      t.equal(left, right);
      const written = left.slice('{"n":'.length, -1);
      if (!/e/i.test(written)) t.equal(written, text.includes('.') ? text.replace(/\.?0+$/, '') : text);
    }),
    { numRuns: 300 },
  );
});

t.test('DynamoDB’s 38 digits lose none', async (t) => {
  const text = '12345678901234567890123456789012345678';
  t.equal(
    render({ type: 'object', properties: { n: { type: 'number' } } }, fromDynamo({ n: NumberValue.from(text) })),
    `{"n":${text}}`,
  );
});

t.test(
  'integers of 64 bits, texts, booleans, null, lists, dates and binaries: equal bytes from both stores',
  async (t) => {
    const schema = {
      type: 'object',
      properties: {
        long: { type: 'integer' },
        text: { type: 'string' },
        flag: { type: 'boolean' },
        nothing: { type: 'string', nullable: true },
        list: { type: 'array', items: { type: 'string' } },
        at: { type: 'string', format: 'date-time' },
        bytes: { type: 'string', format: 'byte' },
        inner: { type: 'object', properties: { b: { type: 'string' }, a: { type: 'number' } } },
      },
    };
    const item = fc.record({
      long: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      text: fc.string({ unit: 'grapheme' }),
      flag: fc.boolean(),
      list: fc.array(fc.string({ unit: 'grapheme' }), { maxLength: 4 }),
      at: fc.date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true }),
      bytes: fc.uint8Array({ minLength: 1, maxLength: 20 }),
      a: fc
        .double({ noNaN: true, noDefaultInfinity: true, min: -1e100, max: 1e100 })
        .filter((x) => x === 0 || Math.abs(x) > 1e-100),
    });
    fc.assert(
      fc.property(item, ({ a, at, ...rest }) => {
        const dynamo = fromDynamo({
          ...rest,
          long: NumberValue.from(String(rest.long)),
          nothing: null,
          at: at.getTime(),
          inner: { a: NumberValue.from(String(a)), b: 'x' },
        });
        const mongo = fromMongo({
          ...rest,
          long: Long.fromBigInt(rest.long),
          nothing: null,
          at,
          bytes: new Binary(rest.bytes),
          inner: { a, b: 'x' },
        });
        const sources = { '/at': { dynamodb: { from: 'at', as: 'epoch-millis' } } } as const;
        const left = render(schema, dynamo, { store: 'dynamodb', sources });
        t.equal(left, render(schema, mongo, { sources }));
        t.match(JSON.parse(left), {
          text: rest.text,
          flag: rest.flag,
          at: at.toISOString(),
          bytes: Buffer.from(rest.bytes).toString('base64'),
        });
        t.ok(left.startsWith(`{"long":${rest.long},`));
      }),
      { numRuns: 200 },
    );
  },
);

t.test('a set is sorted: numbers by size, texts by code unit', async (t) => {
  const schema = { type: 'object', properties: { s: { type: 'array' }, n: { type: 'array' } } };
  t.equal(render(schema, { s: new Set(['b', 'a', 'B']), n: new Set([10, 9, 1]) }), '{"s":["B","a","b"],"n":[1,9,10]}');
});

const rows: [string, object, unknown, Partial<RendererOptions>, string][] = [
  [
    'what the schema does not declare stays in',
    { type: 'object', properties: { a: {} }, additionalProperties: true },
    { a: 1, secret: 2 },
    {},
    '{"a":1}',
  ],
  ['unless it is open', { type: 'object', properties: { a: {} } }, { b: 2, a: 1 }, { open: true }, '{"a":1,"b":2}'],
  [
    'a free-form object passes whole',
    { type: 'object', properties: { f: { type: 'object' } } },
    { f: { 'a.b': [1, { c: null }] } },
    {},
    '{"f":{"a.b":[1,{"c":null}]}}',
  ],
  ['a map passes its keys', { type: 'object', additionalProperties: { type: 'string' } }, { x: 'y' }, {}, '{"x":"y"}'],
  ['the contract’s order', { type: 'object', properties: { b: {}, a: {} } }, { a: 1, b: 2 }, {}, '{"b":2,"a":1}'],
  [
    'writeOnly never',
    { type: 'object', properties: { p: { type: 'string', writeOnly: true }, a: {} } },
    { p: 'x', a: 1 },
    {},
    '{"a":1}',
  ],
  [
    'a required constant writes itself',
    { type: 'object', required: ['k'], properties: { k: { type: 'string', enum: ['v'] } } },
    {},
    {},
    '{"k":"v"}',
  ],
  [
    'an attribute path',
    { type: 'object', properties: { a: { type: 'string' } } },
    { x: { y: ['q'] } },
    { sources: { '/a': 'x.y.0' } },
    '{"a":"q"}',
  ],
  [
    'another name per store',
    { type: 'object', properties: { a: {} } },
    { a: 1, b: 2 },
    { sources: { '/a': { dynamodb: 'b' } } },
    '{"a":1}',
  ],
  [
    'absent: a literal',
    { type: 'object', properties: { a: { type: 'array' } } },
    {},
    { sources: { '/a': { absent: [] } } },
    '{"a":[]}',
  ],
  [
    'absent as null',
    { type: 'object', properties: { a: { type: 'string', nullable: true }, b: { type: 'string' } } },
    {},
    { absentAs: 'null' },
    '{"a":null}',
  ],
  [
    'a function’s result is rendered again',
    { type: 'object', properties: { a: { type: 'object', properties: { b: {} } } } },
    { v: 1 },
    { sources: { '/a': (item: { v: number }) => ({ b: item.v, c: 2 }) } },
    '{"a":{"b":1}}',
  ],
  [
    'sources in an array are relative to its element',
    { type: 'object', properties: { l: { type: 'array', items: { type: 'object', properties: { id: {} } } } } },
    { l: [{ _id: 1 }] },
    { sources: { '/l/*/id': '_id' } },
    '{"l":[{"id":1}]}',
  ],
  [
    'an object that no store holds is put together',
    { type: 'object', properties: { p: { type: 'object', properties: { x: {}, y: {} } } } },
    { lat: 1, lng: 2 },
    { sources: { '/p/x': 'lat', '/p/y': 'lng' } },
    '{"p":{"x":1,"y":2}}',
  ],
  [
    'decimal(2)',
    { type: 'object', properties: { a: { type: 'number' } } },
    { a: 1.1 },
    { sources: { '/a': { as: 'decimal(2)' } } },
    '{"a":1.10}',
  ],
  [
    'decimal-string',
    { type: 'object', properties: { a: { type: 'string' } } },
    { a: Decimal128.fromString('1E+3') },
    { sources: { '/a': { as: 'decimal-string' } } },
    '{"a":"1000"}',
  ],
  [
    'a date as a day',
    { type: 'object', properties: { a: { type: 'string', format: 'date' } } },
    { a: new Date(0) },
    {},
    '{"a":"1970-01-01"}',
  ],
  [
    'epoch seconds',
    { type: 'object', properties: { a: { type: 'integer' } } },
    { a: new Date(5000) },
    { sources: { '/a': { as: 'epoch-seconds' } } },
    '{"a":5}',
  ],
  [
    'a lone surrogate is escaped',
    { type: 'object', properties: { a: { type: 'string' } } },
    { a: '\ud800' },
    {},
    '{"a":"\\ud800"}',
  ],
  [
    'of an object under a scalar nothing gets out',
    { type: 'object', properties: { a: { type: 'string' }, l: { type: 'array', items: { type: 'string' } } } },
    { a: { secret: 1 }, l: { secret: 1 } },
    {},
    '{"a":{},"l":{}}',
  ],
  [
    'a list under an object is projected item by item',
    { type: 'object', properties: { o: { type: 'object', properties: { a: {} } } } },
    { o: [{ a: 1, secret: 2 }] },
    {},
    '{"o":[{"a":1}]}',
  ],
  [
    'keys of a map by code unit',
    { type: 'object', additionalProperties: {} },
    { b: 1, a: 2, Z: 3 },
    {},
    '{"Z":3,"a":2,"b":1}',
  ],
  [
    'JSON text along the schema, numbers whole',
    { type: 'object', properties: { j: { type: 'object', properties: { n: { type: 'number' } } } } },
    { j: '{"secret":1,"n":12345678901234567890}' },
    { sources: { '/j': { as: 'json' } } },
    '{"j":{"n":12345678901234567890}}',
  ],
  [
    'a wrong type is served as it is',
    { type: 'object', properties: { a: { type: 'string' } } },
    { a: 7 },
    {},
    '{"a":7}',
  ],
];

for (const [says, schema, item, options, expected] of rows) {
  t.test(says, async (t) => {
    t.equal(render(schema, item, options), expected);
  });
}

t.test('what breaks the contract is served and counted', async (t) => {
  const schema = (a: object) => ({ type: 'object', properties: { a } });
  for (const [a, value, count] of [
    [{ type: 'string' }, 7, 1],
    [{ type: 'integer' }, 7.5, 1],
    [{ type: 'integer' }, 1e-7, 1],
    [{ type: 'integer' }, 1.5e30, 0],
    [{ type: 'integer' }, 7, 0],
    [{ type: 'string' }, null, 1],
    [{ type: 'string', nullable: true }, null, 0],
    [{ type: 'array', items: { type: 'string' } }, null, 1],
    [{ type: 'object', properties: { b: {} } }, null, 1],
  ] as const) {
    const seen: string[] = [];
    render(schema(a), { a: value }, { onViolation: (pointer) => seen.push(pointer) });
    t.same(seen, Array(count).fill('/a'), `${JSON.stringify(a)} ${value}`);
  }
});

t.test('a source that throws is an error that names the place', async (t) => {
  const schema = { type: 'object', properties: { a: { type: 'string' } } };
  const sources = { '/a': (item: { b: { c: string } }) => item.b.c };
  t.throws(() => render(schema, {}, { sources }), { name: 'Undecodable', message: /^\/a: the source threw TypeError/ });
});

t.test('what is no UUID is an error', async (t) => {
  const schema = { type: 'object', properties: { a: { type: 'string' } } };
  const sources = { '/a': { as: 'uuid' } } as const;
  t.throws(() => render(schema, { a: 'junk' }, { sources }), { name: 'Undecodable', message: /no UUID/ });
});

t.test('what cannot be decoded is an error that names the place', async (t) => {
  const schema = { type: 'object', properties: { a: { type: 'number' } } };
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Decimal128.fromString('NaN')]) {
    t.throws(() => render(schema, { a: value }), { name: 'Undecodable', message: /^\/a: / });
  }
});

t.test('a recursive schema ends where the data does', async (t) => {
  const node = { type: 'object', properties: { v: { type: 'integer' }, next: { $ref: '#/components/schemas/Node' } } };
  const shape = createShapes(() => node)({ $ref: '#/components/schemas/Node' });
  const write = compileRenderer({ ...base, shape, store: 'dynamodb', shapes: { Node: { '/v': 'value' } } });
  const item = { value: 1, next: { value: 2, next: { value: 3 } } };
  t.equal(
    String(write({ item, items: undefined, request: {}, page } as unknown as RenderInput)),
    '{"v":1,"next":{"v":2,"next":{"v":3}}}',
  );
});

t.test('a recursive component with a source below its own reference ends', async (t) => {
  const cat = {
    type: 'object',
    properties: { name: { type: 'string' }, parent: { $ref: '#/components/schemas/Cat' } },
  };
  const shape = createShapes(() => cat)({ $ref: '#/components/schemas/Cat' });
  const write = compileRenderer({ ...base, shape, store: 'dynamodb', shapes: { Cat: { '/parent/name': 'pn' } } });
  const item = { name: 'a', pn: 'b' };
  t.equal(
    String(write({ item, items: undefined, request: {}, page } as unknown as RenderInput)),
    '{"name":"a","parent":{"name":"b"}}',
  );
});

t.test('a text that is no RFC 3339 date is undecodable under a date codec', async (t) => {
  const schema = { type: 'object', properties: { a: { type: 'string', format: 'date-time' } } };
  for (const a of ['7', 'Feb 3 2023', '2023-02-31', '2023-02-31T00:00:00Z', 'x']) {
    t.throws(() => render(schema, { a }, { sources: { '/a': { as: 'iso8601-millis' } } }), { name: 'Undecodable' }, a);
  }
  t.equal(
    render(schema, { a: '2023-02-03T01:00:00+01:00' }, { sources: { '/a': { as: 'iso8601-seconds' } } }),
    '{"a":"2023-02-03T00:00:00Z"}',
  );
});

t.test('a codec on the elements of an array, and sources of one element alone', async (t) => {
  const schema = {
    type: 'object',
    properties: {
      a: { type: 'array', items: { type: 'number' } },
      l: { type: 'array', items: { type: 'object', properties: { v: {} } } },
    },
  };
  const sources = { '/a/*': { as: 'decimal(2)' }, '/l/1/v': 'w' } as const;
  t.equal(
    render(
      schema,
      {
        a: [1, 2.5],
        l: [
          { v: 1, w: 2 },
          { v: 3, w: 4 },
        ],
      },
      { sources },
    ),
    '{"a":[1.00,2.50],"l":[{"v":1},{"v":4}]}',
  );
});

t.test('sources of a component hold where allOf or a union refers to it', async (t) => {
  const schemas: Record<string, object> = {
    Base: { type: 'object', properties: { id: { type: 'string' } } },
    Cat: {
      allOf: [{ $ref: '#/components/schemas/Base' }, { type: 'object', properties: { name: { type: 'string' } } }],
    },
    Dog: { type: 'object', properties: { id: { type: 'string' }, bark: { type: 'boolean' } } },
  };
  const build = createShapes((ref) => schemas[ref.split('/').at(-1) as string]);
  const shapes = { Base: { '/id': '_id' }, Dog: { '/id': '_id' } };
  const write = (schema: object, item: object) =>
    String(
      compileRenderer({ ...base, shape: build(schema), store: 'mongodb', shapes })({
        item,
        items: undefined,
        request: {},
        page,
      } as unknown as RenderInput),
    );
  t.equal(write({ $ref: '#/components/schemas/Cat' }, { _id: 'c', name: 'n' }), '{"id":"c","name":"n"}');
  t.equal(
    write(
      { anyOf: [{ $ref: '#/components/schemas/Cat' }, { $ref: '#/components/schemas/Dog' }] },
      { _id: 'd', bark: true },
    ),
    '{"id":"d","bark":true}',
  );
});

t.test('what is stored under the names of our marks is data', (t) => {
  const schema = { type: 'object', properties: { free: { type: 'object' }, text: { type: 'string' } } };
  const NumberValueX = { name: 'NumberValueX' };
  for (const free of [
    { constructor: '' },
    { constructor: { name: '' } },
    { constructor: NumberValueX, value: '1' },
    { _bsontype: 'ObjectId' },
    { _bsontype: 'Binary' },
    { _bsontype: 'Decimal128', toString: '1,"admin":true' },
    { _bsontype: 'Long', toString: 'x' },
    { _bsontype: 'MinKey' },
  ])
    t.same(JSON.parse(render(schema, { free, text: free })), { free, text: {} }, JSON.stringify(free));
  t.end();
});
