import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { DynamoDBDocumentClient, paginateScan } from '@aws-sdk/lib-dynamodb';
import { BSON, type Document, MongoClient } from 'mongodb';
import t, { type Test } from 'tap';
import { startLegacyReader } from '../../src/demo/legacy-reader.ts';
import { PLANTED } from '../../src/demo/planted.ts';
import { makeSeed } from '../../src/demo/seed.ts';
import { DEMO_AWS, demoDynamoDb, fillDynamoDb, fillMongoDb } from '../../src/demo/stores.ts';
import { documentOf, startSync } from '../../src/demo/sync.ts';
import { startTraffic } from '../../src/demo/traffic.ts';
import { withFacade } from '../support/facade.ts';
import { withDynamo, withMongo } from '../support/stores.ts';

const plantedReads = PLANTED.flatMap(({ tenant, path, also }) => [`${tenant} ${path}`, ...also]);

/** A façade that answers all the same way and keeps what it was asked: `GET acme /users/u-1001`. */
async function recorder(t: Test, answer: RequestListener) {
  const asked: string[] = [];
  const server = createServer((request, reply) => {
    asked.push(`${request.method} ${request.headers['x-tenant-id']} ${request.url}`);
    request.resume();
    answer(request, reply);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return { asked, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

/** Every first page has a next one; every write made something. */
const paging =
  (id: () => string): RequestListener =>
  ({ method, url = '' }, reply) => {
    const nextCursor = url.includes('cursor=') ? undefined : 'a+b=';
    reply.statusCode = method === 'POST' ? 201 : 200;
    reply.end(JSON.stringify({ id: id(), nextCursor }));
  };

const hex = (number: number) => `e${number.toString(16).padStart(23, '0')}`;

t.test('reads all there is, soon all that is planted; writes nothing that is planted', async (t) => {
  let ids = 0;
  const { asked, url } = await recorder(
    t,
    paging(() => hex(ids++)),
  );
  const traffic = startTraffic({ url, perSecond: 400, writesPerSecond: 200 });
  const deadline = Date.now() + 30_000;
  const read = () => asked.filter((line) => line.startsWith('GET '));
  while (read().length < 1_200 && Date.now() < deadline) await sleep(20);
  const counts = await traffic.stop();
  const reads = read();
  t.same(counts, { reads: reads.length, writes: asked.length - reads.length, failures: 0 });

  // At 40 reads a second 10 s are 400 reads.
  const last = reads.length - (reads.length % 400);
  t.ok(last >= 800, `${reads.length} reads`);
  for (let from = 0; from < last; from += 400) {
    const some = new Set(reads.slice(from, from + 400));
    const missed = plantedReads.filter((line) => !some.has(`GET ${line}`));
    t.same(missed, [], `reads ${from} to ${from + 400}`);
  }
  for (const tenant of ['acme', 'globex']) {
    for (const path of [
      /^\/users\/u-/,
      /^\/conversations$/,
      /^\/conversations\/c-1\d\d$/,
      /^\/conversations\/c-1\d\d\/messages$/,
      /^\/conversations\/c-1\d\d\/messages\?kind=(text|photo|system)$/,
      /^\/messages\/66[0-9a-f]+$/,
      /^\/messages\/66[0-9a-f]+\/attachments$/,
      /^\/attachments\/a-/,
      /^\/users\/nobody$/,
      /^\/conversations\?cursor=a%2Bb%3D$/,
      /^\/conversations\/c-1\d\d\/messages\?cursor=a%2Bb%3D$/,
      /^\/conversations\/c-1\d\d\/messages\?kind=\w+&cursor=a%2Bb%3D$/,
    ]) {
      const found = reads.some((line) => line.startsWith(`GET ${tenant} `) && path.test(line.split(' ')[2] as string));
      t.ok(found, `${tenant} ${path}`);
    }
  }
  t.notOk(reads.some((line) => line.includes('limit=')));

  const writes = asked.filter((line) => !line.startsWith('GET '));
  const own = new Set(Array.from({ length: ids }, (_, number) => hex(number)));
  const allowed = writes.filter((line) => {
    const [method, , path = ''] = line.split(' ');
    const user = /^\/users\/u-(\d+)$/.exec(path)?.[1];
    const conversation = /^\/conversations\/c-(\d+)\/messages$/.exec(path)?.[1];
    const message = /^\/messages\/(\w+)(\/attachments\?fileName=[^/]+)?$/.exec(path);
    if (method === 'PUT') return Number(user) >= 1050 && Number(user) <= 1120;
    if (method === 'POST' && conversation) return Number(conversation) >= 120 && Number(conversation) <= 136;
    return own.has(message?.[1] ?? '') && (method === 'POST') === (message?.[2] !== undefined);
  });
  t.same(
    writes.filter((line) => !allowed.includes(line)),
    [],
  );
  for (const start of ['PUT', 'POST acme /conv', 'POST globex /mess', 'DELETE acme']) {
    t.ok(writes.filter((line) => line.startsWith(start)).length > 5, start);
  }
  const uploaded = new Set(writes.flatMap((line) => /\/messages\/(\w+)\/attachments/.exec(line)?.[1] ?? []));
  const deleted = writes.filter((line) => line.startsWith('DELETE')).map((line) => line.split('/').at(-1) as string);
  t.same(
    deleted.filter((id) => uploaded.has(id)),
    [],
    'a message with files is never deleted',
  );
  t.equal(new Set(deleted).size, deleted.length);
  t.ok(uploaded.size <= 40, 'what cannot be deleted has an end');
  const fresh = reads.filter((line) => own.has(line.split('/')[2] ?? ''));
  t.ok(fresh.length > 40, `${fresh.length} reads hit what was just written`);
});

t.test('the same random numbers give the same requests', async (t) => {
  const runs: string[][] = [];
  for (let run = 0; run < 2; run++) {
    const { asked, url } = await recorder(t, (_request, reply) => reply.writeHead(404).end());
    const traffic = startTraffic({ url, perSecond: 100, writesPerSecond: 0.001 });
    await sleep(500);
    await traffic.stop();
    runs.push(asked.slice(0, 20));
  }
  t.equal(runs[0]?.length, 20);
  t.same(runs[0]?.toSorted(), runs[1]?.toSorted());
});

t.test('failures are counted and never thrown', async (t) => {
  const answers = [503, 404, 200, 0];
  let at = 0;
  const { asked, url } = await recorder(t, (_request, reply) => {
    const status = answers[at++ % answers.length];
    if (status) reply.writeHead(status).end('{');
    else reply.destroy();
  });
  const traffic = startTraffic({ url, perSecond: 100, writesPerSecond: 20 });
  await sleep(500);
  const { failures } = await traffic.stop();
  t.ok(Math.abs(failures - asked.length / 2) <= 2, `${failures} of ${asked.length}`);

  const nobody = startTraffic({ url: 'http://127.0.0.1:9', perSecond: 100 });
  await sleep(200);
  const counts = await nobody.stop();
  t.ok(counts.failures > 0);
  t.equal(counts.failures, counts.reads + counts.writes);
});

t.test('stops quickly, whatever the façade does; no more is under way than a façade can bear', async (t) => {
  const { asked, url } = await recorder(t, () => undefined);
  const traffic = startTraffic({ url, perSecond: 500 });
  await sleep(500);
  const from = Date.now();
  const { failures, reads, writes } = await traffic.stop();
  t.ok(Date.now() - from < 1_500);
  t.equal(failures, 0, 'what we gave up ourselves is no failure');
  t.equal(reads + writes, 64);
  t.equal(asked.length, 64);
});

t.test(
  'through the real façade: no failures, and afterwards both stores say the same but for what is planted',
  async (t) => {
    const [mongo, dynamo] = await Promise.all([withMongo(t), withDynamo(t, 'dynalite')]);
    const seed = makeSeed();
    await Promise.all([fillMongoDb(mongo.uri, seed), fillDynamoDb(dynamo.endpoint, seed)]);
    const sync = startSync({ endpoint: dynamo.endpoint, mongodbUri: mongo.uri });
    let written = 0;
    const legacy = await startLegacyReader({
      endpoint: dynamo.endpoint,
      onWrite: (write) => {
        written += 1;
        return sync.onWrite(write);
      },
    });
    Object.assign(process.env, DEMO_AWS);
    const facade = await withFacade(t, {
      bindings: { file: fileURLToPath(new URL('../../openapi/photos.bindings.ts', import.meta.url)) },
      env: { ...DEMO_AWS, AWS_ENDPOINT_URL_DYNAMODB: dynamo.endpoint, MONGODB_URI: mongo.uri, LEGACY_URL: legacy.url },
    });
    t.teardown(async () => {
      await legacy.stop();
      await sync.stop();
    });
    const traffic = startTraffic({ url: facade.url, perSecond: 60, writesPerSecond: 40 });
    const end = Date.now() + 60_000;
    while (written <= 100 && Date.now() < end) await sleep(50);
    const { reads, writes, failures } = await traffic.stop();
    t.equal(failures, 0);
    t.ok(reads > 60 && writes > 60, `${reads} reads, ${writes} writes`);
    await sync.settled();

    const items = await readItems(dynamo.endpoint);
    const copies = await readDocuments(mongo.uri, Object.keys(seed.collections));
    const wanted = new Map(
      items.map(documentOf).map(({ collection, document }) => [nameOf(collection, document), document]),
    );
    t.ok(wanted.size > seed.items.length, 'something was added');
    const differing = [...new Set([...wanted.keys(), ...copies.keys()])].filter(
      (name) => !isDeepStrictEqual(comparable(wanted.get(name)), comparable(copies.get(name))),
    );
    const planted = PLANTED.flatMap(({ where, change }) => [
      `${where.collection} ${where.is}`,
      ...('swap' in change ? [`${where.collection} ${change.with}`] : []),
    ]);
    const shown = differing.map((name) => name.replace(/^(members|rooms) \w+ /, '$1 '));
    t.same(
      shown.filter((name) => !planted.includes(name)),
      [],
      'nothing else differs',
    );
    t.same(
      planted.filter((name) => !shown.includes(name)),
      [],
      'and nothing planted was written over',
    );
  },
);

const nameOf = (collection: string, { tenantId, userId, ref, _id }: Document) =>
  userId || ref ? `${collection} ${tenantId} ${userId ?? ref}` : `${collection} ${_id}`;

/** Numbers as their text: which type of BSON holds a rating is for the renderer. */
const comparable = (document: Document | undefined) => {
  if (document === undefined) return undefined;
  const { _id, rating, ...rest } = document;
  return BSON.EJSON.serialize({ ...rest, rating: String(rating) }, { relaxed: false });
};

async function readItems(endpoint: string): Promise<Document[]> {
  const client = demoDynamoDb(endpoint);
  const documents = DynamoDBDocumentClient.from(client, {
    unmarshallOptions: { wrapNumbers: (text) => (/^-?\d{16,}$/.test(text) ? BigInt(text) : Number(text)) },
  });
  const items: Document[] = [];
  for await (const page of paginateScan({ client: documents }, { TableName: 'photos' }))
    items.push(...(page.Items ?? []));
  client.destroy();
  return items;
}

async function readDocuments(uri: string, collections: readonly string[]): Promise<Map<string, Document>> {
  const client = new MongoClient(uri, { promoteLongs: false });
  const lists = await Promise.all(
    collections.map(async (name) => {
      const documents = await client.db().collection(name).find().toArray();
      return documents.map((document) => [nameOf(name, document), document] as const);
    }),
  );
  await client.close();
  return new Map(lists.flat());
}
