import { readFileSync } from 'node:fs';
import { readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { pause } from '../../src/flags/server.ts';
import { eventually, flagOf, followFlags, REFRESH, withOperator } from '../support/flag-server.ts';
import { CLIENT_TOKEN, type Fault, FEATURES, type Unleash, withFaultyProxy, withUnleash } from '../support/unleash.ts';

const LIVE = { operation: 'getUser', stage: 'live' } as const;
const SHADOW = { operation: 'getUser', stage: 'shadow' } as const;

/** A flag server with `getUser` at `live` above the floor `dynamodb`, a proxy before it, and a façade's flags behind that. */
async function scene(t: Test) {
  const unleash = await withUnleash(t);
  const operator = await withOperator(t, unleash);
  await operator.edit(LIVE, { operation: 'getUser', floor: 'dynamodb' });
  const proxy = await withFaultyProxy(t, unleash.url);
  const folder = t.testdir();
  const followed = await followFlags(t, unleash, { url: proxy.url, folder });
  // The server makes its list anew once a second.
  await eventually(t, 'the flags are there', () => followed.stage() === 'live');
  return { unleash, operator, proxy, folder, followed };
}

/** What a server may do, and what is then said. None of it may move anybody. */
const faults: [name: string, fault: Fault, failure: string, said: RegExp][] = [
  ['refuses connections', 'down', 'unreachable', /cannot be reached/],
  ['never answers', 'hang', 'timeout', /did not answer within/],
  ['401', { status: 401 }, 'unauthorized', /says 401/],
  ['403', { status: 403 }, 'forbidden', /says 403/],
  ['404', { status: 404 }, 'notFound', /says 404/],
  ['429', { status: 429, headers: { 'retry-after': '0' } }, 'throttled', /says 429/],
  ['500', { status: 500, body: '<html>' }, 'failed', /says 500/],
  ['a redirect', { status: 302, headers: { location: '/login' } }, 'failed', /says 302/],
  ['an empty list', { status: 200, body: '{"version":2,"features":[]}' }, 'empty', /has no flag `test-/],
  [
    'the flags of another project',
    { status: 200, body: '{"features":[{"name":"other.x","enabled":true,"strategies":[]}]}' },
    'empty',
    /has no flag/,
  ],
  ['no list', { status: 200, body: '{"version":2}' }, 'invalid', /no list of `features`/],
  ['null', { status: 200, body: 'null' }, 'invalid', /no list of `features`/],
  ['truncated JSON', { cut: 150 }, 'unreachable', /cannot be reached/],
  ['half of a JSON', { status: 200, body: '{"version":2,"features":[{"na' }, 'invalid', /is no JSON/],
  [
    'another content type',
    { status: 200, headers: { 'content-type': 'text/html' }, body: '{"features":[]}' },
    'invalid',
    /text\/html, not JSON/,
  ],
  ['no content', { status: 204 }, 'invalid', /no list/],
];
t.test('a server at work', async (t) => {
  const { proxy, followed, operator } = await scene(t);
  const { flags, stage, errors, killFile } = followed;
  for (const [at, [name, fault, failure, said]] of faults.entries()) {
    await t.test(`${name}: nobody moves, the kill file kills, and all is well afterwards`, async (t) => {
      const [was, next] = at % 2 === 0 ? (['live', 'shadow'] as const) : (['shadow', 'live'] as const);
      const before = errors.length;
      await proxy.fault(fault);
      await eventually(t, 'counted', () => errors.slice(before).includes(failure));
      t.match(flags.problem(), said);
      t.equal(stage(), was);
      t.equal(stage('globex'), was);
      t.ok(flags.ready());
      await writeFile(killFile, 'wrong totals\n');
      await eventually(t, 'killed', () => stage() === 'dynamodb', 1_000);
      t.match(flags.state(), { kill: true, killFile: 'wrong totals', source: 'server' });
      await rm(killFile);
      await eventually(t, 'lifted', () => stage() === was, 1_000);
      await operator.edit({ operation: 'getUser', stage: next });
      t.equal(stage(), was);
      await proxy.fault(undefined);
      await eventually(t, 'follows again', () => stage() === next && flags.problem() === undefined);
    });
  }
});

t.test('a server at the start', async (t) => {
  const { unleash, proxy, followed, folder } = await scene(t);
  await followed.flags.close();
  for (const [at, [name, fault]] of faults.entries()) {
    await t.test(`${name}: without a last state not ready, with one as it was`, async (t) => {
      await proxy.fault(fault);
      const bare = await followFlags(t, unleash, { url: proxy.url, folder: join(folder, `bare-${at}`), timeout: 200 });
      t.notOk(bare.flags.ready());
      t.equal(bare.stage(), undefined, 'no stage is known to be true');
      t.match(bare.flags.state(), { source: 'none', confirmed: 0 });
      const restarted = await followFlags(t, unleash, { url: proxy.url, folder, timeout: 200 });
      t.ok(restarted.flags.ready());
      t.equal(restarted.stage(), 'live');
      t.match(restarted.flags.state(), { source: 'saved' });
      t.ok(Date.now() - restarted.flags.state().confirmed < 60_000);
      await proxy.fault(undefined);
      await eventually(t, 'ready by itself', () => bare.flags.ready() && bare.stage() === 'live');
      await eventually(t, 'from the server again', () => restarted.flags.state().source === 'server');
    });
  }
});

t.test('the list cannot be had, but the kill flag can: it kills', async (t) => {
  const { proxy, followed, operator } = await scene(t);
  await proxy.fault({ status: 500 }, /features$/);
  await eventually(t, 'counted', () => followed.errors.includes('failed'));
  await operator.edit({ kill: true });
  await eventually(t, 'killed', () => followed.stage() === 'dynamodb', 2_000);
  await operator.edit({ kill: false });
  await eventually(t, 'lifted', () => followed.stage() === 'live', 2_000);
  t.match(followed.flags.problem(), /500/);
});

t.test('a list that hangs does not hold up the kill flag', async (t) => {
  const { proxy, followed, operator } = await scene(t);
  await proxy.fault('hang', /features$/);
  await operator.edit({ kill: true });
  await eventually(t, 'killed', () => followed.stage() === 'dynamodb', 900);
});

t.test('an hour of failures: asked seldom, nobody moves, seen soon when it is over', async (t) => {
  const { unleash, proxy, folder, followed } = await scene(t);
  await followed.flags.close();
  const { flags, stage, errors } = await followFlags(t, unleash, { url: proxy.url, folder, refresh: 1 });
  await proxy.fault('down');
  // As many failures as in an hour of the usual 500 ms.
  await eventually(t, '450 failures', () => errors.length >= 450, 30_000);
  t.equal(stage(), 'live');
  await proxy.fault(undefined);
  await eventually(t, 'back', () => flags.problem() === undefined, 1_000);
});

t.test('pauses double, have an end, and heed the server up to half a minute', async (t) => {
  t.strictSame(
    [0, 1, 2, 3, 4, 5, 50].map((failures) => pause(500, failures)),
    [500, 1000, 2000, 4000, 8000, 8000, 8000],
  );
  t.equal(pause(500, 1, 20_000), 20_000);
  t.equal(pause(500, 1, 3_600_000), 30_000);
  t.equal(pause(60_000, 0), 60_000);
});

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
      changeLast(unleash, flag, (last) => ({ ...last, variants: [{ ...last.variants[0], name: 'compleet' }] })),
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
        variants: [{ ...last.variants[0], name: 'legacy', payload: undefined }],
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
  await changeLast(unleash, flag, (last) => ({ ...last, variants: [{ ...last.variants[0], name: 'lvie' }] }));
  await eventually(t, 'broken', () => followed.fallbacks.length > 0);
  t.equal(followed.stage(), 'live');
  await unleash.admin('POST', `${FEATURES}/${flag}/environments/development/off`);
  await eventually(t, 'at the floor', () => followed.stage() === 'dynamodb');
});

t.test('the token is revoked and replaced: nobody moves, and the new one is taken without a restart', async (t) => {
  const { unleash, proxy, folder, followed } = await scene(t);
  await followed.flags.close();
  let token = CLIENT_TOKEN;
  const { flags, stage, errors } = await followFlags(t, unleash, { url: proxy.url, folder, token: () => token });
  t.match(flags.state(), { source: 'server' });
  // The server itself goes on taking one that was deleted for up to a minute.
  token = '*:development.revoked';
  await eventually(t, 'revoked', () => errors.includes('unauthorized'));
  t.match(flags.problem(), /says 401.*requires an API token/);
  t.equal(stage(), 'live');
  const body = { tokenName: 'ours', type: 'client', environment: 'development', projects: ['*'] };
  token = (await unleash.admin('POST', '/api/admin/api-tokens', body)).secret;
  t.teardown(() => unleash.admin('DELETE', `/api/admin/api-tokens/${encodeURIComponent(token)}`));
  await eventually(t, 'replaced', () => flags.problem() === undefined);
});

t.test('the disk is full: said and counted, nobody moves; when there is room again it is written', async (t) => {
  const { unleash, folder, followed } = await scene(t);
  await followed.flags.close();
  await rm(followed.saved);
  const temporary = `${followed.saved}.${process.pid}.new`;
  await symlink('/dev/full', temporary);
  const { flags, stage, unsaved } = await followFlags(t, unleash, { url: followed.flags.state().place, folder });
  t.equal(stage(), 'live');
  t.match(unsaved[0], /ENOSPC/);
  t.match(flags.problem(), /the last good flags cannot be kept.*ENOSPC/);
  t.ok(flags.ready());
  await rm(temporary, { force: true });
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
        readFileSync(followed.saved, 'utf8').endsWith('}\n') &&
        readFileSync(followed.saved, 'utf8').includes(flags.revision()),
    );
    t.match(JSON.parse(await readFile(followed.saved, 'utf8')), { format: 1, saved: { revision: flags.revision() } });
  });
}

t.test('the clock is moved, forth and back: ages are never negative, nobody moves', async (t) => {
  const { unleash, proxy, folder, followed } = await scene(t);
  const clock = Date.now;
  t.teardown(() => {
    Date.now = clock;
  });
  for (const hours of [48, -48]) {
    Date.now = () => clock() + hours * 3_600_000;
    const before = proxy.requests();
    await eventually(t, `${hours} h: still asked`, () => proxy.requests() > before + 3);
    t.equal(followed.stage(), 'live');
  }
  await sleep(3 * REFRESH);
  Date.now = clock;
  await followed.flags.close();
  await proxy.fault('down');
  const { stage, said } = await followFlags(t, unleash, { url: proxy.url, folder });
  t.equal(stage(), 'live');
  t.notMatch(said.join('\n'), /-\d+ min/);
});

t.test('two servers, two APIs, two environments: each has a file of its own', async (t) => {
  const { savedFile } = await import('../../src/flags/saved.ts');
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

t.test('closing in an outage ends at once and quietly', async (t) => {
  for (const fault of ['down', 'hang'] as const) {
    const { proxy, followed } = await scene(t);
    await proxy.fault(fault);
    await sleep(2 * REFRESH);
    const began = Date.now();
    await followed.flags.close();
    t.ok(Date.now() - began < 500, `${fault}: ${Date.now() - began} ms`);
    await sleep(100);
  }
});

t.test('a folder that cannot be made is said, and the flags are there all the same', async (t) => {
  const { unleash } = await scene(t);
  const folder = join(t.testdir({ file: '' }), 'file', 'below');
  const { flags, unsaved } = await followFlags(t, unleash, { folder });
  t.ok(flags.ready());
  t.match(unsaved[0], /ENOTDIR/);
});

// biome-ignore lint/suspicious/noExplicitAny: as the Admin API has it
async function changeLast({ admin }: Unleash, flag: string, change: (last: any) => any): Promise<void> {
  const path = `${FEATURES}/${flag}/environments/development/strategies`;
  const last = (await admin('GET', path)).at(-1);
  const { id, name, parameters, constraints, variants, sortOrder } = { ...last, ...change(last) };
  await admin('PUT', `${path}/${id}`, { name, parameters, constraints, variants, sortOrder });
}
