import { mkdir, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { stageAt } from '../support/fleet.ts';
import { serveAlone } from '../support/process.ts';
import { note, withNotes } from '../support/shadow.ts';

t.test('stages in a mounted ConfigMap are followed as the kubelet swaps them', async (t) => {
  const notes = await withNotes(t, { stage: 'dynamodb' });
  await notes.put([note('n-1')]);
  // ..data is a link to a folder of this version's files, and is renamed over when there is another.
  const folder = join(t.testdirName, 'mounted');
  const version = async (name: string, stage: string) => {
    await mkdir(join(folder, name), { recursive: true });
    await writeFile(join(folder, name, 'stages.yaml'), `operations: { getNote: { stage: ${stage} } }\n`);
    await symlink(name, join(folder, '..data_tmp'));
    await rename(join(folder, '..data_tmp'), join(folder, '..data'));
  };
  await version('..2026_01', 'dynamodb');
  await symlink('..data/stages.yaml', join(folder, 'stages.yaml'));
  const mounted = await serveAlone(t, t.testdirName, notes.facade.app.bindings.file, {
    ...{ ...notes.env, STAGES_FILE: join(folder, 'stages.yaml') },
  });
  const stage = () => stageAt(mounted, 'acme');
  t.match(await stage(), /^dynamodb$/);
  await version('..2026_02', 'live');
  const began = Date.now();
  while ((await stage()) !== 'live' && Date.now() - began < 5_000) await sleep(20);
  t.match(await stage(), /^live$/);
  t.ok(Date.now() - began < 1_500, `within a second or so: ${Date.now() - began} ms`);
});
