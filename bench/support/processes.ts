import { type ChildProcess, execFileSync, fork, spawn } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import type { Done, Job } from './load.ts';

const PINS = process.platform === 'linux' && cpus().length > 1;

/** What serves has a core for itself; load and mocks share the other with us and all that we start. */
export const SERVING = '0';
const OTHERS = '1';
/** For what has a thread beside the one that serves: it shares the core of those that ask. */
export const BOTH = '0,1';

/** Pins this process, and so all that it starts and does not pin elsewhere. Does nothing where there is one core. */
export function pinHere(): void {
  if (PINS) execFileSync('taskset', ['-a', '-c', '-p', OTHERS, String(process.pid)], { stdio: 'ignore' });
}

export interface Server {
  readonly url: string;
  /** Of a façade. */
  readonly adminUrl: string | undefined;
  readonly pid: number;
  readonly stop: () => Promise<void>;
}

export interface Program {
  /** The script and its arguments. */
  readonly words: readonly string[];
  readonly flags?: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Where it runs; default the serving core. */
  readonly cores?: string;
}

/** A server on the serving core, once it has said its address in a line of JSON. Throws where it ends before. */
export async function serve({ words, flags = [], env, cwd, cores = SERVING }: Program): Promise<Server> {
  const node = [process.execPath, '--disable-warning=ExperimentalWarning', ...flags, ...words];
  const [command, ...rest] = PINS ? ['taskset', '-c', cores, ...node] : node;
  const child = spawn(command as string, rest, {
    cwd,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env.PATH, ...env },
  });
  // Read as a container's runtime reads it: to the end.
  const [url, adminUrl] = await new Promise<readonly [string, string | undefined]>((done, fail) => {
    let text = '';
    child.once('exit', (code) => fail(new Error(`${words.join(' ')} ended with ${code}: ${text}`)));
    child.stdout.on('data', (chunk) => {
      if (text.length < 100_000) text += chunk;
      const found = /"(?:facade|url)":"([^"]+)"/.exec(text);
      if (found !== null) done([found[1] as string, /"admin":"([^"]+)"/.exec(text)?.[1]]);
    });
  });
  const stop = async () => {
    const ended = new Promise((done) => child.once('exit', done));
    child.kill();
    await ended;
  };
  return { url, adminUrl, pid: child.pid as number, stop };
}

export interface Load {
  /** Throws where a reply was wrong, or none came. */
  readonly run: (job: Job) => Promise<Done>;
  readonly stop: () => void;
}

/** 64 connections that ask without a pause, from a process of their own. */
export function startLoad(): Load {
  const child = fork(join(import.meta.dirname, 'load.ts'), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  return {
    run: async (job) => {
      child.send(job);
      const done = await said<Done>(child);
      if (done.wrong === 0 && done.replies > 0) return done;
      throw new Error(`${job.url}${job.path}: ${done.wrong} of ${done.replies} replies were wrong`);
    },
    stop: () => void child.kill(),
  };
}

/** The next message of a child. Rejects where it ends instead. */
export function said<T>(child: ChildProcess): Promise<T> {
  return new Promise((done, fail) => {
    const onExit = (code: number | null) => fail(new Error(`a process of the measurement ended with ${code}`));
    child.once('exit', onExit);
    child.once('message', (message) => {
      child.off('exit', onExit);
      done(message as T);
    });
  });
}

/** CPU time that a process's first thread has used, in microseconds. */
export async function mainCpuOf(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/task/${pid}/schedstat`, 'utf8');
  return Number(text.split(' ')[0]) / 1_000;
}

/** CPU time that a process has used, in microseconds, all threads: Linux counts it in nanoseconds. */
export async function cpuOf(pid: number): Promise<number> {
  const threads = await readdir(`/proc/${pid}/task`);
  const spent = await Promise.all(threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/schedstat`, 'utf8')));
  return spent.reduce((sum, text) => sum + Number(text.split(' ')[0]), 0) / 1_000;
}
