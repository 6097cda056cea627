import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { openUnleash } from '../../src/drivers/unleash.ts';
import { type Feature, toFeatures } from '../../src/flags/ladder.ts';
import { revisionOfFeatures } from '../../src/flags/revision.ts';
import { readSaved, type Saved, savedFile, writeSaved } from '../../src/flags/saved.ts';
import { pause } from '../../src/flags/server.ts';
import { openFlags } from '../../src/flags/source.ts';
import { parseStages } from '../../src/flags/stages.ts';
import { soon } from '../support/flag-server.ts';
import { type StoodReply, standInFlags } from '../support/flag-stand-in.ts';
import { flagApi as api } from '../support/flags.ts';

const featuresAt = (stages: string) => toFeatures(parseStages(stages, api, 'x'), api);
const LIVE = featuresAt('operations: { getUser: { stage: live, floor: dynamodb } }');
const SHADOW = featuresAt('operations: { getUser: { stage: shadow, floor: dynamodb } }');
const KILL = LIVE.find(({ name }) => name === 'photos.kill') as Feature;
const DOWN: StoodReply = { status: 500, body: { message: 'full' } };

/** What a server says, and a façade's flags that follow it. */
async function scene(t: Test) {
  const stand = await standInFlags(t);
  // After what is torn down has been: it is removed last then.
  const folder = t.testdir();
  const says = {
    list: { status: 200, body: { features: LIVE } } as StoodReply | 'hang',
    kill: undefined as StoodReply | 'hang' | undefined,
  };
  const listed = (name: string): StoodReply => {
    const { list } = says;
    const features = ((list !== 'hang' && (list.body as { features?: Feature[] } | undefined)?.features) ||
      []) as Feature[];
    const body = features.find((one) => one.name === name);
    return body === undefined ? { status: 404 } : { status: 200, body };
  };
  stand.instead = ({ path }) => (path.endsWith('.kill') ? (says.kill ?? listed('photos.kill')) : says.list);
  const saved = savedFile(folder, api.name, stand.url, 'development');
  const follow = async (refresh = 10) => {
    const said: [string, string, unknown][] = [];
    const errors: string[] = [];
    const unsaved: string[] = [];
    const changes: string[] = [];
    const http = openUnleash({ url: stand.url, token: () => 'secret', timeout: 2_000 });
    const flags = await openFlags({
      ...{ api, file: join(folder, 'none.yaml'), killFile: join(folder, 'kill'), server: { http, refresh, saved } },
      log: (level, message, facts) => void said.push([level, message, facts]),
      onError: (failure) => void errors.push(failure),
      onUnsaved: (message) => void unsaved.push(message),
      onChange: ({ revision }) => void changes.push(revision),
    });
    t.teardown(async () => {
      await flags.close();
      // A disk may be slower than a process that ends waits for it.
      while ((await readdir(folder)).some((name) => name.endsWith('.new'))) await sleep(5);
    });
    const stage = (tenant = 'acme') => flags.stageOf(0, tenant).stage;
    return {
      flags,
      said,
      errors,
      unsaved,
      changes,
      stage,
      words: () => said.map(([level, message]) => `${level} ${message}`),
    };
  };
  const keep = (features = LIVE, confirmed = Date.now()): Promise<void> =>
    writeSaved(saved, { revision: revisionOfFeatures(features), features, confirmed });
  return { stand, says, follow, keep, saved, folder };
}

const listOf = (features: readonly unknown[]): StoodReply => ({ status: 200, body: { features } });
const savedIn = async (file: string) => (await readSaved(file)) as Saved;
/** A disk takes its time. */
async function kept(file: string, revision: string): Promise<void> {
  const end = performance.now() + 3_000;
  while ((await savedIn(file))?.revision !== revision) {
    if (performance.now() > end) throw new Error(`${revision} is not kept`);
    await sleep(5);
  }
}

t.test('a server that answers: in force at once, said, kept on disk, and followed', async (t) => {
  const { stand, says, follow, saved } = await scene(t);
  const { flags, said, errors, changes, stage } = await follow();
  const revision = flags.revision();
  t.ok(flags.ready());
  t.equal(stage(), 'live');
  t.equal(flags.problem(), undefined);
  const state = flags.state();
  t.match(state, { source: 'server', place: stand.url, kill: false, kept: [], revision, killFile: undefined });
  t.match(state.operations[0], { stage: 'live', floor: 'dynamodb' });
  t.ok(Math.abs(Date.now() - state.confirmed) < 1_000);
  t.strictSame(said, [['info', `flags of ${stand.url} are in force`, { revision }]]);
  await kept(saved, revision);
  t.match(await savedIn(saved), { revision, confirmed: Number });
  says.list = listOf(SHADOW);
  await soon(t, 'followed', () => stage() === 'shadow');
  t.match(said.at(-1), ['info', `flags of ${stand.url} are in force`, { revision: flags.revision() }]);
  t.equal(said.length, 2, 'said once for each change');
  t.strictSame(changes.at(-1), flags.revision());
  t.strictSame(errors, []);
  const later = flags.state().confirmed;
  await soon(t, 'confirmed again', () => flags.state().confirmed > later);
});

t.test('asked twice at a time, in the pause that is set', async (t) => {
  const { stand, follow } = await scene(t);
  await follow(60_000);
  await sleep(100);
  t.strictSame(stand.asked.map(({ path }) => path).sort(), [
    '/api/client/features',
    '/api/client/features/photos.kill',
  ]);
});

t.test('what has not changed is asked for as such, and not put in force again', async (t) => {
  const { stand, says, follow } = await scene(t);
  says.list = { ...listOf(LIVE), headers: { etag: '"one"' } };
  const { flags, said, changes } = await follow();
  says.list = { status: 304 };
  const { length } = changes;
  const before = stand.asked.length;
  const confirmed = flags.state().confirmed;
  await soon(t, 'asked', () => stand.asked.length > before + 6 && flags.state().confirmed > confirmed);
  t.equal(flags.problem(), undefined);
  t.equal(said.length, 1);
  t.equal(changes.length, length);
});

/** What a server may say, what is counted of it, and what operators read. */
const faults: [name: string, fault: StoodReply, failure: string, said: string][] = [
  ['500', DOWN, 'failed', 'the flag server says 500 to GET /client/features: full'],
  ['401', { status: 401 }, 'unauthorized', 'the flag server says 401 to GET /client/features'],
  ['an empty list', listOf([]), 'empty', 'the flag server has no flag `photos.…` of an operation for this token'],
  [
    'no list',
    { status: 200, body: {} },
    'invalid',
    "the flag server's answer to GET /client/features has no list of `features`",
  ],
  [
    'half of a JSON',
    { status: 200, body: '{"fe' },
    'invalid',
    "the flag server's answer to GET /client/features is no JSON",
  ],
];
for (const [name, fault, failure, message] of faults) {
  t.test(`${name}: nobody moves, said and counted, and well again afterwards`, async (t) => {
    const { stand, says, follow } = await scene(t);
    const { flags, said, words, errors, stage } = await follow();
    Object.assign(says, { list: fault, kill: listed(fault) });
    await soon(t, 'counted', () => errors.length > 2);
    t.strictSame([...new Set(errors)], [failure]);
    t.ok(flags.problem()?.startsWith(message), message);
    t.equal(stage(), 'live');
    t.ok(flags.ready());
    t.equal(flags.state().source, 'server');
    t.strictSame(words().filter((one) => one.startsWith('error')).length, 1, 'said once');
    t.match(words().at(-1), `error ${message}`);
    t.match(words().at(-1), /; the last good flags stay, 0 min old$/);
    Object.assign(says, { list: listOf(LIVE), kill: undefined });
    await soon(t, 'well again', () => flags.problem() === undefined);
    t.strictSame(said.at(-1), ['info', `the flag server ${stand.url} answers again`, { revision: flags.revision() }]);
  });
}

/** What the same trouble is of one flag, where that says something else. */
function listed(fault: StoodReply): StoodReply | undefined {
  return fault.status === 200 ? { status: 200, body: KILL } : fault;
}

t.test('another trouble is said anew', async (t) => {
  const { says, follow } = await scene(t);
  const { words, errors } = await follow();
  says.list = DOWN;
  await soon(t, 'counted', () => errors.includes('failed'));
  says.list = { status: 403 };
  await soon(t, 'counted', () => errors.includes('forbidden'));
  t.match(words().slice(1), [/^error .*says 500.*min old$/, /^error .*says 403.*min old$/]);
});

t.test('no flags on disk and none to be had: not ready, no stage, and said so', async (t) => {
  const { stand, says, follow } = await scene(t);
  Object.assign(says, { list: DOWN, kill: DOWN });
  const { flags, words, stage, errors } = await follow();
  t.notOk(flags.ready());
  t.equal(stage(), undefined);
  t.match(flags.state(), {
    source: 'none',
    confirmed: 0,
    place: stand.url,
    operations: [{ id: 'getUser', stage: 'legacy' }, {}, {}],
  });
  t.strictSame(
    words().at(-1),
    'error the flag server says 500 to GET /client/features: full; there are no flags on disk either, and until there are no request gets an answer from a store or legacy',
  );
  t.ok(errors.length > 0);
  says.kill = { status: 200, body: { ...KILL, enabled: true } };
  await sleep(50);
  t.notOk(flags.ready(), 'the kill flag alone is not enough to know the floors');
  Object.assign(says, { list: listOf(LIVE), kill: undefined });
  await soon(t, 'ready by itself', () => flags.ready() && stage() === 'live');
});

t.test('no answer at the start: as it was, from disk, and how old that is', async (t) => {
  const { stand, says, follow, keep } = await scene(t);
  const confirmed = Date.now() - 7 * 60_000;
  await keep(SHADOW, confirmed);
  Object.assign(says, { list: DOWN, kill: DOWN });
  const { flags, words, stage } = await follow();
  t.ok(flags.ready());
  t.equal(stage(), 'shadow');
  t.match(flags.state(), { source: 'saved', confirmed, place: stand.url });
  t.match(words().at(-1), /; the last good flags stay, from disk, 7 min old$/);
  Object.assign(says, { list: listOf(LIVE), kill: undefined });
  await soon(t, 'from the server', () => stage() === 'live' && flags.state().source === 'server');
});

t.test('a clock that was set back makes nothing younger than now', async (t) => {
  const { says, follow, keep } = await scene(t);
  await keep(LIVE, Date.now() + 3_600_000);
  Object.assign(says, { list: DOWN, kill: DOWN });
  const { words } = await follow();
  t.match(words().at(-1), /from disk, 0 min old$/);
});

t.test('a file on disk that cannot be used: said, and none', async (t) => {
  const { says, follow, saved } = await scene(t);
  await writeFile(saved, 'half');
  Object.assign(says, { list: DOWN, kill: DOWN });
  const { flags, words } = await follow();
  t.notOk(flags.ready());
  t.equal(
    words()[0],
    `error ${saved} is damaged: it is no JSON; a start while the flag server is away has no flags then`,
  );
});

t.test('the kill flag by itself kills and lifts while the list cannot be had, and outlives a restart', async (t) => {
  const { says, follow, saved } = await scene(t);
  const { flags, stage, words } = await follow();
  says.list = DOWN;
  says.kill = { status: 200, body: { ...KILL, enabled: true } };
  await soon(t, 'killed', () => stage() === 'dynamodb');
  t.match(flags.state(), { kill: true });
  t.match(words().at(-1), /^info flags of .* are in force$/);
  const { revision } = flags.state();
  await kept(saved, revision);
  await flags.close();
  const again = await follow();
  t.equal(again.stage(), 'dynamodb');
  says.kill = { status: 200, body: KILL };
  await soon(t, 'lifted', () => again.stage() === 'live');
});

t.test('a kill flag that is gone keeps its last good form', async (t) => {
  const { stand, says, follow } = await scene(t);
  says.kill = { status: 200, body: { ...KILL, enabled: true } };
  const { flags, stage } = await follow();
  t.equal(stage(), 'dynamodb');
  says.kill = { status: 404 };
  const before = stand.asked.length;
  await soon(t, 'asked', () => stand.asked.length > before + 6);
  t.equal(stage(), 'dynamodb');
  t.equal(flags.problem(), undefined);
});

t.test('trouble with the kill flag alone is said and counted; with everything, once', async (t) => {
  const { says, follow } = await scene(t);
  const { flags, errors, words } = await follow();
  says.kill = { status: 503 };
  await soon(t, 'counted', () => errors.length > 1);
  t.equal(flags.problem(), 'the flag server says 503 to GET /client/features/photos.kill');
  t.strictSame(words().length, 2);
  t.match(
    words()[1],
    /^error the flag server says 503 to GET \/client\/features\/photos\.kill; the last good flags stay, 0 min old$/,
  );
  says.kill = undefined;
  await soon(t, 'well', () => flags.problem() === undefined);
  says.list = DOWN;
  await soon(t, 'list away', () => flags.problem()?.includes('says 500') === true);
  const { length } = words();
  says.kill = DOWN;
  await sleep(150);
  t.equal(words().length, length, 'nothing is said of the kill flag beside');
});

t.test('a list that hangs does not hold up the kill flag, nor the other way about', async (t) => {
  const { says, follow } = await scene(t);
  const { stage } = await follow();
  says.list = 'hang';
  says.kill = { status: 200, body: { ...KILL, enabled: true } };
  await soon(t, 'killed', () => stage() === 'dynamodb');
});

t.test('what cannot be used, whatever it is, is the server’s fault and no reason to stop asking', async (t) => {
  const { says, follow } = await scene(t);
  const { flags, errors, stage } = await follow();
  const [first, ...rest] = LIVE;
  says.list = {
    status: 200,
    body: `{"features":[${JSON.stringify({ ...first, strategies: 'HERE' }).replace('"HERE"', `[{"name":"x","segments":${'['.repeat(20_000)}${']'.repeat(20_000)}}]`)},${rest.map((one) => JSON.stringify(one)).join()}]}`,
  };
  await sleep(60);
  t.equal(stage(), 'live');
  says.list = listOf(SHADOW);
  await soon(t, 'asked again', () => stage() === 'shadow');
  t.strictSame(
    errors.filter((one) => one !== 'invalid'),
    [],
  );
  t.equal(flags.problem(), undefined);
});

t.test('on disk: what is the same is not written anew, a folder in the way is said once and tried again', async (t) => {
  const { says, follow, saved, stand } = await scene(t);
  const first = await follow();
  await kept(saved, first.flags.revision());
  const { ino } = await stat(saved);
  const before = stand.asked.length;
  await soon(t, 'asked again', () => stand.asked.length > before + 6);
  t.equal((await stat(saved)).ino, ino);
  await rm(saved);
  await mkdir(join(saved, 'in the way'), { recursive: true });
  says.list = listOf(SHADOW);
  await soon(t, 'tried', () => first.unsaved.length > 2);
  t.match(first.unsaved[0], /EISDIR|ENOTEMPTY|EEXIST/);
  t.equal(first.flags.problem(), `the last good flags cannot be kept: ${first.unsaved.at(-1)}`);
  t.strictSame(
    first.words().filter((one) => one.startsWith('error')),
    [`error the last good flags cannot be kept: ${first.unsaved[0]}`],
  );
  t.equal(first.stage(), 'shadow');
  await rm(saved, { recursive: true });
  await soon(t, 'written', () => first.flags.problem() === undefined);
  t.equal(first.words().at(-1), `info the last good flags are kept in ${saved} again`);
  t.equal((await savedIn(saved)).revision, first.flags.revision());
});

t.test('on disk: how old it is is written now and then, whichever way the clock goes', async (t) => {
  const { stand, follow, saved } = await scene(t);
  const clock = Date.now;
  t.teardown(() => {
    Date.now = clock;
  });
  const { flags } = await follow();
  await kept(saved, flags.revision());
  const confirmed = async () => (await savedIn(saved)).confirmed;
  const wait = async () => {
    const before = stand.asked.length;
    await soon(t, 'asked again', () => stand.asked.length > before + 6);
  };
  const first = await confirmed();
  for (const [by, written] of [
    [50_000, false],
    [61_000, true],
    [-61_000, true],
  ] as const) {
    const was = await confirmed();
    Date.now = () => first + by;
    await wait();
    for (let looks = 0; written && looks < 400 && (await confirmed()) === was; looks += 1) await sleep(5);
    t.equal(await confirmed(), written ? first + by : was, `${by} ms`);
  }
});

t.test(
  'a start with what is on disk: neither put in force anew where the server says the same, nor written',
  async (t) => {
    const { stand, follow, saved } = await scene(t);
    const first = await follow();
    await soon(t, 'asked', () => stand.asked.length > 6);
    await first.flags.close();
    const { mtimeMs } = await stat(saved);
    const { said, flags, stage } = await follow();
    const before = stand.asked.length;
    await soon(t, 'asked again', () => stand.asked.length > before + 6);
    t.equal((await stat(saved)).mtimeMs, mtimeMs);
    t.strictSame(said, []);
    t.equal(stage(), 'live');
    t.match(flags.state(), { source: 'server', revision: first.flags.revision() });
  },
);

t.test('closed: asks no more, ends what hangs, and says nothing of it', async (t) => {
  const { stand, says, follow, saved } = await scene(t);
  const { flags, words, errors } = await follow();
  await kept(saved, flags.revision());
  Object.assign(says, { list: 'hang', kill: 'hang' });
  const before = stand.asked.length;
  await soon(t, 'both hang', () => stand.asked.length >= before + 2);
  const { length } = words();
  const began = Date.now();
  await flags.close();
  t.ok(Date.now() - began < 500);
  const asked = stand.asked.length;
  await sleep(60);
  t.equal(stand.asked.length, asked);
  t.equal(words().length, length);
  t.strictSame(errors, []);
});

const pauses: [refresh: number, failures: number, retryAfter: number | undefined, expected: number][] = [
  [500, 0, undefined, 500],
  [500, 1, undefined, 1_000],
  [500, 4, undefined, 8_000],
  [500, 5, undefined, 8_000],
  [500, 50, undefined, 8_000],
  [500, 1, 20_000, 20_000],
  [500, 1, 3_600_000, 30_000],
  [60_000, 0, undefined, 60_000],
  [60_000, 1, undefined, 60_000],
];
for (const [refresh, failures, retryAfter, expected] of pauses)
  t.equal(pause(refresh, failures, retryAfter), expected, `${refresh} ms after ${failures} failures, ${retryAfter}`);
