import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { MongoClient } from 'mongodb';
import t from 'tap';
import { check } from '../support/checking.ts';
import { withDynamo, withMongo } from '../support/stores.ts';

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
