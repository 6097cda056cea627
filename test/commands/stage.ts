import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import t, { type Test } from 'tap';
import type { Io } from '../../src/commands/io.ts';
import { openPlace } from '../../src/commands/moving.ts';
import { command } from '../../src/commands/stage.ts';
import { UsageError } from '../../src/errors.ts';
import { fileTarget } from '../../src/flags/target.ts';
import { printable } from '../../src/model/printable.ts';
import { flagApi as api } from '../support/flags.ts';

const TEXT = 'operations:\n  # ours\n  getUser: { stage: dynamodb, tenants: { acme: shadow } }\n';

async function bench(t: Test, text = TEXT) {
  const file = join(t.testdir(), 'stages.yaml');
  await writeFile(file, text);
  const printed: string[] = [];
  const io: Io = { out: (text) => void printed.push(text), err: () => {}, env: {}, cwd: '.', color: false };
  const stage = async (...words: string[]) => {
    printed.length = 0;
    const auditFile = join(dirname(file), 'audit.ndjson');
    const place = async () => ({ api, target: fileTarget(file, api), store: undefined, auditFile });
    await command(io, place).exitOverride().parseAsync(words, { from: 'user' });
    return printed.join('');
  };
  return {
    stage,
    text: () => readFile(file, 'utf8'),
    audit: () => readFile(join(dirname(file), 'audit.ndjson'), 'utf8'),
  };
}

t.test('lists all, one, and as data', async (t) => {
  const { stage } = await bench(t);
  const all = await stage();
  t.match(all, /^operation +stage +ramp +tenants +floor +offered\n/);
  t.match(all, /getUser +dynamodb +- +acme:shadow +legacy +legacy dynamodb shadow live complete\n/);
  t.equal((await stage('putUser')).split('\n').length, 3);
  const data = JSON.parse(await stage('getUser', '--json'));
  t.match(data, { kill: false, operations: [{ id: 'getUser', stage: 'dynamodb', tenants: { acme: 'shadow' } }] });
});

t.test('moves an operation, tenants and a share; comments stay', async (t) => {
  const { stage, text } = await bench(t);
  t.match(
    await stage('getUser', 'shadow', '--percent', '25'),
    /after: {2}75 % dynamodb, 25 % shadow; by name: 1 shadow/,
  );
  await stage('getUser', 'dynamodb', '--tenant', 'acme,globex', '-t', 'umbrella');
  t.equal(
    await text(),
    'operations:\n  # ours\n  getUser: { stage: dynamodb, tenants: { acme: dynamodb, globex: dynamodb, umbrella: dynamodb }, ramp: { to: shadow, percent: 25 } }\n',
  );
  t.match(await stage('getUser', 'shadow'), /tenants that have a stage of their own stay: acme:dynamodb/);
  t.notMatch(await text(), /ramp/);
  t.match(await stage('getUser', 'shadow'), /nothing changed/);
});

t.test('--dry-run shows and writes nothing', async (t) => {
  const { stage, text } = await bench(t);
  const shown = await stage('getUser', 'shadow', '--dry-run');
  t.match(shown, '-   getUser: { stage: dynamodb, tenants: { acme: shadow } }');
  t.match(shown, '+   getUser: { stage: shadow, tenants: { acme: shadow } }');
  t.match(shown, /before: 100 % dynamodb; by name: 1 shadow\nafter: {2}100 % shadow; by name: 1 shadow/);
  t.equal(await text(), TEXT);
});

const refused: [string, string[], RegExp][] = [
  ['two stages at once', ['getUser', 'live'], /crossfade stage getUser live --force --reason '…'/],
  ['live by one stage', ['getUser', 'live', '--tenant', 'acme'], /from shadow to live[\s\S]*--tenant acme --force/],
  ['a ramp to live', ['getUser', 'live', '--percent', '5'], /--percent 5 --force/],
  ['force without a reason', ['getUser', 'live', '--force'], /needs a reason/],
  ['force with a blank reason', ['getUser', 'live', '--force', '--reason', ' '], /needs a reason/],
  ['a stage not offered', ['getUser', 'dualwrite'], /cannot have stage dualwrite/],
  ['an unknown stage', ['getUser', 'lvie'], /did you mean `live`/],
  ['an unknown operation', ['getUsr', 'live'], /did you mean `getUser`/],
  ['an unknown operation to list', ['getUsr'], /did you mean `getUser`/],
  ['an option without a stage', ['getUser', '--percent', '5'], /say where to/],
  ['percent and tenant', ['getUser', 'shadow', '-p', '5', '-t', 'a'], /not both/],
  ['percent beyond', ['getUser', 'shadow', '-p', '101'], /0 to 100/],
  ['a ramp backwards', ['getUser', 'legacy', '-p', '10'], /forward/],
  ['an empty tenant', ['getUser', 'shadow', '-t', 'a,,b'], /is empty/],
];
for (const [name, words, message] of refused) {
  t.test(`refused: ${name}`, async (t) => {
    const { stage, text } = await bench(t);
    const error = await stage(...words).then(
      () => undefined,
      (error: unknown) => error,
    );
    t.type(error, UsageError);
    t.match((error as Error).message, message);
    t.equal(await text(), TEXT);
  });
}

t.test('below the floor is refused', async (t) => {
  const { stage } = await bench(t, 'operations: { getUser: { stage: live, floor: shadow } }\n');
  await t.rejects(stage('getUser', 'legacy'), /below the floor/);
});

t.test('force with a reason moves; back is free, and so is a smaller share', async (t) => {
  const { stage, text } = await bench(t);
  const forced = ['--force', '--reason', 'compared by hand'];
  t.match(await stage('getUser', 'live', ...forced), /reason: compared by hand/);
  await stage('getUser', 'legacy');
  await stage('getUser', 'live', '-p', '50', ...forced);
  await stage('getUser', 'live', '-p', '20');
  t.match(await text(), /percent: 20/);
  await t.rejects(stage('getUser', 'live', '-p', '21'), /--force/);
});

t.test('which API is asked where nothing says it', async (t) => {
  const io: Io = { out: () => {}, err: () => {}, env: {}, cwd: t.testdir(), color: false };
  await t.rejects(openPlace(io, undefined), UsageError);
});

t.test('control characters are never printed raw', async (t) => {
  t.equal(
    printable('a\u001b[31m\u0000\r\t\u202e\u2028b\n😀é'),
    'a\\u{1b}[31m\\u{0}\\u{d}\\u{9}\\u{202e}\\u{2028}b\n😀é',
  );
});
