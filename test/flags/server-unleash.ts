import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { pause } from '../../src/flags/server.ts';
import { eventually, followFlags, REFRESH, scene } from '../support/flag-server.ts';
import { CLIENT_TOKEN, type Fault } from '../support/unleash.ts';

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
      await eventually(t, 'said', () => said.test(flags.problem() ?? ''));
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
