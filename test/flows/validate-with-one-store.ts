import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MongoClient } from 'mongodb';
import t, { type Test } from 'tap';
import { withFacade } from '../support/facade.ts';
import { settledResults } from '../support/shadow.ts';
import { withMongo } from '../support/stores.ts';

const CONTRACT = `
openapi: 3.1.0
info: { title: Search, version: '1' }
paths:
  /search:
    post:
      operationId: search
      requestBody:
        required: true
        content: { application/json: { schema: { type: object, required: [word], properties: { word: { type: string } } } } }
      responses:
        '200': { description: Hits, content: { application/json: { schema: { type: array, items: { type: object, properties: { id: { type: string } } } } } } }
        '400': { description: Bad }
`;

const BINDINGS = `
export default bind({
  contract: './contract.yaml',
  name: 'search',
  tenant: ({ headers }) => headers['x-tenant-id'],
  headers: { 'cache-control': undefined },
  errors: { invalidBody: () => ({ body: { error: 'bad' } }) },
  operations: {
    search: {
      kind: 'read',
      mongodb: ({ tenant, body }) => ({ find: { collection: 'words', filter: { tenant, word: body.word }, sort: { _id: 1 } } }),
      response: { '/*/id': '_id' },
    },
  },
});
`;

/** Knows one word more than MongoDB. */
async function withLegacy(t: Test): Promise<{ url: string; bodies: string[] }> {
  const bodies: string[] = [];
  const server = createServer(async (message: IncomingMessage, reply) => {
    const chunks: Buffer[] = [];
    for await (const chunk of message) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    bodies.push(text);
    reply.setHeader('content-type', 'application/json');
    try {
      const { word } = JSON.parse(text);
      if (typeof word !== 'string') throw new TypeError('no word');
      reply.end(JSON.stringify(word === 'sun' ? [{ id: '1' }, { id: '2' }] : word === 'moon' ? [{ id: '3' }] : []));
    } catch {
      reply.writeHead(400).end('{"error":"bad"}');
    }
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  t.teardown(() => new Promise((done) => server.close(done).closeAllConnections()));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, bodies };
}

t.test('a read with a body, bound to MongoDB alone: two answers, the body passed on and compared once', async (t) => {
  const [mongo, legacy] = [await withMongo(t), await withLegacy(t)];
  const client = new MongoClient(mongo.uri);
  t.teardown(() => client.close());
  await client
    .db()
    .collection<{ _id: string; tenant: string; word: string }>('words')
    .insertMany([
      { _id: '1', tenant: 'acme', word: 'sun' },
      { _id: '2', tenant: 'acme', word: 'sun' },
    ]);
  const facade = await withFacade(t, {
    bindings: { text: BINDINGS, contract: CONTRACT },
    env: { MONGODB_URI: mongo.uri, LEGACY_URL: legacy.url, SHADOW_EVENT_LOOP_MS: '5000' },
    stages: 'operations: { search: { stage: validate } }\n',
  });
  const headers = { 'x-tenant-id': 'acme', 'content-type': 'application/json' };
  const bodies = [
    '{"word":"sun"}',
    '{ "word" : "rain" }',
    '{"word":1}',
    '{',
    JSON.stringify({ word: 'x'.repeat(2 ** 20) }),
  ];
  const statuses: number[] = [];
  for (const body of [...bodies, '{"word":"moon"}'])
    statuses.push((await facade.send('POST', '/search', headers, body)).status);
  t.same(statuses, [200, 200, 400, 400, 200, 200]);
  t.same(legacy.bodies, [...bodies, '{"word":"moon"}'], 'as they came, and each once: a POST is not repeated');

  const { summary, totals } = await settledResults(mongo.uri, facade.app.bindings.file);
  t.match(totals, { offered: 6, match: 4, mismatch: 1, skipped: 1 });
  t.match(summary.operations, [{ pair: 'legacy-mongodb', notCompared: [{ reason: 'too_large', n: 1 }] }]);
  t.match(summary.unsettled, [{ kind: 'length', path: '', verdicts: { unverified: 1 }, cause: undefined }]);
});
