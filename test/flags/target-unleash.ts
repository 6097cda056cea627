import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { openUnleash } from '../../src/drivers/unleash.ts';
import { openUnleashAdmin } from '../../src/drivers/unleash-admin.ts';
import { FlagServerError, UsageError } from '../../src/errors.ts';
import { initFlags, type Made } from '../../src/flags/init.ts';
import { serverTarget } from '../../src/flags/target.ts';
import { flagOf, withOperator } from '../support/flag-server.ts';
import { ADMIN_TOKEN, CLIENT_TOKEN, FEATURES, withFaultyProxy, withUnleash } from '../support/unleash.ts';

t.test('init: creates what is missing, leaves alone what is there, and two at once do no harm', async (t) => {
  const { url, api, admin } = await withUnleash(t);
  const server = openUnleashAdmin(openUnleash({ url, token: () => ADMIN_TOKEN }), 'default', 'development');
  t.teardown(() => server.close());
  const init = async () => {
    const made: Made[] = [];
    await initFlags(server, api, { named: [], onMade: (one) => void made.push(one) });
    return made;
  };
  await Promise.allSettled([init(), init()]);
  await init();
  const again = await init();
  const flag = await server.flag(flagOf(api, 'getUser'));
  t.match(flag, { enabled: true });
  t.ok((flag?.strategies.length ?? 0) > 0);
  t.strictSame([...new Set(again.map(({ done }) => done))], ['exists']);
  t.strictSame(again.length, 5, 'field, kill, sampling, and the two operations that can move');
  const path = `${FEATURES}/${flagOf(api, 'getUser')}/environments/development`;
  await admin('POST', `${path}/off`);
  await init();
  t.equal((await admin('GET', path)).enabled, false, 'a flag that someone turned off stays off');
});

t.test('what is edited is read back, and shown to clients when the command returns', async (t) => {
  const unleash = await withUnleash(t);
  const { edit, target } = await withOperator(t, unleash);
  const names = Array.from({ length: 600 }, (_, at) => `tenant ${at}, é`);
  await edit({ operation: 'getUser', stage: 'live', tenants: names });
  const state = (await target.read()).state.operations[0];
  t.equal(state?.tenants.size, 600, 'more than one constraint takes');
  t.equal(state?.tenants.get('tenant 599, é'), 'live');
  t.match(await edit({ operation: 'getUser', ramp: { to: 'shadow', percent: 100 } }), {
    stage: 'legacy',
    ramp: { to: 'shadow', percent: 100 },
  });
  t.match((await target.read()).state.operations[0], { ramp: { to: 'shadow', percent: 100 } });
  t.match(await edit({ operation: 'getUser', ramp: { to: 'shadow', percent: 0 } }), { ramp: { percent: 0 } });
  t.match(await edit({ operation: 'getUser', stage: 'dynamodb', all: true }), { stage: 'dynamodb', ramp: undefined });
  t.equal((await target.read()).state.operations[0]?.tenants.size, 0);
  await edit({ sampling: 10 }, { kill: true });
  t.match((await target.read()).state, { sampling: 10, kill: true });
});

t.test('an odd ladder is not edited, but can be set anew', async (t) => {
  const unleash = await withUnleash(t);
  const { edit, target } = await withOperator(t, unleash);
  await edit({ operation: 'getUser', ramp: { to: 'shadow', percent: 10 } });
  const path = `${FEATURES}/${flagOf(unleash.api, 'getUser')}/environments/development/strategies`;
  const [{ name, parameters, variants, constraints }] = await unleash.admin('GET', path);
  await unleash.admin('POST', path, { name, parameters, variants, constraints, sortOrder: -10 });
  const refused = edit({ operation: 'getUser', stage: 'shadow' });
  await t.rejects(refused, { name: 'UsageError', message: /has two ramps: no command can edit that.*--all/ });
  await sleep(1_100);
  t.equal((await target.read()).odd.get('getUser'), 'has two ramps');
  await edit({ operation: 'getUser', stage: 'shadow', all: true });
  t.equal((await target.read()).odd.size, 0);
});

t.test(
  'a server that goes away half way: said how far it got, nobody astray, and the same command goes on',
  async (t) => {
    const unleash = await withUnleash(t);
    const { edit, target } = await withOperator(t, unleash);
    await edit({ operation: 'getUser', stage: 'dynamodb', tenants: ['acme'] });
    const proxy = await withFaultyProxy(t, unleash.url);
    const { api } = unleash;
    const admin = openUnleashAdmin(openUnleash({ url: proxy.url, token: () => ADMIN_TOKEN }), 'default', 'development');
    const broken = serverTarget(openUnleash({ url: unleash.url, token: () => CLIENT_TOKEN }), admin, api);
    t.teardown(() => broken.close());
    const path = `${FEATURES}/${flagOf(api, 'getUser')}/environments/development/strategies`;
    const [list] = await unleash.admin('GET', path);
    await proxy.fault({ status: 500 }, new RegExp(list.id));
    const plan = () => [{ operation: 'getUser', stage: 'shadow', all: true } as const];
    const error = await broken
      .change({ operations: ['getUser'], plan, dryRun: false })
      .catch((error: unknown) => error);
    t.type(error, FlagServerError);
    t.match(
      (error as Error).message,
      /1 of 2 steps on .*getUser are made: every tenant is where it was or where it is going/,
    );
    await sleep(1_100);
    t.match((await target.read()).state.operations[0], { stage: 'shadow' });
    await proxy.fault(undefined);
    await broken.change({ operations: ['getUser'], plan, dryRun: false });
    t.equal((await unleash.admin('GET', path)).length, 1);
  },
);

t.test('kill needs no list of flags', async (t) => {
  const unleash = await withUnleash(t);
  await withOperator(t, unleash);
  const { url, api, admin } = unleash;
  const proxy = await withFaultyProxy(t, url);
  const own = openUnleashAdmin(openUnleash({ url, token: () => ADMIN_TOKEN }), 'default', 'development');
  const target = serverTarget(openUnleash({ url: proxy.url, token: () => CLIENT_TOKEN }), own, api);
  t.teardown(() => target.close());
  await proxy.fault({ status: 500 });
  const change = await target.change({ operations: [], plan: () => [{ kill: true }], dryRun: false });
  t.match(change, { unknown: /says 500/, after: { kill: true } });
  t.equal((await admin('GET', `${FEATURES}/${api.name}.kill/environments/development`)).enabled, true);
  const plan = () => [{ operation: 'getUser', stage: 'dynamodb' } as const];
  await t.rejects(target.change({ operations: ['getUser'], plan, dryRun: false }), /says 500/, 'a move does');
});

t.test('refused, with the cure', async (t) => {
  const unleash = await withUnleash(t);
  const { url, api } = unleash;
  const as = (token: string | undefined) => {
    const admin =
      token === undefined
        ? undefined
        : openUnleashAdmin(openUnleash({ url, token: () => token }), 'default', 'development');
    const target = serverTarget(openUnleash({ url, token: () => CLIENT_TOKEN }), admin, api);
    t.teardown(() => target.close());
    return (operation: string) =>
      target.change({ operations: [operation], plan: () => [{ operation, stage: 'dynamodb' }], dryRun: false });
  };
  await t.rejects(as(ADMIN_TOKEN)('getUser'), { name: 'UsageError', message: /there is no flag .*flags init/ });
  await withOperator(t, unleash);
  await t.rejects(
    as(undefined)('getUser'),
    new UsageError('UNLEASH_ADMIN_TOKEN is not set: flags can be read, but not changed'),
  );
  await t.rejects(as('*:*.unknown')('getUser'), {
    name: 'FlagServerError',
    message: /401.*UNLEASH_ADMIN_TOKEN is not known there/,
  });
  await t.rejects(as(CLIENT_TOKEN)('getUser'), {
    name: 'FlagServerError',
    message: /403.*may not do this in project default/,
  });
  await t.rejects(as(ADMIN_TOKEN)('putUser'), { name: 'UsageError', message: /can have legacy alone/ });
});
