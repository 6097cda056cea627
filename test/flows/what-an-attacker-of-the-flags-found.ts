import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { withFleet } from '../support/fleet.ts';
import { crossfade } from '../support/process.ts';
import { FEATURES } from '../support/unleash.ts';

t.test('nobody is moved back, nor a floor lowered, by a command that was about something else', async (t) => {
  const { operator, shell, name, unleash, env, bindings } = await withFleet(t);
  const force = ['--force', '--reason', 'the test'];
  const first = await operator('flags', 'init');
  t.equal(first.code, 0, first.err);
  await operator('stage', 'getNote', 'live', ...force);
  await operator('floor', 'getNote', 'live');
  const at = async () => JSON.parse((await operator('stage', 'getNote', '--json')).out).operations[0];
  const unmoved = { stage: 'live', floor: 'live' };

  await t.test('push without a stages.yaml, or with one that says nothing of it', async (t) => {
    t.match(await operator('flags', 'push'), { code: 2, err: /there is no .*stages.yaml/ });
    await writeFile(join(shell, 'stages.yaml'), 'operations: { listNotes: { stage: dynamodb } }\n');
    t.match(await operator('flags', 'push'), { code: 0 });
    await writeFile(join(shell, 'stages.yaml'), 'operations: { getNote: { stage: dynamodb } }\n');
    t.match(await operator('flags', 'push'), {
      code: 2,
      err: /lower the floor of getNote from live to dynamodb.*\n.*flags push --force/,
    });
    t.match(await at(), unmoved);
    await rm(join(shell, 'stages.yaml'));
  });

  await t.test('push does not lift the kill switch', async (t) => {
    await operator('kill');
    await writeFile(join(shell, 'stages.yaml'), 'kill: false\nsampling: 40\noperations: {}\n');
    t.match(await operator('flags', 'push'), { code: 0, out: /sampling/ });
    t.equal(JSON.parse((await operator('stage', '--json')).out).kill, true);
    await operator('kill', '--lift');
    await rm(join(shell, 'stages.yaml'));
  });

  await t.test('init, where the strategies were deleted by hand; --all, where nobody knows who moves', async (t) => {
    const path = `${FEATURES}/${name}.getNote/environments/development`;
    for (const { id } of await unleash.admin('GET', `${path}/strategies`))
      await unleash.admin('DELETE', `${path}/strategies/${id}`);
    const init = await operator('flags', 'init');
    t.match(init, { code: 1, out: new RegExp(`left +${name}.getNote`), err: /crossfade flags init OPERATION/ });
    t.equal((await unleash.admin('GET', path)).strategies.length, 0);
    t.match(await operator('stage', 'getNote', 'dynamodb', '--all'), { code: 2, err: /someone must answer for it/ });
    t.match(await operator('stage', 'getNote', 'live', '--all', ...force), { code: 0 });
    t.match(await at(), { stage: 'live' });
  });

  await t.test('kill by a stages.yaml that is not there, which nobody would read', async (t) => {
    const { UNLEASH_URL: _url, UNLEASH_TOKEN: _token, UNLEASH_ADMIN_TOKEN: _admin, ...bare } = env;
    const ran = await crossfade(shell, { ...bare, BINDINGS: bindings }, 'kill');
    t.match(ran, { code: 2, err: /there is no .*stages.yaml: run this where it is/ });
    await t.rejects(readFile(join(shell, 'stages.yaml')));
  });
});

t.test(
  'a pull of what façades with a server never read waits for nothing; settings that do not fit are said',
  async (t) => {
    const { operator, shell, env, bindings } = await withFleet(t);
    await operator('flags', 'init');
    t.match(await operator('flags', 'pull', '--wait'), { code: 2, err: /nothing would arrive/ });
    t.match(await operator('flags', 'pull'), { code: 0 });
    t.match(await operator('flags', 'diff', '--json'), { code: 0 });
    t.same(JSON.parse((await operator('flags', 'diff', '--json')).out), { differing: [], odd: {} });
    const elsewhere = await crossfade(shell, { ...env, BINDINGS: bindings, UNLEASH_ENVIRONMENT: 'production' }, 'kill');
    t.match(elsewhere, { code: 2, err: /UNLEASH_ENVIRONMENT: is production, and the token is for development/ });
  },
);
