import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import type { Diff } from '../../src/admin/schema.ts';
import { withRoutes } from '../support/reading.ts';
import { note, withNotes } from '../support/shadow.ts';

const SECRET = 'a secret of sixteen';

/** What a pointer leads to in the body of an origin. */
function at(diff: Diff, origin: string, pointer: string | undefined): unknown {
  if (pointer === undefined) return undefined;
  const body = JSON.parse(diff.origins.find((one) => one.origin === origin)?.body ?? 'null');
  return pointer
    .split('/')
    .slice(1)
    .reduce((inner, token) => inner[token.replaceAll('~1', '/').replaceAll('~0', '~')], body);
}

t.test('a question is asked of every origin again, and what differs is marked in both bodies', async (t) => {
  const notes = await withNotes(t, { env: { SAMPLE_SECRET: SECRET } });
  const { app, get } = notes.facade;
  const ids = ['t1', 't2', 't3', 't4'];
  await notes.put(ids.map((id) => note(id, { labels: { 'a/b': id } })));
  await notes.db.collection('notes').deleteOne({ id: 't1' });
  await notes.db
    .collection('notes')
    .updateOne({ id: 't3' }, { $set: { 'labels.a/b': 'secret value', tags: ['a', 'x', 'c'] } });
  const admin = await withRoutes(t, app.reading);
  const headers = { 'X-Tenant-Id': 'acme' };

  const { status, json } = await admin.send('POST', '/diff', { method: 'GET', path: '/notes?shelf=t', headers });
  t.equal(status, 200);
  const diff = json as Diff;
  t.match(diff, {
    ...{ operation: 'listNotes', tenant: 'acme', method: 'GET', path: '/notes?shelf=t' },
    origins: [
      { origin: 'dynamodb', status: 200, calls: [/^Query \{\s+TableName/] },
      { origin: 'mongodb', status: 200, calls: [/^find \{\s+collection: 'notes'/] },
    ],
    comparisons: [{ pair: 'dynamodb-mongodb', outcome: 'mismatch', rules: [] }],
  });
  const [{ differences }] = diff.comparisons as [Diff['comparisons'][number]];
  const ofKind = (kind: string, path: string) =>
    differences.find((one) => one.kind === kind && one.path === path) as (typeof differences)[number];
  const missing = ofKind('missing', '/notes/*');
  t.equal(missing.leftPointer, '/notes/0');
  t.notOk('rightPointer' in missing, 'it stands nowhere on the right');
  t.match(at(diff, 'dynamodb', missing.leftPointer), { id: 't1' });
  const label = ofKind('value', '/notes/*/labels/*');
  t.same([label.leftPointer, label.rightPointer], ['/notes/2/labels/a~1b', '/notes/1/labels/a~1b'], 'indexes differ');
  t.same([at(diff, 'dynamodb', label.leftPointer), at(diff, 'mongodb', label.rightPointer)], ['t3', 'secret value']);
  for (const one of differences)
    for (const [origin, pointer, text] of [
      ['dynamodb', one.leftPointer, one.left],
      ['mongodb', one.rightPointer, one.right],
    ] as const) {
      t.equal(pointer === undefined, text === undefined, `${one.kind} ${one.path} ${origin}`);
      if (text !== undefined) t.same(at(diff, origin, pointer), JSON.parse(text), `${one.kind} ${one.path} ${origin}`);
    }

  await t.test('a finding’s sample, as it was asked', async (t) => {
    await get('/notes/t3?lang=de', { 'x-tenant-id': 'acme', authorization: 'Bearer never' });
    await notes.settled();
    const { findings } = (await admin.get('/findings?operation=getNote&search=label')).json;
    const [{ fingerprint }] = findings;
    const { samples } = (await admin.get(`/findings/${fingerprint}`)).json;
    const again = await admin.send('POST', `/findings/${fingerprint}/diff`, { requestId: samples[0].requestId });
    t.match(again, { status: 200, json: { operation: 'getNote', tenant: 'acme', path: '/notes/t3?lang=de' } });
    t.match((await admin.send('POST', `/findings/${fingerprint}/diff`, {})).json, { path: '/notes/t3?lang=de' });
    const other = { headers: { 'X-Tenant-Id': 'globex' } };
    t.match((await admin.send('POST', `/findings/${fingerprint}/diff`, other)).json, {
      tenant: 'globex',
      origins: [{ status: 404 }, { status: 404 }],
    });
    t.equal((await admin.send('POST', `/findings/${fingerprint}/diff`, { sample: 9 })).status, 404);
    t.equal((await admin.send('POST', `/findings/${fingerprint}/diff`, { requestId: 'gone' })).status, 410);
    t.equal((await admin.send('POST', '/findings/f00d/diff', {})).status, 404);
  });

  await t.test('what cannot be asked is refused with its cure', async (t) => {
    const refused = async (body: object) => await admin.send('POST', '/diff', { method: 'GET', headers, ...body });
    t.match(await refused({ path: '/nothing' }), {
      status: 400,
      json: { detail: /the contract has no GET \/nothing/ },
    });
    t.match(await refused({ path: 'notes/t1' }), { status: 400, json: { detail: /begins with \// } });
    t.match(await refused({ path: '/notes/ü' }), { status: 400, json: { detail: /percent-encoded/ } });
    t.match(await refused({ path: '/notes/a b\r\nx: y' }), { status: 400 });
    t.match(await refused({ path: '/notes/t1', headers: {} }), { status: 400, json: { detail: /tenant/ } });
    t.match(await refused({ path: '/notes?shelf=t&limit=many' }), { status: 400, json: { detail: /limit/ } });
    t.equal((await refused({ path: '/notes/t1', method: 'DELETE' })).status, 400);
  });

  await t.test('who asked for whose is written down, and nothing of what was answered', async (t) => {
    const rows = await notes.db.collection('crossfade_audit').find({}).sort({ at: 1 }).toArray();
    t.match(rows[0], { who: 'alice', what: 'diff listNotes --tenant acme', before: null, after: null });
    t.match(rows.at(-1), { what: /^diff [0-9a-f]{12} getNote --tenant globex$/ });
    t.notMatch(JSON.stringify(rows), /secret value|\/notes\/t3|shelf/);
    const file = await readFile(join(app.reading.parts.config.stateDir, 'audit.ndjson'), 'utf8').catch(() => '');
    t.equal(file, '');
  });
});

t.test('a sample without its request cannot be asked again, and says why', async (t) => {
  const notes = await withNotes(t);
  await notes.put([note('one')]);
  await notes.db.collection('notes').updateOne({ id: 'one' }, { $set: { text: 'other' } });
  await notes.facade.get('/notes/one', { 'x-tenant-id': 'acme' });
  await notes.settled();
  const admin = await withRoutes(t, notes.facade.app.reading);
  const [{ fingerprint }] = (await admin.get('/findings')).json.findings;
  t.match((await admin.get(`/findings/${fingerprint}`)).json.samples, [{ repeatable: false }]);
  t.match(await admin.send('POST', `/findings/${fingerprint}/diff`, {}), {
    status: 409,
    json: { detail: /SAMPLE_SECRET/ },
  });
});

t.test('a body that is too long is cut, never in half a character', async (t) => {
  const notes = await withNotes(t);
  await notes.put([note('one', { text: `x${'ü'.repeat(180_000)}` })]);
  const admin = await withRoutes(t, notes.facade.app.reading);
  const { json } = await admin.send('POST', '/diff', {
    ...{ method: 'GET', path: '/notes/one', headers: { 'x-tenant-id': 'acme' } },
  });
  t.match(json, { origins: [{ cut: true }, { cut: true }], comparisons: [{ outcome: 'match' }] });
  t.ok(Buffer.byteLength(json.origins[0].body) <= 262_144);
  t.notMatch(json.origins[0].body, /\ufffd/);
});
