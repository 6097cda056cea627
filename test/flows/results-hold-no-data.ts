import { BSON, MongoClient } from 'mongodb';
import t from 'tap';
import { run as report } from '../../src/commands/report.ts';
import { run as rules } from '../../src/commands/rules.ts';
import { note, withNotes } from '../support/shadow.ts';

const SECRET = 'a secret for samples, long enough';
const planted = (where: string) => `planted-${where}-7f3a`;

for (const [name, env] of [
  ['by default', {}],
  ['with a secret for samples', { SAMPLE_SECRET: SECRET }],
] as const) {
  t.test(
    `${name} no value of a document and no header but tenant and request id is in results or reports`,
    async (t) => {
      const notes = await withNotes(t, { env });
      const plain = note('secret', {
        text: planted('text'),
        note: planted('note'),
        tags: [planted('tag'), planted('tag2')],
        labels: { [planted('key')]: planted('label') },
        version: planted('version'),
        size: 918273645,
      });
      await notes.put([plain, note(planted('id'))]);
      const spoil = (change: object) => notes.db.collection('notes').updateOne({ id: 'secret' }, change);
      const read = () =>
        notes.facade.get(`/notes/secret?lang=${planted('query')}`, {
          'x-tenant-id': 'acme',
          'x-request-id': 'the-request',
          authorization: `Bearer ${planted('authorization')}`,
          'user-agent': planted('agent'),
        });
      for (const change of [
        { $set: { text: planted('othertext') } },
        { $set: { tags: [planted('tag2'), planted('tag')] } },
        { $set: { labels: { [planted('otherkey')]: planted('otherlabel') } } },
        { $set: { version: planted('otherversion') } },
        { $set: { size: planted('size') } },
        { $unset: { note: 1 } },
      ]) {
        await spoil(change);
        await read();
      }
      await notes.db.collection('notes').deleteOne({ id: planted('id') });
      await notes.facade.get(`/notes/${planted('id')}`, { 'x-tenant-id': 'acme' });
      await notes.facade.get('/notes?shelf=secret', { 'x-tenant-id': 'acme' });
      const { summary } = await notes.settled();
      t.ok(summary.findings.length >= 8, `${summary.findings.length} findings`);

      const client = new MongoClient(notes.env.RESULTS_URI as string);
      let stored = '';
      for (const name of ['crossfade_counts', 'crossfade_mismatches', 'crossfade_rules', 'crossfade_replicas'])
        stored += BSON.EJSON.stringify(await client.db().collection(name).find().toArray());
      await client.close();
      const lines: string[] = [];
      const io = {
        out: (text: string) => void lines.push(text),
        err: (text: string) => void lines.push(text),
        env: notes.env,
        cwd: t.testdirName,
        color: true,
      };
      const at = { bindings: notes.facade.app.bindings.file };
      for (const format of ['text', 'json', 'markdown', 'html'] as const)
        await report(io, undefined, { ...at, format });
      await report(io, undefined, { ...at, request: 'the-request' });
      await report(io, summary.findings[0]?.fingerprint, at);
      await rules(io, at);

      for (const text of [stored, lines.join('')]) {
        t.notMatch(text, /planted-/);
        t.notMatch(text, /918273645/);
        t.match(text, /the-request/);
        t.match(text, /acme/);
      }
      t.equal(stored.includes('"request":'), 'SAMPLE_SECRET' in env, 'requests are kept sealed, or not at all');
    },
  );
}

t.test('a path under `reveal` is kept in clear, and no other', async (t) => {
  const notes = await withNotes(t, { more: `reveal: ['/text'],` });
  await notes.put([note('one', { text: 'shown left', note: 'hidden' })]);
  await notes.db.collection('notes').updateOne({ id: 'one' }, { $set: { text: 'shown right', note: 'hidden too' } });
  await notes.facade.get('/notes/one', { 'x-tenant-id': 'acme' });
  const { summary } = await notes.settled();
  const text = JSON.stringify(summary);
  t.match(text, /shown left/);
  t.match(text, /shown right/);
  t.notMatch(text, /hidden/);
});
