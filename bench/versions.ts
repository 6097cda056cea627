import { type ChildProcess, fork, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startStores } from '../src/demo/stores.ts';
import { median, type Row } from './support/measure.ts';

/** Launches, slices of each, and how long they last in milliseconds. */
const LAUNCHES = Number(process.env.BENCH_ROUNDS ?? 9);
const SLICES = 6;
const WARM_UP = 2_500;
const SLICE = 700;

const HERE = join(import.meta.dirname, '..');

/** Another version twice: what its two launches differ by is what nobody can see in the others. */
const subjects = (other: string) =>
  [
    { name: 'other', root: other, env: {} },
    { name: 'other again', root: other, env: {} },
    { name: 'this', root: HERE, env: {} },
    { name: 'this, LOG_REQUESTS=off', root: HERE, env: { LOG_REQUESTS: 'off' } },
  ] as const;

const ROUTES = [
  { name: 'passed on, 1 kB', path: '/any/1000' },
  { name: 'bound, at `dynamodb`', path: '/users/u-1001' },
] as const;

/**
 * CPU time per request of `crossfade serve` as it is beside another version of it, whose folder BENCH_AGAINST names (a
 * worktree with its node_modules), interleaved, in several launches; no traces are taken. DynamoDB is dynalite.
 */
export async function benchVersions(other: string): Promise<readonly Row[]> {
  const upstream = fork(join(HERE, 'bench/pass-through/upstream.ts'), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const load = fork(join(HERE, 'bench/support/load.ts'), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const stores = await startStores({ log: () => {} });
  const [{ port }] = await Promise.all([said<{ port: number }>(upstream)]);
  try {
    const all = subjects(other);
    const costs = ROUTES.map(() => all.map((): number[] => []));
    for (let launch = 0; launch < LAUNCHES; launch += 1) {
      const servers = await Promise.all(all.map((one) => serve(one, port, stores)));
      try {
        for (const [at, { path }] of ROUTES.entries()) {
          for (const server of servers) await slice(server, load, path, WARM_UP);
          for (let n = 0; n < SLICES; n += 1)
            // Each comes first in turn: who follows whom must not count.
            for (let k = 0; k < servers.length; k += 1) {
              const who = (n + k) % servers.length;
              costs[at]?.[who]?.push(await slice(servers[who] as Server, load, path, SLICE));
            }
        }
      } finally {
        await Promise.all(servers.map((server) => server.stop()));
      }
    }
    return ROUTES.flatMap(({ name }, at) =>
      all.map((one, who) => rowOf(name, one.name, costs[at]?.[who], costs[at]?.[0])),
    );
  } finally {
    for (const child of [upstream, load]) child.kill();
    await stores.stop();
  }
}

/** `own` and `base`: microseconds by slice; a launch's ratio is that of its medians. */
function rowOf(route: string, name: string, own: readonly number[] = [], base: readonly number[] = []): Row {
  const launches = Array.from({ length: own.length / SLICES }, (_, at) => at * SLICES);
  const mid = (all: readonly number[], from: number) => median(all.slice(from, from + SLICES));
  const ratios = launches.map((from) => mid(own, from) / mid(base, from)).toSorted((a, b) => a - b);
  const [low, high] = [0.25, 0.75].map((share) => ratios[Math.floor((ratios.length - 1) * share)] as number);
  return {
    request: route,
    version: name,
    'CPU per request': `${median(own).toFixed(1)} µs`,
    'times other': `${median(ratios).toFixed(3)} (${low?.toFixed(3)} to ${high?.toFixed(3)})`,
  };
}

interface Server {
  readonly url: string;
  readonly pid: number;
  readonly stop: () => Promise<void>;
}

/** Microseconds of CPU per reply, all threads. */
async function slice({ url, pid }: Server, load: ChildProcess, path: string, milliseconds: number): Promise<number> {
  const before = await cpuOf(pid);
  load.send({ url, path, milliseconds });
  const { replies, wrong } = await said<{ replies: number; wrong: number }>(load);
  if (wrong > 0 || replies === 0) throw new Error(`${path}: ${wrong} of ${replies} replies were wrong`);
  return ((await cpuOf(pid)) - before) / replies;
}

/** Linux counts what each thread ran in nanoseconds. */
async function cpuOf(pid: number): Promise<number> {
  const threads = await readdir(`/proc/${pid}/task`);
  const spent = await Promise.all(threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/schedstat`, 'utf8')));
  return spent.reduce((sum, text) => sum + Number(text.split(' ')[0]), 0) / 1_000;
}

async function serve(
  { root, env }: { readonly root: string; readonly env: Readonly<Record<string, string>> },
  legacy: number,
  stores: Awaited<ReturnType<typeof startStores>>,
): Promise<Server> {
  const folder = await mkdtemp(join(tmpdir(), 'crossfade-bench-'));
  await writeFile(join(folder, 'stages.yaml'), 'operations: { getUser: { stage: dynamodb } }\n');
  const flags = ['--disable-warning=ExperimentalWarning', '--max-semi-space-size=8', ...profiled(root, env)];
  const child = spawn(
    'taskset',
    [
      '-c',
      '0',
      process.execPath,
      ...flags,
      join(root, 'src/cli.ts'),
      'serve',
      join(root, 'openapi/photos.bindings.ts'),
    ],
    {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'ignore'],
      env: {
        ...{ PATH: process.env.PATH, PORT: '0', ADMIN_PORT: '0', LEGACY_URL: `http://127.0.0.1:${legacy}` },
        ...{ AWS_REGION: 'eu-west-1', AWS_ACCESS_KEY_ID: 'x', AWS_SECRET_ACCESS_KEY: 'x' },
        ...{ AWS_ENDPOINT_URL_DYNAMODB: stores.dynamodb.endpoint, MONGODB_URI: stores.mongodb.uri },
        ...env,
      },
    },
  );
  // Read as a container's runtime reads it: to the end.
  const url = await new Promise<string>((done, fail) => {
    let text = '';
    child.once('exit', (code) => fail(new Error(`${root} ended with ${code}: ${text}`)));
    child.stdout.on('data', (chunk) => {
      if (text.length < 100_000) text += chunk;
      const found = /"facade":"([^"]+)"/.exec(text);
      if (found !== null) done(found[1] as string);
    });
  });
  const stop = async () => {
    const ended = new Promise((done) => child.once('exit', done));
    child.kill();
    await ended;
    await rm(folder, { recursive: true });
  };
  return { url, pid: child.pid as number, stop };
}

/** `BENCH_PROFILE=folder` writes the CPU profile of this version as it is by default there. */
const profiled = (root: string, env: Readonly<Record<string, string>>): string[] =>
  process.env.BENCH_PROFILE !== undefined && Object.keys(env).length === 0
    ? ['--cpu-prof', `--cpu-prof-dir=${join(process.env.BENCH_PROFILE, root === HERE ? 'this' : 'other')}`]
    : [];

function said<T>(child: ChildProcess): Promise<T> {
  return new Promise((done) => child.once('message', (message) => done(message as T)));
}
