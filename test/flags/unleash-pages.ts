import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import type { AdminStrategy } from '../../src/drivers/unleash-admin.ts';
import { eventually, flagOf, followFlags, REFRESH, scene } from '../support/flag-server.ts';
import { FEATURES, type Unleash } from '../support/unleash.ts';

/** What people may do to a flag in Unleash's own pages. */
const edits: [name: string, edit: (unleash: Unleash, flag: string) => Promise<unknown>, said: RegExp][] = [
  ['archived', ({ admin }, flag) => admin('DELETE', `${FEATURES}/${flag}`), /is missing/],
  [
    'deleted',
    async ({ admin }, flag) => {
      await admin('DELETE', `${FEATURES}/${flag}`);
      await admin('DELETE', `/api/admin/archive/${flag}`);
    },
    /is missing/,
  ],
  [
    'renamed',
    async ({ admin }, flag) => {
      await admin('POST', `${FEATURES}/${flag}/clone`, { name: `${flag}2` });
      await admin('DELETE', `${FEATURES}/${flag}`);
    },
    /is missing/,
  ],
  [
    'a variant misspelt',
    (unleash, flag) =>
      changeLast(unleash, flag, (last) => ({ ...last, variants: [{ ...last.variants?.[0], name: 'compleet' }] })),
    /`compleet`, which is no stage/,
  ],
  [
    'without variants',
    (unleash, flag) => changeLast(unleash, flag, (last) => ({ ...last, variants: [] })),
    /without a variant/,
  ],
  [
    'without its floor',
    (unleash, flag) =>
      changeLast(unleash, flag, (last) => ({
        ...last,
        variants: [{ ...last.variants?.[0], name: 'legacy', payload: undefined }],
      })),
    /does not say its floor/,
  ],
  [
    'for some countries only',
    (unleash, flag) =>
      changeLast(unleash, flag, (last) => ({
        ...last,
        constraints: [{ contextName: 'appName', operator: 'IN', values: ['x'] }],
      })),
    /constraint on `appName`/,
  ],
  [
    'sticking to nothing',
    (unleash, flag) =>
      changeLast(unleash, flag, (last) => ({
        ...last,
        parameters: { ...last.parameters, rollout: '50', stickiness: 'random' },
      })),
    /sticks to `random`/,
  ],
];
for (const [name, edit, said] of edits) {
  t.test(`a flag is ${name}: its last good form stays, also over a restart, and the others follow`, async (t) => {
    const { unleash, folder, followed, operator } = await scene(t);
    await edit(unleash, flagOf(unleash.api, 'getUser'));
    await eventually(t, 'said', () => followed.fallbacks.some((one) => said.test(one)));
    t.equal(followed.stage(), 'live');
    await operator.edit({ operation: 'listMessages', stage: 'shadow' });
    await eventually(t, 'the other follows', () => followed.flags.stageOf(1, 'acme').stage === 'shadow');
    await operator.edit({ kill: true });
    await eventually(t, 'kill works', () => followed.stage() === 'dynamodb', 1_500);
    await operator.edit({ kill: false });
    await eventually(t, 'lifted', () => followed.stage() === 'live', 1_500);
    await sleep(3 * REFRESH);
    await followed.flags.close();
    const again = await followFlags(t, unleash, { url: followed.flags.state().place, folder });
    t.equal(again.stage(), 'live');
  });
}

t.test('a flag is disabled: the floor, also where it was broken before', async (t) => {
  const { unleash, followed } = await scene(t);
  const flag = flagOf(unleash.api, 'getUser');
  await changeLast(unleash, flag, (last) => ({ ...last, variants: [{ ...last.variants?.[0], name: 'lvie' }] }));
  await eventually(t, 'broken', () => followed.fallbacks.length > 0);
  t.equal(followed.stage(), 'live');
  await unleash.admin('POST', `${FEATURES}/${flag}/environments/development/off`);
  await eventually(t, 'at the floor', () => followed.stage() === 'dynamodb');
});

async function changeLast(
  { admin }: Unleash,
  flag: string,
  change: (last: AdminStrategy) => Readonly<Record<string, unknown>>,
): Promise<void> {
  const path = `${FEATURES}/${flag}/environments/development/strategies`;
  const last = (await admin('GET', path)).at(-1);
  const { id, name, parameters, constraints, variants, sortOrder } = { ...last, ...change(last) };
  await admin('PUT', `${path}/${id}`, { name, parameters, constraints, variants, sortOrder });
}
