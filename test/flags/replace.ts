import { chmod, chown, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { readOr, replaceFile } from '../../src/flags/replace.ts';
import { thrown } from '../support/flag-stand-in.ts';

const NOBODY = 65_534;
const isRoot = process.geteuid?.() === 0;

/** Each look at the clock is a second later: who waits for something waits no longer than that. */
function hasten(t: Test): void {
  const clock = Date.now;
  let seconds = 0;
  Date.now = () => {
    seconds += 1;
    return clock() + seconds * 1_000;
  };
  t.teardown(() => {
    Date.now = clock;
  });
}

t.test('a file that is not there is made, and one that cannot be read is told from it', async (t) => {
  const file = join(t.testdir(), 'stages.yaml');
  t.equal(await readOr(file), undefined);
  await replaceFile(file, (text) => `${text}made`);
  t.equal(await readOr(file), 'made');
  t.match(await thrown(readOr(join(file, '..'))), { code: 'EISDIR' });
});

t.test('someone else is writing it: a conflict after a while, and nothing is written', async (t) => {
  const folder = t.testdir({ 'stages.yaml': 'theirs', '.stages.yaml.crossfade': 'half' });
  const file = join(folder, 'stages.yaml');
  hasten(t);
  t.match(await thrown(replaceFile(file, () => 'ours')), {
    name: 'UsageError',
    failure: 'conflict',
    message: `someone else is writing ${file}: nothing is written, try again`,
  });
  t.equal(await readFile(file, 'utf8'), 'theirs');
  t.equal(await readFile(join(folder, '.stages.yaml.crossfade'), 'utf8'), 'half', 'what they write is left alone');
});

t.test('a writer that died holds nobody up', async (t) => {
  const folder = t.testdir({ 'stages.yaml': 'old', '.stages.yaml.crossfade': 'half' });
  const file = join(folder, 'stages.yaml');
  const then = new Date(Date.now() - 11_000);
  await utimes(join(folder, '.stages.yaml.crossfade'), then, then);
  await replaceFile(file, () => 'new');
  t.equal(await readFile(file, 'utf8'), 'new');
  t.strictSame(await readdir(folder), ['stages.yaml']);
});

t.test('a change by someone else meanwhile is a conflict', async (t) => {
  const file = join(t.testdir({ 'stages.yaml': 'theirs' }), 'stages.yaml');
  let newer: Promise<void> | undefined;
  const edit = () => {
    newer = writeFile(file, 'theirs, newer');
    return 'x'.repeat(4_000_000);
  };
  t.match(await thrown(replaceFile(file, edit)), {
    name: 'UsageError',
    failure: 'conflict',
    message: /was changed meanwhile/,
  });
  await newer;
  t.equal(await readFile(file, 'utf8'), 'theirs, newer');
});

t.test('what the edit throws is thrown as it is, and nothing is left behind', async (t) => {
  const folder = t.testdir({ 'stages.yaml': 'a' });
  const error = new TypeError('no');
  const edit = () => {
    throw error;
  };
  t.equal(await thrown(replaceFile(join(folder, 'stages.yaml'), edit)), error);
  t.strictSame(await readdir(folder), ['stages.yaml']);
});

/** What a disk says, and whether the cure is to change it elsewhere: as where it is mounted. */
const refusals: [code: string, elsewhere: boolean][] = [
  ['EROFS', true],
  ['EACCES', true],
  ['EPERM', true],
  ['EBUSY', true],
  ['EXDEV', true],
  ['ENOSPC', false],
  ['EIO', false],
];
for (const [code, elsewhere] of refusals) {
  t.test(`a disk that says ${code}: said, and where to change it instead if that helps: ${elsewhere}`, async (t) => {
    const file = join(t.testdir({ 'stages.yaml': 'a' }), 'stages.yaml');
    const edit = () => {
      throw Object.assign(new Error(`${code}: no`), { code });
    };
    const cure = elsewhere
      ? ': change the stages where the file comes from, such as the ConfigMap that is mounted here, or hold the flags in a flag server'
      : '';
    t.match(await thrown(replaceFile(file, edit)), {
      name: 'UsageError',
      message: `${file} cannot be changed from here, and nothing is written (${code}: no)${cure}`,
    });
  });
}

t.test('whose file it is stays', { skip: isRoot ? false : 'only root may give a file away' }, async (t) => {
  for (const [uid, gid] of [
    [NOBODY, NOBODY],
    [NOBODY, 0],
    [0, NOBODY],
  ] as const) {
    const file = join(t.testdir({ 'stages.yaml': 'a' }), 'stages.yaml');
    await chown(file, uid, gid);
    await chmod(file, 0o640);
    await replaceFile(file, () => 'b');
    const found = await stat(file);
    t.strictSame([found.uid, found.gid, found.mode & 0o777], [uid, gid, 0o640]);
  }
});

t.test(
  'who may not give a file away may replace it all the same, as long as whoever reads it still can',
  { skip: isRoot ? false : 'only root may take on another name' },
  async (t) => {
    const STRANGE = 54_321;
    const folder = t.testdir({ theirs: 'a', ours: 'a' });
    const [theirs, ours] = [join(folder, 'theirs'), join(folder, 'ours')];
    await chmod(theirs, 0o644);
    await chown(ours, NOBODY, STRANGE);
    await chmod(ours, 0o600);
    // What is made here is of the folder's group.
    await chown(folder, NOBODY, NOBODY);
    await chmod(folder, 0o2777);
    process.seteuid?.(NOBODY);
    await Promise.all([theirs, ours].map((file) => replaceFile(file, () => 'b'))).finally(() => process.seteuid?.(0));
    for (const [file, mode] of [
      [theirs, 0o644],
      [ours, 0o600],
    ] as const) {
      t.equal(await readFile(file, 'utf8'), 'b');
      t.match(await stat(file), { uid: NOBODY, gid: NOBODY });
      t.equal((await stat(file)).mode & 0o777, mode);
    }
  },
);
