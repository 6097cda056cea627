import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Test } from 'tap';

const CLI = join(import.meta.dirname, '..', '..', 'src', 'cli.ts');

/** tap hooks into every Node child by these, which costs a second each. */
const bare = (env: Readonly<Record<string, string>>): NodeJS.ProcessEnv => {
  const kept = Object.entries(process.env).filter(([name]) => !/^_?TAP/.test(name) && name !== 'CI');
  return { ...Object.fromEntries(kept), NODE_OPTIONS: '--disable-warning=ExperimentalWarning', ...env };
};

export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs a verb in a process of its own, in a folder. */
export async function crossfade(
  folder: string,
  env: Readonly<Record<string, string>>,
  ...words: string[]
): Promise<Ran> {
  const child = spawn(process.execPath, [CLI, ...words], {
    cwd: folder,
    env: bare(env),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [out, err] = [collect(child.stdout), collect(child.stderr)];
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, out: out(), err: err() };
}

export interface Served {
  readonly url: string;
  readonly adminUrl: string;
  readonly child: ChildProcess;
  readonly log: () => string;
  /** SIGTERM, and its exit code. */
  readonly stop: () => Promise<number | null>;
}

/** A façade in a process of its own, ended after the test. */
export async function serveAlone(
  t: Test,
  folder: string,
  bindings: string,
  env: Readonly<Record<string, string>>,
): Promise<Served> {
  const { child, stop, ready } = spawnServe(folder, bindings, env);
  t.teardown(async () => {
    child.kill('SIGCONT');
    await stop();
  });
  return await ready();
}

/** The same, ended by whoever starts it: at once, and when it is ready. `through`: a command that runs it. */
export function spawnServe(
  folder: string,
  bindings: string,
  env: Readonly<Record<string, string>>,
  through: readonly string[] = [],
): Pick<Served, 'child' | 'stop'> & { readonly ready: () => Promise<Served> } {
  const settings = { PORT: '0', ADMIN_PORT: '0', LOG_LEVEL: 'info', SERVER_TIMING: 'true', ...env };
  const [program = process.execPath, ...words] = [...through, process.execPath, CLI, 'serve', bindings];
  const child = spawn(program, words, {
    ...{ cwd: folder, env: bare(settings), stdio: ['ignore', 'pipe', 'pipe'] },
  });
  const [out, err] = [collect(child.stdout), collect(child.stderr)];
  const ended = once(child, 'close') as Promise<[number | null]>;
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    return (await ended)[0];
  };
  const ready = async () => {
    const end = Date.now() + 120_000;
    while (Date.now() < end && child.exitCode === null) {
      const line = out()
        .split('\n')
        .find((text) => text.includes('"msg":"ready"'));
      if (line !== undefined) {
        const { facade, admin } = JSON.parse(line) as { facade: string; admin: string };
        return { url: facade, adminUrl: admin, child, log: () => out() + err(), stop };
      }
      await sleep(20);
    }
    throw new Error(`the façade did not start: ${out()}${err()}`);
  };
  return { child, stop, ready };
}

function collect(stream: NodeJS.ReadableStream | null): () => string {
  let text = '';
  stream?.on('data', (chunk) => {
    text += chunk;
  });
  return () => text;
}
