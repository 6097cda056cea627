import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, PutCommand } from '@aws-sdk/lib-dynamodb';
import fc from 'fast-check';
import { MongoClient } from 'mongodb';
import type { Test } from 'tap';
import { type Reply, withFacade } from '../../facade.ts';
import { withDynamo, withMongo } from '../../stores.ts';
import { UNHURRIED } from '../notes.ts';
import { must, type Target } from '../target.ts';

/** A request as it is sent, but for the tenant; a header of no characters that HTTP has is left to Node to refuse. */
type Input = {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: readonly (readonly string[])[];
  readonly body: string;
};

const CONTRACT = `
openapi: 3.0.3
info: { title: Things, version: '1' }
paths:
  /things/{id}:
    get:
      operationId: getThing
      parameters:
        - { name: id, in: path, required: true, schema: { type: string } }
        - { name: n, in: query, schema: { type: integer, minimum: -5, maximum: 9007199254740991 } }
        - { name: x, in: query, schema: { type: number } }
        - { name: yes, in: query, schema: { type: boolean } }
        - { name: word, in: query, schema: { type: string, enum: [one, two] } }
        - { name: shape, in: query, schema: { type: string, pattern: '^[a-z]{1,8}$' } }
        - { name: X-Mode, in: header, schema: { type: string } }
        - { name: taste, in: cookie, schema: { type: string } }
      responses: { '200': { description: One, content: { application/json: { schema: { $ref: '#/components/schemas/Thing' } } } } }
  /numbered/{n}/{list}:
    get:
      operationId: getNumbered
      parameters:
        - { name: n, in: path, required: true, schema: { type: integer } }
        - { name: list, in: path, required: true, style: matrix, explode: true, schema: { type: array, items: { type: string } } }
      responses: { '200': { description: One, content: { application/json: { schema: { $ref: '#/components/schemas/Thing' } } } } }
  /things:
    get:
      operationId: listThings
      parameters:
        - { name: label, in: query, schema: { type: string } }
        - { name: ids, in: query, schema: { type: array, items: { type: string }, maxItems: 5 } }
        - { name: piped, in: query, style: pipeDelimited, explode: false, schema: { type: array, items: { type: integer } } }
        - { name: range, in: query, style: deepObject, explode: true, schema: { type: object, additionalProperties: { type: string } } }
        - { name: when, in: query, schema: { type: string, format: date-time } }
        - { name: limit, in: query, schema: { type: integer, minimum: 1, maximum: 3, default: 2 } }
      responses: { '200': { description: Some, content: { application/json: { schema: { type: array, items: { $ref: '#/components/schemas/Thing' } } } } } }
  /searches:
    post:
      operationId: search
      requestBody:
        required: true
        content: { application/json: { schema: { type: object, properties: { label: {}, where: { type: object }, ids: { type: array, items: { type: string } } } } } }
      responses: { '200': { description: Some, content: { application/json: { schema: { type: array, items: { $ref: '#/components/schemas/Thing' } } } } } }
components:
  schemas:
    Thing: { type: object, properties: { id: { type: string }, label: { type: string }, owner: { type: string } } }
`;

const bindings = (table: string) => `
const wanted = ({ label, range, ids, piped }) =>
  [label, range?.from, ids?.[0], piped && String(piped[0])].find((one) => one !== undefined);
const query = (tenant, label) => ({ Query: {
  TableName: '${table}',
  KeyConditionExpression: 'pk = :pk',
  ...(label !== undefined && { FilterExpression: 'label = :label' }),
  ExpressionAttributeValues: { ':pk': tenant, ...(label !== undefined && { ':label': label }) },
} });
const find = (tenant, label) =>
  ({ find: { collection: 'things', filter: { tenant, ...(label !== undefined && { label: { $eq: label } }) }, sort: { id: 1 } } });
const one = (of) => ({
  dynamodb: (request) => ({ GetItem: { TableName: '${table}', Key: { pk: request.tenant, sk: key\`THING#\${of(request)}\` } } }),
  mongodb: (request) => ({ findOne: { collection: 'things', filter: { tenant: request.tenant, id: of(request) } } }),
});
export default bind({
  contract: './contract.yaml',
  tenant: ({ headers }) => headers['x-tenant-id'],
  freshness: { by: 'the test', within: '1s' },
  operations: {
    getThing: one(({ path }) => path.id),
    getNumbered: one(({ path }) => path.n + '-' + path.list.join('-')),
    listThings: {
      dynamodb: ({ tenant, query: given }) => query(tenant, wanted(given)),
      mongodb: ({ tenant, query: given }) => find(tenant, wanted(given)),
    },
    search: {
      kind: 'read',
      dynamodb: ({ tenant, body }) => query(tenant, body.label),
      mongodb: ({ tenant, body }) => find(tenant, body.label),
    },
  },
});
`;

const IDS = ['one', 'two', '7-a-b', '$ne', '__proto__', 'a.b', '%', 'ü', '{"$gt":""}', ' ', '0'];
/** Of the same things the one tenant's are in DynamoDB's hands, the other's in MongoDB's. */
const TENANTS = ['left', 'right'] as const;
const SECRET = 'kept-from-both';

async function open(t: Test) {
  const [dynamo, mongo] = [await withDynamo(t, 'dynalite'), await withMongo(t)];
  const table = `${dynamo.prefix}things`;
  const client = new DynamoDBClient(dynamo.config);
  const documents = DynamoDBDocumentClient.from(client);
  await client.send(
    new CreateTableCommand({
      TableName: table,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: ['pk', 'sk'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
    }),
  );
  const mongoClient = new MongoClient(mongo.uri);
  t.teardown(async () => {
    client.destroy();
    await mongoClient.close();
  });
  for (const tenant of [...TENANTS, 'third']) {
    for (const id of IDS) {
      const thing = { id, label: id, owner: tenant === 'third' ? SECRET : 'nobody' };
      await documents.send(new PutCommand({ TableName: table, Item: { pk: tenant, sk: `THING#${id}`, ...thing } }));
      await mongoClient
        .db()
        .collection('things')
        .insertOne({ tenant, ...thing });
    }
  }
  const operation = '{ stage: dynamodb, tenants: { right: complete, third: complete } }';
  return await withFacade(t, {
    bindings: { text: bindings(table), contract: CONTRACT },
    env: {
      ...UNHURRIED,
      AWS_REGION: dynamo.config.region,
      AWS_ENDPOINT_URL_DYNAMODB: dynamo.endpoint,
      MONGODB_URI: mongo.uri,
    },
    stages: `operations: { ${['getThing', 'getNumbered', 'listThings', 'search'].map((id) => `${id}: ${operation}`).join(', ')} }\n`,
  });
}

const TEXTS = [
  ...IDS,
  ...[
    '',
    '..',
    '.',
    '%2F',
    '%2e%2e',
    '%00',
    '%zz',
    '%ff',
    '%ed%a0%80',
    '%C3%BC',
    '+',
    '%20',
    'a#b',
    'a&b',
    '1e3',
    '0x1',
  ],
  ...[
    '-0',
    '9007199254740993',
    'NaN',
    'Infinity',
    'true',
    'false',
    'null',
    '[]',
    '{}',
    'x'.repeat(2_100),
    '::',
    '|',
    ',',
  ],
  ...['$where', 'constructor', 'toString', '2026-01-05T08:00:00Z', '2026-02-30', '1', '-5', '3', ';list=a;list=b'],
];
const NAMES = [
  ...[
    'label',
    'ids',
    'ids[]',
    'piped',
    'range[from]',
    'range[$gt]',
    'range[__proto__]',
    'range',
    'range[from][x]',
    'n',
  ],
  ...[
    'x',
    'yes',
    'word',
    'shape',
    'when',
    'limit',
    'unknown',
    '__proto__',
    '$where',
    'a.b',
    '',
    'label[$ne]',
    '%6cabel',
  ],
];
const HEADERS = ['X-Mode', 'Cookie', 'Content-Type', 'Accept', 'X-Tenant-Id', 'Connection', 'X-Request-Id', 'Origin'];

const text = fc.oneof(fc.constantFrom(...TEXTS), fc.string({ unit: 'grapheme', maxLength: 12 }));
const encoded = fc.oneof(fc.constantFrom(...TEXTS.filter((one) => /^[!-"$-~]*$/.test(one))), text.map(encodeSafely));

const METHODS = ['GET', 'HEAD', 'POST', 'OPTIONS', 'PUT', 'DELETE'];
const BODIES = [
  '',
  '{}',
  '{"label":"one"}',
  '{"label":{"$ne":"x"}}',
  '{"where":{"$gt":1}}',
  '{"__proto__":{"a":1}}',
  '[',
];

export const parameters: Target<Input> = {
  name: 'parameters',
  about: 'paths, queries, headers and bodies, at an API with parameters of every style; either store says the same',
  inputs: fc.record({
    method: fc.constantFrom('GET', 'GET', ...METHODS),
    path: fc.oneof(
      encoded.map((id) => `/things/${id}`),
      fc.tuple(encoded, encoded).map(([n, list]) => `/numbered/${n}/${list}`),
      fc.constantFrom('/things', '/things', '/things', '/searches', '/things/', '/numbered/7/;list=a;list=b'),
    ),
    query: fc
      .array(fc.tuple(fc.constantFrom(...NAMES), encoded), { maxLength: 5 })
      .map((all) => all.map(([name, value]) => `${name}=${value}`).join('&')),
    headers: fc.array(fc.tuple(fc.constantFrom(...HEADERS), text), { maxLength: 3 }),
    body: fc.oneof(
      fc.constantFrom(...BODIES),
      fc.json(),
      text.map((label) => JSON.stringify({ label })),
    ),
  }),
  examples: [
    { method: 'GET', path: '/things/one', query: 'n=1&yes=true', headers: [['X-Mode', 'x']], body: '' },
    { method: 'GET', path: '/numbered/7/;list=a;list=b', query: '', headers: [], body: '' },
    { method: 'GET', path: '/things', query: 'label=one&limit=3&ids=a&ids=b', headers: [], body: '' },
    { method: 'GET', path: '/things', query: 'range[from]=one&range[to]=x&piped=1|2', headers: [], body: '' },
    {
      method: 'POST',
      path: '/searches',
      query: '',
      headers: [['Content-Type', 'application/json']],
      body: BODIES[2] ?? '',
    },
  ],
  words: [...TEXTS.filter(({ length }) => length < 99), ...NAMES],
  async open(t) {
    const facade = await open(t);
    return async ({ method, path, query, headers, body }) => {
      const target = query === '' ? path : `${path}?${query}`;
      if (!/^\/[!-~]*$/.test(target) || !METHODS.includes(method) || !headers.every(isSendable))
        return 'cannot be sent';
      // Of a head that is too long nobody knows that it is a HEAD's: the refusal has a body.
      if (method === 'HEAD' && JSON.stringify([target, headers]).length > 100_000) return 'too long';
      const ask = async (tenant: string): Promise<Reply> => {
        const all = Object.fromEntries(headers.map(([name = '', value = '']) => [name.toLowerCase(), value]));
        const sent = method === 'GET' || method === 'HEAD' ? undefined : body;
        return await facade.send(method, target, { 'x-tenant-id': tenant, ...all, ...lengthOf(sent) }, sent);
      };
      const [left, right] = [await ask('left'), await ask('right')];
      for (const { status, text, headers } of [left, right]) {
        must(status < 500 || status === 501, 'a 5xx of ours', [status, text]);
        must(
          !text.includes(SECRET) || JSON.stringify([target, headers, body]).includes('third'),
          'of a third tenant',
          text,
        );
        const isJson = /json/.test(String(headers['content-type'])) && method !== 'HEAD' && status !== 204;
        must(!isJson || isJsonText(text), 'a body that is no JSON', text);
      }
      must(left.status === right.status, 'two stores, two statuses', [
        left.status,
        right.status,
        left.text,
        right.text,
      ]);
      must(sorted(left.text) === sorted(right.text), 'two stores, two bodies', [left.text, right.text]);
      return `${method} ${left.status} ${left.json?.title ?? Array.isArray(left.json)}`;
    };
  },
};

const lengthOf = (body: string | undefined): Record<string, string> =>
  body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };

/** The others are of the raw requests' target. */
const FRAMING = new Set([
  'content-length',
  'transfer-encoding',
  'host',
  'expect',
  'upgrade',
  'te',
  'trailer',
  'connection',
]);

const isSendable = ([name = '', value = '']: readonly string[]): boolean =>
  /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name) &&
  /^[\t\x20-\x7e\x80-\xff]*$/.test(value) &&
  !FRAMING.has(name.toLowerCase());

/** The order of a list without `position` is the store's own. */
function sorted(text: string): string {
  if (!text.startsWith('[')) return text.replace(/"instance":"[^"]*"/, '');
  return JSON.stringify((JSON.parse(text) as unknown[]).map((one) => JSON.stringify(one)).sort());
}

function isJsonText(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function encodeSafely(text: string): string {
  try {
    return encodeURIComponent(text);
  } catch {
    return '%EF%BF%BD';
  }
}
