import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startMongo } from '../src/demo/services.ts';
import { fillMongoDb } from '../src/demo/stores.ts';
import { startDynamoDb, startFixed } from './readers.ts';
import { benchSeed, ROUTES } from './support/data.ts';
import { serveFacade } from './support/facade.ts';
import { median, type Row } from './support/measure.ts';
import { BOTH, cpuOf, mainCpuOf, type Server, startLoad } from './support/processes.ts';
import { recordMongoDb } from './support/record-mongodb.ts';

const SUBJECTS = [
  { name: 'no shadow', stage: 'dynamodb', env: {} },
  { name: 'no shadow, again', stage: 'dynamodb', env: {} },
  { name: 'shadow', stage: 'shadow', env: {} },
  { name: 'shadow of all', stage: 'shadow', env: { SHADOW_BUSY_PERCENT: '100' } },
  { name: 'shadow of all, in a thread', stage: 'shadow', env: { SHADOW_BUSY_PERCENT: '100', SHADOW_THREAD: 'on' } },
] as const;

/** Requests a second, about half of what the façade can, of one item and of a page. */
const RATES = [Number(process.env.BENCH_RATE ?? 3_000), Number(process.env.BENCH_PAGE_RATE ?? 1_000)] as const;
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5);
const SLICES = 4;
const SLICE = 3_000;
/** Milliseconds. */
const WARM_UP = 10_000;

interface Slice {
  readonly main: number;
  readonly all: number;
  readonly times: readonly number[];
}

/**
 * What a shadow costs the thread that serves, and clients, at half load: stores give fixed replies, so that it is the façade's
 * own, and each runs on both cores, so that its thread has one.
 */
export async function benchShadowCost(): Promise<readonly Row[]> {
  const stops: (() => unknown)[] = [];
  const folder = await mkdtemp(join(tmpdir(), 'crossfade-bench-'));
  stops.push(() => rm(folder, { recursive: true }));
  try {
    const mongo = await startMongo({ log: console.error });
    stops.push(mongo.stop);
    const uri = new URL(mongo.uri);
    uri.pathname = '/crossfade_bench';
    await fillMongoDb(uri.href, benchSeed());
    const env = {
      ...{ NODE_ENV: 'production', RESULTS_URI: uri.href, LOG_REQUESTS: 'off' },
      AWS_ENDPOINT_URL_DYNAMODB: await startDynamoDb('fixed DynamoDB', stops),
      MONGODB_URI: await startFixed(
        'support/fixed-mongodb.ts',
        await recordMongoDb(uri.href, ['members', 'posts']),
        stops,
      ),
    };
    const load = startLoad();
    stops.push(load.stop);
    const seen = ROUTES.map(() => SUBJECTS.map((): Slice[] => []));
    const compared = ROUTES.map(() => SUBJECTS.map((): number[] => []));
    for (let round = 0; round < ROUNDS; round += 1) {
      const servers: Server[] = [];
      try {
        for (const { stage, env: own } of SUBJECTS)
          servers.push(
            await serveFacade(folder, {
              ...{ bindings: 'openapi/photos.bindings.ts', stages: { getUser: stage, listMessages: stage } },
              ...{ env: { ...env, ...own }, cores: BOTH },
            }),
          );
        for (const [at, { path }] of ROUTES.entries()) {
          const one = async ({ url, pid }: Server, milliseconds: number): Promise<Slice> => {
            const before = [await mainCpuOf(pid), await cpuOf(pid)] as const;
            const { replies, times } = await load.run({ url, path, milliseconds, rate: RATES[at] as number });
            const [main, all] = [(await mainCpuOf(pid)) - before[0], (await cpuOf(pid)) - before[1]];
            return { main: main / replies, all: all / replies, times };
          };
          for (const server of servers) await one(server, WARM_UP);
          const before = await Promise.all(servers.map(comparedOf));
          for (let n = 0; n < SLICES; n += 1)
            for (const [who, server] of servers.entries()) seen[at]?.[who]?.push(await one(server, SLICE));
          const after = await Promise.all(servers.map(comparedOf));
          for (const [who, count] of after.entries())
            compared[at]?.[who]?.push(
              (count - (before[who] as number)) / ((SLICES * SLICE * (RATES[at] as number)) / 1_000),
            );
        }
      } finally {
        await Promise.all(servers.map((server) => server.stop()));
      }
    }
    return ROUTES.flatMap(({ name }, at) =>
      SUBJECTS.map((subject, who) => rowOf(name, subject.name, seen[at], who, compared[at]?.[who] ?? [])),
    );
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

/** Comparisons that a façade has made. */
async function comparedOf({ adminUrl }: Server): Promise<number> {
  const text = await (await fetch(`${adminUrl}/metrics`)).text();
  const lines = text.matchAll(/^crossfade_comparisons_total\{.*outcome="(?:match|mismatch)".*\} (\d+)$/gm);
  return lines.reduce((sum, [, count]) => sum + Number(count), 0);
}

/** CPU as a ratio of slices that stand next to each other, the least and the greatest of the middle four fifths. */
function rowOf(
  request: string,
  name: string,
  all: readonly (readonly Slice[])[] = [],
  who: number,
  compared: readonly number[],
): Row {
  const [off = [], own = []] = [all[0], all[who]];
  const cpu = (part: 'main' | 'all') => {
    const ratios = own.map((slice, n) => slice[part] / (off[n] as Slice)[part]).sort((a, b) => a - b);
    const at = (share: number) => (ratios[Math.floor((ratios.length - 1) * share)] as number).toFixed(2);
    return `${median(own.map((slice) => slice[part])).toFixed(0)} µs (${at(0.5)}×, ${at(0.1)} to ${at(0.9)})`;
  };
  const time = (share: number) => {
    const of = (slices: readonly Slice[]) =>
      median(slices.map(({ times }) => times[Math.floor((times.length - 1) * share)] as number));
    return `${of(own).toFixed(2)} ms (${(of(own) / of(off)).toFixed(2)}×)`;
  };
  return {
    ...{ request, mode: name, compared: `${(median(compared) * 100).toFixed(0)} %` },
    ...{ 'thread that serves': cpu('main'), 'all threads': cpu('all') },
    ...{ p50: time(0.5), p90: time(0.9), p99: time(0.99) },
  };
}
