import { chmod, mkdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { ConfigError, UsageError } from '../../src/errors.ts';
import type { Flags } from '../../src/flags/decide.ts';
import { openFlags } from '../../src/flags/source.ts';
import { fileTarget } from '../../src/flags/target.ts';
import { flagApi as api } from '../support/flags.ts';

const at = (stage: string) => `operations: { getUser: { stage: ${stage} } }\n`;

async function open(t: Test, text: string | undefined) {
  const file = join(t.testdir(), 'stages.yaml');
  if (text !== undefined) await writeFile(file, text);
  const said: string[] = [];
  const refused: string[] = [];
  const changes: string[] = [];
  const logged: [level: string, message: string, details: unknown][] = [];
  const fallbacks: string[] = [];
  const flags = await openFlags({
    file,
    api,
    log: (level, message, details) => {
      said.push(message);
      logged.push([level, message, details]);
    },
    onFallback: (flag, reason) => fallbacks.push(`${flag} ${reason}`),
    onChange: ({ revision }) => changes.push(revision),
    onRefused: (message) => refused.push(message),
  });
  t.teardown(() => flags.close());
  return { file, flags, said, refused, changes, logged, fallbacks };
}

/** Milliseconds until it holds; fails the test after a second. */
async function until(t: Test, what: string, holds: () => boolean): Promise<void> {
  const start = Date.now();
  while (!holds()) {
    if (Date.now() - start > 1000) return void t.fail(`${what}: not within a second`);
    await sleep(5);
  }
  t.pass(`${what} after ${Date.now() - start} ms`);
}

const stage = (flags: Flags) => flags.stageOf(0, 'acme').stage;

t.test('edits take effect within a second, in place and by rename', async (t) => {
  const { file, flags, changes } = await open(t, at('dynamodb'));
  t.equal(stage(flags), 'dynamodb');
  await writeFile(file, at('shadow'));
  await until(t, 'in place', () => stage(flags) === 'shadow');
  await writeFile(`${file}.new`, at('live'));
  await rename(`${file}.new`, file);
  await until(t, 'renamed', () => stage(flags) === 'live');
  await rm(file);
  await writeFile(file, at('legacy'));
  await until(t, 'removed and written', () => stage(flags) === 'legacy');
  t.equal(new Set(changes).size, 4);
  t.equal(changes.at(-1), flags.revision());
  t.match(flags.state(), { kill: false, source: 'file', place: file, revision: flags.revision() });
});

t.test('a bad edit: refused with line and reason, the last good state stays', async (t) => {
  const { file, flags, said, refused } = await open(t, at('live'));
  await writeFile(file, 'operations:\n  getUser: { stage: shadwo }\n');
  await until(t, 'said', () => flags.problem() !== undefined);
  t.equal(flags.problem(), `${file}:2: getUser: stage: \`shadwo\` is no stage; did you mean \`shadow\`?`);
  t.match(said.at(-1), 'the last good stages stay');
  t.equal(stage(flags), 'live');
  await sleep(600);
  t.equal(refused.length, 1, 'said once');
  await writeFile(file, at('live'));
  await until(t, 'mended', () => flags.problem() === undefined);
});

t.test('an emptied or deleted file keeps the last good state and says so', async (t) => {
  const { file, flags } = await open(t, at('live'));
  await truncate(file);
  await until(t, 'emptied', () => flags.problem() === `${file} is empty`);
  t.equal(stage(flags), 'live');
  await rm(file);
  await until(t, 'deleted', () => flags.problem() === `${file} is gone`);
  t.equal(stage(flags), 'live');
  await writeFile(file, at('shadow'));
  await until(t, 'back', () => stage(flags) === 'shadow' && flags.problem() === undefined);
});

t.test('a file that is missing or empty at the start stops it: its stages may have been lost', async (t) => {
  const file = join(t.testdir(), 'stages.yaml');
  await t.rejects(openFlags({ file, api, log: () => {} }), {
    message: /says no stages; write what is true now, or `operations: {}`/,
  });
  await writeFile(file, ' \n');
  await t.rejects(openFlags({ file, api, log: () => {} }), ConfigError);
});

t.test('an operation that a file cut short no longer names keeps its stage and floor', async (t) => {
  const { file, flags } = await open(t, at('live'));
  await writeFile(file, 'kill: false\n');
  await sleep(700);
  t.equal(stage(flags), 'live');
  await writeFile(file, at('legacy'));
  await until(t, 'written lower', () => stage(flags) === 'legacy');
});

t.test('what is said: of an edit, of a mistake once, and that the file is good again', async (t) => {
  const { file, flags, logged, refused } = await open(t, at('dynamodb'));
  await writeFile(file, at('live'));
  await until(t, 'in force', () => logged.length > 0);
  const live = flags.revision();
  t.strictSame(logged.shift(), ['info', `stages of ${file} are in force`, { revision: live }]);
  await writeFile(file, 'kil: true\n');
  await until(t, 'refused', () => refused.length > 0);
  t.strictSame(logged.shift(), ['error', `${refused[0]}; the last good stages stay`, { revision: live }]);
  await writeFile(file, 'kil: true\n# still\n');
  await writeFile(file, at('live'));
  await until(t, 'mended', () => flags.problem() === undefined);
  t.strictSame(
    logged,
    [['info', `${file} is good again`, { revision: live }]],
    'the same stages are not put in force anew',
  );
  t.equal(refused.length, 1);
  await writeFile(file, at('shadow'));
  await until(t, 'in force again', () => logged.length > 1);
  t.equal(logged.length, 2, 'nothing was wrong, and so nothing is good again');
});

t.test('a mistake that stays is said once, however often it is saved, and so is what is right', async (t) => {
  const { file, flags, logged, refused } = await open(t, at('dynamodb'));
  await writeFile(file, at('dynamodb'));
  await sleep(400);
  t.strictSame(logged, [], 'nothing was wrong, and nothing is new');
  await writeFile(file, 'kil: true\n');
  await until(t, 'refused', () => flags.problem() !== undefined);
  await writeFile(file, 'kil: true\n# saved again\n');
  await sleep(400);
  t.equal(refused.length, 1);
  t.equal(logged.length, 1);
});

t.test('nobody need listen', async (t) => {
  const file = join(t.testdir({ 'stages.yaml': at('live') }), 'stages.yaml');
  const flags = await openFlags({ file, api, log: () => {} });
  t.teardown(() => flags.close());
  await writeFile(file, 'kil: true\n');
  await until(t, 'refused', () => flags.problem() !== undefined);
  await writeFile(file, 'kill: true\n');
  await until(t, 'what it lost is kept', () => flags.state().kill && flags.problem() === undefined);
  t.equal(flags.state().operations[0]?.stage, 'live');
});

t.test('a file is confirmed as long as it says what is in force, and no longer', async (t) => {
  const { file, flags } = await open(t, at('live'));
  const { confirmed } = flags.state();
  await until(t, 'looked at', () => flags.state().confirmed > confirmed);
  await writeFile(file, 'kil: true\n');
  await until(t, 'refused', () => flags.problem() !== undefined);
  const then = flags.state().confirmed;
  await sleep(400);
  t.equal(flags.state().confirmed, then);
});

t.test('what a file lost is named, in the state and to who counts it', async (t) => {
  const { file, flags, fallbacks } = await open(t, at('live'));
  t.strictSame(flags.state().kept, []);
  await writeFile(file, 'kill: true\n');
  await until(t, 'read', () => flags.state().kill);
  t.strictSame(flags.state().kept, [`photos.getUser is missing from ${file}`]);
  t.strictSame(fallbacks, [`photos.getUser is missing from ${file}`]);
  t.equal(flags.state().operations[0]?.stage, 'live');
  t.equal(flags.state().operations[1]?.stage, 'dynamodb', 'what it never named is where it began');
  await writeFile(file, at('live'));
  await until(t, 'found again', () => flags.state().kept.length === 0);
});

t.test('a file of nothing but blanks is empty, and one that becomes a folder cannot be read', async (t) => {
  const { file, flags } = await open(t, at('live'));
  await writeFile(file, ' \n');
  await until(t, 'empty', () => flags.problem() === `${file} is empty`);
  await rm(file);
  await mkdir(file);
  await until(t, 'said', () => flags.problem()?.startsWith(`${file} cannot be read: EISDIR`) === true);
  t.equal(stage(flags), 'live');
});

t.test('a file that cannot be read at the start is said with the reason', async (t) => {
  const file = join(t.testdir({ 'stages.yaml': {} }), 'stages.yaml');
  await t.rejects(openFlags({ file, api, log: () => {} }), {
    name: 'ConfigError',
    message: /stages\.yaml: cannot be read: EISDIR/,
  });
});

t.test('a wrong file at the start stops it', async (t) => {
  const file = join(t.testdir(), 'stages.yaml');
  await writeFile(file, 'kil: true');
  await t.rejects(openFlags({ file, api, log: () => {} }), ConfigError);
  await rm(file);
  await mkdir(file);
  await t.rejects(openFlags({ file, api, log: () => {} }), ConfigError);
});

t.test('closed: edits no longer matter', async (t) => {
  const { file, flags } = await open(t, at('live'));
  await flags.close();
  await writeFile(file, at('legacy'));
  await sleep(400);
  t.equal(stage(flags), 'live');
});

t.test('a file that is only mounted cannot be changed from here, and that is said with the cure', async (t) => {
  const folder = t.testdir({ 'stages.yaml': at('dynamodb') });
  const file = join(folder, 'stages.yaml');
  await chmod(folder, 0o555);
  // Root may write everywhere.
  const root = process.geteuid?.() === 0;
  if (root) process.seteuid?.(65_534);
  const error = await fileTarget(file, api)
    .change({ operations: ['getUser'], plan: () => [], dryRun: false })
    .catch((thrown: unknown) => thrown);
  if (root) process.seteuid?.(0);
  await chmod(folder, 0o755);
  t.type(error, UsageError);
  t.match((error as Error).message, /cannot be changed from here.*EACCES.*ConfigMap/);
  t.equal(await readFile(file, 'utf8'), at('dynamodb'));
});
