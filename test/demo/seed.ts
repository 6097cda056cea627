import { isDeepStrictEqual } from 'node:util';
import { DynamoDBDocumentClient, paginateScan } from '@aws-sdk/lib-dynamodb';
import { BSON, type Document, MongoClient } from 'mongodb';
import t from 'tap';
import { PLANTED } from '../../src/demo/planted.ts';
import { makeSeed, TENANTS } from '../../src/demo/seed.ts';
import { demoDynamoDb, fillDynamoDb, fillMongoDb } from '../../src/demo/stores.ts';
import { withDynamo, withMongo } from '../support/stores.ts';

const extended = (value: unknown) => BSON.EJSON.stringify(value as Document, { relaxed: false });

t.test('the sample data are the same every time, and enough', async (t) => {
  const seed = makeSeed();
  t.ok(isDeepStrictEqual(seed, makeSeed()));
  t.match(TENANTS, ['acme', 'globex']);
  t.ok((seed.collections.posts ?? []).length > 2000);
  t.equal(new Set(seed.items.map(({ pk, sk }) => `${pk} ${sk}`)).size, seed.items.length);
});

t.test('twelve differences of twelve kinds, frozen', async (t) => {
  t.equal(PLANTED.length, 12);
  t.equal(new Set(PLANTED.map(({ kind }) => kind)).size, 12);
  t.ok(Object.isFrozen(PLANTED) && PLANTED.every(Object.isFrozen));
});

t.test('each planted difference is in the stores, and no other', async (t) => {
  const [mongo, dynamo] = await Promise.all([withMongo(t), withDynamo(t, 'dynalite')]);
  const seed = makeSeed();
  await Promise.all([fillMongoDb(mongo.uri, seed), fillDynamoDb(dynamo.endpoint, seed)]);

  const documents = await readMongoDb(mongo.uri, Object.keys(seed.collections));
  const truth = makeSeed({ planted: false }).collections;
  const changed: string[] = [];
  for (const [collection, expected] of Object.entries(truth)) {
    const found = new Map((documents[collection] ?? []).map((one) => [String(one._id), one]));
    const ids = new Set([...found.keys(), ...expected.map(({ _id }) => String(_id))]);
    const wanted = new Map(expected.map((one) => [String(one._id), one]));
    for (const id of ids) {
      const [is, was] = [found.get(id), wanted.get(id)];
      if (extended(is ?? null) !== extended(was ?? null))
        changed.push(`${collection} ${is?.userId ?? was?.userId ?? id}`);
    }
  }
  const planted = PLANTED.flatMap(({ where, change }) => [
    `${where.collection} ${where.is}`,
    ...('swap' in change ? [`${where.collection} ${change.with}`] : []),
  ]);
  t.same(changed.sort(), planted.sort());

  const client = demoDynamoDb(dynamo.endpoint);
  t.teardown(() => client.destroy());
  let items = 0;
  const pages = paginateScan({ client: DynamoDBDocumentClient.from(client) }, { TableName: 'photos', Select: 'COUNT' });
  for await (const { Count = 0 } of pages) items += Count;
  t.equal(items, seed.items.length, 'DynamoDB holds the truth');
});

async function readMongoDb(uri: string, names: readonly string[]): Promise<Record<string, Document[]>> {
  const client = new MongoClient(uri, { promoteValues: false });
  try {
    const read = async (name: string) => [name, await client.db().collection(name).find().toArray()] as const;
    return Object.fromEntries(await Promise.all(names.map(read)));
  } finally {
    await client.close();
  }
}
