import { BatchWriteItemCommand, CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall, NumberValueImpl } from '@aws-sdk/util-dynamodb';
import t, { type Test } from 'tap';
import { openDynamoDb } from '../../src/drivers/dynamodb.ts';
import { NoSuchItem } from '../../src/errors.ts';
import type { Item, QueryInput } from '../../src/model/call.ts';
import type { StoreOrigin } from '../../src/model/origin.ts';
import { createDynamoDbOrigin } from '../../src/origins/dynamodb.ts';
import { type DynamoStore, eachDynamo } from '../support/stores.ts';
import { passedDeadline, want } from '../support/want.ts';

/** Which client reads, and whether its items come decoded. */
type Way = 'wire' | 'sdk' | 'undecoded';

async function eachWay(t: Test, suite: (t: Test, dynamo: DynamoStore, way: Way) => Promise<unknown>): Promise<void> {
  for (const way of ['wire', 'sdk', 'undecoded'] as const)
    await t.test(way, (t) => eachDynamo(t, (t, dynamo) => suite(t, dynamo, way)));
}

/** As the request line reads where items are rendered as they came; decoded only here. */
function undecoded(origin: StoreOrigin): StoreOrigin {
  return {
    ...origin,
    fetch: async (call, want) => {
      const given = origin.fetchWire?.(call, want);
      if (given === undefined) return origin.fetch(call, want);
      const { wire, decode, view, giveBack, ...rest } = await given;
      const items = wire.map(decode);
      giveBack?.(wire);
      return { items, ...rest };
    },
  };
}

async function withItems(t: Test, dynamo: DynamoStore, way: Way, items: readonly Item[]) {
  const client = new DynamoDBClient(dynamo.config);
  const TableName = `${dynamo.prefix}list`;
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
  const puts = items.map((item) => ({ PutRequest: { Item: marshall(item) } }));
  for (let at = 0; at < puts.length; at += 25) {
    await client.send(new BatchWriteItemCommand({ RequestItems: { [TableName]: puts.slice(at, at + 25) } }));
  }
  client.destroy();
  const opened = createDynamoDbOrigin(openDynamoDb({ ...dynamo.config, client: way === 'sdk' ? 'sdk' : 'wire' }));
  t.equal(opened.fetchWire === undefined, way === 'sdk');
  const origin = way === 'undecoded' ? undecoded(opened) : opened;
  t.teardown(() => origin.close());
  return { origin, TableName };
}

const numbers = (items: readonly Item[]) => items.map(({ n }) => n);
const upTo = (count: number, from = 0) => Array.from({ length: count }, (_, n) => n + from);

t.test('lists', async (t) => {
  await eachWay(t, async (t, dynamo, way) => {
    const padding = 'x'.repeat(40_000); // 60 items are more than the megabyte that one page reads
    const items = upTo(60).map((n) => ({
      pk: 'a',
      n,
      kind: n % 20 === 19 ? 'rare' : 'usual',
      name: `name ${n}`,
      padding,
    }));
    const { origin, TableName } = await withItems(t, dynamo, way, items);
    const input: QueryInput = {
      TableName,
      KeyConditionExpression: 'pk = :p',
      ProjectionExpression: '#n, #name',
      ExpressionAttributeNames: { '#n': 'n', '#name': 'name' },
      ExpressionAttributeValues: { ':p': 'a' },
    };
    const rare = {
      ...input,
      FilterExpression: '#kind = :k',
      ExpressionAttributeNames: { '#n': 'n', '#name': 'name', '#kind': 'kind' },
      ExpressionAttributeValues: { ':p': 'a', ':k': 'rare' },
    };
    const query = (some: Partial<QueryInput>, wanted = {}) =>
      origin.fetch({ Query: { ...input, ...some } }, want(wanted));

    t.test('a page is full, and knows whether there is more', async (t) => {
      const first = await query({ ExclusiveStartKey: undefined }, { limit: 2 });
      t.strictSame(first, {
        items: [
          { n: 0, name: 'name 0' },
          { n: 1, name: 'name 1' },
        ],
        more: true,
      });
      const last = await query({ ExclusiveStartKey: { pk: 'a', n: 57 } }, { limit: 2 });
      t.strictSame([numbers(last.items), last.more], [[58, 59], false]);
      const backward = await query({ ScanIndexForward: false }, { limit: 1 });
      t.strictSame(numbers(backward.items), [59]);
    });

    t.test('pages of the store are read on, with a filter too', async (t) => {
      const all = await query({});
      t.strictSame([numbers(all.items), all.more], [upTo(60), false]);
      const filtered = await query(rare, { limit: 2 });
      t.strictSame([numbers(filtered.items), filtered.more], [[19, 39], true]);
      const rest = await query({ ...rare, ExclusiveStartKey: { pk: 'a', n: 39 } }, { limit: 2 });
      t.strictSame([numbers(rest.items), rest.more], [[59], false]);
      t.strictSame(await query({ ExpressionAttributeValues: { ':p': 'nobody' } }, { limit: 2 }), {
        items: [],
        more: false,
      });
    });

    t.test('without a page all, up to maxItems', async (t) => {
      t.equal((await query({}, { maxItems: 60 })).items.length, 60);
      await t.rejects(query({}, { maxItems: 59 }), { name: 'StoreError', failure: 'tooMany' });
    });

    t.test("the author's Limit ends the list, and does not hide the next page", async (t) => {
      t.strictSame(numbers((await query({ Limit: 3 })).items), [0, 1, 2]);
      const page = await query({ Limit: 3 }, { limit: 3 });
      t.strictSame([numbers(page.items), page.more], [[0, 1, 2], true]);
      await t.rejects(query({ Limit: 2.5 }), { name: 'StoreError', failure: 'refused' });
    });

    t.test('skip passes over items, count counts all that match', async (t) => {
      const page = await query({ skip: 30, count: true }, { limit: 2 });
      t.strictSame([numbers(page.items), page.more, page.total], [[30, 31], true, 60]);
      t.equal((await query({ ...rare, count: true }, { limit: 1 })).total, 3);
      t.equal((await query({ ...rare, count: true })).total, 3);
      const after = await query({ ...rare, count: true, ExclusiveStartKey: { pk: 'a', n: 50 } });
      t.strictSame([numbers(after.items), after.total], [[59], 3]);
      t.strictSame(await query({ skip: 100, count: true }, { limit: 2 }), { items: [], more: false, total: 60 });
      await t.rejects(query({ skip: -1 }), { name: 'StoreError', failure: 'refused' });
    });

    t.test('scans', async (t) => {
      const scan = await origin.fetch({ Scan: { TableName, skip: 1, count: true } }, want({ limit: 3 }));
      t.strictSame([numbers(scan.items), scan.more, scan.total], [[1, 2, 3], true, 60]);
    });

    t.test('the deadline ends a walk', async (t) => {
      await t.rejects(query({}, { deadline: await passedDeadline() }), { name: 'StoreError', failure: 'timeout' });
    });

    t.test('calls of another store or with ill-formed strings', async (t) => {
      const foreign = { findOne: { collection: 'list', filter: {} } };
      await t.rejects(origin.fetch(foreign, want()), { name: 'StoreError', failure: 'refused' });
      await t.rejects(query({ ExpressionAttributeValues: { ':p': 'a\ud800' } }), NoSuchItem);
    });
  });
});

t.test('items by key', async (t) => {
  await eachWay(t, async (t, dynamo, way) => {
    const padding = 'x'.repeat(250_000); // 70 items are more than the 16 MB that one batch gives
    const items = upTo(70).map((n) => ({ pk: 'a', n, name: `name ${n}`, padding }));
    const { origin, TableName } = await withItems(t, dynamo, way, items);

    t.test('one item or none', async (t) => {
      const get = async (n: number) => await origin.fetch({ GetItem: { TableName, Key: { pk: 'a', n } } }, want());
      t.match(await get(3), { items: [{ name: 'name 3' }], more: false });
      t.strictSame(await get(500), { items: [], more: false });
    });

    t.test(
      'a batch keeps the order of its keys, drops doubles and the missing, drains what was unprocessed',
      async (t) => {
        const Keys = [...upTo(70).reverse(), 500].map((n) => ({ pk: 'a', n }));
        const doubles = [
          { n: new NumberValueImpl('69.0'), pk: 'a' },
          { pk: 'a', n: 0n },
        ];
        const batch = await origin.fetch({ BatchGetItem: { TableName, Keys: [...Keys, ...doubles] } }, want());
        t.strictSame([numbers(batch.items), batch.more], [upTo(70).reverse(), false]);
      },
    );

    t.test('a projection without the keys gives what it says, in order', async (t) => {
      const Keys = [
        { pk: 'a', n: 2 },
        { pk: 'a', n: 1 },
      ];
      const projection = { ProjectionExpression: '#x', ExpressionAttributeNames: { '#x': 'name' } };
      const batch = await origin.fetch({ BatchGetItem: { TableName, Keys, ...projection } }, want());
      t.strictSame(batch.items, [{ name: 'name 2' }, { name: 'name 1' }]);
      const withKey = await origin.fetch({ BatchGetItem: { TableName, Keys, ProjectionExpression: 'n' } }, want());
      t.strictSame(withKey.items, [{ n: 2 }, { n: 1 }]);
    });

    t.test('no keys, too many keys, a page of keys', async (t) => {
      const batch = (count: number, wanted = {}) => {
        const Keys = upTo(count).map((n) => ({ pk: 'a', n }));
        return origin.fetch({ BatchGetItem: { TableName, Keys, ProjectionExpression: 'n' } }, want(wanted));
      };
      t.strictSame(await batch(0), { items: [], more: false });
      await t.rejects(batch(11, { maxItems: 10 }), { name: 'StoreError', failure: 'tooMany' });
      const page = await batch(3, { limit: 2 });
      t.strictSame([numbers(page.items), page.more], [[0, 1], true]);
    });
  });
});
