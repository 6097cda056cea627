import t from 'tap';
import { openResults } from '../../src/drivers/results.ts';
import { endOf, marksOf, putMark, readMarks, removeMarks } from '../../src/results/marks.ts';
import { withMongo } from '../support/stores.ts';

const mark = (until: string) => ({ who: 'alice', at: new Date(), reason: 'being mended', until });

t.test('a mark holds to the end of its day, in the place of the one before', async (t) => {
  const { uri } = await withMongo(t);
  const store = openResults({ uri });
  t.teardown(() => store.close());
  await putMark(store, 'notes', 'f00d', mark('2026-11-20'));
  await putMark(store, 'notes', 'f00d', mark('2026-11-21'));
  await putMark(store, 'notes', 'beef', mark('2026-12-01'));
  await putMark(store, 'others', 'f00d', mark('2026-12-01'));
  const rows = await readMarks(store, 'notes');
  t.equal(rows.length, 2);
  const at = (now: string) => [...marksOf(rows, Date.parse(now)).keys()].sort();
  t.same(at('2026-11-21T23:59:59.999Z'), ['beef', 'f00d']);
  t.same(at('2026-11-22T00:00:00Z'), ['beef'], 'its day is over');
  t.match(marksOf(rows, 0).get('f00d'), { who: 'alice', reason: 'being mended', until: '2026-11-21' });
  t.equal(await removeMarks(store, 'notes', ['f00d', 'none']), 1);
  t.equal((await readMarks(store, 'notes')).length, 1);
  t.equal((await readMarks(store, 'others')).length, 1, 'another API’s stays');
});

t.test('a day is one of the calendar', async (t) => {
  t.equal(endOf('2026-02-28'), Date.parse('2026-03-01T00:00:00Z'));
  for (const wrong of ['2026-02-29', '2026-13-01', 'soon', '']) t.ok(Number.isNaN(endOf(wrong)), wrong);
});
