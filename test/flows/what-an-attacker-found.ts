import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { MongoClient } from 'mongodb';
import t, { type Test } from 'tap';
import { withFacade } from '../support/facade.ts';
import { withMongo } from '../support/stores.ts';

const CONTRACT = `
openapi: 3.1.0
info: { title: Things, version: '1' }
paths:
  /things/{id}:
    get:
      operationId: getThing
      parameters: [{ name: id, in: path, required: true, schema: { type: string } }]
      responses: { '200': { description: One, content: { application/json: { schema: { $ref: '#/components/schemas/Thing' } } } } }
  /things:
    get:
      operationId: listThings
      parameters:
        - { name: q, in: query, schema: { type: string } }
        - { name: limit, in: query, schema: { type: integer } }
        - { name: page, in: query, style: deepObject, explode: true, schema: { type: object, properties: { after: { type: string } } } }
      responses: { '200': { description: A page, content: { application/json: { schema: { $ref: '#/components/schemas/Page' } } } } }
  /searches:
    post:
      operationId: search
      requestBody: { content: { application/json: { schema: { type: object, properties: { limit: { type: integer }, cursor: { type: string } } } } } }
      responses: { '200': { description: A page, content: { application/json: { schema: { $ref: '#/components/schemas/Page' } } } } }
components:
  schemas:
    Thing: { type: object, properties: { id: { type: string } } }
    Page:
      type: object
      properties: { things: { type: array, items: { $ref: '#/components/schemas/Thing' } }, next: { type: string } }
`;

const BINDINGS = `
const things = ({ tenant, page }) => ({ find: { collection: 'things', filter: { tenant }, sort: { id: 1 }, after: page.after } });
export default bind({
  contract: './contract.yaml',
  tenant: ({ headers }) => headers['x-tenant-id'],
  trailingSlash: 'ignore',
  operations: {
    getThing: {
      mongodb: ({ tenant, path }) => ({ findOne: { collection: 'things', filter: { tenant, id: path.id } } }),
      headers: (request, { item }) => ({ 'x-first': 'of the item', 'x-name': item?.name }),
    },
    listThings: {
      mongodb: things,
      items: '/things',
      maxItems: 3,
      page: { limit: ({ query }) => query.limit ?? 2, cursor: ({ query }) => query.page?.after, position: ['id'], next: '/next', links: 'page[after]' },
    },
    search: {
      kind: 'read',
      mongodb: things,
      items: '/things',
      page: { limit: ({ body }) => body?.limit ?? 2, cursor: ({ body }) => body?.cursor, position: ['id'], next: '/next' },
    },
  },
});
`;

const ACME = { 'x-tenant-id': 'acme' };

async function withThings(t: Test, env: Record<string, string> = {}, stages = 'operations: {}\n') {
  const { uri } = await withMongo(t);
  const client = new MongoClient(uri);
  const ids = ['t1', 't2', 't3', 't4', 't5', 'foo'];
  await client
    .db()
    .collection('things')
    .insertMany(ids.map((id) => ({ tenant: 'acme', id, name: id === 't5' ? 'five €' : id })));
  await client.close();
  return withFacade(t, { bindings: { text: BINDINGS, contract: CONTRACT }, env: { MONGODB_URI: uri, ...env }, stages });
}

/** A legacy that answers every request with these bytes. */
async function withLegacy(t: Test, reply: string | Buffer): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', () => socket.end(reply));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

t.test('an odd status line of legacy costs nobody anything', async (t) => {
  for (const reason of ['Done ✓', 'B\xfcn', '']) {
    const legacy = await withLegacy(t, Buffer.from(`HTTP/1.1 200 ${reason}\r\nContent-Length: 2\r\n\r\nok`, 'latin1'));
    const facade = await withThings(t, { LEGACY_URL: legacy });
    const { status, text } = await facade.get('/anything', ACME);
    t.same([status, text], [200, 'ok'], reason);
  }
});

t.test('a page token may stand in a body, or deep in a query', async (t) => {
  const facade = await withThings(t);
  const post = (body: object) =>
    facade.send('POST', '/searches', { ...ACME, 'content-type': 'application/json' }, JSON.stringify(body));
  const ids = ({ json }: { json: { things: { id: string }[] } }) => json.things.map(({ id }) => id);
  const one = await post({});
  const two = await post({ cursor: one.json.next });
  t.same([...ids(one), ...ids(two)], ['foo', 't1', 't2', 't3']);
  t.equal((await post({ cursor: one.json.next, limit: 1 })).status, 400, 'it is bound to the rest of the body');

  const first = await facade.get('/things?q=a', ACME);
  const second = await facade.get(`/things?q=a&page[after]=${first.json.next}`, ACME);
  t.same([...ids(first), ...ids(second)], ['foo', 't1', 't2', 't3']);
});

t.test('the link to the next page keeps the rest of the query as it came', async (t) => {
  const facade = await withThings(t);
  for (const query of ['q=a%20b', 'q=a?b&limit=1', 'q=a+b', 'q=%C3%BC&limit=2']) {
    const { headers } = await facade.get(`/things?${query}`, ACME);
    const [, next] = /^<([^>]+)>; rel="next"$/.exec(String(headers.link)) ?? [];
    t.ok(next?.startsWith(`/things?${query}&`), `${query}: ${headers.link}`);
    t.equal((await facade.get(next as string, ACME)).status, 200, query);
  }
});

t.test('a limit that is none is refused, and a large one gives what the operation may give', async (t) => {
  const facade = await withThings(t);
  for (const limit of ['-1', '0', '9007199254740993'])
    t.equal((await facade.get(`/things?limit=${limit}`, ACME)).status, 400, limit);
  t.equal((await facade.get('/things?limit=99999999', ACME)).json.things.length, 3);
});

t.test('what HTTP cannot carry in a header is an error of its own, with nothing left of the item', async (t) => {
  const facade = await withThings(t);
  t.equal((await facade.get('/things/t4', ACME)).headers['x-first'], 'of the item');
  const { status, headers } = await facade.get('/things/t5', ACME);
  t.same([status, headers['x-first']], [500, undefined]);
});

t.test('one path for the router and for the binding', async (t) => {
  const facade = await withThings(t);
  t.equal((await facade.get('/things/t1/', ACME)).json.id, 't1', 'a slash at the end, where the bindings ignore it');
  t.equal((await facade.get('/things/foo#/t1', ACME)).status, 400);
});

t.test('at `legacy` a text that looks like a token is legacy’s own', async (t) => {
  const legacy = await withLegacy(t, 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nlegacy');
  const facade = await withThings(t, { LEGACY_URL: legacy });
  t.equal((await facade.get('/things?q=xf1_abc&limit=zz', ACME)).text, 'legacy');
  t.equal((await facade.get('/things?page[after]=xf1_abc', ACME)).status, 400, 'a token of ours that does not verify');
});

t.test('a request whose body is too large ends its connection, and nothing holds up the shutdown', async (t) => {
  const facade = await withThings(t, { ORIGIN_TIMEOUT_MS: '300' });
  const { hostname, port } = new URL(facade.url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => {});
  socket.write(
    `POST /searches HTTP/1.1\r\nHost: x\r\nX-Tenant-Id: acme\r\nContent-Length: 3000000\r\n\r\n${'x'.repeat(1_200_000)}`,
  );
  const [reply] = (await once(socket, 'data')) as [Buffer];
  t.match(String(reply), /^HTTP\/1\.1 413/);
  t.match(String(reply), /connection: close/i);
  await once(socket, 'close');

  const half = connect(Number(port), hostname);
  half.on('error', () => {});
  half.write('GET /x HT');
  await once(half, 'connect');
  const began = performance.now();
  await facade.app.close();
  t.ok(performance.now() - began < 4_000, 'half a request is not waited for');
});

t.test('while draining each reply ends its connection; a client that leaves is counted', async (t) => {
  const facade = await withThings(t);
  t.not((await facade.get('/things/t1', { ...ACME, connection: 'keep-alive' })).headers.connection, 'close');
  facade.app.drain();
  t.equal((await facade.get('/things/t1', { ...ACME, connection: 'keep-alive' })).headers.connection, 'close');
});
