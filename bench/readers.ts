import { fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient, GetItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import { startDynalite, startDynamoDbLocal, startMongo } from '../src/demo/services.ts';
import { fillDynamoDb, fillMongoDb } from '../src/demo/stores.ts';
import { benchSeed, ROUTES } from './support/data.ts';
import { type Env, serveFacade } from './support/facade.ts';
import type { Bodies } from './support/fixed.ts';
import type { Recorded } from './support/fixed-mongodb.ts';
import type { Row } from './support/measure.ts';
import { said, serve, startLoad } from './support/processes.ts';
import { recordMongoDb } from './support/record-mongodb.ts';
import { measured, type Subject, tableOf } from './support/rounds.ts';

const HERE = import.meta.dirname;

const AWS = { AWS_REGION: 'eu-west-1', AWS_ACCESS_KEY_ID: 'x', AWS_SECRET_ACCESS_KEY: 'x' };

/** Which store answers, and whether with recorded replies, so that the client's cost is all there is, or a real one. */
export type Store = 'fixed DynamoDB' | 'DynamoDB Local' | 'fixed MongoDB' | 'MongoDB';

/**
 * CPU time per request of the whole façade beside readers that people wrote by hand for the same two operations, byte for
 * byte the same replies; one of the readers twice, as the control. `BENCH_AGAINST` adds another version of ours.
 */
export async function benchReaders(store: Store): Promise<readonly Row[]> {
  const stops: (() => unknown)[] = [];
  const folder = await mkdtemp(join(tmpdir(), 'crossfade-bench-'));
  stops.push(() => rm(folder, { recursive: true }));
  try {
    const mongo = await startMongo({ log: console.error });
    stops.push(mongo.stop);
    const uri = new URL(mongo.uri);
    uri.pathname = '/crossfade_bench';
    await fillMongoDb(uri.href, benchSeed());
    const isMongoDb = store === 'fixed MongoDB' || store === 'MongoDB';
    const endpoint = isMongoDb ? 'http://127.0.0.1:9' : await startDynamoDb(store, stops);
    const asked =
      store === 'fixed MongoDB'
        ? await startFixed('support/fixed-mongodb.ts', await recordMongoDb(uri.href, ['members', 'posts']), stops)
        : uri.href;
    const load = startLoad();
    stops.push(load.stop);
    const env = { ...AWS, AWS_ENDPOINT_URL_DYNAMODB: endpoint, MONGODB_URI: asked, RESULTS_URI: uri.href };
    const subjects = isMongoDb ? mongodbSubjects(folder, env) : dynamodbSubjects(folder, env);
    const costs = await measured(subjects, ROUTES, load);
    return tableOf(costs, subjects, ROUTES, isMongoDb ? ['the driver'] : ['default', 'tuned']);
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

function dynamodbSubjects(folder: string, env: Env): readonly Subject[] {
  const peer = (kind: string) => () =>
    serve({ words: [join(HERE, 'peers/dynamodb.ts'), kind], env: { ...env, NODE_ENV: 'production' }, cwd: folder });
  return [
    { name: 'default', start: peer('default') },
    { name: 'tuned', start: peer('tuned') },
    { name: 'tuned, again', start: peer('tuned') },
    { name: 'Crossfade at `dynamodb`', start: facade(folder, env, 'dynamodb') },
    ...before(folder, env, 'dynamodb'),
  ];
}

function mongodbSubjects(folder: string, env: Env): readonly Subject[] {
  const peer = () =>
    serve({ words: [join(HERE, 'peers/mongodb.ts')], env: { ...env, NODE_ENV: 'production' }, cwd: folder });
  return [
    { name: 'the driver', start: peer },
    { name: 'the driver, again', start: peer },
    { name: 'Crossfade at `complete`', start: facade(folder, env, 'complete') },
    ...before(folder, env, 'complete'),
    {
      name: 'Crossfade with `MONGODB_CLIENT=command`',
      start: facade(folder, { ...env, MONGODB_CLIENT: 'command' }, 'complete'),
    },
  ];
}

/** The sample API, both operations at one stage. */
const facade = (folder: string, env: Env, stage: string, root?: string) => () =>
  serveFacade(folder, {
    bindings: 'openapi/photos.bindings.ts',
    stages: { getUser: stage, listMessages: stage },
    env: { ...env, NODE_ENV: 'production' },
    ...(root === undefined ? {} : { root }),
  });

/** Another version of ours, which `BENCH_AGAINST` names. */
function before(folder: string, env: Env, stage: string): readonly Subject[] {
  const other = process.env.BENCH_AGAINST;
  return other === undefined ? [] : [{ name: 'Crossfade before', start: facade(folder, env, stage, other) }];
}

export async function startDynamoDb(store: Store, stops: (() => unknown)[]): Promise<string> {
  const local = store === 'fixed DynamoDB' ? undefined : await startDynamoDbLocal({ log: console.error });
  const dynamo = local ?? (await startDynalite());
  stops.push(dynamo.stop);
  await fillDynamoDb(dynamo.endpoint, benchSeed());
  if (store !== 'fixed DynamoDB') return dynamo.endpoint;
  return await startFixed('support/fixed.ts', await recorded(dynamo.endpoint), stops);
}

/** A store that gives recorded replies: its address. */
export async function startFixed(
  script: string,
  replies: Bodies | Recorded,
  stops: (() => unknown)[],
): Promise<string> {
  const fixed = fork(join(HERE, script), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  stops.push(() => fixed.kill());
  fixed.send(replies);
  return (await said<{ url: string }>(fixed)).url;
}

/** What a real store says to the two calls: the client decodes into the wire's own form, and that is JSON once more. */
async function recorded(endpoint: string): Promise<Bodies> {
  const client = new DynamoDBClient({
    ...{ endpoint, region: 'eu-west-1', credentials: { accessKeyId: 'x', secretAccessKey: 'x' } },
  });
  const TableName = 'photos';
  const Key = { pk: { S: 'acme#USER#u-1001' }, sk: { S: 'PROFILE' } };
  const { Item } = await client.send(new GetItemCommand({ TableName, Key }));
  const { Items, Count, ScannedCount } = await client.send(
    new QueryCommand({
      ...{ TableName, KeyConditionExpression: 'pk = :c', ScanIndexForward: false },
      ExpressionAttributeValues: { ':c': { S: 'acme#MESSAGES#c-101' } },
    }),
  );
  client.destroy();
  return { GetItem: JSON.stringify({ Item }), Query: JSON.stringify({ Count, Items, ScannedCount }) };
}
