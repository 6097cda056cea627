import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { MongoClient } from 'mongodb';
import t, { type Test } from 'tap';
import { run } from '../../src/commands/check.ts';
import { withDynamo, withMongo } from '../support/stores.ts';

const CONTRACT = `
openapi: 3.0.3
info: { title: Things, version: '1' }
paths:
  /things/{kind}/{id}:
    get:
      operationId: getThing
      parameters:
        - { name: kind, in: path, required: true, schema: { type: string } }
        - { name: id, in: path, required: true, schema: { type: string } }
      responses: { '200': { description: One, content: { application/json: { schema: { type: object, properties: { name: { type: string } } } } } } }
  /things:
    get:
      operationId: listThings
      parameters: [{ name: cursor, in: query, schema: { type: string } }]
      responses: { '200': { description: All, content: { application/json: { schema: { type: object, properties: { items: { type: array, items: { type: object, properties: { name: {} } } }, next: { type: string } } } } } } }
`;

const GET =
  "dynamodb: ({ tenant, path }) => ({ GetItem: { TableName: 'things', Key: { pk: tenant, sk: key`${path.kind}#${path.id}` } } })";
const PAGED = (sort: string, position: string) =>
  `mongodb: ({ tenant, page }) => ({ find: { collection: 'things', filter: { tenant }, sort: ${sort}, after: page.after } }), items: '/items', page: { cursor: ({ query }) => query.cursor, position: ${position}, next: '/next' }`;

const index = pathToFileURL(join(import.meta.dirname, '../../src/index.ts')).href;

/** Each module has a name of its own, since Node imports a file once. */
function folder(t: Test, name: string, operations: string): string {
  const text = `import { bind, key } from '${index}';
export default bind({ contract: './c.yaml', tenant: ({ headers }) => headers['x-tenant-id'], operations: { ${operations} } });`;
  return t.testdir({ 'c.yaml': CONTRACT, [name]: text });
}

async function check(t: Test, operations: string, env = {}, connect = false): Promise<{ code: number; text: string }> {
  const name = `${randomBytes(4).toString('hex')}-b.ts`;
  const cwd = folder(t, name, operations);
  let text = '';
  const out = (more: string) => {
    text += more;
  };
  const io = { out, err: () => undefined, env, cwd, color: false };
  try {
    const code = await run(io, join(cwd, name), { runs: '10', seed: '1', connect });
    return { code, text };
  } catch (error) {
    return { code: 2, text: (error as Error).message };
  }
}

t.test('good bindings have no problem', async (t) => {
  t.match(await check(t, `getThing: { ${GET} }, listThings: { ${PAGED('{ name: 1 }', "['name']")} }`), {
    code: 0,
    text: /2 operations bound, 0 problems/,
  });
});

const rows: [string, string, RegExp, number?][] = [
  [
    'an operationId that the contract lacks',
    `getThings: { ${GET} }`,
    /b\.ts#\/operations\/getThings: .*do you mean "getThing"/,
    2,
  ],
  [
    'a response path that the schema lacks',
    `getThing: { ${GET}, response: { '/nome': 'x' } }`,
    /getThing\/response\/\/nome: .*no \/nome/,
    2,
  ],
  [
    'a writing call',
    "getThing: { dynamodb: () => ({ DeleteItem: { TableName: 'x', Key: {} } }) }",
    /getThing\/dynamodb: DeleteItem is a writing call/,
  ],
  [
    'a writing stage',
    "getThing: { mongodb: ({ tenant }) => ({ aggregate: { collection: 'x', pipeline: [{ $match: { tenant } }, { $out: 'y' }] } }) }",
    /getThing\/mongodb: \$out writes/,
  ],
  [
    'no tenant in a key',
    'getThing: { dynamodb: ({ path }) => ({ GetItem: { TableName: "x", Key: { pk: key`${path.kind}` } } }) }',
    /getThing\/dynamodb: the tenant is neither/,
  ],
  [
    'no tenant in a filter',
    'getThing: { mongodb: ({ path }) => ({ findOne: { collection: "x", filter: { _id: path.id } } }) }',
    /getThing\/mongodb: no key or filter carries the tenant/,
  ],
  [
    'a key that two inputs share',
    'getThing: { dynamodb: ({ tenant, path }) => ({ GetItem: { TableName: "x", Key: { pk: tenant, sk: `${path.kind}#${path.id}` } } }) }',
    /getThing\/dynamodb: .*ask for one key/,
  ],
  ['a binding that throws', 'getThing: { dynamodb: ({ body }) => body.x }', /getThing\/dynamodb: throws /],
  [
    'a value that becomes an expression',
    'listThings: { dynamodb: ({ tenant, query }) => ({ Query: { TableName: "x", KeyConditionExpression: "pk = :t", FilterExpression: query.cursor ? `n = ${query.cursor}` : undefined, ExpressionAttributeValues: { ":t": tenant } } }), items: "/items" }',
    /changes the structure/,
  ],
  [
    'a cursor that cannot travel',
    `listThings: { ${PAGED('{ name: 1, at: -1 }', "['name']")} }`,
    /listThings\/page\/position: lacks at/,
  ],
  [
    'a reserved word',
    'listThings: { dynamodb: ({ tenant }) => ({ Query: { TableName: "x", KeyConditionExpression: "user = :t", ExpressionAttributeValues: { ":t": tenant } } }), items: "/items" }',
    /"user" is a reserved word of DynamoDB; write #user/,
  ],
  [
    'a value that is not defined',
    'listThings: { dynamodb: ({ tenant }) => ({ Query: { TableName: "x", KeyConditionExpression: "pk = :t AND sk = :s", ExpressionAttributeValues: { ":t": tenant } } }), items: "/items" }',
    /uses :s, which is not defined/,
  ],
];

for (const [says, operations, message, code = 1] of rows) {
  t.test(`${says} is found`, async (t) => {
    const found = await check(t, operations);
    t.match(found.text, message);
    t.equal(found.code, code);
  });
}

t.test('--connect: a missing table, key, collection and index', async (t) => {
  const mongo = await withMongo(t);
  const dynamo = await withDynamo(t, 'dynalite');
  const table = `${dynamo.prefix}things`;
  const client = new DynamoDBClient(dynamo.config);
  await client.send(
    new CreateTableCommand({
      TableName: table,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
    }),
  );
  client.destroy();
  const mongoClient = new MongoClient(mongo.uri);
  t.teardown(() => mongoClient.close());
  const things = mongoClient.db().collection('things');
  await things.insertOne({ tenant: 'x' });
  const env = { AWS_ENDPOINT_URL_DYNAMODB: dynamo.endpoint, MONGODB_URI: mongo.uri };
  const get = (name: string, keys: string, more = '') =>
    `getThing: { dynamodb: ({ tenant, path }) => ({ ${more === '' ? `GetItem: { TableName: '${name}', Key: { ${keys} } }` : more} }) }`;

  t.match(await check(t, get('none', 'pk: tenant'), env, true), { code: 1, text: /there is no table none/ });
  t.match(await check(t, get(table, 'pk: key`${tenant}#${path.kind}#${path.id}`, sk: path.id'), env, true), {
    code: 1,
    text: /the key is pk, not pk, sk/,
  });
  const query = `Query: { TableName: '${table}', IndexName: 'none', KeyConditionExpression: 'pk = :t', ExpressionAttributeValues: { ':t': tenant } }`;
  t.match(await check(t, get(table, '', query), env, true), { code: 1, text: /has no index none/ });
  t.match(await check(t, get(table, 'pk: key`${tenant}#${path.kind}#${path.id}`'), env, true), { code: 0 });

  const find = (collection: string) =>
    `getThing: { mongodb: ({ tenant }) => ({ findOne: { collection: '${collection}', filter: { tenant } } }) }`;
  t.match(await check(t, find('none'), env, true), { code: 1, text: /there is no collection none/ });
  t.match(await check(t, find('things'), env, true), {
    code: 1,
    text: /no index of things serves this; create one on \{ tenant: 1 \}/,
  });
  await things.createIndex({ tenant: 1 });
  t.match(await check(t, find('things'), env, true), { code: 0, text: /0 problems/ });
});
