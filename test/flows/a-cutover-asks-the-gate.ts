import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { crossfade } from '../support/process.ts';
import { note, withNotes } from '../support/shadow.ts';

const ACME = { 'x-tenant-id': 'acme' };
const OTHER = { 'x-tenant-id': 'globex' };
/** An afternoon's figures: what a test can ask for. A busy machine is no slow store. */
const FIGURES = `gate: {
  requests: 25, perStratum: 5, perTenant: 20, perActiveTenant: 5, days: 0, p99: 1000, notCompared: 0.5,
  waivers: [
    { stratum: 'param:limit', reason: 'no client sends it', until: '2099-12-31' },
    { stratum: 'list:empty', reason: 'no shelf is empty', until: '2099-12-31' },
  ],
},`;

t.test('an operation that was compared enough moves without force; one that differs does not', async (t) => {
  const notes = await withNotes(t, { more: FIGURES });
  const folder = dirname(notes.facade.app.bindings.file);
  const run = (...words: string[]) => crossfade(folder, { ...notes.env, BINDINGS: 'api.bindings.ts' }, ...words);
  const ids = Array.from({ length: 30 }, (_, n) => `n${String(n).padStart(2, '0')}`);
  await notes.put(ids.map((id) => note(id)));
  await notes.put(ids.slice(0, 8).map((id) => ({ ...note(id), pk: 'globex' })));

  t.match(await run('gate', 'getNote', 'live'), { code: 1, out: /nothing was compared, and no traffic is not a pass/ });
  for (const id of ids) await notes.facade.get(`/notes/${id}?lang=en`, ACME);
  for (const id of ids.slice(0, 8)) await notes.facade.get(`/notes/${id}`, OTHER);
  for (let n = 0; n < 6; n += 1) await notes.facade.get(`/notes/none${n}`, ACME);
  await notes.settled();

  await t.test('it passes, and a dry run says so', async (t) => {
    t.match(await run('gate', 'getNote', 'live'), { code: 0, out: /^getNote from shadow to live may move\n/ });
    t.match(await run('gate', 'getNote', 'live', '--tenant', 'globex'), {
      code: 1,
      out: /tenant globex has 8 distinct/,
    });
    const dry = await run('stage', 'getNote', 'live', '--tenant', 'globex', '--dry-run');
    t.match(dry, {
      code: 2,
      err: /needs proof that both answer alike[\s\S]*tenant globex has 8 distinct requests, and 20/,
    });
    t.match(await run('stage', 'getNote', 'live', '--tenant', 'acme', '--dry-run'), {
      code: 0,
      out: /would change[\s\S]*the gate passes, on evidence \w+/,
    });
  });

  await t.test('it moves: a tenant, a share, everybody', async (t) => {
    for (const scope of [['--tenant', 'acme'], ['--percent', '50'], ['--all']])
      t.match(await run('stage', 'getNote', 'live', ...scope), { code: 0, out: /the gate passes/ }, scope.join(' '));
    const until = Date.now() + 5_000;
    const origin = async () => String((await notes.facade.get('/notes/n01', OTHER)).headers['server-timing']);
    while (!/mongodb/.test(await origin()) && Date.now() < until) await sleep(50);
    t.match(await origin(), /mongodb/);
  });

  await t.test('a difference that is planted keeps the other where it is', async (t) => {
    await notes.db.collection('notes').updateOne({ pk: 'acme', id: 'n11' }, { $set: { text: 'other' } });
    for (const shelf of ids) await notes.facade.get(`/notes?shelf=${shelf}`, ACME);
    for (const shelf of ids.slice(0, 8)) await notes.facade.get(`/notes?shelf=${shelf}`, OTHER);
    await notes.settled();
    const refused = {
      code: 1,
      out: /^fail +persistent: dynamodb-mongodb: DynamoDB and MongoDB differ for good, once \(\w{12}\)/m,
    };
    t.match(await run('gate', 'listNotes', 'live'), refused);
    t.match(await run('stage', 'listNotes', 'live'), { code: 2, err: /fail: persistent: [\s\S]*--force --reason/ });
    t.match(await readFile(join(folder, 'stages.yaml'), 'utf8'), /listNotes: \{ stage: shadow \}/);
    t.match(await run('stage', 'listNotes', 'live', '--force', '--reason', 'known'), {
      code: 0,
      err: /^Forced, against the gate:\n {2}listNotes: persistent: /,
    });
  });
});
