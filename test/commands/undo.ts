import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import t, { type Test } from 'tap';
import { hashOf, isToken } from '../../src/access.ts';
import type { Io } from '../../src/commands/io.ts';
import { command as killCommand } from '../../src/commands/kill.ts';
import { command as stageCommand } from '../../src/commands/stage.ts';
import { command as tokenCommand } from '../../src/commands/token.ts';
import { command } from '../../src/commands/undo.ts';
import { fileTarget } from '../../src/flags/target.ts';
import { flagApi as api } from '../support/flags.ts';

const TEXT = 'operations:\n  # ours\n  getUser: { stage: dynamodb, tenants: { acme: shadow } }\n';

async function bench(t: Test) {
  const file = join(t.testdir(), 'stages.yaml');
  await writeFile(file, TEXT);
  const printed: string[] = [];
  const say = (text: string) => void printed.push(text);
  const io: Io = { out: say, err: say, env: {}, cwd: '.', color: false };
  const auditFile = join(dirname(file), 'audit.ndjson');
  const place = async () => ({ api, target: fileTarget(file, api), store: undefined, auditFile });
  const run = async (verb: 'undo' | 'stage' | 'kill', ...words: string[]) => {
    printed.length = 0;
    const verbs = {
      undo: () => command(io, place),
      stage: () => stageCommand(io, place),
      kill: () => killCommand(io, place),
    };
    await verbs[verb]().exitOverride().parseAsync(words, { from: 'user' });
    return printed.join('');
  };
  return { run, text: () => readFile(file, 'utf8'), auditFile };
}

t.test('takes the last change back; --dry-run shows it first', async (t) => {
  const { run, text } = await bench(t);
  await t.rejects(run('undo'), { name: 'UsageError', message: /no change is written down/ });
  await run('stage', 'getUser', 'shadow', '--all');
  const changed = await text();
  const shown = await run('undo', '--dry-run');
  t.match(shown, /^stage getUser shadow --all, by .+ at \d{4}-/);
  t.match(shown, /getUser +100 % shadow +100 % dynamodb; by name: 1 shadow/);
  t.equal(await text(), changed);
  t.match(await run('undo'), /changed:/);
  t.match(await text(), /stage: dynamodb/);
  t.match(await text(), /acme: shadow/);
  t.match(await text(), /# ours/);
  t.match(await run('undo', '--dry-run'), /^undo stage getUser shadow --all, by/, 'the last change is the undo now');
});

t.test('one by its id, as data; what was changed since stays', async (t) => {
  const { run, text, auditFile } = await bench(t);
  await run('kill', '--reason', 'wrong totals');
  await run('stage', 'listMessages', 'shadow');
  const [kill, stage] = (await readFile(auditFile, 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  t.match(JSON.parse(await run('undo', kill._id, '--json')), {
    undone: kill._id,
    before: { kill: true },
    after: { kill: false },
  });
  t.match(await text(), /kill: false/);
  await run('stage', 'listMessages', 'dynamodb', '--tenant', 'acme');
  await t.rejects(run('undo', stage._id), { message: /followed by another change of listMessages/ });
  await t.rejects(run('undo', 'nope'), { message: /no change `nope` is written down/ });
});

t.test('a step back is not taken back without the gate', async (t) => {
  const { run } = await bench(t);
  await run('stage', 'getUser', 'live', '--force', '--reason', 'by hand');
  await run('stage', 'getUser', 'dynamodb');
  await t.rejects(run('undo'), { message: /needs proof[\s\S]*crossfade undo [\w-]+ --force --reason/ });
  t.match(await run('undo', '--force', '--reason', 'it was right'), /Forced, against the gate/);
});

t.test('a line of the audit that was cut short, and what cannot be undone', async (t) => {
  const { run, auditFile } = await bench(t);
  await run('stage', 'getUser', 'shadow');
  const [line = ''] = (await readFile(auditFile, 'utf8')).split('\n');
  const row = { ...JSON.parse(line), _id: 'incomplete', at: '2030-01-01T00:00:00Z', after: { incomplete: 'gone' } };
  await writeFile(auditFile, `${line}\n${JSON.stringify(row)}\n${line.slice(0, 40)}`);
  await t.rejects(run('undo'), { message: /what was before is not written down/ });
  const elsewhere = { ...JSON.parse(line), _id: 'elsewhere', where: 'http://flags/api' };
  await writeFile(auditFile, `${JSON.stringify(elsewhere)}\n`);
  await t.rejects(run('undo', 'elsewhere'), { message: /was made at http:\/\/flags\/api/ });
});

t.test('token makes one, with its entry; of the token the entry has only a hash', async (t) => {
  const printed: string[] = [];
  const io: Io = { out: (text) => void printed.push(text), err: () => {}, env: {}, cwd: '.', color: false };
  const run = (...words: string[]) => tokenCommand(io).exitOverride().parseAsync(words, { from: 'user' });
  await run('ci', 'operator', '--json');
  const { token, entry } = JSON.parse(printed.join(''));
  t.ok(isToken(token));
  t.equal(entry, `ci:operator:${hashOf(token).toString('hex')}`);
  await t.rejects(run('c:i', 'operator'), { name: 'UsageError', message: /the name must be/ });
  await t.rejects(run('ci', 'root'), { name: 'UsageError', message: /viewer or operator/ });
});
