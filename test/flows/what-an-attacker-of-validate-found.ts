import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { MongoClient } from 'mongodb';
import t, { type Test } from 'tap';
import { withFacade } from '../support/facade.ts';
import { note, settledResults, withNotes } from '../support/shadow.ts';
import { withMongo } from '../support/stores.ts';

const ACME = { 'x-tenant-id': 'acme' };
const LIKE = `headers: { 'content-type': 'application/json', 'cache-control': undefined },`;

async function listening(t: Test, answer: (request: IncomingMessage, reply: ServerResponse) => void) {
  const server = createServer(answer);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  t.teardown(() => new Promise((done) => server.close(done).closeAllConnections()));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

t.test('a cursor of ours at `validate` is counted for the pairs that there are', async (t) => {
  const legacy = await listening(t, (_, reply) => void reply.end('{}'));
  const notes = await withNotes(t, { stage: 'dynamodb', more: LIKE, legacy: async () => legacy });
  await notes.put(['n1', 'n2', 'n3'].map((id) => note(id)));
  const first = await notes.facade.get('/notes?shelf=n&limit=2', ACME);
  await notes.facade.stages('operations: { getNote: { stage: validate }, listNotes: { stage: validate } }\n');
  const second = await notes.facade.get(`/notes?shelf=n&limit=2&cursor=${first.json.next}`, ACME);
  t.equal(second.json.notes.length, 1, 'a store goes on');
  const { summary, totals } = await notes.settled();
  t.match(totals, { offered: 3, skipped: 3 });
  t.same(summary.operations.map(({ pair, offered }) => `${pair} ${offered}`).sort(), [
    'dynamodb-mongodb 1',
    'legacy-dynamodb 1',
    'legacy-mongodb 1',
  ]);
});

t.test('what legacy varies by for its compression is no difference, compressed or not', async (t) => {
  const json = JSON.stringify({ id: 'n1', text: 'x' });
  const legacy = await listening(t, (request, reply) => {
    const zipped = request.headers['accept-encoding'] === 'gzip';
    const headers = { 'content-type': 'application/json', vary: 'Origin, Accept-Encoding' };
    reply.writeHead(200, { ...headers, ...(zipped ? { 'content-encoding': 'gzip' } : {}) });
    reply.end(zipped ? gzipSync(json) : json);
  });
  const more = LIKE.replace('undefined', "undefined, vary: 'accept-encoding,origin'");
  const notes = await withNotes(t, { stage: 'validate', more, legacy: async () => legacy });
  await notes.put([{ pk: 'acme', id: 'n1', text: 'x' }]);
  await notes.facade.send('GET', '/notes/n1', ACME);
  await notes.facade.send('GET', '/notes/n1', { ...ACME, 'accept-encoding': 'gzip' });
  const { totals } = await notes.settled();
  t.match(totals, { offered: 6, match: 6 });
});

t.test('legacy is not asked again for what may have been a write', async (t) => {
  const asked: string[] = [];
  const legacy = await listening(t, (request, reply) => {
    asked.push(request.url as string);
    reply.writeHead(200, { 'content-type': 'application/json' }).end('{"id":"n1","text":"other"}');
  });
  const notes = await withNotes(t, { stage: 'validate', more: LIKE, legacy: async () => legacy });
  await notes.put([{ pk: 'acme', id: 'n1', text: 'x' }]);
  await notes.facade.send('GET', '/notes/n1', { ...ACME, 'x-http-method-override': 'DELETE' });
  await notes.facade.send('GET', '/notes/n1?_method=DELETE', ACME);
  const { totals } = await notes.settled();
  t.match(totals, { offered: 6, skipped: 6 });
  t.equal(asked.length, 2);
});

const SEARCH = `
openapi: 3.1.0
info: { title: Search, version: '1' }
paths:
  /search:
    post:
      operationId: search
      requestBody:
        content: { application/json: { schema: { type: object, properties: { word: { type: string } } } } }
      responses:
        '200': { description: Hit, content: { application/json: { schema: { type: object, properties: { id: { type: string } } } } } }
`;

const SEARCH_BINDINGS = `
export default bind({
  contract: './contract.yaml',
  name: 'search',
  tenant: ({ headers }) => headers['x-tenant-id'],
  ${LIKE}
  freshness: { by: 'the test', within: '100ms' },
  operations: {
    search: {
      kind: 'read',
      repeatable: true,
      mongodb: ({ tenant, body }) => ({ findOne: { collection: 'words', filter: { tenant, word: body.word } } }),
      response: { '/id': 'number' },
    },
  },
});
`;

t.test('a read with a body that may be repeated is repeated with its body', async (t) => {
  const mongo = await withMongo(t);
  const bodies: string[] = [];
  const legacy = await listening(t, async (request, reply) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    bodies.push(body);
    reply.setHeader('content-type', 'application/json');
    reply.end(body === '' ? '{"id":"nothing"}' : '{"id":"legacy"}');
  });
  const client = new MongoClient(mongo.uri);
  t.teardown(() => client.close());
  await client.db().collection('words').insertOne({ tenant: 'acme', word: 'sun', number: 'other' });
  const facade = await withFacade(t, {
    bindings: { text: SEARCH_BINDINGS, contract: SEARCH },
    env: { MONGODB_URI: mongo.uri, LEGACY_URL: legacy, SHADOW_EVENT_LOOP_MS: '5000', SAMPLE_SECRET: 's'.repeat(32) },
    stages: 'operations: { search: { stage: validate } }\n',
  });
  const headers = { ...ACME, 'content-type': 'application/json' };
  await facade.send('POST', '/search', headers, '{"word":"sun"}');
  const { summary } = await settledResults(mongo.uri, facade.app.bindings.file);
  t.match(summary.findings, [{ path: '/id', verdicts: { persistent: 1 } }]);
  t.ok(bodies.length > 1);
  t.same([...new Set(bodies)], ['{"word":"sun"}']);
});
