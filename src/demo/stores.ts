import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { BatchWriteCommand, DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { MongoClient } from 'mongodb';
import { makeSeed, type Seed } from './seed.ts';
import { type Log, startDynalite, startMongo } from './services.ts';

/** Both stores of the demo, filled. */
export interface Stores {
  readonly dynamodb: { readonly endpoint: string };
  readonly mongodb: { readonly uri: string };
  stop(): Promise<void>;
}

/** Whatever the machine has in its environment, the demo's client must not use it. */
export const DEMO_AWS = Object.freeze({
  AWS_REGION: 'eu-west-1',
  AWS_ACCESS_KEY_ID: 'demo',
  AWS_SECRET_ACCESS_KEY: 'demo',
});

/** Starts a MongoDB and a DynamoDB of their own and fills both. Throws where one cannot be had. */
export async function startStores({ log }: { log: Log }): Promise<Stores> {
  const [mongo, dynamo] = await allOrNone([startMongo({ log }), startDynalite()]);
  const stop = async () => {
    await Promise.all([mongo.stop(), dynamo.stop()]);
  };
  try {
    const seed = makeSeed();
    const uri = withDatabase(mongo.uri, 'crossfade_demo');
    await Promise.all([fillMongoDb(uri, seed), fillDynamoDb(dynamo.endpoint, seed)]);
    return { dynamodb: { endpoint: dynamo.endpoint }, mongodb: { uri }, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Creates the table `photos` with its index, and writes the items. */
export async function fillDynamoDb(endpoint: string, seed: Seed): Promise<void> {
  const client = demoDynamoDb(endpoint);
  try {
    await client.send(
      new CreateTableCommand({
        TableName: 'photos',
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: ['pk', 'sk', 'gsi1pk', 'gsi1sk'].map((AttributeName) => ({
          AttributeName,
          AttributeType: 'S',
        })),
        KeySchema: [
          { AttributeName: 'pk', KeyType: 'HASH' },
          { AttributeName: 'sk', KeyType: 'RANGE' },
        ],
        GlobalSecondaryIndexes: [
          {
            IndexName: 'gsi1',
            KeySchema: [
              { AttributeName: 'gsi1pk', KeyType: 'HASH' },
              { AttributeName: 'gsi1sk', KeyType: 'RANGE' },
            ],
            Projection: { ProjectionType: 'ALL' },
          },
        ],
      }),
    );
    const documents = DynamoDBDocumentClient.from(client);
    const batches = Array.from({ length: Math.ceil(seed.items.length / 25) }, (_, at) =>
      seed.items.slice(at * 25, at * 25 + 25),
    );
    const worker = async () => {
      for (let batch = batches.pop(); batch !== undefined; batch = batches.pop()) {
        let RequestItems: Record<string, object[]> = { photos: batch.map((Item) => ({ PutRequest: { Item } })) };
        while (Object.keys(RequestItems).length > 0) {
          RequestItems = (await documents.send(new BatchWriteCommand({ RequestItems }))).UnprocessedItems ?? {};
        }
      }
    };
    await Promise.all(Array.from({ length: 8 }, worker));
  } finally {
    client.destroy();
  }
}

/** Empties the database that `uri` names, writes the documents and creates the indexes. */
export async function fillMongoDb(uri: string, seed: Seed): Promise<void> {
  const client = new MongoClient(uri, { writeConcern: { w: 'majority' } });
  try {
    const db = client.db();
    await db.dropDatabase();
    for (const [name, documents] of Object.entries(seed.collections)) {
      await db.collection(name).insertMany([...documents], { ordered: false });
    }
    await db.collection('members').createIndex({ tenantId: 1, userId: 1 }, { unique: true });
    await db.collection('rooms').createIndex({ tenantId: 1, ref: 1 }, { unique: true });
    await db.collection('rooms').createIndex({ tenantId: 1, lastAt: -1, ref: -1 });
    await db.collection('posts').createIndex({ tenantId: 1, roomRef: 1, sk: -1 });
    await db.collection('files').createIndex({ tenantId: 1, postId: 1, _id: 1 });
  } finally {
    await client.close();
  }
}

/** A client for the demo's own DynamoDB. */
export function demoDynamoDb(endpoint: string): DynamoDBClient {
  return new DynamoDBClient({
    endpoint,
    region: DEMO_AWS.AWS_REGION,
    credentials: { accessKeyId: DEMO_AWS.AWS_ACCESS_KEY_ID, secretAccessKey: DEMO_AWS.AWS_SECRET_ACCESS_KEY },
  });
}

function withDatabase(uri: string, name: string): string {
  const url = new URL(uri);
  url.pathname = `/${name}`;
  return url.href;
}

type Stoppable = { stop(): Promise<void> };

async function allOrNone<A extends Stoppable, B extends Stoppable>(starts: [Promise<A>, Promise<B>]): Promise<[A, B]> {
  const [a, b] = await Promise.allSettled(starts);
  if (a.status === 'fulfilled' && b.status === 'fulfilled') return [a.value, b.value];
  if (a.status === 'fulfilled') await a.value.stop();
  if (b.status === 'fulfilled') await b.value.stop();
  throw a.status === 'rejected' ? a.reason : (b as PromiseRejectedResult).reason;
}
