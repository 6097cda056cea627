import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import t, { type Test } from 'tap';
import { checkBindings } from '../../src/bindings/check.ts';
import type { BindingsSpec } from '../../src/model/binding.ts';
import { boundOf, operationOf, parameter } from '../support/bound.ts';

const TEXT = { type: 'string' };
const API = [
  operationOf('getThing', [parameter('kind', 'path', TEXT), parameter('id', 'path', TEXT)]),
  operationOf('getNumber', [parameter('id', 'path', { type: 'integer' })]),
  operationOf('getText', [parameter('id', 'path', TEXT), parameter('q', 'query', TEXT, true)]),
  operationOf('getPattern', [parameter('id', 'path', { ...TEXT, pattern: '^(a+)+$' })]),
  operationOf('listThings', [parameter('cursor', 'query', TEXT)]),
];
const BY_HEADER: BindingsSpec['tenant'] = ({ headers }) => headers['x-tenant-id'];

const index = pathToFileURL(join(import.meta.dirname, '../../src/index.ts')).href;
let imported: Promise<ReadonlyMap<string, BindingsSpec['operations']>> | undefined;

/** What people would write, all in one module, since an import takes its time. */
async function written(t: Test): Promise<ReadonlyMap<string, BindingsSpec['operations']>> {
  const texts = [
    ...new Set([...rows.map(([, one]) => one), ...cursors.map(([, one]) => `${one}, ${THING}`), ...others]),
  ];
  // A name of its own, since Node imports a file once.
  const name = `${randomBytes(4).toString('hex')}.ts`;
  const module = `import { key } from '${index}';\nexport default [${texts.map((one) => `{ ${one} }`).join(',\n')}];`;
  const { default: all } = await import(pathToFileURL(join(t.testdir({ [name]: module }), name)).href);
  return new Map(texts.map((one, at) => [one, all[at]]));
}

/** What is found of bindings with these operations, told as `place: message`. */
async function found(t: Test, text: string, more: Partial<BindingsSpec> = {}, contract = API) {
  imported ??= written(t);
  const operations = (await imported).get(text) ?? {};
  const spec: BindingsSpec = { contract: 'c.yaml', tenant: BY_HEADER, ...more, operations };
  const { problems, notes, calls } = await checkBindings(boundOf(contract, spec), { runs: 3, seed: 1 });
  const told = (list: typeof problems) =>
    list.map(({ where, message }) => `${where.replace('b.ts#/operations/', '')}: ${message}`);
  return { problems: told(problems), notes: told(notes), calls };
}

const CURE = "; or say tenantScope: { none: 'the reason' }";
const NEITHER = `the tenant is neither the partition key, nor its first component, nor a top-level equality of the filter${CURE}`;
const NONE = `no key or filter carries the tenant${CURE}`;
const dynamodb = (call: string) => `dynamodb: ({ tenant, path, query, body, page }) => (${call})`;
const mongodb = (call: string) => `mongodb: ({ tenant, path, query, page }) => (${call})`;
const get = (key: string) => `getThing: { ${dynamodb(`{ GetItem: { TableName: 'x', Key: ${key} } }`)} }`;
const SK = `sk: key\`\${path.kind}#\${path.id}\``;
const query = (more: string, values = "{ ':t': tenant }") =>
  `listThings: { ${dynamodb(`{ Query: { TableName: 'x', ${more}, ExpressionAttributeValues: ${values} } }`)}, items: '/items' }`;
const find = (filter: string) => `getThing: { ${mongodb(`{ findOne: { collection: 'x', filter: ${filter} } }`)} }`;

const THING = get(`{ pk: tenant, ${SK} }`);

/** Bindings, and all that is said of them; none where they are as they should be. */
const rows: [name: string, operations: string, ...problems: string[]][] = [
  ['the tenant as the partition key', get(`{ pk: tenant, ${SK} }`)],
  ['the tenant as its first component', get(`{ pk: key\`\${tenant}#\${path.kind}\`, sk: path.id }`)],
  ['the tenant behind a word', get(`{ pk: key\`TENANT#\${tenant}\`, ${SK} }`)],
  ['the tenant behind a word of several parts', get(`{ pk: key\`OUR_OWN-TENANT#\${tenant}\`, ${SK} }`)],
  ['the tenant behind a number', get(`{ pk: key\`T1#\${tenant}\`, ${SK} }`), `getThing/dynamodb: ${NEITHER}`],
  ['the tenant behind two words', get(`{ pk: key\`A#B#\${tenant}\`, ${SK} }`), `getThing/dynamodb: ${NEITHER}`],
  ['the tenant run into a word', get(`{ pk: \`TENANT\${tenant}\`, ${SK} }`), `getThing/dynamodb: ${NEITHER}`],
  [
    'the tenant in the sort key',
    get(`{ pk: path.kind, sk: key\`\${tenant}#\${path.id}\` }`),
    `getThing/dynamodb: ${NEITHER}`,
  ],

  [
    'a scope that is none, and said why',
    get(`{ pk: path.kind, sk: path.id }`)
      .replace(' }) => ', ' }) => ')
      .replace('getThing: {', "getThing: { tenantScope: { none: 'shared' },"),
  ],
  [
    'many keys, each with the tenant',
    `getThing: { ${dynamodb("{ BatchGetItem: { TableName: 'x', Keys: [{ pk: tenant, sk: path.id }, { pk: tenant, sk: path.kind }] } }")}, items: '/items' }`,
  ],
  [
    'many keys, one without the tenant',
    `getThing: { ${dynamodb("{ BatchGetItem: { TableName: 'x', Keys: [{ pk: tenant, sk: path.id }, { pk: path.id, sk: tenant }] } }")}, items: '/items' }`,
    `getThing/dynamodb: ${NEITHER}`,
  ],
  [
    'a scan',
    `listThings: { ${dynamodb("{ Scan: { TableName: 'x' } }")}, items: '/items' }`,
    `listThings/dynamodb: ${NONE}`,
  ],
  ['a query by the tenant', query("KeyConditionExpression: 'pk = :t'")],
  [
    'a query by the tenant, in other words',
    query(
      "KeyConditionExpression: ' ( #pk=:t AND sk > :s )', ExpressionAttributeNames: { '#pk': 'pk' }",
      "{ ':t': tenant, ':s': 'a' }",
    ),
  ],
  [
    'a query whose equality comes last',
    query("KeyConditionExpression: 'begins_with(sk, :s) AND pk =  :t'", "{ ':t': tenant, ':s': 'a' }"),
  ],
  [
    'a query of another equality first',
    query("KeyConditionExpression: 'sk = :s AND pk = :t'", "{ ':t': tenant, ':s': 'a' }"),
    `listThings/dynamodb: ${NEITHER}`,
  ],
  [
    'a query whose equality comes after a bound',
    query("KeyConditionExpression: 'sk >= :s AND pk = :t'", "{ ':t': tenant, ':s': 'a' }"),
  ],
  [
    'a query without an equality, but with a bound',
    query("KeyConditionExpression: 'pk <= :t'"),
    `listThings/dynamodb: ${NONE}`,
  ],
  ['a query without an equality', query("KeyConditionExpression: 'pk > :t'"), `listThings/dynamodb: ${NONE}`],
  [
    'a query without a condition',
    `listThings: { ${dynamodb("{ Query: { TableName: 'x' } }")}, items: '/items' }`,
    `listThings/dynamodb: ${NONE}`,
  ],
  ['a filter by the tenant', find('{ tenant, _id: path.id, kind: path.kind }')],
  ['a filter by the tenant within a key', find(`{ _id: key\`\${tenant}#\${path.kind}#\${path.id}\` }`)],
  ['a filter of numbers and nothing', find('{ n: 1, nothing: null, tenant, _id: path.id, kind: path.kind }')],
  [
    'a filter by the tenant under an operator',
    find('{ tenant: { $in: [tenant] }, _id: path.id }'),
    `getThing/mongodb: ${NONE}`,
  ],
  [
    'a find by the tenant',
    `listThings: { ${mongodb("{ find: { collection: 'x', filter: { tenant } } }")}, items: '/items' }`,
  ],
  [
    'a find without',
    `listThings: { ${mongodb("{ find: { collection: 'x', filter: { a: 'b' } } }")}, items: '/items' }`,
    `listThings/mongodb: ${NONE}`,
  ],
  [
    'an aggregation by the tenant',
    `listThings: { ${mongodb("{ aggregate: { collection: 'x', pipeline: [{ $match: { tenant } }, { $sort: { a: 1 } }] } }")}, items: '/items' }`,
  ],
  [
    'an aggregation that asks for the tenant too late',
    `listThings: { ${mongodb("{ aggregate: { collection: 'x', pipeline: [{ $sort: { a: 1 } }, { $match: { tenant } }] } }")}, items: '/items' }`,
    `listThings/mongodb: ${NONE}`,
  ],
  [
    'an aggregation of nothing',
    `listThings: { ${mongodb("{ aggregate: { collection: 'x', pipeline: [] } }")}, items: '/items' }`,
    `listThings/mongodb: ${NONE}`,
  ],
  ...['PutItem', 'UpdateItem', 'DeleteItem', 'TransactWriteItems', 'BatchWriteItem'].map(
    (name): [string, string, string] => [
      name,
      `getThing: { dynamodb: ({ tenant }) => ({ ${name}: { TableName: 'x', Key: { tenant } } }) }`,
      `getThing/dynamodb: ${name} is a writing call; a binding only reads`,
    ],
  ),
  ...['insertOne', 'updateMany', 'deleteOne', 'replaceOne', 'bulkWrite', 'findOneAndUpdate'].map(
    (name): [string, string, string] => [
      name,
      `getThing: { mongodb: ({ tenant }) => ({ ${name}: { collection: 'x', filter: { tenant } } }) }`,
      `getThing/mongodb: ${name} is a writing call; a binding only reads`,
    ],
  ),
  [
    'a call of the other store',
    `getThing: { dynamodb: ({ tenant }) => ({ findOne: { collection: 'x', filter: { tenant } } }) }`,
    'getThing/dynamodb: "findOne" is no call of dynamodb; it has GetItem, BatchGetItem, Query, Scan',
  ],
  [
    'a call that is none',
    `getThing: { mongodb: ({ tenant }) => ({ autoDelete: { collection: 'x', filter: { tenant } } }) }`,
    'getThing/mongodb: "autoDelete" is no call of mongodb; it has findOne, find, aggregate',
  ],
  [
    'nothing at all',
    `getThing: { mongodb: () => ({}) }`,
    'getThing/mongodb: "" is no call of mongodb; it has findOne, find, aggregate',
  ],
  [
    'no table',
    `getThing: { ${dynamodb(`{ GetItem: { Key: { pk: tenant, ${SK} } } }`)} }`,
    'getThing/dynamodb: GetItem has no TableName',
  ],
  [
    'no collection',
    `getThing: { ${mongodb('{ findOne: { filter: { tenant, _id: path.id, kind: path.kind } } }')} }`,
    'getThing/mongodb: findOne has no collection',
  ],
  ...['$where', '$function', '$accumulator'].map((name): [string, string, string] => [
    name,
    find(`{ tenant, a: [{ ${name}: 'code' }] }`),
    `getThing/mongodb: ${name} runs code in the store; a binding only reads`,
  ]),
  ...['$out', '$merge'].map((name): [string, string, string] => [
    name,
    `listThings: { ${mongodb(`{ aggregate: { collection: 'x', pipeline: [{ $match: { tenant, a: null } }, { ${name}: 'y' }] } }`)}, items: '/items' }`,
    `listThings/mongodb: ${name} writes; a binding only reads`,
  ]),
  [
    'what is in an ObjectId is not looked at',
    find("{ tenant, _id: path.id, kind: path.kind, ref: { _bsontype: 'ObjectId', $where: 'x' } }"),
  ],
  [
    'a name that is not defined',
    query("KeyConditionExpression: 'pk = :t AND #sort > :t'"),
    'listThings/dynamodb: Query uses #sort, which is not defined',
  ],
  [
    'a value that is not defined',
    query("KeyConditionExpression: 'pk = :t AND sk > :some_2'"),
    'listThings/dynamodb: Query uses :some_2, which is not defined',
  ],
  [
    'a value that is not used',
    query("KeyConditionExpression: 'pk = :t'", "{ ':t': tenant, ':u': 1 }"),
    'listThings/dynamodb: Query defines :u, which no expression uses',
  ],
  [
    'a name that is not used',
    query("KeyConditionExpression: 'pk = :t', ExpressionAttributeNames: { '#n': 'n' }"),
    'listThings/dynamodb: Query defines #n, which no expression uses',
  ],
  [
    'what a filter and a projection use',
    query(
      "KeyConditionExpression: 'pk = :t', FilterExpression: '#n = :n', ProjectionExpression: '#p', ExpressionAttributeNames: { '#n': 'n', '#p': 'p' }",
      "{ ':t': tenant, ':n': 1 }",
    ),
  ],
  [
    'functions and operators are no names',
    query(
      "KeyConditionExpression: 'pk = :t AND sk BETWEEN :a AND :b', FilterExpression: 'contains(x1, :a) OR NOT x1 IN (:b) AND size(x1) > :a AND begins_with(x1, :a) AND attribute_exists(x1) AND attribute_not_exists(x1) AND attribute_type(x1, :a)'",
      "{ ':t': tenant, ':a': 'a', ':b': 'b' }",
    ),
  ],
  [
    'reserved words, wherever they stand',
    query(
      "KeyConditionExpression: 'user = :t', FilterExpression: 'x1 = :t AND Status = :t', ProjectionExpression: 'x1, name'",
    ),
    'listThings/dynamodb: "user" is a reserved word of DynamoDB; write #user and name it in ExpressionAttributeNames',
    'listThings/dynamodb: "Status" is a reserved word of DynamoDB; write #Status and name it in ExpressionAttributeNames',
    'listThings/dynamodb: "name" is a reserved word of DynamoDB; write #name and name it in ExpressionAttributeNames',
  ],
  [
    'words that are only parts of names',
    query(
      "KeyConditionExpression: 'pk = :user AND #name > :user', ExpressionAttributeNames: { '#name': 'n' }, FilterExpression: 'my_user = :user AND user2 = :user'",
      "{ ':user': tenant }",
    ),
  ],
  [
    'two inputs that ask for one key',
    get('{ pk: tenant, sk: path.kind.length > 0 ? path.id.slice(0, 0) || 1 : 1 }'),
    'getThing/dynamodb: ',
  ],
  [
    'a value as a condition',
    `getText: { ${dynamodb("{ Query: { TableName: 'x', KeyConditionExpression: 'pk = :t AND x1 > ' + query.q.length, ExpressionAttributeValues: { ':t': tenant } } }")} }`,
    'getText/dynamodb: a value such as "$ne" changes the structure of the call',
  ],
  ...['TableName', 'IndexName'].map((name): [string, string, string] => [
    `a value as ${name}`,
    `getText: { ${dynamodb(`{ Query: { TableName: 'x', KeyConditionExpression: 'pk = :t', ExpressionAttributeValues: { ':t': tenant }, ${name}: query.q } }`)}, items: '/items' }`,
    'getText/dynamodb: a value such as "$ne" changes the structure of the call',
  ]),
  [
    'a value as a collection',
    `getText: { ${mongodb('{ findOne: { collection: query.q, filter: { tenant, _id: path.id } } }')} }`,
    'getText/mongodb: a value such as "$ne" changes the structure of the call',
  ],
  [
    'a value as an operator',
    `getText: { ${mongodb("{ findOne: { collection: 'x', filter: { tenant, _id: path.id, [query.q]: 1 } } }")} }`,
    'getText/mongodb: a value such as "$ne" changes the structure of the call',
  ],
  [
    'a value that decides how many',
    `getText: { ${mongodb("{ findOne: { collection: 'x', filter: { tenant, _id: path.id, a: { $in: query.q === '#' ? ['a', { b: 1 }] : ['a', 'b'] } } } }")} }`,
    'getText/mongodb: a value such as "#" changes the structure of the call',
  ],
  [
    'a long value is cut where it is told',
    `getText: { ${mongodb("{ findOne: { collection: 'x', filter: { tenant, _id: path.id, ...(query.q.length > 99 ? { b: 1 } : {}) } } }")} }`,
    `getText/mongodb: a value such as "${'x'.repeat(20)}" changes the structure of the call`,
  ],
  [
    'what is not given, or a date, is no structure',
    `getText: { ${mongodb("{ findOne: { collection: 'x', filter: { tenant, _id: path.id, at: query.q === '#' ? new Date(0) : 'never', b: query.q === '#' ? undefined : undefined, ...(query.q === '|' ? { c: undefined } : {}), r: query.q === ':' ? /x/ : null, o: query.q === '*' ? { _bsontype: 'ObjectId', id: 1 } : 'x' } } }")} }`,
  ],
  ...['#', '|', ':', '/'].map((by): [string, string, string] => [
    `a key with ${by} and no guard`,
    get(`{ pk: tenant, sk: path.kind + '${by}' + path.id }`),
    `getThing/dynamodb: {"kind":"a","id":"x${by}b"} and {"kind":"a${by}x","id":"b"} ask for one key; build it with key\`…\``,
  ]),

  [
    'a filter with a joined value',
    find("{ tenant, _id: path.kind + '|' + path.id }"),
    'getThing/mongodb: {"kind":"a","id":"x|b"} and {"kind":"a|x","id":"b"} ask for one key; build it with key`…`',
  ],
  [
    'a binding that throws',
    `getThing: { dynamodb: ({ body }) => body.x }`,
    'getThing/dynamodb: throws Cannot read properties of undefined (reading ',
  ],
  [
    'what no store could hold is no such item',
    `getThing: { mongodb: ({ tenant, path }) => { throw Object.assign(new Error('bad'), { name: 'BSONError' }); } }`,
  ],
  [
    'an async binding that reads',
    `getThing: { dynamodb: async ({ tenant, path }, read) => { const one = await read({ GetItem: { TableName: 'x', Key: { pk: tenant, sk: key\`\${path.kind}#\${path.id}\` } } }); return one === undefined ? undefined : one; } }`,
  ],
  [
    'an async binding that reads where it must not',
    `getThing: { dynamodb: async ({ tenant, path }, read) => { await read({ PutItem: { TableName: 'x' } }); } }`,
    'getThing/dynamodb: PutItem is a writing call; a binding only reads',
  ],
  [
    'an async binding that gives a call',
    `getThing: { dynamodb: async ({ path }) => ({ DeleteItem: { TableName: 'x', Key: {} } }) }`,
    'getThing/dynamodb: DeleteItem is a writing call; a binding only reads',
  ],
  ...[
    "{ name: 'x' }",
    '{ a: {}, b: {} }',
    '{ list: [] }',
    "[{ a: 'b' }]",
    'null',
    "'text'",
    '{ first_name: {} }',
    '{}',
  ].map((item): [string, string] => [
    `an async binding that gives ${item}, which is no call`,
    `getThing: { tenantScope: { none: 'x' }, dynamodb: async () => (${item}) }`,
  ]),
  [
    'an async binding for which nothing was found',
    `getThing: { dynamodb: async ({ tenant, path }, read) => { const one = await read({ GetItem: { TableName: 'x', Key: { pk: tenant, sk: key\`\${path.kind}#\${path.id}\` } } }); return one.name; } }`,
  ],
  [
    'an async binding that goes through a list',
    `getThing: { dynamodb: async ({ tenant, path }, read) => { const list = await read({ Query: { TableName: 'x', KeyConditionExpression: 'pk = :t', ExpressionAttributeValues: { ':t': tenant } } }); for (const one of list) throw new Error(one); return read({ Put: list.length }); } }`,
    'getThing/dynamodb: Put is a writing call; a binding only reads',
  ],
  [
    'an async binding that throws before it reads',
    `getThing: { dynamodb: async () => { throw new Error('oh'); } }`,
    'getThing/dynamodb: throws oh for {"path":{"kind":"',
  ],
  [
    'a number as a path',
    `getNumber: { ${dynamodb("{ GetItem: { TableName: 'x', Key: { pk: tenant, sk: path.id } } }")} }`,
  ],
  [
    'a pattern that backtracks',
    `getPattern: { ${dynamodb("{ GetItem: { TableName: 'x', Key: { pk: tenant, sk: path.id } } }")} }`,
    'c.yaml#/paths/~1getPattern/get: ',
  ],
];

const listed = (sort: string, position: string, more = '') =>
  `listThings: { mongodb: ({ tenant, page }) => ({ find: { collection: 'x', filter: { tenant }, ${sort} after: page.after } }), ${more} items: '/items', page: { cursor: ({ query }) => query.cursor, position: ${position}, next: '/next' } }`;
const cursors: [name: string, operations: string, problems: string[], notes: string[]][] = [
  ['by what it sorts by', listed('sort: { name: 1 },', "['name']"), [], []],
  ['by more than one', listed('sort: { name: 1, at: -1 },', "['at', 'name']"), [], []],
  ['by what it filters by too', listed('sort: { name: 1 },', "['name', 'tenant']"), [], []],
  [
    'by less than it sorts by',
    listed('sort: { name: 1, at: -1, id: 1 },', "['name']"),
    ['listThings/page/position: lacks at, id of MongoDB’s sort: a cursor cannot travel, pages would skip or repeat'],
    [],
  ],
  [
    'by what it does not sort by',
    listed('sort: { name: 1 },', "['name', 'at', 'id']"),
    ['listThings/page/position: at, id is not in MongoDB’s sort: a cursor cannot travel'],
    [],
  ],
  [
    'without a sort',
    listed('', '({ name }) => ({ name })'),
    ['listThings/page/position: MongoDB’s find has no sort: a cursor cannot say where its page ended'],
    [],
  ],
  ['by a function of the item', listed('sort: { name: 1 },', '({ name }) => ({ name })'), [], []],
  [
    'of a scan',
    `listThings: { tenantScope: { none: 'x' }, dynamodb: ({ page }) => ({ Scan: { TableName: 'x', ExclusiveStartKey: page.after } }), items: '/items', page: { cursor: ({ query }) => query.cursor, position: ['name'], next: '/next' } }`,
    [],
    ['listThings/page/position: a Scan has an order of its own: the cursor stays with the store that issued it'],
  ],
  [
    'of a query beside a find',
    listed(
      'sort: { name: 1 },',
      "['name']",
      "dynamodb: ({ tenant, page }) => ({ Query: { TableName: 'x', KeyConditionExpression: 'pk = :t', ExpressionAttributeValues: { ':t': tenant }, ExclusiveStartKey: page.after } }),",
    ),
    [],
    [],
  ],
];

const COUNTING = `listThings: { ${mongodb("{ find: { collection: 'x', filter: { tenant }, count: true } }")} }`;
const UNCOUNTED = COUNTING.replace('count: true', 'count: false');
const BOTH = `getThing: { ${dynamodb(`{ GetItem: { TableName: 'x', Key: { pk: tenant, ${SK} } } }`)}, ${mongodb("{ findOne: { collection: 'x', filter: { tenant, _id: path.id, kind: path.kind } } }")} }`;
const NOT_THE_TENANT = get('{ pk: path.kind, sk: path.id }');
const others = [COUNTING, UNCOUNTED, BOTH, NOT_THE_TENANT];

for (const [name, operations, ...expected] of rows) {
  t.test(`${name}: ${expected.length === 0 ? 'good' : 'said'}`, async (t) => {
    const { problems } = await found(t, operations);
    const shortened = problems.map((one, at) => {
      const wanted = expected[at];
      return wanted !== undefined && (wanted.endsWith(': ') || wanted.includes('throws'))
        ? one.slice(0, wanted.length)
        : one;
    });
    t.strictSame(shortened, expected);
  });
}

for (const [name, operations, problems, notes] of cursors) {
  t.test(`a cursor ${name}`, async (t) => {
    const all = await found(t, `${operations}, ${THING}`);
    t.strictSame([all.problems, all.notes], [problems, notes]);
  });
}

t.test('what is good to know: what counts, and credentials that are not looked at', async (t) => {
  const counts = 'listThings/mongodb: find counts all that match for every page (count: true)';
  t.strictSame((await found(t, COUNTING)).notes, [counts]);
  t.strictSame((await found(t, UNCOUNTED)).notes, []);
  const secured = API.map((one) => ({ ...one, security: { required: true, schemes: ['apiKey'] } }));
  const auth = { mode: 'jwt', issuer: 'x', audience: 'y', jwks: 'z' } as const;
  t.strictSame((await found(t, COUNTING, { auth: auth as never }, secured)).notes, [
    "b.ts#/auth: the contract's security is apiKey, which mode jwt does not look at",
    counts,
  ]);
});

t.test('one call of each binding, for who tries it at the store', async (t) => {
  const { calls, problems } = await found(t, BOTH);
  t.strictSame(problems, []);
  t.strictSame(
    calls.map(({ where, store, call }) => [where, store, Object.keys(call)]),
    [
      ['b.ts#/operations/getThing/dynamodb', 'dynamodb', ['GetItem']],
      ['b.ts#/operations/getThing/mongodb', 'mongodb', ['findOne']],
    ],
  );
});

const refused = [`getThing/dynamodb: ${NEITHER}`];
/** Of the API: whose requests these are. */
const tenants: [name: string, rule: BindingsSpec['tenant'], problems: string[]][] = [
  ['no tenants at all', () => 'all', []],
  ['a header', ({ headers }) => headers.x, refused],
  ['a claim', ({ claims }) => claims.t as string, refused],
  ['a part of the path', ({ path }) => path.t as string, refused],
  ['a parameter', ({ query }) => query.t as string, refused],
  ['nothing', () => undefined, refused],
  [
    'a rule that throws',
    () => {
      throw new Error('no');
    },
    refused,
  ],
];
for (const [name, tenant, problems] of tenants) {
  t.test(`whose it is: ${name}`, async (t) => {
    t.strictSame((await found(t, NOT_THE_TENANT, { tenant })).problems, problems);
  });
}
