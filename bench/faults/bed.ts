import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Document, MongoClient } from 'mongodb';
import { freePort } from '../../src/demo/child.ts';
import { findMongod, type Log } from '../../src/demo/services.ts';
import { imports } from '../../test/support/facade.ts';
import { crossfade, type Served, spawnServe } from '../../test/support/process.ts';
import { startToxiproxy, type ToxicProxy } from '../../test/support/toxiproxy.ts';
import { ADMIN_TOKEN, CLIENT_TOKEN, startUnleash } from '../../test/support/unleash-server.ts';
import { bindings, CONTRACT, STAGES, THINGS_HELD } from './lanes.ts';
import { initiate, listenerOf, mongodOf, type Program, startProgram } from './processes.ts';
import { openSpace, type Space } from './space.ts';

export const TARGETS = ['dynamodb', 'mongodb', 'results', 'unleash', 'legacy'] as const;
export type TargetName = (typeof TARGETS)[number];

/** One of those whom the façade asks, and what can be done to it. */
export interface Target {
  readonly name: TargetName;
  /** The way from the façade to it. */
  readonly proxy: ToxicProxy;
  /** Sends its process a signal (of a replica set: its primary's, once); `restart` where that ended it. */
  readonly signal?: (name: NodeJS.Signals) => Promise<void>;
  readonly restart?: () => Promise<void>;
  /** The primary of a replica set steps down. */
  readonly stepDown?: () => Promise<void>;
  /** Whether its host name means anything. */
  readonly resolves?: (whether: boolean) => Promise<void>;
  /** Fills its disk, and makes room again. */
  readonly disk?: { readonly fill: () => Promise<void>; readonly free: () => Promise<void> };
}

export interface Bed {
  readonly targets: Readonly<Record<TargetName, Target>>;
  readonly facade: Served;
  /** A plain server that nothing happens to. */
  readonly canary: string;
  /** When results were last written as a whole, by what stands in their store. */
  readonly written: () => Promise<number>;
  readonly stop: () => Promise<void>;
}

/** Where a façade's upstreams are, past every proxy: URLs of this machine. */
export interface Upstreams {
  readonly dynamodb: string;
  /** With the database's name. */
  readonly mongodb: string;
  readonly results: string;
  readonly unleash: string;
  readonly legacy: string;
}

/** Milliseconds. */
export interface Deadlines {
  readonly control: number;
  readonly candidate: number;
}

/** Short, so that a fault has its whole effect within seconds. */
export const SHORT: Deadlines = Object.freeze({ control: 3_000, candidate: 1_000 });

/** Settings of a façade that is about to meet faults; its flags are in Unleash. */
const settings = (unleash: string, { control, candidate }: Deadlines) => ({
  ...{ AWS_REGION: 'eu-west-1', AWS_ACCESS_KEY_ID: 'x', AWS_SECRET_ACCESS_KEY: 'x' },
  ...{ UNLEASH_URL: unleash, UNLEASH_TOKEN: CLIENT_TOKEN, UNLEASH_ADMIN_TOKEN: ADMIN_TOKEN },
  ...{ ORIGIN_TIMEOUT_MS: String(control), LEGACY_TIMEOUT_MS: String(control) },
  ...{ SHADOW_TIMEOUT_MS: String(candidate), LOG_REQUESTS: 'off', SERVER_TIMING: 'false' },
  // The machine is busy with the load and all upstreams too; what is shed by that is tested by itself.
  ...{ SHADOW_EVENT_LOOP_MS: '2000', CURSOR_SECRETS: 'cursors of the fault matrix' },
});

interface FacadeOptions {
  readonly folder: string;
  readonly api: string;
  readonly collection: string;
  /** As the façade is to reach them, and as they are. */
  readonly seen: Upstreams;
  readonly real: Upstreams;
  readonly deadlines: Deadlines;
  readonly through?: readonly string[];
}

/** Bindings, flags in Unleash, and a façade in a process of its own on them. */
export async function startFacade(options: FacadeOptions): Promise<Served> {
  const { folder, api, collection, seen, real, deadlines, through } = options;
  await writeFile(join(folder, 'contract.yaml'), CONTRACT);
  const module = join(folder, `${api}.bindings.ts`);
  await writeFile(module, `${imports()}\n${bindings(api, collection)}`);
  await writeFile(join(folder, 'stages.yaml'), STAGES);
  const env = (to: Upstreams) => ({
    ...settings(to.unleash, deadlines),
    ...{ AWS_ENDPOINT_URL_DYNAMODB: to.dynamodb, MONGODB_URI: to.mongodb, RESULTS_URI: to.results },
    ...{ LEGACY_URL: to.legacy, BINDINGS: module },
  });
  for (const words of [['init'], ['push', '--force', '--reason', 'faults']]) {
    const { code, out, err } = await crossfade(folder, env(real), 'flags', ...words);
    if (code !== 0) throw new Error(`crossfade flags ${words[0]}: ${out}${err}`);
  }
  return await spawnServe(folder, module, env(seen), through).ready();
}

/** When any replica of this API last wrote all it had, by the clock. */
export async function lastWritten(client: MongoClient, api: string): Promise<number> {
  const rows = client.db().collection<Document>('crossfade_replicas').find({ api }).sort({ seen: -1 }).limit(1);
  const [row] = await rows.toArray();
  return (row?.seen as Date | undefined)?.getTime() ?? 0;
}

export const fill = (client: MongoClient, collection: string) =>
  client
    .db()
    .collection<Document>(collection)
    .insertMany(
      THINGS_HELD.map((one) => ({ ...one })),
      { writeConcern: { w: 'majority' } },
    );

const DISKS = ['mongodb', 'results'] as const;

export interface BedOptions {
  readonly log: Log;
  /** How many mongods hold the items; default 1. Several are reached without a toxiproxy: a driver wants each member's own address. */
  readonly members?: number;
}

/** Everything on this machine, each upstream in a process of its own behind a host name and a toxiproxy of its own. */
export async function openBed(options: BedOptions): Promise<Bed> {
  const closers: (() => Promise<unknown>)[] = [];
  const stop = async () => {
    for (const close of closers.splice(0).reverse()) await close();
  };
  try {
    return await build(options, closers, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function build(
  { log, members = 1 }: BedOptions,
  closers: (() => Promise<unknown>)[],
  stop: () => Promise<void>,
): Promise<Bed> {
  const mongod = await findMongod({ log });
  if ('uri' in mongod) throw new Error('MONGODB_URI is set: faults need a mongod of their own, so unset it');
  const folder = await mkdtemp(join(tmpdir(), 'crossfade-faults-'));
  closers.push(() => rm(folder, { recursive: true, force: true }));
  const space = await openSpace(folder, DISKS);
  closers.push(space.stop);
  const unleash = await startUnleash({ log });
  closers.push(unleash.stop);

  const started = async (program: Program) => {
    closers.push(program.stop);
    return program;
  };
  const node = async (file: string) => {
    const port = await freePort();
    const command = [
      process.execPath,
      '--disable-warning=ExperimentalWarning',
      join(import.meta.dirname, file),
      String(port),
    ];
    return await started(await startProgram({ port, command, folder }));
  };
  const mongo = async (name: (typeof DISKS)[number], data: string) => {
    const port = await freePort();
    const { inside, outside } = space.disk(name);
    await mkdir(join(outside, data));
    const command = [...space.inside, ...mongodOf(mongod.path, port, join(inside, data))];
    return await started(await startProgram({ port, command, folder }));
  };
  const [dynamodb, legacy, canary] = [await node('dynamodb.ts'), await node('legacy.ts'), await node('legacy.ts')];
  const results = await mongo('results', 'data');
  await initiate([results.port]);
  const set: Program[] = [];
  for (let n = 0; n < members; n += 1) set.push(await mongo('mongodb', `data${n}`));
  await initiate(set.map(({ port }) => port));
  const [mongodb] = set as [Program, ...Program[]];

  const uri = (port: number, host = '127.0.0.1') => `mongodb://${host}:${port}/things?directConnection=true`;
  const all = `mongodb://${set.map(({ port }) => `127.0.0.1:${port}`).join(',')}/things?replicaSet=crossfade`;
  const [store, kept] = [new MongoClient(all), new MongoClient(uri(results.port))];
  closers.push(
    () => store.close(),
    () => kept.close(),
  );
  await fill(store, 'things');

  const toxiproxy = await startToxiproxy({ log });
  closers.push(toxiproxy.stop);
  const programs: Readonly<Record<TargetName, Pick<Program, 'port' | 'start'>>> = {
    ...{ dynamodb, mongodb, results, legacy },
    unleash: { port: Number(new URL(unleash.url).port), start: unleash.restart },
  };
  const ways = await Promise.all(
    TARGETS.map(async (name) => [name, await toxiproxy.proxy(name, `127.0.0.1:${programs[name].port}`)] as const),
  );
  const proxies = Object.fromEntries(ways) as Record<TargetName, ToxicProxy>;
  for (const name of TARGETS) await space.resolves(hostOf(name), true);
  const filler = fillers(space, { mongodb: store, results: kept });
  const targets = Object.fromEntries(
    TARGETS.map((name) => [name, targetOf(name, proxies[name], programs[name], space, filler[name])]),
  ) as Record<TargetName, Target>;
  if (members > 1) targets.mongodb = { ...targets.mongodb, ...ofSet(store, set) };

  const at = (host: (name: TargetName) => string, port: (name: TargetName) => number): Upstreams => ({
    ...{ mongodb: uri(port('mongodb'), host('mongodb')), results: uri(port('results'), host('results')) },
    dynamodb: `http://${host('dynamodb')}:${port('dynamodb')}`,
    ...{
      unleash: `http://${host('unleash')}:${port('unleash')}`,
      legacy: `http://${host('legacy')}:${port('legacy')}`,
    },
  });
  const facade = await startFacade({
    ...{ folder, api: 'things', collection: 'things', through: space.inside, deadlines: SHORT },
    seen: { ...at(hostOf, (name) => proxies[name].port), ...(members > 1 ? { mongodb: all } : {}) },
    real: at(
      () => '127.0.0.1',
      (name) => programs[name].port,
    ),
  });
  closers.push(facade.stop);
  const plain = `http://127.0.0.1:${canary.port}`;
  return { targets, facade, canary: plain, written: () => lastWritten(kept, 'things'), stop };
}

const hostOf = (name: TargetName): string => `${name}.test`;

function targetOf(
  name: TargetName,
  proxy: ToxicProxy,
  program: Pick<Program, 'port' | 'start'>,
  space: Space,
  disk: Target['disk'],
): Target {
  return {
    ...{ name, proxy, restart: program.start },
    signal: async (signal) => void process.kill(await listenerOf(program.port), signal),
    resolves: (whether) => space.resolves(hostOf(name), whether),
    ...(disk === undefined ? {} : { disk }),
  };
}

/** What happens to the primary of a replica set. */
function ofSet(client: MongoClient, set: readonly Program[]): Pick<Target, 'signal' | 'restart' | 'stepDown'> {
  let struck: Program | undefined;
  const primary = async (): Promise<Program> => {
    const { primary: name } = await client.db('admin').command({ hello: 1 });
    const found = set.find(({ port }) => name === `127.0.0.1:${port}`);
    if (found === undefined) throw new Error(`the replica set has no primary, but ${name}`);
    return found;
  };
  return {
    async signal(name) {
      struck = name === 'SIGCONT' ? struck : await primary();
      if (struck !== undefined) process.kill(await listenerOf(struck.port), name);
    },
    restart: async () => await struck?.start(),
    // Who steps down answers with the end of the connection.
    stepDown: async () =>
      void (await client
        .db('admin')
        .command({ replSetStepDown: 5, force: true })
        .catch(() => {})),
  };
}

/** How long a mongod may find room where there is none, in milliseconds: in its journal, which it makes beforehand. */
const LAST_ROOM = 20_000;

function fillers(space: Space, clients: Readonly<Record<(typeof DISKS)[number], MongoClient>>) {
  const of = (name: (typeof DISKS)[number]): NonNullable<Target['disk']> => {
    const file = join(space.disk(name).outside, 'filler');
    const rows = clients[name].db('filler').collection('filler');
    const writes = (): Promise<boolean> => {
      const written = rows.insertMany(Array.from({ length: 100 }, () => ({ filler: randomBytes(100_000) })));
      return Promise.race([
        written.then(
          () => true,
          () => false,
        ),
        sleep(2_000, false),
      ]);
    };
    return {
      fill: async () => {
        await writeAll(file);
        const deadline = Date.now() + LAST_ROOM;
        while (await writes()) {
          if (Date.now() > deadline) throw new Error(`the disk of ${name} is full, and its mongod goes on writing`);
          await writeAll(file);
        }
      },
      free: () => rm(file),
    };
  };
  return { mongodb: of('mongodb'), results: of('results') } as Readonly<Partial<Record<TargetName, Target['disk']>>>;
}

async function writeAll(file: string): Promise<void> {
  const chunk = Buffer.alloc(1_048_576);
  for (;;) {
    try {
      await writeFile(file, chunk, { flag: 'a' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      return;
    }
  }
}
