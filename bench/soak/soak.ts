import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { MongoClient } from 'mongodb';
import { makeSeed, TENANTS } from '../../src/demo/seed.ts';
import { type Log, startDynalite, startDynamoDbLocal, startMongo } from '../../src/demo/services.ts';
import { DEMO_AWS, demoDynamoDb, fillDynamoDb, fillMongoDb } from '../../src/demo/stores.ts';
import type { Stage } from '../../src/model/stage.ts';
import { type Served, spawnServe } from '../../test/support/process.ts';
import { startToxiproxy } from '../../test/support/toxiproxy.ts';
import { said } from '../support/processes.ts';
import { askBeside } from './beside.ts';
import { disturb, type Times, type Ways } from './faults.ts';
import {
  type Disturbance,
  excuse,
  type Flatness,
  flatnessOf,
  RECOVERY,
  type Sample,
  type Seen,
  type Verdict,
  verdictOf,
} from './judge.ts';
import { learn } from './known.ts';
import { createLoad } from './load.ts';

export interface SoakOptions {
  readonly milliseconds: number;
  readonly seed: number;
  /** Requests a second at most, whatever the capacity. */
  readonly most?: number | undefined;
  readonly times: Times;
  /** Settings of the façades, beside those of the soak. */
  readonly env?: Readonly<Record<string, string>>;
  readonly log: Log;
  /** Of each replica, every few seconds. */
  readonly onSample?: (replica: number, sample: Sample) => void;
}

export interface Soaked {
  readonly capacity: number;
  readonly rate: number;
  readonly verdicts: Readonly<Record<Verdict, number>>;
  readonly unasked: number;
  readonly moves: number;
  readonly disturbances: readonly Disturbance[];
  /** The longest time from the end of a fault to the last failure that came from it, in milliseconds. */
  readonly recovery: number;
  /** By replica. */
  readonly flatness: readonly Flatness[];
  /** By replica: before the first request, and when the last is long answered. */
  readonly rest: readonly (readonly [before: Sample, after: Sample])[];
  readonly comparisons: string;
  /** Everything that is not as it must be; of what happened often the first ones. */
  readonly wrong: readonly string[];
}

const BINDINGS = join(import.meta.dirname, '../../openapi/photos.bindings.ts');
const REPLICAS = 2;
const SHARE = 0.7;
const MOST_TOLD = 20;
/** So long after the last reply nothing of a request may be left, in milliseconds: every idle connection has been let go. */
const REST = 90_000;
/** Handles that pools may keep. */
const KEPT = 60;
/** A little less than the deadlines of the façades. */
const BESIDE = { every: 250, late: 4_000 };
const OPERATIONS = [
  'getUser',
  'listConversations',
  'getConversation',
  'listMessages',
  'getMessage',
  'listAttachments',
  'getAttachment',
];
const STAGES: readonly Stage[] = ['legacy', 'validate', 'dynamodb', 'shadow', 'live', 'complete'];

type Closer = () => Promise<unknown>;

/**
 * Replicas of the real façade under a steady load, while what they ask is broken and the stages move: every reply is held
 * against the data, and what the processes have is measured.
 */
export async function soak(options: SoakOptions): Promise<Soaked> {
  const closers: Closer[] = [];
  try {
    return await run(options, closers);
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

async function run(
  { milliseconds, seed, most, times, env: more, log, onSample }: SoakOptions,
  closers: Closer[],
): Promise<Soaked> {
  const random = seeded(seed);
  const [mongo, dynamo] = [await startMongo({ log }), (await startDynamoDbLocal({ log })) ?? (await startDynalite())];
  closers.push(mongo.stop, dynamo.stop);
  const data = makeSeed({ planted: false });
  const database = new URL(mongo.uri);
  database.pathname = '/crossfade_soak';
  await fillMongoDb(database.href, data);
  await fillDynamoDb(dynamo.endpoint, data);
  const known = await learn(dynamo.endpoint);
  const legacy = await startLegacy(dynamo.endpoint);
  closers.push(legacy.stop);

  const direct = { dynamodb: demoDynamoDb(dynamo.endpoint), mongodb: new MongoClient(mongo.uri) };
  closers.push(
    async () => direct.dynamodb.destroy(),
    () => direct.mongodb.close(),
  );
  const controls: Readonly<Record<string, () => Promise<unknown>>> = {
    dynamodb: () => direct.dynamodb.send(new ListTablesCommand({})),
    mongodb: () => direct.mongodb.db('admin').command({ ping: 1 }),
    legacy: async () => await (await fetch(`${legacy.url}/users/u-0`, { headers: { 'x-tenant-id': 'acme' } })).text(),
  };

  const toxiproxy = await startToxiproxy({ log });
  closers.push(toxiproxy.stop);
  const way = async (name: string, url: string) => await toxiproxy.proxy(name, new URL(url).host);
  const ways: Ways = {
    dynamodb: await way('dynamodb', dynamo.endpoint),
    mongodb: await way('mongodb', mongo.uri),
    legacy: await way('legacy', legacy.url),
    results: await way('results', mongo.uri),
  };
  const through = (name: string): string => {
    const url = new URL(database);
    url.host = `127.0.0.1:${ways[name]?.port}`;
    url.searchParams.delete('replicaSet');
    url.searchParams.set('directConnection', 'true');
    return url.href;
  };
  const folder = await mkdtemp(join(tmpdir(), 'crossfade-soak-'));
  closers.push(() => rm(folder, { recursive: true, force: true }));
  const stagesFile = join(folder, 'stages.yaml');
  const move = () =>
    writeFile(`${stagesFile}.new`, stagesText(random)).then(() => rename(`${stagesFile}.new`, stagesFile));
  await move();
  const env = {
    ...DEMO_AWS,
    ...{ AWS_ENDPOINT_URL_DYNAMODB: `http://127.0.0.1:${ways.dynamodb?.port}`, MONGODB_URI: through('mongodb') },
    ...{
      RESULTS_URI: through('results'),
      LEGACY_URL: `http://127.0.0.1:${ways.legacy?.port}`,
      STAGES_FILE: stagesFile,
    },
    ...{ ORIGIN_TIMEOUT_MS: '5000', LEGACY_TIMEOUT_MS: '5000', SHADOW_TIMEOUT_MS: '1000' },
    ...{
      CURSOR_SECRETS: 'a-secret-that-both-replicas-have',
      SERVER_TIMING: 'true',
      LOG_REQUESTS: 'off',
      LOG_LEVEL: 'info',
    },
    ...more,
  };
  const served: Served[] = [];
  for (let n = 0; n < REPLICAS; n += 1) {
    const place = join(folder, `replica-${n}`);
    await mkdir(place);
    const { ready, stop } = spawnServe(place, BINDINGS, env);
    closers.push(stop);
    served.push(await ready());
  }

  const disturbances: Disturbance[] = [];
  const failed: Seen[] = [];
  const verdicts: Record<Verdict, number> = {
    right: 0,
    excused: 0,
    'wrong bytes': 0,
    'unexcused 5xx': 0,
    'broken connection': 0,
  };
  const wrong: string[] = [];
  let recovery = 0;
  const load = createLoad(
    served.map(({ url }) => url),
    known,
    random,
    // Who was not well by itself is known only afterwards.
    (seen) => {
      if (verdictOf(seen, disturbances) === 'right') verdicts.right += 1;
      else failed.push(seen);
    },
  );
  closers.push(load.close);
  const before = await Promise.all(served.map(({ adminUrl }) => sampleOf(adminUrl)));
  log('Warm-up, and the capacity');
  await load.saturate(16, Math.min(8_000, milliseconds / 4));
  const capacity = await load.saturate(32, Math.min(8_000, milliseconds / 4));
  const rate = Math.min(capacity * SHARE, most ?? Number.POSITIVE_INFINITY);
  log(`${capacity.toFixed(0)} requests a second at most, so ${rate.toFixed(0)} from now on`);

  const over = new AbortController();
  const timer = setTimeout(() => over.abort(), milliseconds);
  let moves = 0;
  const moving = repeat(over.signal, 3_000, async () => {
    await move();
    moves += 1;
  });
  const samples: Sample[][] = served.map(() => []);
  const watching = repeat(over.signal, Math.min(5_000, milliseconds / 20), async () => {
    for (const [at, { adminUrl }] of served.entries()) {
      const sample = await sampleOf(adminUrl);
      samples[at]?.push(sample);
      onSample?.(at, sample);
    }
  });
  const telling = repeat(over.signal, 60_000, async () =>
    log(
      `${verdicts.right} right, ${failed.length} failed, of which ${failed.filter((seen) => verdictOf(seen, disturbances) !== 'excused').length} without a reason; ${disturbances.length} faults, ${moves} moves, ${samples.map((all) => `${((all.at(-1)?.rss ?? 0) / 1e6).toFixed(0)} MB, ${all.at(-1)?.fds} handles`).join('; ')}`,
    ),
  );
  const breaking = disturb(ways, times, random, disturbances, over.signal);
  const beside = Object.entries(controls).map(([target, ask]) =>
    askBeside(target, ask, BESIDE, disturbances, over.signal),
  );
  const unasked = await load.steady(rate, over.signal);
  clearTimeout(timer);
  await Promise.all([moving, watching, telling, breaking, ...beside]);
  log('All is answered');
  await sleep(Math.min(REST, milliseconds / 4));
  const after = await Promise.all(served.map(({ adminUrl }) => sampleOf(adminUrl)));
  for (const seen of failed) {
    const verdict = verdictOf(seen, disturbances);
    verdicts[verdict] += 1;
    if (verdict === 'excused')
      recovery = Math.max(recovery, seen.began - (excuse(seen, disturbances)?.to ?? seen.began));
    else if (wrong.length < MOST_TOLD) wrong.push(`${verdict}: ${toldOf(seen, disturbances)}`);
  }

  const flatness = samples.map(flatnessOf);
  for (const [at, { flat, rise, most }] of flatness.entries())
    if (flat === false)
      wrong.push(`replica ${at}: rises by ${rise.toFixed(0)} bytes, and ${most.toFixed(0)} is the most`);
  const rest = before.map((one, at) => Object.freeze([one, after[at] as Sample] as const));
  if (milliseconds >= 2 * REST)
    for (const [at, [{ fds: had }, { fds: has }]] of rest.entries())
      if (has > had + KEPT) wrong.push(`replica ${at}: ${has} handles at rest, and ${had} before the first request`);
  const metrics = await Promise.all(
    served.map(async ({ adminUrl }) => await (await fetch(`${adminUrl}/metrics`)).text()),
  );
  const counts = (name: string, label = '') =>
    metrics
      .flatMap((text) => [...text.matchAll(new RegExp(`^${name}\\{[^}]*${label}[^}]*\\} (\\d+)$`, 'gm'))])
      .reduce((sum, [, n]) => sum + Number(n), 0);
  const persistent = counts('crossfade_mismatches_total', 'verdict="persistent"');
  if (persistent > 0) wrong.push(`${persistent} persistent mismatches between stores that hold the same`);
  for (const { stop, log: said } of served) {
    const code = await stop();
    if (code !== 0) wrong.push(`a replica ends with ${code}: ${said().slice(-500)}`);
  }
  const comparisons = `${counts('crossfade_comparisons_total', 'outcome="match"')} matches, ${counts('crossfade_comparisons_total')} in all`;
  return { capacity, rate, verdicts, unasked, moves, disturbances, recovery, flatness, rest, comparisons, wrong };
}

async function startLegacy(endpoint: string): Promise<{ readonly url: string; readonly stop: Closer }> {
  const child = fork(join(import.meta.dirname, 'legacy.ts'), [endpoint], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const url = await said<string>(child);
  const stop = async () => {
    const ended = once(child, 'exit');
    child.kill();
    await ended;
  };
  return { url, stop };
}

function toldOf(seen: Seen, disturbances: readonly Disturbance[]): string {
  const near = disturbances.filter(({ from, to }) => from <= seen.ended && seen.began <= to + RECOVERY);
  const took = `${Math.round(seen.ended - seen.began)} ms, by ${seen.origin ?? 'nobody'}`;
  return `${seen.what} (${took}; disturbed: ${near.map(({ target, how }) => `${target} by ${how}`).join(', ') || 'nobody'})`;
}

/** Until the signal, with a pause between. */
async function repeat(signal: AbortSignal, pause: number, work: () => Promise<unknown>): Promise<void> {
  while (!signal.aborted) {
    await sleep(pause, undefined, { signal }).catch(() => {});
    if (!signal.aborted) await work();
  }
}

async function sampleOf(adminUrl: string): Promise<Sample> {
  const text = await (await fetch(`${adminUrl}/metrics`)).text();
  const value = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
  const sample = {
    at: performance.now(),
    rss: value('process_resident_memory_bytes'),
    fds: value('process_open_fds'),
    heap: value('nodejs_heap_size_used_bytes'),
    external: value('nodejs_external_memory_bytes'),
  };
  if (!Object.values(sample).every(Number.isFinite)) throw new Error('the metrics do not say what the process has');
  return sample;
}

function stagesText(random: () => number): string {
  const stage = () => STAGES[Math.floor(random() * STAGES.length)];
  const line = (id: string) =>
    `  ${id}: { stage: ${stage()}, tenants: { ${TENANTS[Math.floor(random() * TENANTS.length)]}: ${stage()} } }`;
  return `operations:\n${OPERATIONS.map(line).join('\n')}\n`;
}

/** Mulberry32: the same run again, as far as time lets it. */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
