import fc from 'fast-check';
import t from 'tap';
import { HOSTILE, requestsOf, withTexts } from '../../src/bindings/generate.ts';
import type { PageSpec } from '../../src/model/binding.ts';
import type { Operation, Schema } from '../../src/model/operation.ts';
import { boundOf, operationOf, parameter } from '../support/bound.ts';

/** Requests of an operation, the same at every run. */
function requestsFor(contract: Operation, page?: PageSpec) {
  const operations = page === undefined ? {} : { [contract.id]: { page } };
  const [operation] = boundOf([contract], { contract: 'c.yaml', tenant: () => 'all', operations }).operations;
  return fc.sample(requestsOf(operation as NonNullable<typeof operation>, 'acme'), { numRuns: 120, seed: 7 });
}
const valuesOf = (schema: Schema): unknown[] =>
  requestsFor(operationOf('x', [parameter('a', 'query', schema, true)])).map(({ query }) => query.a);
const isText = (value: unknown): value is string => typeof value === 'string';
const within = (values: unknown[], holds: (value: unknown) => boolean) => values.length > 0 && values.every(holds);
const number = (from: number, to: number) => (value: unknown) =>
  typeof value === 'number' && value >= from && value <= to;

/** A schema, what holds of each value, and what some of many are. */
const schemas: [
  name: string,
  schema: Schema,
  each: (value: unknown) => boolean,
  ...some: ((value: unknown) => boolean)[],
][] = [
  ['any', true, isText, (value) => value !== ''],
  [
    'one of some, null is no text of a parameter',
    { enum: ['a', 'b', null] },
    (value) => value === 'a' || value === 'b',
    (value) => value === 'a',
    (value) => value === 'b',
  ],
  ['a constant', { const: 5 }, (value) => value === 5],
  ['any of two', { anyOf: [{ const: 1 }, { const: 2 }] }, number(1, 2), (value) => value === 1, (value) => value === 2],
  ['one of two', { oneOf: [{ const: 1 }, { const: 2 }] }, number(1, 2), (value) => value === 1, (value) => value === 2],
  ['one of none', { oneOf: [], type: 'boolean' }, (value) => typeof value === 'boolean'],
  [
    'integers',
    { type: 'integer' },
    (value) => Number.isInteger(value) && number(-1_000_000, 1_000_000)(value),
    number(-1_000_000, -1),
    number(1, 1_000_000),
  ],
  ['integers within', { type: 'integer', minimum: 3, maximum: 5 }, number(3, 5), number(3, 3), number(5, 5)],
  ['integers from', { type: 'integer', minimum: 2_000_000 }, number(2_000_000, 2_000_000)],
  [
    'integers from a small one',
    { type: 'integer', minimum: 999_990 },
    number(999_990, 1_000_000),
    number(999_991, 1_000_000),
  ],
  ['integers up to', { type: 'integer', maximum: -2_000_000 }, number(-2_000_000, -2_000_000)],
  [
    'numbers',
    { type: 'number' },
    number(-1e6, 1e6),
    (value) => !Number.isInteger(value),
    number(-1e6, 0),
    number(0, 1e6),
  ],
  ['numbers within', { type: 'number', minimum: 0, maximum: 1 }, number(0, 1)],
  [
    'yes or no',
    { type: 'boolean' },
    (value) => typeof value === 'boolean',
    (value) => value === true,
    (value) => value === false,
  ],
  ['yes, no or null', { type: ['null', 'boolean'] }, (value) => typeof value === 'boolean'],
  [
    'lists',
    { type: 'array', items: { type: 'boolean' } },
    (value) =>
      Array.isArray(value) && value.length >= 1 && value.length <= 3 && value.every((one) => typeof one === 'boolean'),
    (value) => (value as unknown[]).length === 3,
  ],
  ['lists of anything', { type: 'array' }, (value) => Array.isArray(value) && value.every(isText)],
  [
    'objects',
    { type: 'object', properties: { a: { const: 1 }, b: { const: 2 } } },
    (value) =>
      Object.entries(value as object).every(([name, one]) => (name === 'a' ? one === 1 : name === 'b' && one === 2)),
    (value) => Object.keys(value as object).length === 0,
    (value) => Object.keys(value as object).length === 2,
  ],
  ['objects of nothing', { type: 'object' }, (value) => JSON.stringify(value) === '{}'],
  [
    'times',
    { format: 'date-time' },
    (value) =>
      isText(value) && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value) && value >= '1970' && value < '2097',
  ],
  ['days', { format: 'date' }, (value) => isText(value) && /^\d{4}-\d\d-\d\d$/.test(value)],
  ['ids', { format: 'uuid' }, (value) => isText(value) && /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/.test(value)],
  ['what a pattern fits', { pattern: '^[ab]{2}\\d$' }, (value) => isText(value) && /^[ab]{2}\d$/.test(value)],
  [
    'a pattern of names of characters',
    { pattern: '^\\p{Lu}{2}$' },
    (value) => isText(value) && /^\p{Lu}{2}$/u.test(value),
  ],
  [
    'a pattern that nothing can be made from',
    { pattern: '^(?=a)b\\1(' },
    (value) => isText(value) && /^[a-zA-Z0-9]{1,12}$/.test(value),
  ],
  [
    'texts',
    { type: 'string' },
    (value) => isText(value) && /^[a-zA-Z0-9]{1,12}$/.test(value),
    (value) => (value as string).length === 1,
    (value) => (value as string).length > 6,
    (value) => /[^x]/.test(value as string),
  ],
  [
    'texts of a length',
    { type: 'string', minLength: 3, maxLength: 4 },
    (value) => isText(value) && value.length >= 3 && value.length <= 4,
    (value) => (value as string).length === 4,
  ],
  ['long texts', { type: 'string', minLength: 20 }, (value) => isText(value) && value.length === 20],
  ['texts that may be long', { type: 'string', maxLength: 40 }, (value) => isText(value) && value.length <= 12],
  [
    'texts that may be empty, but as a parameter are not',
    { type: 'string', minLength: 0, maxLength: 0 },
    (value) => value === 'x',
  ],
];
for (const [name, schema, each, ...some] of schemas) {
  t.test(`made from a schema: ${name}`, async (t) => {
    const values = valuesOf(schema);
    t.ok(within(values, each), JSON.stringify(values.find((value) => !each(value))));
    for (const [at, one] of some.entries()) t.ok(values.some(one), `some ${at}`);
  });
}

const TEXT = { type: 'string' };
const CONTRACT = operationOf(
  'getThing',
  [
    parameter('id', 'path', TEXT),
    parameter('id', 'query', { type: 'string', enum: ['a'] }),
    parameter('q', 'query', TEXT, true),
    parameter('fixed', 'query', { const: 'c' }, true),
    parameter('by', 'query', { ...TEXT, pattern: '^a$' }, true),
    parameter('at', 'query', { ...TEXT, format: 'date' }, true),
    parameter('any', 'query', true, true),
    parameter('n', 'query', { type: 'integer' }, true),
    parameter('x-a', 'header', TEXT, true),
    parameter('c', 'cookie', TEXT, true),
  ],
  {
    body: { required: true, types: ['application/json'], schema: { type: 'object', properties: { a: { const: 1 } } } },
  },
);

t.test(
  'requests as a binding sees them: each part by its parameters, what need not be there sometimes not',
  async (t) => {
    const requests = requestsFor(CONTRACT);
    for (const request of requests) {
      t.strictSame(Object.keys(request.path), ['id']);
      t.strictSame(Object.keys(request.headers), ['x-a']);
      const { operation, tenant, claims, page } = request;
      t.strictSame(
        { operation, tenant, claims, page },
        { operation: 'getThing', tenant: 'acme', claims: {}, page: { limit: undefined, after: undefined } },
      );
      t.ok(Object.isFrozen(request) && Object.isFrozen(page));
    }
    for (const there of [true, false]) {
      t.ok(
        requests.some(({ query }) => 'id' in query === there),
        `an optional one is there: ${there}`,
      );
      t.ok(
        requests.some(({ body }) => 'a' in (body as object) === there),
        `of the body: ${there}`,
      );
    }
    t.ok(requests.every(({ query }) => ['q', 'fixed', 'by', 'at', 'any', 'n'].every((name) => name in query)));
    t.equal(
      requestsFor(operationOf('x', [])).find(({ body }) => body !== undefined),
      undefined,
    );
    const { body } = { body: { required: true, types: [], schema: undefined } };
    t.ok(requestsFor(operationOf('x', [], { body })).every((request) => isText(request.body)));
  },
);

t.test('pages: where one ended, and the first', async (t) => {
  const after = { name: 'position', at: 'position' };
  const paged = requestsFor(CONTRACT, { position: ['name', 'at'] }).map(({ page }) => page);
  t.ok(paged.some((page) => page.after === undefined));
  t.strictSame(
    paged.find((page) => page.after !== undefined),
    { limit: 10, after },
  );
  t.ok(paged.every(({ limit }) => limit === 10));
  t.ok(
    requestsFor(CONTRACT, { position: () => ({}) }).every(({ page }) => page.after === undefined),
    'a position that only an item tells',
  );
});

t.test('a hostile text takes the place of every text that may be anything, and of nothing else', async (t) => {
  const [request] = requestsFor(CONTRACT);
  const given = { ...(request as NonNullable<typeof request>), query: { ...request?.query, id: 'a', stranger: 'b' } };
  const changed = withTexts(given, '$ne', CONTRACT);
  t.strictSame(changed.path, { id: '$ne' });
  t.strictSame(changed.query, { ...given.query, q: '$ne' });
  t.strictSame({ ...changed, path: 0, query: 0 }, { ...given, path: 0, query: 0 });
  t.ok(Object.isFrozen(changed));
});

t.test('the texts that are tried have broken query builders before: none is left out', async (t) => {
  t.strictSame(HOSTILE, [
    '$ne',
    '{"$gt":""}',
    'a.b',
    '__proto__',
    '#',
    '|',
    ':',
    '/',
    '\u0000',
    '\ud800',
    '*',
    ':pk',
    '#n',
    ' or 1=1',
    'x'.repeat(5_000),
  ]);
});
