import { type ChildProcess, fork } from 'node:child_process';
import { cpus } from 'node:os';
import { join } from 'node:path';
import type { Row } from './measure.ts';

/** What a request costs the process that passes it on, in microseconds of CPU, by round. */
type Costs = Readonly<Record<Subject, number[]>>;

const SUBJECTS = ['reply-from', 'bound', 'unbound', 'reply-from again', 'bound again'] as const;
type Subject = (typeof SUBJECTS)[number];

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 7);
const SLICE = 1_500;

const SIZES = [
  ...(process.env.BENCH_LARGE ? [] : [{ size: 1_000, name: '1 kB' }]),
  { size: 100_000, name: '100 kB' },
] as const;

/**
 * CPU time per request of the façade at `legacy`, beside `@fastify/reply-from`, each under 64 connections that ask without a pause,
 * interleaved.
 * The façade is whole: a bound route passes flags, tenant and metrics; an unbound one is passed on in the first hook.
 */
export async function benchPassThrough(): Promise<readonly Row[]> {
  const pins = cpus().length > 1 ? ['0', '1'] : ['0', '0'];
  const upstream = start('upstream', pins[1] as string);
  const { port } = await answer<{ port: number }>(upstream);
  const legacy = `http://127.0.0.1:${port}`;
  const load = start('load', pins[1] as string);
  const servers = {
    ours: start('server', pins[0] as string, 'ours', legacy),
    peer: start('server', pins[0] as string, 'reply-from', legacy),
  };
  try {
    const urls = {
      ours: (await answer<{ url: string }>(servers.ours)).url,
      peer: (await answer<{ url: string }>(servers.peer)).url,
    };
    const slice = async (subject: Subject, size: number, milliseconds: number) => {
      const who = subject.startsWith('reply-from') ? 'peer' : 'ours';
      const path = subject.startsWith('bound') ? `/users/${size}` : `/any/${size}`;
      const before = await cpuOf(servers[who]);
      load.send({ url: urls[who], path, milliseconds });
      const { replies, wrong } = await answer<{ replies: number; wrong: number }>(load);
      if (wrong > 0 || replies === 0) throw new Error(`${subject}: ${wrong} of ${replies} replies were wrong`);
      return ((await cpuOf(servers[who])) - before) / replies;
    };
    const rows: Row[] = [];
    for (const { size, name } of SIZES) {
      const costs: Costs = { 'reply-from': [], bound: [], unbound: [], 'reply-from again': [], 'bound again': [] };
      for (const subject of SUBJECTS.slice(0, 3)) await slice(subject, size, 4_000);
      for (let round = 0; round < ROUNDS; round += 1) {
        for (const subject of SUBJECTS) costs[subject].push(await slice(subject, size, SLICE));
      }
      rows.push(...rowsOf(name, costs));
    }
    return rows;
  } finally {
    for (const child of [upstream, load, ...Object.values(servers)]) child.kill();
  }
}

function rowsOf(name: string, costs: Costs): Row[] {
  const median = (all: readonly number[]) => all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)] as number;
  const range = (all: readonly number[]) =>
    `${median(all).toFixed(2)} (${Math.min(...all).toFixed(2)} to ${Math.max(...all).toFixed(2)})`;
  return SUBJECTS.map((subject) => ({
    replies: name,
    through: subject,
    'CPU per request': `${median(costs[subject]).toFixed(1)} µs`,
    'requests per CPU second, times reply-from': range(
      costs[subject].map((cost, round) => (costs['reply-from'][round] as number) / cost),
    ),
  }));
}

/** A child on one core, where there is `taskset`. */
function start(file: string, core: string, ...words: string[]): ChildProcess {
  const script = join(import.meta.dirname, 'pass-through', `${file}.ts`);
  const pinned = process.platform === 'linux';
  return fork(script, words, {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    ...(pinned
      ? {
          execPath: 'taskset',
          execArgv: ['-c', core, process.execPath, '--disable-warning=ExperimentalWarning', ...profiled(words)],
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
