import { chmod, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import t from 'tap';
import { createPace } from '../../src/replay/pace.ts';
import { ownFolder, replayed, withLegacyNotes, written } from '../support/replay.ts';
import { note, withNotes } from '../support/shadow.ts';

const names = Array.from({ length: 12 }, (_, at) => `n${at}`);
const gets = names.map((id) => ({ path: `/notes/${id}` }));

t.test(
  'what is recorded is compared like traffic, labelled as replay; writes and strangers are counted, never sent',
  async (t) => {
    const notes = await withNotes(t);
    const all = names.map((id) => note(id));
    await notes.put(all);
    const legacy = await withLegacyNotes(t, all);
    await notes.db.collection('notes').updateOne({ id: 'n3' }, { $set: { text: 'other' } });
    const lines = [
      ...gets,
      { path: '/notes/none' },
      { path: '/notes?shelf=n&limit=0' },
      { method: 'HEAD', path: '/notes/n1' },
      { path: '/notes/n1', headers: { 'X-HTTP-Method-Override': 'DELETE' } },
      { path: '/notes/n1?_method=DELETE' },
      { method: 'POST', path: '/notes/n1', body: {} },
      { method: 'DELETE', path: '/notes/n1' },
      { path: '/elsewhere' },
      { path: '/a b' },
      { path: '/notes/n1', headers: { 'x-tenant-id': 'globex' } },
    ];
    const { code, counted, err } = await replayed(t, notes, lines, { legacy, header: [], tenants: ['acme'] });
    t.equal(code, 1);
    t.match(counted, {
      ...{
        taken: 16,
        done: 16,
        complaints: 1,
        firstComplaints: ['requests.ndjson:21: the path holds a space or a control character'],
      },
      skipped: [
        { reason: 'not a read', n: 4, place: 'requests.ndjson:16' },
        { reason: 'unknown path', n: 1 },
      ],
    });
    const get = (pair: string, operation = 'getNote') =>
      counted.pairs.find((one) => one.pair === pair && one.operation === operation);
    t.match(get('legacy-dynamodb'), { compared: 15, mismatch: 1 }, 'the 404 has another body than ours');
    t.match(get('legacy-mongodb'), { compared: 15, mismatch: 2 });
    t.match(get('dynamodb-mongodb'), { compared: 15, mismatch: 1 });
    t.match(
      counted.findings.filter(({ path }) => path === '/text'),
      [{ kind: 'value', verdict: 'persistent' }, {}],
    );
    t.ok(get('legacy-dynamodb', 'listNotes'), 'what the façade refuses itself is held against legacy');
    t.same(
      legacy.asked.filter((one) => /^(POST|DELETE)|elsewhere/.test(one)),
      [],
    );
    t.ok(legacy.headers.every((one) => one['x-tenant-id'] === 'acme' && /^replay-/.test(String(one['x-request-id']))));
    t.equal(err, '');

    const { counts, findings, replicas, replays } = await written(notes);
    t.equal(
      counts.reduce((sum, { n }) => sum + n, 0),
      counted.pairs.reduce((sum, { compared }) => sum + compared, 0),
    );
    t.same([...new Set(counts.map(({ stage, pair }) => `${stage} ${pair}`))].sort(), [
      'validate dynamodb-mongodb',
      'validate legacy-dynamodb',
      'validate legacy-mongodb',
    ]);
    t.ok(
      findings.some(({ path, alone }) => path === '/text' && alone === 'mongodb'),
      'who stands alone',
    );
    t.match(replicas, [{ source: 'replay', ended: Date }]);
    t.match(replays.map(({ operation, exhaustive, requests }) => `${operation} ${requests} ${exhaustive}`).sort(), [
      'getNote 15 false',
      'listNotes 1 false',
    ]);
  },
);

t.test('a full list of keys is marked, unless something was left out', async (t) => {
  const notes = await withNotes(t);
  await notes.put(names.map((id) => note(id)));
  const whole = await replayed(t, notes, gets, { exhaustive: true });
  t.match(whole, { code: 0, marked: ['getNote'] });
  const partly = await replayed(t, notes, [...gets, { path: '/elsewhere' }], { exhaustive: true });
  t.match(partly, { code: 0, marked: [] });
  const one = await replayed(t, notes, [...gets, { path: '/notes?shelf=n' }], {
    exhaustive: true,
    operation: ['getNote'],
  });
  t.match(one, { code: 0, marked: ['getNote'] }, 'what was not asked for leaves nothing out');
  const { replays } = await written(notes);
  t.match(replays.map((row) => [row.exhaustive, row.requests, row.pairs]).sort(), [
    [false, 12, ['dynamodb-mongodb']],
    [true, 12, ['dynamodb-mongodb']],
    [true, 12, ['dynamodb-mongodb']],
  ]);
  await t.rejects(replayed(t, notes, gets, { exhaustive: true, limit: 3 }), {
    name: 'UsageError',
    message: /leave some out/,
  });
});

t.test('filters, origins in the order they are given, and a preview that asks nobody', async (t) => {
  const notes = await withNotes(t);
  await notes.put(names.map((id) => note(id)));
  const legacy = await withLegacyNotes(t, []);
  const both = [...gets, { path: '/notes?shelf=n' }, { path: '/notes/n1', headers: { 'x-tenant-id': 'globex' } }];
  const asked = await replayed(t, notes, both, {
    legacy,
    header: [],
    origins: ['mongodb', 'dynamodb'],
    operation: ['getNote'],
    tenant: ['globex'],
  });
  t.match(asked.counted, {
    taken: 1,
    skipped: [{ reason: 'no tenant', n: 13 }],
    pairs: [{ pair: 'dynamodb-mongodb', match: 1 }],
  });
  t.same(legacy.asked, []);
  t.equal((await written(notes)).counts[0]?.stage, 'live');
  const dry = await replayed(t, notes, both, { legacy, dryRun: true, limit: 13 });
  t.match(dry.counted ?? dry, {
    taken: 13,
    operations: [
      { operation: 'getNote', requests: 12, tenants: [{ tenant: 'acme', requests: 12 }] },
      { operation: 'listNotes', requests: 1 },
    ],
  });
  t.same(legacy.asked, []);
  for (const [options, message] of [
    [{ operation: ['getNot'] }, /there is no read getNot with bindings; there are getNote, listNotes/],
    [{ negative: 5 }, /--negative needs --facade/],
    [{ facade: 'http://x' }, /give --negative/],
    [{ negative: 5, facade: 'localhost:8080' }, /--facade wants a URL/],
    [{ origins: ['legacy', 'mongodb'] as const }, /legacy cannot be asked: set LEGACY_URL/],
    [{ header: ['nonsense'] }, /NAME: VALUE/],
    [{ header: ['a b: c'] }, /no header that HTTP can carry/],
    [{ strict: true }, /requests.ndjson:1: the path/],
    [{}, /holds no request that can be read:\nrequests.ndjson:1/],
  ] as const)
    await t.rejects(replayed(t, notes, [{ path: '/a\u001b[31m' }], options), { name: 'UsageError', message });
});

t.test('credentials are the replay’s own: recorded ones go nowhere unless that is wanted', async (t) => {
  const notes = await withNotes(t);
  const all = [...names.map((id) => note(id)), note('g1', { pk: 'globex' })];
  await notes.put(all);
  const legacy = await withLegacyNotes(t, all);
  const file = join(await ownFolder(t), 'credentials.json');
  const write = async (value: unknown, mode = 0o600) => {
    await writeFile(file, typeof value === 'string' ? value : JSON.stringify(value));
    await chmod(file, mode);
  };
  await write({ headers: { 'X-Api-Key': 'k' }, tenants: { acme: { authorization: 'Bearer acme' } } });
  const headers = { Authorization: 'Bearer somebody', Cookie: 'session=1', 'If-None-Match': '"1"', Range: 'bytes=0-1' };
  const lines = [
    { path: '/notes/n1', headers: { ...headers, 'x-tenant-id': 'acme' } },
    { path: '/notes/g1', headers: { ...headers, 'x-tenant-id': 'globex' } },
  ];
  const seen = async (options: object) => {
    legacy.headers.length = 0;
    const ran = await replayed(t, notes, lines, { legacy, header: [], concurrency: 1, ...options });
    t.equal(ran.code, 0);
    return legacy.headers.map((one) => [
      one.authorization,
      one.cookie,
      one['x-api-key'],
      one.range,
      one['if-none-match'],
    ]);
  };
  t.same(await seen({}), [Array(5).fill(undefined), Array(5).fill(undefined)]);
  t.same(await seen({ credentials: file }), [
    ['Bearer acme', undefined, 'k', undefined, undefined],
    [undefined, undefined, 'k', undefined, undefined],
  ]);
  t.same(
    await seen({ keepCredentials: true }),
    Array(2).fill(['Bearer somebody', 'session=1', undefined, undefined, undefined]),
  );
  const refused = async (message: RegExp) => await t.rejects(seen({ credentials: file }), { message });
  await write({ headers: {} }, 0o644);
  await refused(/others than its owner may read or write it; chmod 600/);
  await write('{"headers": secret');
  await refused(/no JSON$/);
  await write({ header: {}, tenants: { acme: 'x' }, expired: { 'a b': 'c' } });
  await refused(
    /#\/header: is none of headers.*\n.*#\/tenants\/acme: must be an object.*\n.*#\/expired: holds what is no header/,
  );
});

t.test('the negative replay finds whom the façade answers and legacy does not', async (t) => {
  const notes = await withNotes(t);
  const all = [...names.map((id) => note(id)), note('g1', { pk: 'globex' })];
  await notes.put(all);
  const right = ({ headers }: { headers: { [name: string]: unknown } }) =>
    headers.authorization === `Bearer ${headers['x-tenant-id']}`;
  const legacy = await withLegacyNotes(t, all, {
    first: (request, response) => {
      if (right(request)) return false;
      response.writeHead(401).end();
      return true;
    },
  });
  const credentials = join(await ownFolder(t), 'credentials.json');
  const tenants = { acme: { authorization: 'Bearer acme' }, globex: { authorization: 'Bearer globex' } };
  await writeFile(credentials, JSON.stringify({ tenants }), { mode: 0o600 });
  const options = { legacy, credentials, negative: 100 };
  const open = await replayed(t, notes, gets, { ...options, facade: notes.facade.url });
  t.equal(open.code, 1);
  t.same(open.counted.findings, [], 'with good credentials all agree');
  t.match(open.negative, {
    requests: 12,
    forms: [
      { form: 'no credentials', n: 12 },
      { form: 'expired', n: 12 },
      { form: 'other user', n: 12 },
      { form: 'other tenant', n: 12 },
    ],
    failures: [],
  });
  const kinds = (open.negative?.exposures ?? []).map(({ form, legacy: was, facade }) => `${form} ${was} ${facade}`);
  t.same([...new Set(kinds)].sort(), ['expired 401 200', 'no credentials 401 200', 'other user 401 200']);
  t.ok(open.negative?.others.every(({ form, facade }) => form === 'other tenant' && facade === 404));

  const guarded = createServer((request, response) => void response.writeHead(right(request) ? 200 : 401).end());
  await new Promise<void>((done) => guarded.listen(0, '127.0.0.1', done));
  t.teardown(() => guarded.close().closeAllConnections());
  const facade = `http://127.0.0.1:${(guarded.address() as AddressInfo).port}`;
  t.match(await replayed(t, notes, gets, { ...options, facade }), { code: 0, negative: { exposures: [], others: [] } });
});

t.test('an origin that goes away ends the replay, and what was compared is kept', async (t) => {
  const notes = await withNotes(t);
  const all = names.map((id) => note(id));
  await notes.put(all);
  let count = 0;
  const legacy = await withLegacyNotes(t, all, {
    first: (request) => {
      count += 1;
      if (count <= 12) return false;
      request.socket.destroy();
      return true;
    },
  });
  const lines = Array.from({ length: 50 }, () => gets).flat();
  await t.rejects(replayed(t, notes, lines, { legacy }), {
    name: 'StoreError',
    origin: 'legacy',
    message: /does not answer any more/,
  });
  t.ok(count < 100, `${count} requests`);
  const { counts } = await written(notes);
  t.ok(counts.some(({ pair, outcome }) => pair === 'legacy-dynamodb' && outcome === 'match'));
  t.ok(counts.some(({ outcome, reason }) => outcome === 'error' && reason === 'unavailable'));
});

t.test('the rate holds, and an interrupted replay writes what it has', async (t) => {
  const notes = await withNotes(t, { within: '5s' });
  const all = names.map((id) => note(id));
  await notes.put(all);
  await notes.db.collection('notes').updateMany({}, { $set: { text: 'other' } });
  const times: number[] = [];
  const legacy = await withLegacyNotes(t, all, { first: () => times.push(performance.now()) === 0 });
  const ending = new AbortController();
  const lines = Array.from({ length: 50 }, () => gets).flat();
  setTimeout(() => ending.abort(), 2_000);
  const ran = await replayed(t, notes, lines, { legacy, rate: 20, around: { signal: ending.signal } });
  t.match(ran, { code: 130, interrupted: true });
  t.ok(ran.counted.done >= 20 && ran.counted.done <= 42, `${ran.counted.done} in two seconds`);
  const most = Math.max(...times.map((from) => times.filter((at) => at >= from && at < from + 1_000).length));
  // Each mismatch is looked at again on both sides; the first look again comes after a second.
  t.ok(most <= 60, `at most ${most} in a second`);
  const { counts, replays } = await written(notes);
  t.equal(
    counts.reduce((sum, { n }) => sum + n, 0),
    ran.counted.done * 3,
  );
  t.ok(
    counts.some(({ unverified }) => unverified > 0),
    'what was not looked at again is not settled',
  );
  t.same(replays, []);

  // Nothing comes, and nothing ends it but the operator.
  const stopped = new AbortController();
  setTimeout(() => stopped.abort(), 300);
  const silent = new PassThrough();
  silent.write(`${JSON.stringify({ path: '/notes/n1' })}\n`.repeat(1_000));
  const piped = await replayed(t, notes, [], {
    file: '-',
    limit: 2_000,
    around: { signal: stopped.signal, stdin: silent },
  });
  t.equal(piped.code, 130);

  const pace = createPace(100, new AbortController().signal);
  const began = performance.now();
  for (let turn = 0; turn < 50; turn += 1) await pace.turn();
  const took = performance.now() - began;
  t.ok(took >= 485, `50 turns at 100 a second took ${took} ms`);
  pace.slower();
  pace.slower();
  t.equal(pace.perSecond(), 50, 'what is throttled together halves once');
});
