import { MongoClient } from 'mongodb';
import t, { type Test } from 'tap';
import { type MongoDbClient, openMongoDb } from '../../src/drivers/mongodb.ts';
import { NoSuchItem } from '../../src/errors.ts';
import type { AggregateInput, Call, Fetched, FindInput, Item, Want } from '../../src/model/call.ts';
import type { StoreOrigin } from '../../src/model/origin.ts';
import { createMongoDbOrigin } from '../../src/origins/mongodb.ts';
import { withMongo } from '../support/stores.ts';
import { passedDeadline, want } from '../support/want.ts';

const numbers = (items: readonly Item[]) => items.map(({ n }) => n);
const refused = { name: 'StoreError', origin: 'mongodb', failure: 'refused' };

const CLIENTS: readonly MongoDbClient[] = ['leased', 'command', 'driver'];

/** As an answer is made: undecoded where the store gives it so. */
async function ask({ fetch, fetchWire }: StoreOrigin, call: Call, wanted: Want): Promise<Fetched> {
  const found = await fetchWire?.(call, wanted);
  if (found === undefined) return await fetch(call, wanted);
  const { wire, decode, view, ...rest } = found;
  return { items: wire.map(decode), ...rest };
}

for (const client of CLIENTS) t.test(`calls, with the client ${client}`, (t) => calls(t, client));

async function calls(t: Test, kind: MongoDbClient): Promise<void> {
  const { uri } = await withMongo(t);
  const client = new MongoClient(uri);
  t.teardown(() => client.close());
  const items = Array.from({ length: 10 }, (_, n) => ({ n, tenant: n < 8 ? 'x' : 'y', half: Math.floor(n / 2) }));
  await client.db().collection('things').insertMany(items);

  const origin = createMongoDbOrigin(openMongoDb({ uri, client: kind }));
  t.teardown(() => origin.close());
  await origin.ping(want().deadline.signal);
  const input: FindInput = {
    collection: 'things',
    filter: { tenant: 'x' },
    projection: { _id: 0, n: 1 },
    sort: { n: 1 },
  };
  const find = (some: Partial<FindInput>, wanted = {}) => ask(origin, { find: { ...input, ...some } }, want(wanted));
  const pipeline = [{ $match: { tenant: 'x' } }, { $sort: { n: 1 } }, { $project: { _id: 0, n: 1 } }];
  const aggregate = (some: Partial<AggregateInput>, wanted = {}) =>
    ask(origin, { aggregate: { collection: 'things', pipeline, ...some } }, want(wanted));

  t.test('one item or none', async (t) => {
    t.strictSame(await ask(origin, { findOne: input }, want()), { items: [{ n: 0 }], more: false });
    t.strictSame(await ask(origin, { findOne: { ...input, filter: { n: 99 } } }, want()), { items: [], more: false });
  });

  t.test('a page knows whether there is more', async (t) => {
    t.strictSame(await find({}, { limit: 2 }), { items: [{ n: 0 }, { n: 1 }], more: true });
    t.equal((await find({}, { limit: 8 })).more, false);
    t.strictSame(await find({}, { limit: 0 }), { items: [], more: true });
    t.strictSame(await find({ after: undefined }, { limit: 1 }), { items: [{ n: 0 }], more: true });
  });

  t.test('without a page all, up to maxItems', async (t) => {
    t.equal((await find({}, { maxItems: 8 })).items.length, 8);
    await t.rejects(find({}, { maxItems: 7 }), { name: 'StoreError', failure: 'tooMany' });
    await t.rejects(aggregate({}, { maxItems: 7 }), { name: 'StoreError', failure: 'tooMany' });
    await t.rejects(find({ limit: 9 }, { maxItems: 7 }), { name: 'StoreError', failure: 'tooMany' });
  });

  t.test("the author's limit ends the list, and does not hide the next page", async (t) => {
    t.strictSame(numbers((await find({ limit: 3 })).items), [0, 1, 2]);
    t.strictSame((await find({ limit: 0 })).items, []);
    const page = await find({ limit: 3 }, { limit: 3 });
    t.strictSame([numbers(page.items), page.more], [[0, 1, 2], true]);
    await t.rejects(find({ skip: -1 }), refused);
  });

  t.test('the page after a position is within the filter', async (t) => {
    const page = await find({ after: { half: 1, n: 2 }, sort: { half: -1, n: 1 } }, { limit: 2 });
    t.strictSame([numbers(page.items), page.more], [[3, 0], true]);
    const last = await find({ after: { n: 6 } }, { limit: 2 });
    t.strictSame([numbers(last.items), last.more], [[7], false], 'the other tenant stays out');
    const $or = [{ n: 1 }, { n: 5 }];
    t.strictSame(numbers((await find({ after: { n: 1 }, filter: { $or } })).items), [5], 'an $or of the author holds');
    await t.rejects(find({ after: { half: 1 } }), refused);
  });

  t.test('skip and count', async (t) => {
    const page = await find({ skip: 3, count: true }, { limit: 2 });
    t.strictSame(page, { items: [{ n: 3 }, { n: 4 }], more: true, total: 8 });
    t.equal((await find({ after: { n: 5 }, count: true }, { limit: 1 })).total, 8);
  });

  t.test('pipelines', async (t) => {
    t.strictSame(await aggregate({ skip: 2, count: true }, { limit: 2 }), {
      items: [{ n: 2 }, { n: 3 }],
      more: true,
      total: 8,
    });
    const nothing = [{ $match: { tenant: 'z' } }];
    t.strictSame(await aggregate({ pipeline: nothing, count: true }), { items: [], more: false, total: 0 });
    for (const stage of [{ $out: 'stolen' }, { $merge: { into: 'stolen' } }]) {
      await t.rejects(aggregate({ pipeline: [...pipeline, stage] }), refused);
    }
    const nested = [{ $unionWith: { coll: 'things', pipeline: [{ $out: 'stolen' }] } }];
    await t.rejects(aggregate({ pipeline: nested }), refused);
    t.strictSame(await client.db().listCollections({ name: 'stolen' }).toArray(), []);
  });

  t.test('calls of another store or with ill-formed strings', async (t) => {
    await t.rejects(ask(origin, { GetItem: { TableName: 'things', Key: { n: 1 } } }, want()), refused);
    await t.rejects(find({ filter: { n: { $in: ['a\ud800'] } } }), NoSuchItem);
  });

  t.test('a deadline that has passed', async (t) => {
    await t.rejects(find({}, { deadline: await passedDeadline() }), { name: 'StoreError', failure: 'timeout' });
  });

  t.test('what comes undecoded', async (t) => {
    const undecoded = async (call: Call) => (await origin.fetchWire?.(call, want())) !== undefined;
    t.equal(await undecoded({ findOne: input }), kind !== 'driver');
    t.equal(await undecoded({ find: input }), kind !== 'driver');
    t.equal(await undecoded({ find: { ...input, count: true } }), false);
    t.equal(await undecoded({ aggregate: { collection: 'things', pipeline } }), false);
  });
}
