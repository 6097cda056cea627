import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { CreateTableCommand, DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { NumberValue } from '@aws-sdk/lib-dynamodb';
import t, { type Test } from 'tap';
import { type DynamoDb, openDynamoDb } from '../../src/drivers/dynamodb.ts';
import { NoSuchItem } from '../../src/errors.ts';
import { type DynamoStore, eachClient } from '../support/stores.ts';

const soon = () => AbortSignal.timeout(10_000);

type Client = 'wire' | 'sdk';

async function withTable(t: Test, dynamo: DynamoStore, kind: Client): Promise<{ driver: DynamoDb; TableName: string }> {
  const client = new DynamoDBClient(dynamo.config);
  const TableName = `${dynamo.prefix}things`;
  await client.send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [
        { AttributeName: 'pk', AttributeType: 'S' },
        { AttributeName: 'n', AttributeType: 'N' },
      ],
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'n', KeyType: 'RANGE' },
      ],
    }),
  );
  const numbers = { plain: { N: '8.30' }, big: { N: '9007199254740993' }, long: { N: '1e30' } };
  await client.send(
    new PutItemCommand({ TableName, Item: { pk: { S: 'a' }, n: { N: '9007199254740993' }, ...numbers } }),
  );
  client.destroy();
  const driver = openDynamoDb({ ...dynamo.config, client: kind });
  t.teardown(() => driver.close());
  return { driver, TableName };
}

t.test('numbers and keys', async (t) => {
  await eachClient(t, async (t, dynamo, kind) => {
    const { driver, TableName } = await withTable(t, dynamo, kind);

    t.test('numbers are doubles only where nothing is lost', async (t) => {
      for (const n of [9007199254740993n, NumberValue.from('9007199254740993')]) {
        const item = await driver.getItem({ TableName, Key: { pk: 'a', n } }, soon());
        t.equal(item?.plain, 8.3);
        t.equal(item?.long, 1e30);
        t.equal(String(item?.big), '9007199254740993');
        t.type(item?.big, NumberValue);
      }
    });

    t.test('an absent item is undefined', async (t) => {
      t.equal(await driver.getItem({ TableName, Key: { pk: 'a', n: 1 } }, soon()), undefined);
    });

    t.test('a value that no key can be is no such item', async (t) => {
      const number = (text: string) => NumberValue.from(text);
      const keys = [
        { pk: '', n: 1 },
        { pk: 'x'.repeat(2049), n: 1 },
        { pk: 'x'.repeat(2 ** 20), n: 1 },
        { pk: 7, n: 1 },
        { pk: ['a'], n: 1 },
        { pk: null, n: 1 },
        { pk: 'a', n: 'b' },
        ...['abc', '1'.repeat(40), '1e200', '1e-200'].map((text) => ({ pk: 'a', n: number(text) })),
        { pk: 'a', n: Number.NaN },
      ];
      for (const Key of keys) {
        const what = String(Object.values(Key)).slice(0, 50);
        await t.rejects(driver.getItem({ TableName, Key }, soon()), NoSuchItem, what);
        await t.rejects(driver.batchGetItem({ TableName, Keys: [Key] }, soon()), NoSuchItem, what);
      }
    });

    t.test('a value that no condition can hold gives nothing or is no such item', async (t) => {
      const query = (p: unknown, n: unknown) =>
        driver.query(
          {
            TableName,
            KeyConditionExpression: 'pk = :p AND n = :n',
            ExpressionAttributeValues: { ':p': p, ':n': n },
          },
          soon(),
        );
      for (const [p, n] of [
        ['', 1],
        ['x'.repeat(2 ** 20), 1],
        [1, 1],
        [['a'], 1],
        ['a', NumberValue.from('abc')],
        ['a', 'b'],
      ]) {
        const outcome = await query(p, n).then(
          ({ count }) => count,
          (error) => error,
        );
        t.ok(outcome === 0 || outcome instanceof NoSuchItem, `${String(p).slice(0, 20)}: ${outcome}`);
      }
    });

    t.test("the author's mistakes are refused", async (t) => {
      const refused = { name: 'StoreError', origin: 'dynamodb', failure: 'refused' };
      await t.rejects(driver.getItem({ TableName: 'nowhere', Key: { pk: 'a' } }, soon()), refused, 'table');
      const query = { TableName, KeyConditionExpression: 'pk = :p', ExpressionAttributeValues: { ':p': 'a' } };
      await t.rejects(driver.query({ ...query, FilterExpression: 'name = :p' }, soon()), refused, 'reserved word');
      await t.rejects(driver.query({ ...query, IndexName: 'none' }, soon()), refused, 'index');
      await t.rejects(driver.query({ ...query, KeyConditionExpression: 'n = :p' }, soon()), refused, 'key condition');
      await t.rejects(driver.getItem({ TableName, Key: { pk: new Date(), n: 1 } }, soon()), refused, 'Date');
    });

    t.test('tables are described, the store pinged', async (t) => {
      t.match(await driver.describeTable(TableName, soon()), {
        KeySchema: [{ AttributeName: 'pk' }, { AttributeName: 'n' }],
      });
      await driver.ping(soon());
    });
  });
});

for (const client of ['wire', 'sdk'] as const)
  t.test(`a store that is away, or never answers, by ${client}`, async (t) => {
    const sockets: Socket[] = [];
    const silent = createServer((socket) => void sockets.push(socket)).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const endpoint = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const get = { TableName: 'things', Key: { pk: 'a' } };

    const waiting = openDynamoDb({ client, endpoint });
    await t.rejects(
      waiting.getItem(get, AbortSignal.timeout(50)),
      { name: 'StoreError', failure: 'timeout' },
      'deadline',
    );
    const short = openDynamoDb({ client, endpoint, timeout: 50, attempts: 1 });
    await t.rejects(short.getItem(get, soon()), { name: 'StoreError', failure: 'timeout' }, 'its own time-out');
    await short.close();
    await waiting.close();
    for (const socket of sockets) socket.destroy();
    silent.close();
    await once(silent, 'close');

    const away = openDynamoDb({ client, endpoint, attempts: 1 });
    await t.rejects(away.getItem(get, soon()), { name: 'StoreError', failure: 'unavailable' });
    await t.rejects(away.ping(soon()), { name: 'StoreError', failure: 'unavailable' });
    await away.close();
  });
