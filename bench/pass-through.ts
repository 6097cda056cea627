import { type ChildProcess, fork } from 'node:child_process';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { median, type Row } from './support/measure.ts';

/** Node's usual young generation, or the one that the image runs with. */
const FLAG = '--max-semi-space-size=8';

type Server = 'ours' | 'ours as it is' | 'peer' | 'peer with the flag' | 'http-proxy' | 'undici';

/** What is measured: a server, and whether the route is one that is bound. The first is what the others are held against. */
const SUBJECTS: readonly (readonly [name: string, server: Server, bound: boolean])[] = [
  ['reply-from', 'peer', false],
  ['http-proxy', 'http-proxy', false],
  ['undici on a bare server', 'undici', false],
  ['bound', 'ours', true],
  ['unbound', 'ours', false],
  [`reply-from with ${FLAG}`, 'peer with the flag', false],
  [`bound without ${FLAG}`, 'ours as it is', true],
];

/** Each server is started so often: two processes of one program may differ by a fifth. */
const LAUNCHES = Number(process.env.BENCH_ROUNDS ?? 7);
const SLICES = 3;
const WARM_UP = 2_500;
const SLICE = 1_000;

const SIZES = [
  { size: 1_000, name: '1 kB' },
  { size: 100_000, name: '100 kB' },
] as const;

/**
 * CPU time per request of the façade at `legacy`, beside `@fastify/reply-from`,
 * `@fastify/http-proxy` and undici without a framework, each under 64 connections that ask without a
 * pause, interleaved, in several launches. The façade is whole: a bound route passes flags, tenant and metrics; an unbound
 * one is passed on in the first hook.
 */
export async function benchPassThrough(): Promise<readonly Row[]> {
  const pins = cpus().length > 1 ? ['0', '1'] : ['0', '0'];
  const upstream = start([], 'upstream', pins[1] as string);
  const { port } = await answer<{ port: number }>(upstream);
  const load = start([], '../support/load', pins[1] as string);
  try {
    const rows: Row[] = [];
    for (const { size, name } of SIZES) {
      const costs = SUBJECTS.map((): number[] => []);
      for (let launch = 0; launch < LAUNCHES; launch += 1) {
        const launched = await measureLaunch(`http://127.0.0.1:${port}`, load, pins[0] as string, size);
        for (const [at, cost] of launched.entries()) costs[at]?.push(cost);
      }
      rows.push(...rowsOf(name, costs));
    }
    return rows;
  } finally {
    for (const child of [upstream, load]) child.kill();
  }
}

/** Starts each server anew; gives the median of its slices, by subject. */
async function measureLaunch(legacy: string, load: ChildProcess, core: string, size: number): Promise<number[]> {
  const server = (kind: 'ours' | 'reply-from' | 'http-proxy' | 'undici', ...flags: string[]) =>
    start(flags, 'server', core, kind, legacy);
  const servers: Readonly<Record<Server, ChildProcess>> = {
    ours: server('ours', FLAG),
    'ours as it is': server('ours'),
    peer: server('reply-from'),
    'peer with the flag': server('reply-from', FLAG),
    'http-proxy': server('http-proxy'),
    undici: server('undici'),
  };
  try {
    const urls = new Map<ChildProcess, string>();
    for (const child of Object.values(servers)) urls.set(child, (await answer<{ url: string }>(child)).url);
    const slice = async ([name, who, bound]: (typeof SUBJECTS)[number], milliseconds: number) => {
      const child = servers[who];
      const before = await cpuOf(child);
      load.send({ url: urls.get(child), path: bound ? `/users/${size}` : `/any/${size}`, milliseconds });
      const { replies, wrong } = await answer<{ replies: number; wrong: number }>(load);
      if (wrong > 0 || replies === 0) throw new Error(`${name}: ${wrong} of ${replies} replies were wrong`);
      return ((await cpuOf(child)) - before) / replies;
    };
    const costs = SUBJECTS.map((): number[] => []);
    for (const subject of SUBJECTS) await slice(subject, WARM_UP);
    for (let round = 0; round < SLICES; round += 1)
      for (const [at, subject] of SUBJECTS.entries()) costs[at]?.push(await slice(subject, SLICE));
    return costs.map(median);
  } finally {
    for (const child of Object.values(servers)) child.kill();
  }
}

/** `costs`: microseconds of CPU per request, by subject and launch. */
function rowsOf(size: string, costs: readonly (readonly number[])[]): Row[] {
  const range = (all: readonly number[]) =>
    `${median(all).toFixed(2)} (${Math.min(...all).toFixed(2)} to ${Math.max(...all).toFixed(2)})`;
  const [base = []] = costs;
  return SUBJECTS.map(([name], at) => ({
    replies: size,
    through: name,
    'CPU per request': `${median(costs[at] ?? []).toFixed(1)} µs`,
    'requests per CPU second, times reply-from': range(
      (costs[at] ?? []).map((cost, launch) => (base[launch] as number) / cost),
    ),
  }));
}

/** A child on one core, where there is `taskset`. */
function start(flags: readonly string[], file: string, core: string, ...words: string[]): ChildProcess {
  const script = join(import.meta.dirname, 'pass-through', `${file}.ts`);
  const pinned = process.platform === 'linux';
  return fork(script, words, {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    ...(pinned
      ? {
          execPath: 'taskset',
          execArgv: [
            '-c',
            core,
            process.execPath,
            '--disable-warning=ExperimentalWarning',
            ...flags,
            ...profiled(words),
          ],
        }
      : {}),
  });
}

/** `BENCH_PROFILE=folder` writes the CPU profile of our server there. */
const profiled = ([kind]: readonly string[]): string[] =>
  process.env.BENCH_PROFILE !== undefined && kind === 'ours'
    ? ['--cpu-prof', `--cpu-prof-dir=${process.env.BENCH_PROFILE}`]
    : [];

function answer<T>(child: ChildProcess): Promise<T> {
  return new Promise((done, fail) => {
    const onExit = (code: number | null) => fail(new Error(`a process of the measurement ended with ${code}`));
    child.once('exit', onExit);
    child.once('message', (message) => {
      child.off('exit', onExit);
      done(message as T);
    });
  });
}

async function cpuOf(child: ChildProcess): Promise<number> {
  child.send('cpu');
  return (await answer<{ cpu: number }>(child)).cpu;
}
