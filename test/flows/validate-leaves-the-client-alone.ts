import { gzipSync } from 'node:zlib';
import t, { type Test } from 'tap';
import { type LegacyOptions, LIKE_LEGACY, startNotesLegacy } from '../support/notes-legacy.ts';
import { through, withProxy } from '../support/proxy.ts';
import { note, withNotes } from '../support/shadow.ts';

const ACME = { 'x-tenant-id': 'acme' };
const id = (n: number) => `n${String(n).padStart(3, '0')}`;

interface Options extends LegacyOptions {
  readonly env?: Record<string, string>;
  readonly more?: string;
  readonly edit?: (text: string) => string;
}

async function withValidate(t: Test, { env = {}, more = '', edit, ...legacyOptions }: Options = {}) {
  let proxy: Awaited<ReturnType<typeof withProxy>> | undefined;
  let legacy: Awaited<ReturnType<typeof startNotesLegacy>> | undefined;
  const notes = await withNotes(t, {
    ...{ stage: 'validate', more: `${LIKE_LEGACY}${more}`, ...(edit ? { edit } : {}) },
    env: { SHADOW_TIMEOUT_MS: '300', ...env },
    throughMongo: async (uri) => {
      const { hostname, port } = new URL(uri);
      proxy = await withProxy(t, hostname, Number(port));
      return through(uri, proxy.port);
    },
    legacy: async (documents, table) => {
      legacy = await startNotesLegacy(t, documents, table, legacyOptions);
      return legacy.url;
    },
  });
  await notes.put(Array.from({ length: 30 }, (_, n) => note(id(n))));
  const parts = { proxy, legacy } as { proxy: NonNullable<typeof proxy>; legacy: NonNullable<typeof legacy> };
  return { notes, ...parts };
}

const reasons = (summary: {
  operations: readonly { pair: string; notCompared: readonly { reason: string; n: number }[] }[];
}) =>
  summary.operations
    .filter(({ pair }) => pair === 'legacy-mongodb')
    .flatMap(({ notCompared }) => notCompared.map(({ reason, n }) => `${reason} ${n}`))
    .sort();

t.test('all three agree: items, lists, pages, absences and refusals, and legacy is asked once each', async (t) => {
  const { notes, legacy } = await withValidate(t);
  const { url } = notes.facade;
  const paths = [
    ...Array.from({ length: 30 }, (_, n) => `/notes/${id(n)}`),
    ...['/notes/none', '/notes/%6E001', '/notes?shelf=n', '/notes?shelf=n&limit=7', '/notes?shelf=x', '/notes?limit=3'],
    ...['/notes?shelf=n&limit=0', '/notes?shelf=n&limit=101', '/notes?shelf=n&limit=1.5'],
  ];
  for (const path of paths) {
    const [ours, theirs] = [
      await fetch(url + path, { headers: ACME }),
      await fetch(legacy.url + path, { headers: ACME }),
    ];
    t.equal(ours.status, theirs.status, path);
    t.equal(await ours.text(), await theirs.text());
  }
  t.equal((await notes.facade.get('/notes/n001')).status, 400, 'no tenant');
  t.equal((await notes.facade.send('HEAD', '/notes/n001', ACME)).status, 200);
  const { summary, totals } = await notes.settled();
  t.same([...summary.findings, ...summary.unsettled, ...summary.passing], []);
  t.equal(totals.offered, 3 * (paths.length + 2));
  t.equal(totals.match, totals.offered);
  t.equal(legacy.seen(), 2 * paths.length + 2, 'once by us and once by the test');
  const strata = summary.operations.find(
    (one) => one.operation === 'listNotes' && one.pair === 'legacy-mongodb',
  )?.strata;
  t.match(strata, [{ name: 'status:200' }, { name: 'list:items' }, { name: 'list:empty' }], 'lists count as such');
  const metrics = await (await fetch(`${notes.facade.app.adminUrl}/metrics`)).text();
  t.match(metrics, /crossfade_origin_duration_seconds_count\{operation="getNote",origin="legacy",role="control"\} \d+/);
  t.notMatch(metrics, /crossfade_exposures_total\{/);
});

t.test('pages of legacy’s own: the first is compared, later ones are counted', async (t) => {
  const { notes } = await withValidate(t);
  let cursor: string | undefined;
  let pages = 0;
  do {
    const { json, status } = await notes.facade.get(
      `/notes?shelf=n&limit=10${cursor ? `&cursor=${cursor}` : ''}`,
      ACME,
    );
    t.equal(status, 200);
    t.equal(json.notes.length, 10);
    cursor = json.next;
    pages += 1;
  } while (cursor !== undefined);
  t.equal(pages, 3);
  const { summary, totals } = await notes.settled();
  t.same([totals.match, totals.skipped], [3, 6]);
  t.same(reasons(summary), ['cursor 2']);
  t.same(summary.findings, []);
});

t.test('what says nothing of the stores is skipped and counted', async (t) => {
  const { notes } = await withValidate(t);
  for (const [name, value] of [
    ['if-none-match', '"1"'],
    ['if-modified-since', 'Sat, 21 Nov 2026 00:00:00 GMT'],
    ['range', 'bytes=0-3'],
    ['accept', 'text/csv'],
    ['accept', 'application/json;q=0, text/html'],
  ] as const)
    await notes.facade.get('/notes/n001', { ...ACME, [name]: value });
  for (const accept of [
    '*/*',
    'application/json',
    'application/*;q=0.5',
    'application/hal+json',
    'text/html, */*;q=0.1',
  ])
    await notes.facade.get('/notes/n001', { ...ACME, accept });
  const { summary } = await notes.settled();
  t.same(reasons(summary), ['accept 2', 'conditional 2', 'range 1']);
  t.same([summary.findings, summary.operations[0]?.matched], [[], 5]);
});

t.test('an answer that legacy compresses is compared without that', async (t) => {
  const cut = (body: Buffer, path: string) => (path.includes('n002') ? gzipSync(body).subarray(0, 20) : gzipSync(body));
  const { notes } = await withValidate(t, { zip: cut });
  const gzip = { ...ACME, 'accept-encoding': 'gzip' };
  const { headers, status } = await notes.facade.get('/notes/n001', gzip);
  t.match([status, headers], [200, { 'content-encoding': 'gzip', vary: 'Accept-Encoding' }], 'as it came');
  await notes.facade.get('/notes/n002', gzip);
  const { summary } = await notes.settled();
  t.same(
    summary.findings.map(({ kind, leftType, alone }) => [kind, leftType, alone]),
    [['unanswerable', 'undecodable', 'legacy']],
    'a broken compression is legacy’s own failure',
  );
  t.same(
    summary.operations.map(({ pair, matched }) => [pair, matched]),
    [
      ['legacy-dynamodb', 1],
      ['legacy-mongodb', 1],
      ['dynamodb-mongodb', 2],
    ],
  );
});

for (const mode of ['refused', 'hung', 'slow'] as const) {
  t.test(`MongoDB ${mode}: legacy answers as ever, and DynamoDB is still compared`, async (t) => {
    const { notes, proxy, legacy } = await withValidate(t);
    await notes.facade.get('/notes/n000', ACME);
    proxy.mode = mode;
    proxy.delay = 400;
    const before = legacy.seen();
    let longest = 0;
    for (let n = 0; n < 60; n += 1) {
      const began = performance.now();
      const { status } = await notes.facade.get(`/notes/${id(n % 30)}`, ACME);
      longest = Math.max(longest, performance.now() - began);
      t.equal(status, 200);
    }
    t.ok(longest < 1_000, `the slowest reply took ${Math.round(longest)} ms`);
    const { summary, totals } = await notes.settled();
    t.equal(totals.offered, 3 * 61);
    t.same([...summary.findings, ...summary.unsettled], [], 'a store that is away is no finding');
    t.equal(summary.operations.find(({ pair }) => pair === 'legacy-dynamodb')?.matched, 61);
    t.equal(legacy.seen() - before, 60, 'legacy is not asked again for what cannot be compared');
  });
}

t.test('what legacy refuses and the stores answer is an alarm', async (t) => {
  const { notes } = await withValidate(t, { refuses: ({ id: one }) => one === 'n003' });
  t.equal((await notes.facade.get('/notes/n003', ACME)).status, 403);
  const { summary } = await notes.settled();
  t.match(summary.exposures, [
    { kind: 'exposure', cause: 'access', rule: undefined, twins: [{ pair: 'legacy-mongodb' }] },
  ]);
  const metrics = await (await fetch(`${notes.facade.app.adminUrl}/metrics`)).text();
  t.match(metrics, /crossfade_exposures_total\{operation="getNote",pair="legacy-dynamodb"\} 1/);
  t.match(metrics, /crossfade_exposures_total\{operation="getNote",pair="legacy-mongodb"\} 1/);
});

t.test('legacy away: the client is told, and the stores are held against each other', async (t) => {
  const notes = await withNotes(t, {
    ...{ stage: 'validate', more: LIKE_LEGACY },
    legacy: async () => 'http://127.0.0.1:1',
  });
  await notes.put([note('n001')]);
  const { status } = await notes.facade.get('/notes/n001', ACME);
  t.ok(status >= 500, String(status));
  const { summary, totals } = await notes.settled();
  t.same([totals.error, totals.match], [2, 1]);
  t.same(summary.findings, []);
});
