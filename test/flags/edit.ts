import { writeFileSync } from 'node:fs';
import { chmod, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { editStages, type StagesEdit } from '../../src/flags/edit.ts';
import { replaceFile } from '../../src/flags/replace.ts';
import { parseStages } from '../../src/flags/stages.ts';
import { flagApi as api } from '../support/flags.ts';

const TEXT = `# who may change this: the payments team
kill: false

operations:
  # the busiest one
  getUser: { stage: dynamodb, ramp: { to: shadow, percent: 25 }, tenants: { acme: live } } # see ticket 7
  listMessages:
    stage: dynamodb # not yet
    tenants:
      acme: shadow # our own
`;

t.test('moves change their own words only', async (t) => {
  const whole = editStages(TEXT, { operation: 'listMessages', stage: 'shadow' });
  t.equal(whole, TEXT.replace('stage: dynamodb # not yet', 'stage: shadow # not yet'));
  const ended = editStages(TEXT, { operation: 'getUser', stage: 'shadow' });
  t.equal(ended, TEXT.replace('stage: dynamodb, ramp: { to: shadow, percent: 25 }', 'stage: shadow'));
  const ramped = editStages(TEXT, { operation: 'getUser', ramp: { to: 'shadow', percent: 50 } });
  t.equal(ramped, TEXT.replace('percent: 25', 'percent: 50'));
  const named = editStages(TEXT, { operation: 'getUser', stage: 'shadow', tenants: ['acme', 'globex'] });
  t.equal(named, TEXT.replace('acme: live', 'acme: shadow, globex: shadow'));
});

t.test('from nothing', async (t) => {
  for (const text of ['', '# hello\n', 'operations: {}\n', 'operations:\n']) {
    const edited = editStages(text, { operation: 'getUser', stage: 'live' });
    t.match(edited, /operations:\n {2}getUser: \{ stage: live \}\n/);
    if (text.includes('hello')) t.match(edited, /# hello/);
  }
});

t.test('what was edited reads back as it was meant, for any tenant', async () => {
  const tenant = fc.string({ minLength: 1, maxLength: 40, unit: 'binary' }).filter((name) => name.trim() === name);
  const words = fc.constantFrom('007', 'true', 'null', '~', '<<', '__proto__', '- a', '#', '*a', '{', 'a: b', '1e3');
  fc.assert(
    fc.property(fc.uniqueArray(fc.oneof(tenant, words), { minLength: 1, maxLength: 5 }), (names) => {
      const edit: StagesEdit = { operation: 'getUser', stage: 'complete', tenants: names };
      const once = editStages(TEXT, edit);
      const state = parseStages(editStages(once, edit), api, 'stages.yaml');
      return names.every((name) => state.operations[0]?.tenants.get(name) === 'complete');
    }),
  );
});

t.test('a file is replaced in one step, keeping mode and link, leaving nothing behind', async (t) => {
  const folder = t.testdir({ real: { 'stages.yaml': 'a' } });
  const real = join(folder, 'real', 'stages.yaml');
  const link = join(folder, 'stages.yaml');
  await chmod(real, 0o640);
  await symlink(real, link);
  await replaceFile(link, (text) => `${text}b`);
  t.equal(await readFile(real, 'utf8'), 'ab');
  t.equal((await stat(real)).mode & 0o777, 0o640);
  t.strictSame(await readdir(join(folder, 'real')), ['stages.yaml']);
});

t.test('many at once take turns', async (t) => {
  const file = join(t.testdir(), 'stages.yaml');
  await Promise.all(Array.from({ length: 12 }, () => replaceFile(file, (text) => `${text}x`)));
  t.equal(await readFile(file, 'utf8'), 'x'.repeat(12));
});

t.test('a change by someone else meanwhile is kept', async (t) => {
  const file = join(t.testdir(), 'stages.yaml');
  await writeFile(file, 'theirs');
  const edit = () => {
    writeFileSync(file, 'theirs, newer');
    return 'ours';
  };
  await t.rejects(replaceFile(file, edit), /was changed meanwhile/);
  t.equal(await readFile(file, 'utf8'), 'theirs, newer');
});
