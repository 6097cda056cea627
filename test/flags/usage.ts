import { hostname } from 'node:os';
import t, { type Test } from 'tap';
import { openUnleash } from '../../src/drivers/unleash.ts';
import { reportUsage, type StageCounts } from '../../src/flags/usage.ts';
import { soon } from '../support/flag-server.ts';
import { type FlagStandIn, standInFlags } from '../support/flag-stand-in.ts';

const REGISTER = '/api/client/register';
const METRICS = '/api/client/metrics';

async function reporting(t: Test, counts: () => Promise<StageCounts>, every?: number) {
  const stand = await standInFlags(t);
  const http = openUnleash({ url: stand.url, token: () => 'secret' });
  const options = { http, api: stand.api, version: '1.2.3', counts };
  const start = () => {
    const stop = reportUsage(every === undefined ? options : { ...options, every });
    t.teardown(async () => {
      await stop();
      await http.close();
    });
    return stop;
  };
  return { stand, start };
}

const bodies = ({ asked }: FlagStandIn, path: string) =>
  asked.filter((one) => one.path === path).map(({ body }) => body as Record<string, unknown>);
const bucketOf = (body: Record<string, unknown> | undefined) =>
  body?.bucket as { start: string; stop: string; toggles: unknown };
const counted = (...counts: [string, number][]): StageCounts => new Map([['getUser', new Map(counts)]]);
/** Those that keep a process from its end. */
const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;

t.test('registers once under a name of its own, then tells what came since it last did', async (t) => {
  let counts = counted(['live', 3], ['dynamodb', 1]);
  const { stand, start } = await reporting(t, async () => counts, 20);
  start();
  await soon(t, 'told', () => bodies(stand, METRICS).length > 0);
  counts = new Map([
    [
      'getUser',
      new Map([
        ['live', 5],
        ['dynamodb', 1],
        ['shadow', 2],
        ['', 9],
        ['lvie', 1],
      ] as [string, number][]),
    ],
    ['listMessages', new Map([['dynamodb', 4]])],
    ['nobody', new Map([['live', 1]])],
  ]);
  await soon(t, 'told again', () => bodies(stand, METRICS).length > 1);
  const [registered, ...more] = bodies(stand, REGISTER);
  t.strictSame(more, []);
  t.match(registered, {
    appName: 'crossfade-photos',
    instanceId: `${hostname()}-${process.pid}`,
    sdkVersion: 'crossfade:1.2.3',
    strategies: ['flexibleRollout'],
    interval: 20,
  });
  const [first, second] = bodies(stand, METRICS);
  t.match(first, { appName: 'crossfade-photos', instanceId: `${hostname()}-${process.pid}` });
  t.strictSame(bucketOf(first).toggles, { 'photos.getUser': { yes: 4, no: 0, variants: { live: 3, dynamodb: 1 } } });
  t.strictSame(bucketOf(second).toggles, {
    'photos.getUser': { yes: 4, no: 0, variants: { live: 2, shadow: 2 } },
    'photos.listMessages': { yes: 4, no: 0, variants: { dynamodb: 4 } },
  });
  t.equal(bucketOf(first).start, registered?.started, 'without a gap');
  t.equal(bucketOf(second).start, bucketOf(first).stop);
});

t.test('without decisions nothing is told', async (t) => {
  let looked = 0;
  const { stand, start } = await reporting(
    t,
    async () => {
      looked += 1;
      return counted(['live', 0]);
    },
    10,
  );
  start();
  await soon(t, 'looked', () => looked > 3);
  t.strictSame(bodies(stand, METRICS), []);
  t.equal(bodies(stand, REGISTER).length, 1);
});

for (const path of [REGISTER, METRICS]) {
  t.test(`what ${path} did not take is told with the next report, none of it twice`, async (t) => {
    const counts = counted(['live', 3]);
    const { stand, start } = await reporting(t, async () => counts, 10);
    let refused = 0;
    stand.instead = (one) => (one.path === path && ++refused <= 2 ? { status: 500 } : undefined);
    start();
    await soon(t, 'told', () => refused > 2 && bodies(stand, METRICS).length > 0);
    const looks = stand.asked.length;
    await new Promise((done) => setTimeout(done, 60));
    t.equal(stand.asked.length, looks, 'there is nothing more to tell');
    const told = bodies(stand, METRICS);
    t.strictSame(bucketOf(told.at(-1)).toggles, { 'photos.getUser': { yes: 3, no: 0, variants: { live: 3 } } });
    t.equal(bucketOf(told.at(-1)).start, bodies(stand, REGISTER)[0]?.started, 'since when nothing was told');
  });
}

t.test('closed it looks no more', async (t) => {
  let looks = 0;
  const { stand, start } = await reporting(
    t,
    async () => {
      looks += 1;
      return counted(['live', looks]);
    },
    10,
  );
  const stop = start();
  await soon(t, 'told', () => bodies(stand, METRICS).length > 1);
  await stop();
  const then = looks;
  await new Promise((done) => setTimeout(done, 60));
  t.equal(looks, then);
});

t.test(
  'a minute between two reports, unless it is said; closed it ends at once, also in the middle of one',
  async (t) => {
    let looks = 0;
    const { stand, start } = await reporting(t, async () => {
      looks += 1;
      return counted(['live', looks]);
    });
    const before = timers();
    const stop = start();
    await soon(t, 'told', () => bodies(stand, METRICS).length === 1);
    t.equal(bodies(stand, REGISTER)[0]?.interval, 60_000);
    await new Promise((done) => setTimeout(done, 50));
    t.equal(looks, 1);
    await soon(t, 'it keeps no process from its end', () => timers() <= before);
    await stop();
    stand.instead = () => 'hang';
    const hung = start();
    await soon(t, 'asked', () => bodies(stand, REGISTER).length === 2);
    const began = Date.now();
    await hung();
    t.ok(Date.now() - began < 500);
  },
);
