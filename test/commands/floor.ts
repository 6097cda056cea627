import { access, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import t, { type Test } from 'tap';
import * as floor from '../../src/commands/floor.ts';
import type { Io } from '../../src/commands/io.ts';
import * as kill from '../../src/commands/kill.ts';
import { fileTarget } from '../../src/flags/target.ts';
import { flagApi as api } from '../support/flags.ts';

const TEXT = 'operations:\n  getUser: { stage: shadow, floor: dynamodb, tenants: { acme: live } } # busy\n';

async function shell(t: Test, text = TEXT) {
  const file = join(t.testdir(), 'stages.yaml');
  await writeFile(file, text);
  const printed: string[] = [];
  const io: Io = {
    out: (text) => void printed.push(text),
    err: (text) => void printed.push(text),
    env: {},
    cwd: '.',
    color: false,
  };
  const auditFile = join(dirname(file), 'audit.ndjson');
  const killFile = join(dirname(file), 'state', 'kill');
  const place = async () => ({ api, target: fileTarget(file, api), store: undefined, auditFile });
  const run = async (verb: 'floor' | 'kill', ...words: string[]) => {
    printed.length = 0;
    const fresh =
      verb === 'floor'
        ? floor.command(io, place)
        : kill.command(io, place, async () => ({ config: { killFile, stateDir: dirname(killFile) } }) as never);
    await fresh.exitOverride().parseAsync(words, { from: 'user' });
    return printed.join('');
  };
  const audits = async () =>
    (await readFile(auditFile, 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
  return { run, audits, killFile, text: () => readFile(file, 'utf8') };
}

t.test('a floor is raised up to where everybody is, and audited', async (t) => {
  const { run, text, audits } = await shell(t);
  t.match(
    await run('floor', 'getUser', 'shadow', '--dry-run'),
    /before: getUser can go back to dynamodb, answered by dynamodb\nafter: {2}getUser can go back to shadow/,
  );
  t.equal(await text(), TEXT);
  await run('floor', 'getUser', 'shadow', '--reason', 'no more legacy');
  t.equal(await text(), TEXT.replace('floor: dynamodb', 'floor: shadow'));
  t.match(await run('floor', 'getUser', 'shadow'), /is there already: nothing changed/);
  const [row, another] = await audits();
  t.equal(another, undefined, 'what changes nothing is not audited');
  t.match(row, { api: 'photos', what: 'floor getUser shadow', why: 'no more legacy', who: /@/, where: /stages.yaml$/ });
  t.match(row.before.operations, [{ id: 'getUser', floor: 'dynamodb' }]);
  t.match(row.after.operations, [{ id: 'getUser', floor: 'shadow' }]);
});

const refused: [string, string[], RegExp][] = [
  ['above who rests', ['getUser', 'live'], /would leave below it: those at shadow.*crossfade stage getUser live/],
  ['lower without a word', ['getUser', 'legacy'], /from dynamodb to legacy says that legacy gives true answers again/],
  ['lower by force alone', ['getUser', 'legacy', '--force'], /needs a reason/],
  ['an unknown stage', ['getUser', 'shaddow'], /did you mean `shadow`/],
  ['a stage it cannot have', ['getUser', 'rampdown'], /cannot have stage rampdown/],
  ['an unknown operation', ['getUsr', 'shadow'], /did you mean `getUser`/],
];
for (const [name, words, message] of refused) {
  t.test(`a floor is refused: ${name}`, async (t) => {
    const { run, text } = await shell(t);
    await t.rejects(run('floor', ...words), { name: 'UsageError', message });
    t.equal(await text(), TEXT);
  });
}

t.test('a floor goes down by force and reason', async (t) => {
  const { run, text } = await shell(t);
  await run('floor', 'getUser', 'legacy', '--force', '--reason', 'restored');
  t.match(await text(), /floor: legacy/);
});

t.test('kill shows what it does, and lifts', async (t) => {
  const { run, text, audits } = await shell(t);
  t.match(await run('kill', '--dry-run'), /getUser +100 % shadow; by name: 1 live +dynamodb/);
  t.equal(await text(), TEXT);
  await run('kill', '--reason', 'totals are wrong');
  t.equal(await text(), `${TEXT}kill: true\n`);
  t.match(await run('kill'), /kill is on already/);
  t.match(await run('kill', '--lift'), /getUser +dynamodb +100 % shadow; by name: 1 live/);
  t.equal(await text(), `${TEXT}kill: false\n`);
  t.match(await audits(), [
    { what: 'kill', why: 'totals are wrong', before: { kill: false }, after: { kill: true } },
    { what: 'kill --lift' },
  ]);
});

t.test('kill says who stays, and why', async (t) => {
  const { run } = await shell(t, 'operations: { getUser: { stage: live, floor: live } }\n');
  t.match(
    await run('kill'),
    /getUser +100 % live +live +stays: its floor is live, older answers are not true any more/,
  );
});

t.test('kill --local writes and takes away the kill file, and needs nothing else', async (t) => {
  const { run, killFile, text } = await shell(t, 'broken: [');
  t.match(await run('kill', '--local', '--dry-run'), /would be written/);
  await t.rejects(access(killFile));
  await run('kill', '--local', '--reason', 'Unleash is down');
  t.equal(await readFile(killFile, 'utf8'), 'Unleash is down\n');
  await run('kill', '--local', '--lift');
  await t.rejects(access(killFile));
  await run('kill', '--local', '--lift');
  t.equal(await text(), 'broken: [');
  const audited = await readFile(join(dirname(killFile), 'audit.ndjson'), 'utf8');
  t.match(audited, /"what":"kill --local".*"why":"Unleash is down"/);
  await t.rejects(run('kill'), { name: 'ConfigError', message: /is not done.*crossfade kill --local/ });
});

t.test('kill is not held up by a tenant whose name looks like a number, and does not rename it', async (t) => {
  const text =
    'operations:\n  getUser: { stage: dynamodb, tenants: { 00123: live, 9007199254740993: shadow, 1e3: live, ~: live } }\n';
  const { run, text: now } = await shell(t, text);
  await run('kill');
  t.equal(await now(), `${text}kill: true\n`);
});

t.test('as data', async (t) => {
  const { run } = await shell(t);
  t.match(JSON.parse(await run('kill', '--json')), {
    kill: true,
    changed: true,
    operations: [{ id: 'getUser', after: 'dynamodb' }],
  });
  t.match(JSON.parse(await run('floor', 'getUser', 'shadow', '--json', '--dry-run')), {
    dryRun: true,
    after: { floor: 'shadow' },
  });
});
