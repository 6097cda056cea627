import t from 'tap';
import { attachmentId, messageId } from '../../src/demo/ids.ts';
import { startLegacyReader } from '../../src/demo/legacy-reader.ts';
import { makeSeed } from '../../src/demo/seed.ts';
import { fillDynamoDb } from '../../src/demo/stores.ts';
import { withDynamo } from '../support/stores.ts';

const dynamo = await withDynamo(t, 'dynalite');
await fillDynamoDb(dynamo.endpoint, makeSeed());
const legacy = await startLegacyReader({ endpoint: dynamo.endpoint });
t.teardown(legacy.stop);

async function send(method: string, path: string, init: { tenant?: string; body?: string; type?: string } = {}) {
  const { tenant = 'acme', body, type = 'application/json' } = init;
  const headers = { 'x-tenant-id': tenant, ...(body !== undefined && { 'content-type': type }) };
  const reply = await fetch(`${legacy.url}${path}`, { method, headers, body: body ?? null });
  const text = await reply.text();
  return { status: reply.status, text, json: text === '' ? undefined : JSON.parse(text) };
}

const get = (path: string, tenant?: string) => send('GET', path, tenant === undefined ? {} : { tenant });

t.test('a user, with a number that no double holds, in the contract’s order', async (t) => {
  const { status, text, json } = await get('/users/u-1001');
  t.equal(status, 200);
  t.match(text, '"storageBytes":9007199254740991,');
  t.match((await get('/users/u-1011')).text, '"storageBytes":9007199254741011,');
  t.same(Object.keys(json).slice(0, 3), ['id', 'displayName', 'email']);
  t.match((await get('/users/u-1017')).text, '"lastSeenAt":null');
});

t.test('pages to the end, each item once, newest first, by kind', async (t) => {
  const ids: string[] = [];
  let cursor: string | undefined;
  do {
    const more: string = cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const { json } = await get(`/conversations/c-108/messages?limit=7${more}`);
    ids.push(...json.messages.map(({ id }: { id: string }) => id));
    cursor = json.nextCursor;
  } while (cursor !== undefined);
  t.equal(new Set(ids).size, 44);
  t.equal(ids.length, 44);
  t.equal(ids[0], messageId(0, 8, 43));
  const photos = (await get('/conversations/c-108/messages?kind=photo&limit=11')).json;
  t.equal(photos.messages.length, 11);
  t.equal(photos.nextCursor, undefined, 'a full last page has no cursor');
  const all = (await get('/conversations?limit=100')).json.conversations;
  t.equal(all.length, 36);
});

t.test('attachments by id, and one’s metadata', async (t) => {
  const { json } = await get(`/messages/${messageId(0, 7, 41)}/attachments`);
  t.same(
    json.attachments.map(({ id }: { id: string }) => id),
    [0, 1, 2].map((index) => attachmentId(0, 7, 41, index)),
  );
  t.same((await get(`/attachments/${attachmentId(0, 7, 41, 0)}`)).json, json.attachments[0]);
  t.same((await get(`/messages/${'f'.repeat(24)}/attachments`)).json, { attachments: [] });
});

t.test('errors in the contract’s shape', async (t) => {
  t.same((await get('/users/nobody')).json, { error: { code: 'NOT_FOUND', message: 'There is no such thing' } });
  t.equal((await get(`/attachments/${attachmentId(1, 9, 41, 0)}`)).status, 404, 'another tenant’s');
  for (const [path, parameter] of [
    ['/conversations?limit=0', 'limit'],
    ['/conversations?limit=ten', 'limit'],
    ['/conversations?limit=1&limit=2', 'limit'],
    ['/conversations?cursor=e30', 'cursor'],
    ['/conversations/c-101/messages?kind=video', 'kind'],
    ['/messages/short', 'messageId'],
  ] as const) {
    const { status, json } = await get(path);
    t.same([status, json.error.parameter], [400, parameter], path);
  }
  const elsewhere = (await get('/conversations?limit=1', 'globex')).json.nextCursor;
  t.equal((await get(`/conversations?cursor=${encodeURIComponent(elsewhere)}`)).status, 400, 'another tenant’s cursor');
});

t.test('writes', async (t) => {
  const user = { displayName: 'New', email: 'new@acme.example' };
  t.match((await send('PUT', '/users/u-new', { body: JSON.stringify(user) })).json, { id: 'u-new', ...user });
  t.match((await get('/users/u-new')).json, user);

  const body = JSON.stringify({ senderId: 'u-new', text: 'Hello' });
  const posted = await send('POST', '/conversations/c-101/messages', { body });
  t.equal(posted.status, 201);
  t.same((await get('/conversations/c-101/messages?limit=1')).json.messages, [posted.json]);
  t.equal((await get('/conversations?limit=1')).json.conversations[0].id, 'c-101');
  t.equal((await send('POST', '/conversations/none/messages', { body })).status, 404);
  t.equal((await send('POST', '/conversations/c-101/messages', { body: '{' })).status, 400);

  const path = `/messages/${posted.json.id}`;
  const uploaded = await send('POST', `${path}/attachments?fileName=a.png`, { body: 'PNG', type: 'image/png' });
  t.match(uploaded, { status: 201, json: { fileName: 'a.png', sizeBytes: 3 } });
  t.same((await get(path)).json.attachmentIds, [uploaded.json.id]);
  t.equal((await send('POST', `${path}/attachments`, { body: 'x', type: 'text/plain' })).status, 415);

  t.equal((await send('DELETE', path)).status, 204);
  t.equal((await get(path)).status, 404);
});
