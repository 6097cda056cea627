import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { note, withNotes } from '../support/shadow.ts';

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
  t.same(
    summary.operations.map(({ pair, offered }) => `${pair} ${offered}`),
    ['dynamodb-mongodb 1', 'legacy-dynamodb 1', 'legacy-mongodb 1'],
  );
});
