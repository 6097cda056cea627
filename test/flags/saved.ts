import { readFileSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { readSaved, savedFile, writeSaved } from '../../src/flags/saved.ts';
import { eventually, followFlags, scene } from '../support/flag-server.ts';

t.test('the disk is full: the error says so, and the file is as it was', async (t) => {
  const folder = t.testdir();
  const file = join(folder, 'flags.json');
  const saved = { revision: 'one', features: [], confirmed: 1 };
  await writeSaved(file, saved);
  await symlink('/dev/full', join(folder, 'full'));
  await t.rejects(writeSaved(file, { ...saved, revision: 'two' }, join(folder, 'full')), { code: 'ENOSPC' });
  t.match(await readSaved(file), saved);
  t.strictSame(await readdir(folder), ['flags.json']);
});

t.test('many write at once: the file is whole at any time', async (t) => {
  const file = join(t.testdir(), 'flags.json');
  const write = (at: number) => writeSaved(file, { revision: String(at), features: [], confirmed: at });
  await write(-1);
  const writers = Promise.all(Array.from({ length: 100 }, (_, at) => write(at)));
  for (let look = 0; look < 50; look += 1) t.notOk('unusable' in ((await readSaved(file)) ?? {}), `look ${look}`);
  await writers;
});

t.test('the last state cannot be written: said, counted, a problem until it can; nobody moves', async (t) => {
  const { unleash, folder, followed } = await scene(t);
  await followed.flags.close();
  await rm(followed.saved);
  await mkdir(join(followed.saved, 'in the way'), { recursive: true });
  const { flags, stage, unsaved } = await followFlags(t, unleash, { url: followed.flags.state().place, folder });
  t.equal(stage(), 'live');
  await eventually(t, 'said', () => flags.problem()?.includes('the last good flags cannot be kept') === true);
  t.ok(flags.ready());
  await eventually(t, 'tried again', () => unsaved.length > 2);
  await rm(followed.saved, { recursive: true });
  await eventually(t, 'written', () => flags.problem() === undefined);
  t.match(await readFile(followed.saved, 'utf8'), flags.revision());
});

const damages: [string, (text: string) => string][] = [
  ['empty', () => ''],
  ['cut short', (text) => text.slice(0, -20)],
  ['no JSON', () => 'flags'],
  ['edited', (text) => text.replaceAll('"live"', '"shadow"')],
  ['of another format', (text) => text.replace('"format":1', '"format":2')],
  ['an array', () => '[]'],
];
for (const [name, damage] of damages) {
  t.test(`the last state is ${name}: as good as none, and written anew when the server answers`, async (t) => {
    const { unleash, proxy, folder, followed } = await scene(t);
    await followed.flags.close();
    await writeFile(followed.saved, damage(await readFile(followed.saved, 'utf8')));
    await proxy.fault('down');
    const { flags, said, stage } = await followFlags(t, unleash, { url: proxy.url, folder });
    t.notOk(flags.ready());
    t.equal(stage(), undefined);
    t.match(said.join('\n'), /is damaged|has format/);
    await proxy.fault(undefined);
    await eventually(t, 'there again', () => stage() === 'live');
    await eventually(t, 'no problem', () => flags.problem() === undefined);
    await eventually(
      t,
      'written anew',
      () =>
        readFileSync(followed.saved, 'utf8').startsWith('{"format":1,') &&
        readFileSync(followed.saved, 'utf8').includes(`"revision":"${flags.revision()}"`) &&
        readFileSync(followed.saved, 'utf8').endsWith('}\n') &&
        !readFileSync(followed.saved, 'utf8').includes('"shadow"'),
    );
    t.match(JSON.parse(await readFile(followed.saved, 'utf8')), { format: 1, saved: { revision: flags.revision() } });
  });
}

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

t.test('a folder that cannot be made is said, and the flags are there all the same', async (t) => {
  const { unleash } = await scene(t);
  const folder = join(t.testdir({ file: '' }), 'file', 'below');
  const { flags, unsaved } = await followFlags(t, unleash, { folder });
  t.ok(flags.ready());
  await eventually(t, 'said', () => unsaved.some((one) => one.includes('ENOTDIR')));
});

t.test('a kill by the flag alone, while the list cannot be had, outlives a restart', async (t) => {
  const { unleash, operator, proxy, folder, followed } = await scene(t);
  await proxy.fault({ status: 500 }, /features$/);
  await operator.edit({ kill: true });
  await eventually(t, 'killed', () => followed.stage() === 'dynamodb');
  await eventually(t, 'kept', () => readFileSync(followed.saved, 'utf8').includes(followed.flags.revision()));
  await followed.flags.close();
  await proxy.fault('down');
  const again = await followFlags(t, unleash, { url: proxy.url, folder });
  t.equal(again.stage(), 'dynamodb');
  t.equal(again.flags.state().kill, true);
});
