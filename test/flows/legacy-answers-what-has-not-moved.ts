import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { MongoClient } from 'mongodb';
import t, { type Test } from 'tap';
import { withFacade } from '../support/facade.ts';
import { withMongo } from '../support/stores.ts';

const CONTRACT = `
openapi: 3.0.3
info: { title: Things, version: '1' }
servers: [{ url: https://things.example/v1 }]
paths:
  /things/{id}:
    parameters: [{ name: id, in: path, required: true, schema: { type: string } }]
    get:
      operationId: getThing
      responses: { '200': { description: One, content: { application/json: { schema: { type: object, properties: { name: { type: string } } } } } } }
    put: { operationId: putThing, responses: { '204': { description: Put } } }
  /unbound: { get: { operationId: getUnbound, responses: { '200': { description: One } } } }
`;

const BINDINGS = `
export default bind({
  contract: './contract.yaml',
  tenant: ({ headers }) => headers['x-tenant-id'],
  errors: {
    notFound: ({ message }) => ({ body: { error: message } }),
    unavailable: () => ({ body: { error: 'away' } }),
  },
  operations: {
    getThing: { mongodb: ({ tenant, path }) => ({ findOne: { collection: 'things', filter: { tenant, id: path.id } } }) },
  },
});
`;

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

async function withLegacy(t: Test): Promise<{ url: string; seen: Seen[] }> {
  const seen: Seen[] = [];
  const server = createServer(async (message, reply) => {
    const chunks: Buffer[] = [];
    for await (const chunk of message) chunks.push(chunk);
    seen.push({
      method: message.method as string,
      url: message.url as string,
      headers: message.headers,
      body: Buffer.concat(chunks).toString('latin1'),
    });
    reply.writeHead(207, [
      ...['Content-Type', 'text/x-odd; charset=latin1'],
      ...['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2'],
      ...['Connection', 'keep-alive, X-Private', 'X-Private', 'hop', 'ETag', '"1"'],
    ]);
    reply.end(Buffer.from([0xff, 0x00, 0xe9]));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => new Promise((done) => server.close(done).closeAllConnections()));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

t.test('what is not bound, not read or not known passes to legacy as it came', async (t) => {
  const mongo = await withMongo(t);
  const legacy = await withLegacy(t);
  const facade = await withFacade(t, {
    bindings: { text: BINDINGS, contract: CONTRACT },
    env: { MONGODB_URI: mongo.uri, LEGACY_URL: legacy.url },
  });
  const rows: [string, string, string?][] = [
    ['GET', '/v1/things/a%2Fb?x=%zz&y=+'],
    ['PUT', '/v1/things/1', '{not json'],
    ['GET', '/v1/unbound'],
    ['GET', '/nowhere/at/all?a[]=1'],
    ['GET', '/v1/things/%'],
    ['DELETE', '/v1/things/1'],
    ['POST', '//double//slash', 'x'.repeat(200_000)],
    ['OPTIONS', '/v1/things/1'],
  ];
  for (const [method, path, body] of rows) {
    const reply = await facade.send(method, path, { 'content-type': 'odd/type;;', 'x-request-id': 'mine' }, body);
    const asked = legacy.seen.at(-1);
    t.match(asked, { method, url: path, body: body ?? '' }, `${method} ${path}`);
    t.match(asked?.headers, { 'x-request-id': 'mine', 'content-type': 'odd/type;;' });
    t.equal(reply.status, 207);
    t.match(reply.headers, { etag: '"1"', 'content-type': 'text/x-odd; charset=latin1', 'x-request-id': 'mine' });
    t.same(reply.headers['set-cookie'], ['a=1', 'b=2']);
    t.equal(reply.headers['x-private'], undefined, 'a header that legacy nominated stays on its hop');
    t.match(reply.headers['server-timing'], /origin;desc=legacy/);
  }
  t.equal(legacy.seen.length, rows.length, 'each was asked once');
});

t.test('a missing tenant passes where legacy answers, and is 400 where a store would', async (t) => {
  const mongo = await withMongo(t);
  const legacy = await withLegacy(t);
  const facade = await withFacade(t, {
    bindings: { text: BINDINGS, contract: CONTRACT },
    env: { MONGODB_URI: mongo.uri, LEGACY_URL: legacy.url },
  });
  t.equal((await facade.get('/v1/things/1')).status, 207);
  await facade.stages('operations: { getThing: { stage: complete } }\n');
  t.equal((await facade.get('/v1/things/1')).status, 400);
});

t.test('one tenant is moved, HEAD is GET without a body, a request id is made where none was sent', async (t) => {
  const mongo = await withMongo(t);
  const client = await new MongoClient(mongo.uri).connect();
  t.teardown(() => client.close());
  await client.db().collection('things').insertOne({ tenant: 'acme', id: '1', name: 'One' });
  const legacy = await withLegacy(t);
  const facade = await withFacade(t, {
    bindings: { text: BINDINGS, contract: CONTRACT },
    env: { MONGODB_URI: mongo.uri, LEGACY_URL: legacy.url },
  });
  await facade.stages('operations: { getThing: { tenants: { acme: complete } } }\n');
  const reply = await facade.get('/v1/things/1', { 'x-tenant-id': 'acme' });
  t.equal(reply.text, '{"name":"One"}');
  t.match(reply.headers, {
    'content-type': 'application/json',
    'cache-control': 'private, no-store',
    'server-timing': 'origin;desc=mongodb, stage;desc=complete',
  });
  t.match(reply.headers['x-request-id'], /^[0-9a-f-]{36}$/);
  const head = await facade.send('HEAD', '/v1/things/1', { 'x-tenant-id': 'acme' });
  t.match(head, { status: 200, text: '', headers: { 'content-length': '14' } });
  t.equal((await facade.get('/v1/things/1', { 'x-tenant-id': 'other' })).status, 207);
  t.same((await facade.get('/v1/things/2', { 'x-tenant-id': 'acme' })).status, 404);

  const metrics = await (await fetch(`${facade.app.adminUrl}/metrics`)).text();
  t.match(metrics, /crossfade_stage_requests_total\{operation="getThing",stage="complete"\} 3/);
  t.match(metrics, /http_route="\/things\/\{id\}"/);
  t.notMatch(metrics, /acme|things\/1/, 'no label holds a tenant or a path');
  t.match(await (await fetch(`${facade.app.adminUrl}/readyz`)).json(), { ready: true });
  t.equal((await fetch(`${facade.app.adminUrl}/contract`)).status, 200);
  t.equal((await fetch(`${facade.app.adminUrl}/docs/`)).status, 200);
  facade.app.drain();
  t.equal((await fetch(`${facade.app.adminUrl}/readyz`)).status, 503);
  t.equal((await fetch(`${facade.app.adminUrl}/livez`)).status, 200);
});

t.test('without a legacy service: 501 for what the contract has, 404 for what it has not', async (t) => {
  const mongo = await withMongo(t);
  const facade = await withFacade(t, {
    bindings: { text: BINDINGS, contract: CONTRACT },
    env: { MONGODB_URI: mongo.uri },
  });
  t.match(await facade.get('/v1/unbound'), { status: 501, json: { error: 'away' } });
  t.match(await facade.send('PUT', '/v1/things/1'), { status: 501, json: { error: 'away' } });
  t.match(await facade.get('/nowhere'), { status: 404, json: { error: 'there is no such path' } });
});

t.test('legacy away: 503 in the contract’s shape; a store away: the same, and not ready', async (t) => {
  const facade = await withFacade(t, {
    bindings: { text: BINDINGS, contract: CONTRACT },
    env: {
      MONGODB_URI: 'mongodb://127.0.0.1:9/none?serverSelectionTimeoutMS=200',
      LEGACY_URL: 'http://127.0.0.1:9',
    },
  });
  t.match(await facade.get('/v1/unbound'), { status: 503, json: { error: 'away' } });
  await facade.stages('operations: { getThing: { stage: complete } }\n');
  t.match(await facade.get('/v1/things/1', { 'x-tenant-id': 'acme' }), { status: 503, json: { error: 'away' } });
  t.equal((await fetch(`${facade.app.adminUrl}/readyz`)).status, 503);
});

t.test('closing ends what is in flight first', async (t) => {
  const slow = createServer((_message, reply) => void setTimeout(() => reply.end('late'), 400));
  slow.listen(0, '127.0.0.1');
  await once(slow, 'listening');
  t.teardown(() => new Promise((done) => slow.close(done)));
  const mongo = await withMongo(t);
  const facade = await withFacade(t, {
    bindings: { text: BINDINGS, contract: CONTRACT },
    env: { MONGODB_URI: mongo.uri, LEGACY_URL: `http://127.0.0.1:${(slow.address() as AddressInfo).port}` },
  });
  const reply = facade.get('/v1/unbound');
  await new Promise((done) => setTimeout(done, 100));
  const closed = facade.app.close();
  t.match(await reply, { status: 200, text: 'late' });
  await closed;
  const socket = connect(Number(new URL(facade.url).port), '127.0.0.1');
  const [error] = await once(socket, 'error');
  t.match(error, { code: 'ECONNREFUSED' });
});
