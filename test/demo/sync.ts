import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { DeleteCommand, DynamoDBDocumentClient, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { BSON, Decimal128, type Document, MongoClient } from 'mongodb';
import t, { type Test } from 'tap';
import { startLegacyReader } from '../../src/demo/legacy-reader.ts';
import { makeSeed, type Seed } from '../../src/demo/seed.ts';
import { demoDynamoDb, fillDynamoDb, fillMongoDb } from '../../src/demo/stores.ts';
import { announceWrites, documentOf, type Key, placeOf, startSync, type Write } from '../../src/demo/sync.ts';
import { withDynamo, withMongo } from '../support/stores.ts';

const seed = makeSeed({ planted: false });
const pairs = Object.entries(seed.collections)
  .flatMap(([collection, documents]) => documents.map((document) => ({ collection, document })))
  .map((wanted, index) => ({ ...wanted, item: seed.items[index] as Document }));
const EMPTY: Seed = { items: [], collections: {} };
const tableName = 'photos';
const keyOf = ({ pk, sk }: Document): Key => ({ pk, sk });

/** Comparable: types of BSON kept, but for a rating, which DynamoDB has as a number only. */
function comparable({ rating, ...document }: Document, { withId }: { withId: boolean }): unknown {
  if (!withId) delete document._id;
  const number = rating instanceof Decimal128 ? Number(rating.toString()) : rating && Number(rating);
  return BSON.EJSON.serialize({ ...document, ...(rating !== undefined && { rating: number }) }, { relaxed: false });
}

const hasOwnId = (collection: string) => ['members', 'rooms'].includes(collection);

async function parts(t: Test, { from, delay = () => 1 }: { from: Seed; delay?: () => number }) {
  const [mongo, dynamo] = await Promise.all([withMongo(t), withDynamo(t, 'dynalite')]);
  await Promise.all([fillMongoDb(mongo.uri, { ...from, collections: {} }), fillDynamoDb(dynamo.endpoint, from)]);
  const mongodb = new MongoClient(mongo.uri);
  const sync = startSync({ endpoint: dynamo.endpoint, mongodbUri: mongo.uri, delay });
  const client = demoDynamoDb(dynamo.endpoint);
  announceWrites(client, sync.onWrite);
  t.teardown(async () => {
    await sync.stop();
    await mongodb.close();
    client.destroy();
  });
  return { sync, db: mongodb.db(), table: DynamoDBDocumentClient.from(client), endpoint: dynamo.endpoint };
}

const room = (count: number): Document => ({
  ...pairs.find(({ collection }) => collection === 'rooms')?.item,
  message_count: count,
});

t.test('every pair of the sample data: the item gives the document', async (t) => {
  const wrong = pairs.filter(({ item, collection, document }) => {
    const made = documentOf(item);
    const withId = !hasOwnId(collection);
    const same = isDeepStrictEqual(comparable(made.document, { withId }), comparable(document, { withId }));
    return !same || made.collection !== collection || (hasOwnId(collection) && '_id' in made.document);
  });
  t.same(wrong, []);
  const found = pairs.filter(({ item, collection, document }) => {
    const place = placeOf(keyOf(item));
    const held = Object.entries(place.filter).every(([name, value]) => isDeepStrictEqual(document[name], value));
    return place.collection === collection && held;
  });
  t.equal(found.length, pairs.length, 'the key alone finds it');
  t.throws(() => placeOf({ pk: 'acme#ALBUM#1', sk: 'ABOUT' }), { message: /No collection/ });
});

t.test('every pair of the sample data: copied from a real DynamoDB into a real MongoDB, then deleted', async (t) => {
  const { sync, db, table } = await parts(t, { from: seed });
  for (let at = 0; at < pairs.length; at += 200) {
    for (const { item } of pairs.slice(at, at + 200)) sync.onWrite({ tableName, key: keyOf(item) });
    await sync.settled();
  }
  for (const [collection, documents] of Object.entries(seed.collections)) {
    const copies = await db.collection(collection).find({}, { promoteValues: false }).toArray();
    const byPlace = (list: readonly Document[]) =>
      new Map(
        list.map((one) => [hasOwnId(collection) ? `${one.tenantId} ${one.userId ?? one.ref}` : `${one._id}`, one]),
      );
    const wanted = byPlace(documents);
    t.equal(copies.length, documents.length, collection);
    const withId = !hasOwnId(collection);
    const wrong = [...byPlace(copies)].filter(
      ([id, copy]) => !isDeepStrictEqual(comparable(copy, { withId }), comparable(wanted.get(id) ?? {}, { withId })),
    );
    t.same(wrong, [], `${collection} as the seed has them`);
  }

  for (const { collection, item } of pairs.filter((_, index) => index % 199 === 0)) {
    const before = await db.collection(collection).countDocuments();
    await table.send(new DeleteCommand({ TableName: tableName, Key: keyOf(item) }));
    await sync.settled();
    t.equal(await db.collection(collection).countDocuments(), before - 1);
  }
});

t.test('a copy keeps the _id that MongoDB has', async (t) => {
  const { sync, db, table } = await parts(t, { from: EMPTY });
  await db.collection('rooms').insertMany([...(seed.collections.rooms ?? [])]);
  const item = room(45);
  await table.send(new PutCommand({ TableName: tableName, Item: item }));
  await sync.settled();
  const original = pairs.find(({ collection }) => collection === 'rooms')?.document as Document;
  const copy = await db.collection('rooms').findOne({ _id: original._id });
  t.equal(copy?.stats.messages, 45);
  t.equal(await db.collection('rooms').countDocuments(), seed.collections.rooms?.length);
});

t.test(
  'writes on the heels of each other: never an older state after a newer one, the last one in the end',
  async (t) => {
    const { sync, db, table } = await parts(t, { from: EMPTY, delay: () => Math.random() * 8 });
    const seen: number[] = [];
    const changes = db.collection('rooms').watch();
    changes.on('change', (change) => {
      if ('fullDocument' in change) seen.push(Number(change.fullDocument?.stats.messages));
    });
    t.teardown(() => changes.close());
    await new Promise<void>((resolve) => changes.once('resumeTokenChanged', () => resolve()));

    const last = 150;
    for (let count = 1; count <= last; count++) {
      await table.send(new PutCommand({ TableName: tableName, Item: room(count) }));
      if (count % 20 === 0) await sleep(10);
    }
    await sync.settled();
    const deadline = Date.now() + 5_000;
    while (seen.at(-1) !== last && Date.now() < deadline) await sleep(10);
    t.equal(seen.at(-1), last);
    t.same(
      seen,
      seen.toSorted((a, b) => a - b),
    );
    t.ok(seen.length > 5, `${seen.length} copies`);
  },
);

t.test('what MongoDB refuses is tried again; stopping does not wait for it', async (t) => {
  const { sync, db, table } = await parts(t, { from: EMPTY });
  await db.command({ collMod: 'rooms', validator: { never: true } });
  await table.send(new PutCommand({ TableName: tableName, Item: room(1) }));
  await sleep(100);
  t.equal(await db.collection('rooms').countDocuments(), 0);
  await table.send(new PutCommand({ TableName: tableName, Item: room(2) }));
  await db.command({ collMod: 'rooms', validator: {} });
  await sync.settled();
  t.equal((await db.collection('rooms').findOne())?.stats.messages, 2, 'as it is now, not as it was');

  await db.command({ collMod: 'rooms', validator: { never: true } });
  await table.send(new PutCommand({ TableName: tableName, Item: room(3) }));
  await sleep(50);
  const from = Date.now();
  await sync.stop();
  t.ok(Date.now() - from < 400);
});

t.test('stopping copies what is still to be copied', async (t) => {
  const { sync, db, table } = await parts(t, { from: EMPTY, delay: () => 60_000 });
  await table.send(new PutCommand({ TableName: tableName, Item: room(1) }));
  t.equal(await db.collection('rooms').countDocuments(), 0);
  await sync.stop();
  t.equal(await db.collection('rooms').countDocuments(), 1);
  sync.onWrite({ tableName, key: keyOf(room(1)) });
  await sync.settled();
});

t.test('what the legacy service writes is told once it is written, what fails is not', async (t) => {
  const dynamo = await withDynamo(t, 'dynalite');
  await fillDynamoDb(dynamo.endpoint, EMPTY);
  const writes: Write[] = [];
  const client = demoDynamoDb(dynamo.endpoint);
  t.teardown(() => client.destroy());
  announceWrites(client, (write) => writes.push(write));
  const table = DynamoDBDocumentClient.from(client);
  const Key = { pk: 'acme#USER#u-1', sk: 'PROFILE' };
  await table.send(new PutCommand({ TableName: tableName, Item: { ...Key, n: 1 } }));
  await table.send(new UpdateCommand({ TableName: tableName, Key, UpdateExpression: 'REMOVE n' }));
  await table.send(new DeleteCommand({ TableName: tableName, Key }));
  const Item = { ...Key, n: 1 };
  await t.rejects(table.send(new PutCommand({ TableName: tableName, Item, ConditionExpression: 'n = n' })));
  t.same(writes, Array(3).fill({ tableName, key: Key }));
});

t.test('through the legacy service: users, messages, conversations and attachments arrive', async (t) => {
  const { sync, db, endpoint } = await parts(t, { from: seed, delay: () => 80 });
  const legacy = await startLegacyReader({ endpoint, onWrite: sync.onWrite });
  t.teardown(legacy.stop);
  const send = async (method: string, path: string, body: string, type = 'application/json') => {
    const headers = { 'x-tenant-id': 'acme', ...(method !== 'DELETE' && { 'content-type': type }) };
    const reply = await fetch(`${legacy.url}${path}`, { method, headers, ...(method !== 'DELETE' && { body }) });
    return JSON.parse((await reply.text()) || '{}');
  };
  await send('PUT', '/users/u-new', JSON.stringify({ displayName: 'New', email: 'new@acme.example' }));
  t.equal(await db.collection('members').countDocuments(), 0, 'not at once');
  const posted = await send('POST', '/conversations/c-130/messages', JSON.stringify({ senderId: 'u-new', text: 'Hi' }));
  const uploaded = await send('POST', `/messages/${posted.id}/attachments`, 'PNG', 'image/png');
  await sync.settled();

  const member = await db.collection('members').findOne({ tenantId: 'acme', userId: 'u-new' });
  t.match(member, { profile: { displayName: 'New' } });
  t.notOk('rating' in (member as Document));
  t.equal((await db.collection('rooms').findOne({ ref: 'c-130' }))?.stats.messages, 45);
  const post = await db.collection('posts').findOne({ roomRef: 'c-130' });
  t.match(post, { content: { text: 'Hi' }, files: [uploaded.id], seenBy: [] });
  t.match(await db.collection<{ _id: string }>('files').findOne({ _id: uploaded.id }), {
    media: { type: 'image/png' },
  });

  await send('DELETE', `/messages/${posted.id}`, '');
  await sync.settled();
  t.equal(await db.collection('posts').countDocuments(), 0);
});
