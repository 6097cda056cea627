import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { metric, readyz, stageAt, withFleet } from '../support/fleet.ts';
import type { Served } from '../support/process.ts';
import { FEATURES } from '../support/unleash.ts';

t.test('per tenant and per share, by the commands and by the Admin API, to two processes', async (t) => {
  const { unleash, name, operator, serve, shell } = await withFleet(t);
  const replicas = await Promise.all([serve(0), serve(1)]);
  const everywhere = async (tenant: string, stage: string): Promise<number> => {
    const began = Date.now();
    for (const replica of replicas)
      while ((await stageAt(replica, tenant)) !== stage && Date.now() - began < 5_000) await sleep(5);
    for (const replica of replicas) t.equal(await stageAt(replica, tenant), stage, `${tenant} at ${stage}`);
    return Date.now() - began;
  };
  t.match(
    await readyz(replicas[0] as Served),
    { status: 503, flags: { part: 'flags', source: 'none' } },
    'no flags ever: not ready',
  );
  t.equal(await stageAt(replicas[0] as Served, 'acme'), '503', 'and nobody is answered');

  t.match(await operator('flags', 'init'), { code: 0, out: new RegExp(`created +${name}.getNote`) });
  t.match(await operator('flags', 'init'), { code: 0, out: /5 of 5 were there already/ });
  t.match(await operator('flags', 'check'), { code: 0, out: /4 flags of notes-\w+ are as they should be/ });
  t.comment(`init reaches both ${await everywhere('acme', 'dynamodb')} ms after it returned`);
  t.match(await readyz(replicas[1] as Served), { status: 200, flags: { source: 'server', kill: false } });

  t.match(await operator('stage', 'getNote', 'shadow', '--tenant', 'acme', '--wait'), {
    code: 0,
    err: /2 of 2 replicas have it/,
  });
  t.comment(`one tenant, by the command: ${await everywhere('acme', 'shadow')} ms after it returned`);
  await everywhere('globex', 'dynamodb');
  const refused = await operator('stage', 'getNote', 'live', '--tenant', 'acme');
  t.match(refused, { code: 2, err: /needs proof that both answer alike[\s\S]*--force --reason/ });
  await everywhere('acme', 'shadow');
  t.match(await operator('stage', 'getNote', 'live', '--tenant', 'acme', '--wait', '--force', '--reason', 'by hand'), {
    code: 0,
  });
  await everywhere('acme', 'live');

  t.match(await operator('stage', 'getNote', 'shadow', '--percent', '100', '--wait'), {
    code: 0,
    out: /after: {2}100 % shadow; by name: 1 live/,
  });
  await everywhere('globex', 'shadow');
  t.match(await operator('stage', 'getNote', 'shadow', '--percent', '0', '--wait', '--json'), { code: 0 });
  await everywhere('globex', 'dynamodb');

  const path = `${FEATURES}/${name}.getNote/environments/development/strategies`;
  const { id, ...ramp } = (await unleash.admin('GET', path)).find(
    ({ title }: { title: string }) => title === 'ramp to shadow',
  );
  const { name: strategy, variants, constraints, sortOrder } = ramp;
  const parameters = { ...ramp.parameters, rollout: '100' };
  await unleash.admin('PUT', `${path}/${id}`, { name: strategy, parameters, variants, constraints, sortOrder });
  t.comment(`a share, by the Admin API: ${await everywhere('globex', 'shadow')} ms after it returned`);
  await unleash.admin('POST', `${FEATURES}/${name}.kill/environments/development/on`);
  t.comment(`kill, by the Admin API: ${await everywhere('acme', 'dynamodb')} ms after it returned`);
  t.equal(await metric(replicas[0] as Served, 'crossfade_kill_active'), 'crossfade_kill_active 1');
  await unleash.admin('POST', `${FEATURES}/${name}.kill/environments/development/off`);
  await everywhere('acme', 'live');

  const shown = JSON.parse((await operator('stage', 'getNote', '--json')).out);
  t.match(shown, {
    kill: false,
    operations: [{ stage: 'dynamodb', ramp: { to: 'shadow', percent: 100 }, tenants: { acme: 'live' } }],
  });
  await writeFile(join(shell, 'stages.yaml'), '# ours\noperations:\n  getNote: { stage: dynamodb }\n');
  t.match(await operator('flags', 'diff'), {
    code: 1,
    out: /getNote \(acme\) +100 % dynamodb; floor dynamodb +100 % shadow; by name: 1 live/,
  });
  t.match(await operator('flags', 'pull'), { code: 0 });
  t.equal(
    await readFile(join(shell, 'stages.yaml'), 'utf8'),
    '# ours\noperations:\n  getNote: { stage: dynamodb, floor: dynamodb, ramp: { to: shadow, percent: 100 }, tenants: { acme: live } }\n',
  );
  t.match(await operator('flags', 'diff'), { code: 0, out: /say the same/ });
  await writeFile(join(shell, 'stages.yaml'), 'operations:\n  getNote: { stage: live }\n');
  t.match(
    await operator('flags', 'push'),
    { code: 2, err: /getNote from \w+ to live needs proof[\s\S]*insufficient: [\s\S]*crossfade flags push --force/ },
    'what a file says is asked the gate too',
  );
  await writeFile(
    join(shell, 'stages.yaml'),
    'operations:\n  getNote: { stage: shadow }\n  listNotes: { stage: shadow, floor: shadow }\nsampling: 50\n',
  );
  t.match(await operator('flags', 'push', '--dry-run'), { code: 0, out: /sampling +100 +50/ });
  t.match(await operator('flags', 'push', '--wait'), { code: 0 });
  await everywhere('acme', 'shadow');
  t.match(await operator('flags', 'diff'), { code: 0 });
});

t.test('--wait names who is missing; a process that ended is not missed, one that is stopped is', async (t) => {
  const { operator, serve } = await withFleet(t);
  await operator('flags', 'init');
  const [one, two] = await Promise.all([serve(0), serve(1)]);
  t.match(await operator('stage', 'getNote', 'shadow', '--wait'), { code: 0, err: /2 of 2/ });
  two.child.kill('SIGSTOP');
  const waited = await operator('stage', 'getNote', 'dynamodb', '--wait', '2');
  t.equal(waited.code, 3);
  t.match(waited.err, `process ${two.child.pid},`);
  t.notMatch(waited.err, `process ${one.child.pid},`);
  t.match(waited.err, /The change is made, but after 2\.\d s 1 of 2 replicas do not have it/);
  two.child.kill('SIGCONT');
  t.equal(await two.stop(), 0);
  t.match(await operator('stage', 'getNote', 'shadow', '--wait', '5'), { code: 0, err: /1 of 1/ });
});
