import t from 'tap';
import type { FoundOnce } from '../../src/replay/tally.ts';
import { replayed, withLegacyNotes, written } from '../support/replay.ts';
import { note, withNotes } from '../support/shadow.ts';

const many = (n: number) => Array.from({ length: n }, (_, at) => note(`n${String(at).padStart(3, '0')}`));
const list = { path: '/notes?shelf=n&limit=10' };
const said = (findings: readonly FoundOnce[]) =>
  findings.map(({ pair, kind, path, verdict }) => `${pair} ${kind} ${path} ${verdict}`).sort();

t.test('two stores are walked page by page with one cursor, and one missing item is one finding', async (t) => {
  const notes = await withNotes(t);
  await notes.put(many(35));
  const clean = await replayed(t, notes, [list]);
  t.match(clean, {
    code: 0,
    counted: { done: 1, pages: 3, pairs: [{ pair: 'dynamodb-mongodb', compared: 4, match: 4 }] },
  });
  await notes.db.collection('notes').deleteOne({ id: 'n014' });
  const { code, counted } = await replayed(t, notes, [list]);
  t.equal(code, 1);
  t.same(said(counted.findings), ['dynamodb-mongodb missing /notes/* persistent']);
  t.match(counted.pairs, [{ compared: 4, match: 3, mismatch: 1 }], 'the other pages do not shift');
  const { counts, findings, replicas } = await written(notes);
  const pages = counts.flatMap(({ strata }) => strata).filter(({ k }) => k === 'page:2');
  t.equal(
    pages.reduce((sum, { n }) => sum + n, 0),
    6,
  );
  t.match(findings, [{ source: 'replay', samples: [{ requestId: /^replay-[0-9a-f]{8}-1\.2$/ }] }]);
  t.ok(replicas.every(({ ended }) => ended !== undefined));
});

t.test('legacy is walked with its own tokens, and the whole lists are held together', async (t) => {
  const notes = await withNotes(t);
  const all = many(35);
  await notes.put(all);
  const legacy = await withLegacyNotes(t, all, { token: (offset) => `L${offset}/+=` });
  const { code, counted } = await replayed(t, notes, [list], { legacy });
  t.same([code, counted.findings], [0, []], 'tokens of two makers say nothing of each other');
  t.match(
    counted.pairs.map(({ pair, compared, match }) => `${pair} ${compared} ${match}`),
    ['dynamodb-mongodb 2 2', 'legacy-dynamodb 2 2', 'legacy-mongodb 2 2'],
  );
  t.equal(counted.pages, 9);
  t.same(legacy.asked.slice(0, 4), [
    'GET /notes?shelf=n&limit=10',
    'GET /notes?shelf=n&limit=10&cursor=L10%2F%2B%3D',
    'GET /notes?shelf=n&limit=10&cursor=L20%2F%2B%3D',
    'GET /notes?shelf=n&limit=10&cursor=L30%2F%2B%3D',
  ]);
});

t.test('pages that legacy cuts elsewhere are one finding of page one, and no finding of the list', async (t) => {
  const notes = await withNotes(t);
  const all = many(35);
  await notes.put(all);
  const short = await withLegacyNotes(t, all, { cut: (offset) => (offset % 2 === 0 ? 7 : 3) });
  const { counted } = await replayed(t, notes, [list], { legacy: short });
  t.same(said(counted.findings), [
    'legacy-dynamodb extra /notes/* persistent',
    'legacy-mongodb extra /notes/* persistent',
  ]);
  t.match(
    counted.pairs.map(({ pair, compared, match }) => `${pair} ${compared} ${match}`),
    ['dynamodb-mongodb 2 2', 'legacy-dynamodb 2 1', 'legacy-mongodb 2 1'],
  );
});

t.test('a side that ends early, and pages that go round in a loop, are findings', async (t) => {
  const notes = await withNotes(t);
  const all = many(35);
  await notes.put(all);
  const early = await withLegacyNotes(t, all.slice(0, 22));
  const first = await replayed(t, notes, [list], { legacy: early });
  t.ok(said(first.counted.findings).includes('legacy-dynamodb extra /notes/* persistent'));
  const loop = await withLegacyNotes(t, all, { token: (offset) => `t${offset % 20}` });
  const second = await replayed(t, notes, [list], { legacy: loop });
  t.ok(
    said(second.counted.findings).includes('legacy-mongodb unanswerable  persistent'),
    said(second.counted.findings).join(),
  );
  t.ok(loop.asked.length < 40, `${loop.asked.length} requests`);
});

t.test('where one store has ended, the other’s cursor leads on', async (t) => {
  const notes = await withNotes(t);
  await notes.put(many(35));
  for (let at = 18; at < 35; at += 1) await notes.deleteDynamo(`n0${at}`);
  const { code, counted } = await replayed(t, notes, [list]);
  t.equal(code, 1);
  t.ok(said(counted.findings).includes('dynamodb-mongodb extra /notes/* persistent'), said(counted.findings).join());
  t.match(counted, { pages: 3, pairs: [{ compared: 4, match: 1 }] });
});

t.test('what is too long to walk is skipped and counted; a recorded later page is walked to, not asked', async (t) => {
  const notes = await withNotes(t);
  await notes.put(many(35));
  const legacy = await withLegacyNotes(t, many(35));
  const capped = await replayed(t, notes, [list], { legacy, maxPages: 2 });
  t.match(capped.counted.pairs[0]?.notCompared, [{ outcome: 'skipped', reason: 'max_pages', n: 1 }]);
  const stores = await replayed(t, notes, [list], { maxPages: 2 });
  t.match(stores.counted.pairs, [{ compared: 2, notCompared: [{ reason: 'max_pages' }] }]);
  const later = await replayed(t, notes, [
    list,
    { path: '/notes?shelf=n&cursor=L20' },
    { path: '/notes?shelf=n&cursor=xf1_AAAA' },
  ]);
  t.match(later.counted, { done: 1, skipped: [{ reason: 'later page', n: 2, place: 'requests.ndjson:2' }] });
});
