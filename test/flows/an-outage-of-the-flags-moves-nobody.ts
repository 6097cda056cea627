import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { metric, readyz, stageAt, withFleet } from '../support/fleet.ts';

t.test('restarts in an outage: as it was, and never a stage lower or higher', async (t) => {
  const { operator, serve, proxy, folders } = await withFleet(t);
  await operator('flags', 'init');
  await operator('stage', 'getNote', 'live', '--force', '--reason', 'x');
  const first = await serve(0);
  t.equal(await stageAt(first, 'acme'), 'live');
  await sleep(300);
  t.equal(await first.stop(), 0);
  await proxy.fault('down');
  const second = await serve(0);
  t.equal(await stageAt(second, 'acme'), 'live');
  const { status, flags } = await readyz(second);
  t.equal(status, 200);
  t.match(flags, { source: 'saved', note: /cannot be reached/, problem: undefined });
  t.match(await metric(second, 'crossfade_flags_errors_total'), /reason="unreachable"} [1-9]/);
  t.match(await metric(second, 'crossfade_flags_source{source="saved"}'), / 1$/);
  await writeFile(join(folders[0] as string, '.crossfade', 'kill'), 'now\n');
  await sleep(600);
  t.equal(await stageAt(second, 'acme'), 'dynamodb');
  await rm(join(folders[0] as string, '.crossfade', 'kill'));
  t.equal(await second.stop(), 0, 'no crash at the end of an outage');
  t.notMatch(second.log(), /unhandled|uncaught/i);
  const bare = await serve(1);
  t.match(await readyz(bare), { status: 503, flags: { source: 'none', problem: /cannot be reached/ } });
  await proxy.fault(undefined);
  const end = Date.now() + 5_000;
  while ((await readyz(bare)).status !== 200 && Date.now() < end) await sleep(50);
  t.equal(await stageAt(bare, 'acme'), 'live');
  for (const one of [first, second, bare])
    t.notMatch(one.log(), /crossfade-test-(client|admin)/, 'no token in the log');
});
