import { Double } from 'mongodb';
import t from 'tap';
import { note, THREADS, withNotes } from '../support/shadow.ts';

const TENANT = { 'x-tenant-id': 'acme' };
const id = (n: number) => `n${String(n).padStart(5, '0')}`;

for (const thread of THREADS)
  t.test(
    `one field spoilt in one of 10,000 documents is found when it is read, once, by its kind; thread ${thread}`,
    async (t) => {
      const notes = await withNotes(t, { env: { SHADOW_THREAD: thread } });
      await notes.put(Array.from({ length: 10_000 }, (_, n) => note(id(n))));
      const set = (n: number, change: object) => notes.db.collection('notes').updateOne({ id: id(n) }, change);
      const spoilt: [number, object, string][] = [
        [1001, { $set: { text: 'other' } }, 'value /text string→string'],
        [2002, { $set: { size: '12.5' } }, 'type /size number→string'],
        [3003, { $unset: { text: 1 } }, 'missing /text string→absent'],
        [3103, { $unset: { note: 1 } }, 'missing /note null→absent'],
        [4004, { $set: { 'labels.z': 'more' } }, 'extra /labels/* absent→string'],
        [5005, { $set: { tags: ['b', 'a', 'c'] } }, 'order /tags array→array'],
        [6006, { $set: { tags: ['a', 'b'] } }, 'length /tags array→array'],
        [7007, { $set: { size: new Double(Number.NaN) } }, 'unanswerable  200→undecodable'],
        [8008, { $set: { version: '2' } }, 'header header:x-version string→string'],
        [9009, { $set: { at: '2026-01-05T08:00:00Z' } }, 'value /at string→string'],
      ];
      for (const [n, change] of spoilt) await set(n, change);
      await notes.db.collection('notes').deleteOne({ id: id(9999) });

      const others = Array.from({ length: 500 }, (_, n) => n * 20 + 11);
      for (const n of [...others, ...spoilt.map(([one]) => one), 9999])
        await notes.facade.get(`/notes/${id(n)}`, TENANT);
      const { summary, totals } = await notes.settled();
      t.equal(totals.offered, others.length + spoilt.length + 1);
      t.same(
        summary.findings
          .map(({ kind, path, leftType, rightType }) => `${kind} ${path} ${leftType}→${rightType}`)
          .sort(),
        [...spoilt.map(([, , finding]) => finding), 'status  200→404'].sort(),
      );
      for (const { n, verdicts, kind } of summary.findings) t.same([n, verdicts.persistent], [1, 1], kind);
      t.same([...summary.unsettled, ...summary.passing], []);
    },
  );

for (const thread of THREADS)
  t.test(`one item missing from a list of 50 is one finding, and so is its page; thread ${thread}`, async (t) => {
    const notes = await withNotes(t, { env: { SHADOW_THREAD: thread } });
    await notes.put(Array.from({ length: 120 }, (_, n) => note(id(n))));
    await notes.db.collection('notes').deleteOne({ id: id(7) });
    const first = await notes.facade.get('/notes?shelf=n&limit=50', TENANT);
    t.equal(first.json.notes.length, 50);
    const second = await notes.facade.get(`/notes?shelf=n&limit=50&cursor=${first.json.next}`, TENANT);
    const third = await notes.facade.get(`/notes?shelf=n&limit=50&cursor=${second.json.next}`, TENANT);
    t.equal(third.json.notes.length, 20);
    const { summary } = await notes.settled();
    t.match(summary.findings, [{ kind: 'missing', path: '/notes/*', n: 1, verdicts: { persistent: 1 } }]);
    t.equal(summary.findings.length, 1);
    t.match(summary.operations, [{ compared: 3, matched: 2, mismatched: 1 }]);
    const seen = new Map(summary.operations[0]?.strata.map(({ name, n }) => [name, n]));
    t.same([seen.get('page:1'), seen.get('page:2'), seen.get('param:limit'), seen.get('list:empty')], [1, 2, 3, 0]);
  });
