import { readFile, writeFile } from 'node:fs/promises';
import t from 'tap';
import { evidenceId } from '../../src/bindings/evidence.ts';
import { run as report } from '../../src/commands/report.ts';
import { run as rules } from '../../src/commands/rules.ts';
import { note, withNotes } from '../support/shadow.ts';

const TENANT = { 'x-tenant-id': 'acme' };
const SECRET = { SAMPLE_SECRET: 'a secret for samples, long enough' };

const io = (env: Readonly<Record<string, string>>) => {
  const printed: string[] = [];
  const out = (text: string) => void printed.push(text);
  return { io: { out, err: out, env, cwd: '/', color: false }, text: () => printed.join('') };
};

t.test('a rule that is too wide says what it hides; one for nothing says that it is dead', async (t) => {
  const notes = await withNotes(t, {
    env: SECRET,
    noteMore: `compare: [
      { path: '/labels', rule: 'ignore', reason: 'labels are computed' },
      { path: '/tags', rule: 'unordered', reason: 'a set' },
      { path: '/size', rule: 'tolerance', tolerance: 0.5, reason: 'never needed' },
    ],`,
  });
  await notes.put([note('one')]);
  await notes.db.collection('notes').updateOne({ id: 'one' }, { $set: { 'labels.x': 'z', tags: ['c', 'b', 'a'] } });
  await notes.facade.get('/notes/one', TENANT);
  const { summary } = await notes.settled();
  t.match(summary.operations, [{ ignored: 1, mismatched: 0 }]);
  t.same(
    summary.rules.map(({ id, uses }) => [id, uses]),
    [
      ['getNote ignore /labels', 1],
      ['getNote unordered /tags', 1],
      ['getNote tolerance /size', 0],
    ],
  );
  const { io: where, text } = io(notes.env);
  const at = { bindings: notes.facade.app.bindings.file };
  t.equal(await rules(where, { ...at, json: true }), 1);
  const said = JSON.parse(text());
  t.match(said, [
    {
      id: 'getNote ignore /labels',
      answers: 1,
      hides: [
        { path: '/labels', changes: ['missing'] },
        { path: '/labels/*', changes: ['extra', 'missing', 'type', 'value'] },
      ],
    },
    { id: 'getNote unordered /tags', hides: [{ path: '/tags', changes: ['order'] }] },
    { id: 'getNote tolerance /size', uses: 0, hides: [] },
  ]);
  const plain = io(notes.env);
  await rules(plain.io, at);
  t.match(plain.text(), /would hide.*\n +\/labels/);
  t.match(plain.text(), /never used: dead/);
});

t.test('an expired rule turns what it once covered into mismatches', async (t) => {
  const soon = new Date(Date.now() + 8_000).toISOString();
  const notes = await withNotes(t, {
    noteMore: `compare: [{ path: '/text', rule: 'ignore', reason: 'until mended', until: '${soon}' }],`,
  });
  await notes.put([note('one')]);
  await notes.db.collection('notes').updateOne({ id: 'one' }, { $set: { text: 'other' } });
  await notes.facade.get('/notes/one', TENANT);
  const { summary } = await notes.settled();
  t.match(summary.operations, [{ ignored: 1, mismatched: 0 }]);
  await new Promise((done) => setTimeout(done, Math.max(0, Date.parse(soon) - Date.now()) + 50));
  const { summary: later } = await notes.settled();
  t.match(later.operations, [{ ignored: 0, mismatched: 1 }]);
  t.match(later.rules, [{ expired: true, uses: 1 }]);
});

t.test('evidence starts afresh with the bindings, what they import, or the contract; the old is history', async (t) => {
  const notes = await withNotes(t, { stage: 'shadow' });
  await notes.put([note('one')]);
  await notes.facade.get('/notes/one', TENANT);
  const { summary } = await notes.settled();
  const { file, contract } = notes.facade.app.bindings;
  t.equal(await evidenceId(file, contract.source, '0.1.0'), summary.evidence);
  t.equal(await evidenceId(file, contract.source, '0.1.7'), summary.evidence, 'a patch version changes nothing');
  t.not(await evidenceId(file, contract.source, '0.2.0'), summary.evidence);
  t.not(await evidenceId(file, Buffer.from('other'), '0.1.0'), summary.evidence);
  const text = await readFile(file, 'utf8');
  await t.test('what is imported counts too', async (t) => {
    const folder = t.testdir({ 'a.ts': `${text}\nimport './b.ts';`, 'b.ts': 'export const x = 1;' });
    const before = await evidenceId(`${folder}/a.ts`, contract.source, '0.1.0');
    await writeFile(`${folder}/b.ts`, 'export const x = 2;');
    t.not(await evidenceId(`${folder}/a.ts`, contract.source, '0.1.0'), before);
  });

  await writeFile(file, `${text}\n// changed`);
  const { io: where, text: said } = io(notes.env);
  t.equal(await report(where, undefined, { bindings: file, format: 'json' }), 0);
  t.match(JSON.parse(said()), { operations: [], history: [{ evidence: summary.evidence, n: 1 }] });
});
