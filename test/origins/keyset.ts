import fc from 'fast-check';
import { MongoClient } from 'mongodb';
import t from 'tap';
import type { Item, Position, Sort } from '../../src/model/call.ts';
import { keysetCondition } from '../../src/origins/keyset.ts';
import { withMongo } from '../support/stores.ts';

t.test('sort and after must name the same keys', async (t) => {
  const refused = (message: RegExp) => ({ name: 'StoreError', failure: 'refused', message });
  t.throws(() => keysetCondition({ a: 1 }, { a: 1, b: 2 }), refused(/after has b/));
  t.throws(() => keysetCondition({ a: 1, b: 1 }, { a: 1 }), refused(/sort has b/));
  t.throws(() => keysetCondition(undefined, { a: 1 }), refused(/after has a/));
  t.throws(() => keysetCondition({}, {}), refused(/needs a sort/));
});

t.test('a value that is an object stays a value', async (t) => {
  const condition = keysetCondition({ a: 1, _id: 1 }, { a: { $ne: 1 }, _id: 'x' });
  t.strictSame(condition, {
    $or: [{ a: { $gt: { $ne: 1 } } }, { $and: [{ a: { $eq: { $ne: 1 } } }, { _id: { $gt: 'x' } }] }],
  });
});

t.test(
  'pages by keyset are the whole list in order, over ties, null and absent, in any mix of directions',
  async (t) => {
    const { uri } = await withMongo(t);
    const client = new MongoClient(uri, { promoteLongs: false });
    t.teardown(() => client.close());
    const collection = client.db().collection<Item & { _id: number }>('things');

    const value = fc.option(fc.constantFrom('', 'a', 'b', '\u{1f600}', '\uffee'), { nil: null });
    const item = fc.record({ a: value, b: value }, { requiredKeys: [] });
    const direction = fc.constantFrom<1 | -1>(1, -1);
    const run = fc.asyncProperty(
      fc.array(item, { minLength: 1, maxLength: 12 }),
      fc.tuple(direction, direction, direction),
      async (items, [a, b, _id]) => {
        await collection.deleteMany({});
        await collection.insertMany(items.map((fields, id) => ({ _id: id, ...fields })));
        const sort: Sort = { a, b, _id };
        const all = await collection.find({}, { sort: { ...sort } }).toArray();
        const walked = [];
        let last = all[0];
        while (last) {
          walked.push(last);
          const after: Position = { a: last.a ?? null, b: last.b ?? null, _id: last._id };
          last = (await collection.findOne(keysetCondition(sort, after), { sort: { ...sort } })) ?? undefined;
        }
        t.strictSame(walked, all);
      },
    );
    await fc.assert(run, { numRuns: 60 });
  },
);

t.test('a deep page reads no more of the index than it gives', async (t) => {
  const { uri } = await withMongo(t);
  const client = new MongoClient(uri);
  t.teardown(() => client.close());
  const collection = client.db().collection<Item & { _id: number }>('things');
  await collection.insertMany(Array.from({ length: 1000 }, (_, n) => ({ _id: n, tenant: 'x', at: n })));
  for (const direction of [1, -1] as const) {
    const sort: Sort = { at: direction, _id: direction };
    await collection.createIndex({ tenant: 1, ...sort });
    const filter = { $and: [{ tenant: 'x' }, keysetCondition(sort, { at: 500, _id: 500 })] };
    const cursor = collection.find(filter, { sort: { ...sort }, limit: 5 });
    const plan = await cursor.explain('executionStats');
    t.ok(plan.executionStats.totalKeysExamined < 50, `${plan.executionStats.totalKeysExamined} keys`);
  }
});
