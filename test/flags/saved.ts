import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, readlink, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { readSaved, savedFile, writeSaved } from '../../src/flags/saved.ts';

const SAVED = {
  revision: 'one',
  features: [{ name: 'photos.kill', enabled: false, strategies: [], variants: [] }],
  confirmed: 1,
};

/** Files that this process holds open. */
const held = async (): Promise<string[]> => {
  const numbers = await readdir('/proc/self/fd');
  return Promise.all(numbers.map((number) => readlink(`/proc/self/fd/${number}`).catch(() => 'closed by now')));
};

t.test('what is written is read back, frozen, and nobody else may read the file', async (t) => {
  const file = join(t.testdir(), 'made', 'for', 'it', 'flags.json');
  t.equal(await readSaved(file), undefined, 'there is none');
  await writeSaved(file, SAVED);
  const read = await readSaved(file);
  t.strictSame(read, SAVED);
  t.ok(Object.isFrozen(read));
  t.equal((await stat(file)).mode & 0o777, 0o600);
  const digest = createHash('sha256').update(JSON.stringify(SAVED)).digest('hex');
  t.equal(
    await readFile(file, 'utf8'),
    `${JSON.stringify({ format: 1, digest, saved: SAVED })}\n`,
    'a form that stays',
  );
  await writeSaved(file, { ...SAVED, revision: 'two' });
  t.match(await readSaved(file), { revision: 'two' });
  t.strictSame(await readdir(join(file, '..')), ['flags.json']);
  t.notOk((await held()).includes(file), 'it is closed');
});

t.test('the disk is full: the error says so, and the file is as it was', async (t) => {
  const folder = t.testdir();
  const file = join(folder, 'flags.json');
  const saved = { revision: 'one', features: [], confirmed: 1 };
  await writeSaved(file, saved);
  await symlink('/dev/full', join(folder, 'full'));
  await t.rejects(writeSaved(file, { ...saved, revision: 'two' }, join(folder, 'full')), { code: 'ENOSPC' });
  t.match(await readSaved(file), saved);
  t.strictSame(await readdir(folder), ['flags.json']);
  t.notOk((await held()).includes('/dev/full'), 'it is closed');
});

t.test('many write at once: the file is whole at any time', async (t) => {
  const file = join(t.testdir(), 'flags.json');
  const write = (at: number) => writeSaved(file, { revision: String(at), features: [], confirmed: at });
  await write(-1);
  const writers = Promise.all(Array.from({ length: 100 }, (_, at) => write(at)));
  for (let look = 0; look < 50; look += 1) t.notOk('unusable' in ((await readSaved(file)) ?? {}), `look ${look}`);
  await writers;
});

const damages: [string, (text: string) => string, string][] = [
  ['empty', () => '', 'is damaged: it is no JSON'],
  ['cut short', (text) => text.slice(0, -20), 'is damaged: it is no JSON'],
  ['edited', (text) => text.replace('"one"', '"two"'), 'is damaged: its digest does not fit'],
  ['of another format', (text) => text.replace('"format":1', '"format":2'), 'has format 2, and this version reads 1'],
  ['an array', () => '[]', 'has format undefined, and this version reads 1'],
];
for (const [name, damage, unusable] of damages) {
  t.test(`a file that is ${name} cannot be used, and why is said`, async (t) => {
    const file = join(t.testdir(), 'flags.json');
    await writeSaved(file, SAVED);
    await writeFile(file, damage(await readFile(file, 'utf8')));
    t.strictSame(await readSaved(file), { unusable: `${file} ${unusable}` });
  });
}

t.test('a file that cannot be read is not the same as none', async (t) => {
  const file = join(t.testdir(), 'flags.json');
  await mkdir(file);
  t.match(await readSaved(file), { unusable: /flags\.json cannot be read: EISDIR/ });
  await t.rejects(writeSaved(file, SAVED), { code: 'EISDIR' });
  t.strictSame(await readdir(join(file, '..')), ['flags.json'], 'nothing is left behind');
});

t.test('two servers, two APIs, two environments: each has a file of its own', async (t) => {
  const names = [
    savedFile('/x', 'photos', 'http://a', 'production'),
    savedFile('/x', 'photos', 'http://b', 'production'),
    savedFile('/x', 'photos', 'http://a', 'development'),
    savedFile('/x', 'orders', 'http://a', 'production'),
    savedFile('/x', '../photos', 'http://a', 'production'),
  ];
  t.equal(new Set(names).size, 5);
  for (const name of names) t.match(name, /^\/x\/flags-[A-Za-z0-9._-]+\.json$/);
});

t.test('a file is called by the API it is of, and the same at every start', async (t) => {
  const file = savedFile('/x', 'our photos', 'http://a', 'production');
  t.equal(file, savedFile('/x', 'our photos', 'http://a', 'production'));
  t.match(file, /^\/x\/flags-our-photos-[0-9a-f]{10}\.json$/);
});
