import { readFileSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { eventually, followFlags, scene } from '../support/flag-server.ts';

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
