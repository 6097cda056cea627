import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { withFacade } from '../support/facade.ts';
import { listen } from '../support/legacy.ts';
import { note, withNotes } from '../support/shadow.ts';

const CONTRACT = `
openapi: 3.0.3
info: { title: Things, version: '1' }
paths:
  /things/{id}:
    parameters: [{ name: id, in: path, required: true, schema: { type: string } }]
    get: { operationId: getThing, responses: { '200': { description: One } } }
`;

const BINDINGS = `
export default bind({ contract: './contract.yaml', tenant: () => 'all', operations: {} });
`;

/** A façade in front of a legacy service that takes 100 ms for `/slow` and says the path of each request. */
async function inFront(t: Test) {
  const seen: string[] = [];
  const server = createServer(async ({ url = '' }, reply) => {
    seen.push(`${url} comes`);
    if (url === '/slow') await sleep(100);
    seen.push(`${url} goes`);
    reply.end(`[${url}]`);
  });
  const port = await listen(t, server);
  const facade = await withFacade(t, {
    bindings: { text: BINDINGS, contract: CONTRACT },
    env: { LEGACY_URL: `http://127.0.0.1:${port}` },
  });
  return { port: Number(new URL(facade.url).port), seen, close: () => facade.app.close() };
}

/** What comes back on one connection within 400 ms. */
async function said(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket
    .on('error', () => undefined)
    .on('data', (chunk) => {
      text += chunk.toString('latin1');
    });
  socket.write(bytes);
  await Promise.race([once(socket, 'close'), sleep(400)]);
  socket.destroy();
  return text;
}

t.test('a refused CONNECT never passes for the reply to the request before it', async (t) => {
  const { port } = await inFront(t);
  const tunnel = 'CONNECT other:443 HTTP/1.1\r\nHost: other:443\r\n\r\n';
  t.match(await said(port, tunnel), /^HTTP\/1\.1 501 /);
  const text = await said(port, `GET /slow HTTP/1.1\r\nHost: x\r\n\r\n${tunnel}`);
  t.notMatch(text, / 501 /, 'the connection ends instead');
});

t.test('what was refused by hand ends, whether its client reads, sends on or stays', async (t) => {
  const { port, close } = await inFront(t);
  const sockets = ['CONNECT other:443 HTTP/1.1\r\nHost: other:443\r\n\r\n', 'no request\r\n\r\n'].flatMap((bytes) =>
    ['', 'more', 'x'.repeat(200_000)].map((more) => {
      const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
      socket.on('error', () => undefined).write(bytes + more);
      return socket;
    }),
  );
  await sleep(200);
  for (const [n, socket] of sockets.entries()) if (n % 2 === 0) socket.destroy();
  t.equal(await Promise.race([close().then(() => 'closed'), sleep(4_000).then(() => 'open')]), 'closed');
  for (const socket of sockets) socket.destroy();
});

t.test('what is refused by hand has no body for HEAD', async (t) => {
  const { port } = await inFront(t);
  const refused = async (method: string) =>
    (await said(port, `${method} /things/1 HTTP/1.1\r\nHost: x\r\nB d: x\r\n\r\n`)).split('\r\n\r\n');
  const [head, nothing] = await refused('HEAD');
  const [other, body = ''] = await refused('GET');
  for (const one of [head, other]) t.match(one, /^HTTP\/1\.1 400 /);
  t.equal(nothing, '');
  t.ok(body.length > 0);
  t.match(other, new RegExp(`content-length: ${body.length}`));
});

t.test('a path that cannot be decoded waits for its turn too', async (t) => {
  const { port, seen } = await inFront(t);
  const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;
  t.match(await said(port, get('/slow') + get('/things/%zz')), /\[\/slow\][\s\S]*\[\/things\/%zz\]$/);
  t.same(seen, ['/slow comes', '/slow goes', '/things/%zz comes', '/things/%zz goes']);
});

t.test('what cannot be read is refused once, in however many pieces it comes', async (t) => {
  const { port } = await inFront(t);
  const warnings: string[] = [];
  const note = ({ name }: Error) => warnings.push(name);
  process.on('warning', note);
  t.teardown(() => process.off('warning', note));
  const socket = connect(port, '127.0.0.1').setNoDelay(true);
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
  });
  socket.on('error', () => undefined).write('GET /slow HTTP/1.1\r\nHost: x\r\n\r\n');
  await sleep(20);
  for (let piece = 0; piece < 20; piece += 1) {
    socket.write('no request\r\n');
    await sleep(2);
  }
  await once(socket, 'close');
  t.match(text, /^HTTP\/1\.1 200 [\s\S]*\[\/slow\]HTTP\/1\.1 400 /);
  t.equal(text.match(/HTTP\/1\.1 /g)?.length, 2);
  t.same(warnings, []);
});

t.test('whoever waits to be told to go on is told so in turn, and never in a reply', async (t) => {
  const { port } = await inFront(t);
  const post = (host: string, body = 'whole') =>
    `POST /echo HTTP/1.1\r\n${host}Content-Length: 5\r\nExpect: 100-continue\r\n\r\n${body}`;
  const slow = 'GET /slow HTTP/1.1\r\nHost: x\r\n\r\n';
  t.match(await said(port, post('Host: x\r\n')), /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /);
  const text = await said(port, slow + post('Host: x\r\n'));
  t.match(text, /\[\/slow\](HTTP\/1\.1 100 Continue\r\n\r\n)?HTTP\/1\.1 200 [\s\S]*\[\/echo\]$/);
  const refused = await said(port, slow + post('', 'ha'));
  t.match(refused, /\[\/slow\](HTTP\/1\.1 100 Continue\r\n\r\n)?HTTP\/1\.1 400 [\s\S]*\r\n\r\n\{.*\}$/);
  t.notMatch(refused, /\r\n\r\nHTTP\/1\.1 100/);
});

t.test('an access rule that forgets to answer lets nobody in', async (t) => {
  const verdicts = ['item.owners?.includes("u")', 'null', 'false', '"yes"', '1', 'Promise.resolve(true)', 'true'];
  const { facade, put } = await withNotes(t, {
    stage: 'dynamodb',
    noteMore: `allow: ({ query }, item) => [${verdicts.map((one) => `() => ${one}`).join()}][query.lang](),`,
  });
  await put([note('one')]);
  for (const [n, verdict] of verdicts.entries()) {
    const { status } = await facade.get(`/notes/one?lang=${n}`, { 'x-tenant-id': 'acme' });
    t.equal(status, verdict === 'true' ? 200 : 500, verdict);
  }
});
