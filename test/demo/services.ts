import { CreateTableCommand, DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { MongoClient } from 'mongodb';
import t from 'tap';
import { startDynamoDbLocal } from '../../src/demo/services.ts';
import { eachDynamo, withMongo } from '../support/stores.ts';

t.test('MongoDB is a replica set: a transaction works', async (t) => {
  const { uri, database } = await withMongo(t);
  const client = new MongoClient(uri);
  t.teardown(() => client.close());
  t.equal(client.db().databaseName, database);

  const notes = client.db().collection<{ _id: string }>('notes');
  await client.withSession((session) =>
    session.withTransaction(() => notes.insertMany([{ _id: 'a' }, { _id: 'b' }], { session })),
  );
  t.equal(await notes.countDocuments(), 2);

  const failing = client.withSession((session) =>
    session.withTransaction(async () => {
      await notes.insertOne({ _id: 'c' }, { session });
      throw new Error('changed my mind');
    }),
  );
  await t.rejects(failing, { message: 'changed my mind' });
  t.equal(await notes.countDocuments(), 2);
});

t.test('DynamoDB lists its tables', async (t) => {
  await eachDynamo(t, async (t, dynamo) => {
    const client = new DynamoDBClient(dynamo.config);
    t.teardown(() => client.destroy());
    const TableName = `${dynamo.prefix}notes`;
    await client.send(
      new CreateTableCommand({
        TableName,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
      }),
    );
    const { TableNames } = await client.send(new ListTablesCommand({}));
    t.ok(TableNames?.includes(TableName));
  });
});

t.test('without Java', async (t) => {
  t.test('DynamoDB Local is left out, and says why', async (t) => {
    t.intercept(process, 'env', { value: { ...process.env, PATH: '', CI: '' } });
    const lines: string[] = [];
    t.equal(await startDynamoDbLocal({ log: (line) => lines.push(line) }), undefined);
    t.match(lines, [/left out: it needs Java 17/]);
  });

  t.test('a build fails', async (t) => {
    t.intercept(process, 'env', { value: { ...process.env, PATH: '', CI: 'true' } });
    await t.rejects(startDynamoDbLocal({ log: () => {} }), { message: /cannot run: it needs Java 17/ });
  });
});
