import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, PutCommand } from '@aws-sdk/lib-dynamodb';
import fc from 'fast-check';
import { MongoClient } from 'mongodb';
import t, { type Test } from 'tap';
import { type Facade, withFacade } from '../support/facade.ts';
import { eachDynamo, withMongo } from '../support/stores.ts';

const CONTRACT = `
openapi: 3.0.3
info: { title: Notes, version: '1' }
paths:
  /notes/{id}:
    get:
      operationId: getNote
      parameters:
        - { name: id, in: path, required: true, schema: { type: string } }
      responses: { '200': { description: A note, content: { application/json: { schema: { $ref: '#/components/schemas/Note' } } } } }
  /notes:
    get:
      operationId: listNotes
      parameters:
        - { name: label, in: query, schema: { type: string } }
        - { name: ids, in: query, schema: { type: array, items: { type: string } } }
        - { name: range, in: query, style: deepObject, explode: true, schema: { type: object, additionalProperties: { type: string } } }
      responses: { '200': { description: Notes, content: { application/json: { schema: { type: array, items: { $ref: '#/components/schemas/Note' } } } } } }
  /searches:
    post:
      operationId: searchNotes
      requestBody:
        required: true
        content: { application/json: { schema: { type: object, properties: { label: {}, where: { type: object } } } } }
      responses: { '200': { description: Notes, content: { application/json: { schema: { type: array, items: { $ref: '#/components/schemas/Note' } } } } } }
components:
  schemas:
    Note: { type: object, properties: { id: { type: string }, owner: { type: string }, label: { type: string } } }
`;

const bindings = (table: string) => `
const query = (tenant) => ({
  TableName: '${table}',
  KeyConditionExpression: 'pk = :pk',
  ExpressionAttributeValues: { ':pk': tenant },
});
const byLabel = (tenant, label) => label === undefined ? { Query: query(tenant) } : {
  Query: { ...query(tenant), FilterExpression: 'label = :label', ExpressionAttributeValues: { ':pk': tenant, ':label': label } },
};
export default bind({
  contract: './contract.yaml',
  tenant: ({ headers }) => headers['x-tenant-id'],
  freshness: { by: 'the test', within: '1s' },
  operations: {
    getNote: {
      dynamodb: ({ tenant, path }) => ({ GetItem: { TableName: '${table}', Key: { pk: tenant, sk: key\`NOTE#\${path.id}\` } } }),
      mongodb: ({ tenant, path }) => ({ findOne: { collection: 'notes', filter: { tenant, id: path.id } } }),
    },
    listNotes: {
      dynamodb: ({ tenant, query: { label, range, ids } }) => byLabel(tenant, label ?? range?.from ?? ids?.[0]),
      mongodb: ({ tenant, query: { label, range, ids } }) => {
        const wanted = label ?? range?.from ?? ids?.[0];
        return { find: { collection: 'notes', filter: { tenant, ...(wanted !== undefined && { label: wanted }) }, sort: { id: 1 } } };
      },
    },
    searchNotes: {
      kind: 'read',
      dynamodb: ({ tenant, body }) => byLabel(tenant, body.label),
      mongodb: ({ tenant, body }) => ({ find: { collection: 'notes', filter: { tenant, ...(body.label !== undefined && { label: { $eq: body.label } }) } } }),
    },
  },
});
`;

const HOSTILE = [
  '$ne',
  '{"$gt":""}',
  '$where',
  'a.b',
  '..',
  '__proto__',
  'constructor',
  '#',
  'acme#NOTE#1',
  'other',
  '\u0000',
  'NOTE#1\u0000',
  '\ud800',
  '😀',
  ' or 1=1',
  ':pk',
  '*',
  '[]',
  'x'.repeat(5_000),
];

const hostile = fc.oneof(fc.constantFrom(...HOSTILE), fc.string({ unit: 'binary', maxLength: 30 }), fc.string());

/** Percent-encoded as a client with no scruples would: a lone surrogate goes out as its three CESU bytes. */
const encoded = (text: string) =>
  [...text]
    .map((one) => (/[\ud800-\udfff]/.test(one) && one.length === 1 ? '%ED%A0%80' : encodeURIComponent(one)))
    .join('');

t.test('a hostile value never becomes structure, never crosses a tenant, never gives a 5xx', async (t) => {
  await eachDynamo(t, async (t, dynamo) => {
    const mongo = await withMongo(t);
    const table = `${dynamo.prefix}notes`;
    const client = new DynamoDBClient(dynamo.config);
    const documents = DynamoDBDocumentClient.from(client);
    const mongoClient = new MongoClient(mongo.uri);
    t.teardown(async () => {
      client.destroy();
      await mongoClient.close();
    });
    await client.send(
      new CreateTableCommand({
        TableName: table,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [
          { AttributeName: 'pk', AttributeType: 'S' },
          { AttributeName: 'sk', AttributeType: 'S' },
        ],
        KeySchema: [
          { AttributeName: 'pk', KeyType: 'HASH' },
          { AttributeName: 'sk', KeyType: 'RANGE' },
        ],
      }),
    );
    for (const owner of ['acme', 'other']) {
      for (const id of ['1', '2', '$ne', 'a.b', '__proto__']) {
        const note = { id, owner, label: `of ${owner}` };
        await documents.send(new PutCommand({ TableName: table, Item: { pk: owner, sk: `NOTE#${id}`, ...note } }));
        await mongoClient
          .db()
          .collection('notes')
          .insertOne({ tenant: owner, ...note });
      }
    }
    const facade = await withFacade(t, {
      bindings: { text: bindings(table), contract: CONTRACT },
      env: { AWS_ENDPOINT_URL_DYNAMODB: dynamo.endpoint, MONGODB_URI: mongo.uri },
    });
    for (const stage of ['dynamodb', 'complete']) {
      await t.test(`at ${stage}`, async (t) => {
        await facade.stages(
          `operations: { getNote: { stage: ${stage} }, listNotes: { stage: ${stage} }, searchNotes: { stage: ${stage} } }\n`,
        );
        await attack(t, facade);
      });
    }
  });
});

const HEADERS = { 'x-tenant-id': 'acme' };

async function attack(t: Test, facade: Facade): Promise<void> {
  const known = await facade.get('/notes/1', HEADERS);
  t.same(known.json, { id: '1', owner: 'acme', label: 'of acme' });

  const statuses = new Set<number>();
  const harmless = (path: string, { status, text }: { status: number; text: string }) => {
    statuses.add(status);
    if (status >= 500) throw new Error(`${status} for ${path}: ${text}`);
    if (status < 300 && text.includes('"owner":"other"')) throw new Error(`another tenant's note for ${path}`);
  };
  const paths = fc.oneof(
    hostile.map((value) => `/notes/${encoded(value)}`),
    hostile.map((value) => `/notes?label=${encoded(value)}`),
    fc.tuple(hostile, hostile).map(([a, b]) => `/notes?label=${encoded(a)}&label=${encoded(b)}`),
    fc.tuple(hostile, hostile).map(([name, value]) => `/notes?range[${encoded(name)}]=${encoded(value)}`),
    hostile.map((value) => `/notes?label[$ne]=${encoded(value)}`),
    fc
      .array(hostile, { maxLength: 3 })
      .map((values) => `/notes?${values.map((value) => `ids=${encoded(value)}`).join('&')}`),
    fc.constantFrom(
      '/notes/%',
      '/notes/%E0%A4%A',
      '/notes?label=%',
      '/notes?%=1',
      '/notes?range=1',
      '/notes?range[__proto__]=x',
    ),
  );
  await fc.assert(
    fc.asyncProperty(paths, async (path) => harmless(path, await facade.get(path, HEADERS))),
    { numRuns: 150 },
  );

  const labels = fc.oneof(
    hostile,
    fc.constantFrom<unknown>({ $ne: null }, { $gt: '' }, ['a'], 7, null, { 'a.b': 1 }, 'x'.repeat(1_000_000)),
  );
  await fc.assert(
    fc.asyncProperty(labels, async (label) => {
      const body = JSON.stringify({ label });
      const reply = await facade.send(
        'POST',
        '/searches',
        { ...HEADERS, 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) },
        body,
      );
      harmless(`POST ${body.slice(0, 80)}`, reply);
      if (typeof label === 'object' && label !== null && !Array.isArray(label))
        t.equal(reply.status, 400, `${body} is refused`);
    }),
    { numRuns: 40 },
  );

  const tenants: (string | string[])[] = ['', 'x'.repeat(129), ['acme', 'other'], ['acme', 'acme']];
  for (const tenant of tenants) {
    const reply = await facade.get('/notes/1', { 'x-tenant-id': tenant });
    t.equal(reply.status, 400, `tenant ${JSON.stringify(tenant).slice(0, 30)} is refused`);
  }
  t.equal((await facade.get('/notes/1', { 'x-tenant-id': 'acme', connection: 'close, x-tenant-id' })).status, 400);
  t.equal((await facade.get('/notes/1', { 'x-tenant-id': 'ACME' })).status, 404, 'case is significant');
  t.ok(
    statuses.has(200) && statuses.has(400) && statuses.has(404),
    `statuses seen: ${[...statuses].sort().join(', ')}`,
  );
}
