import { mkdtemp, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Server, serve } from './processes.ts';

export type Env = Readonly<Record<string, string>>;

const ROOT = join(import.meta.dirname, '../..');

export interface Facade {
  /** The module, from the root of the repository. */
  readonly bindings: string;
  /** By operation. */
  readonly stages: Env;
  readonly env: Env;
  /** As the image runs it, where nothing else is said. */
  readonly flags?: readonly string[];
  /** Another version's folder. */
  readonly root?: string;
  /** The command, where it is not run from its sources. */
  readonly script?: string;
  readonly cores?: string;
}

/** `crossfade serve`, whole, in a folder of its own below `parent`. */
export async function serveFacade(
  parent: string,
  { bindings, stages, env, flags, root = ROOT, script = join(root, 'src/cli.ts'), cores }: Facade,
): Promise<Server> {
  const cwd = await mkdtemp(join(parent, 'facade-'));
  const lines = Object.entries(stages).map(([operation, stage]) => `  ${operation}: { stage: ${stage} }\n`);
  await writeFile(join(cwd, 'stages.yaml'), lines.length === 0 ? 'operations: {}\n' : `operations:\n${lines.join('')}`);
  return serve({
    words: [script, 'serve', resolve(root, bindings)],
    flags: [...(flags ?? IMAGE_FLAGS), ...profiled()],
    env: { ...SETTINGS, ...env, ...passedOn() },
    cwd,
    ...(cores === undefined ? {} : { cores }),
  });
}

/** Of the Dockerfile's entry point. */
const IMAGE_FLAGS = [
  ...['--max-semi-space-size=8', '--heap-growing-percent=30'],
  '--external-memory-accounted-in-global-limit',
];

const SETTINGS: Env = {
  MALLOC_ARENA_MAX: '2',
  ...{ PORT: '0', ADMIN_PORT: '0', ADMIN_TOKENS: `bench:viewer:${'0'.repeat(64)}` },
  ...{ AWS_REGION: 'eu-west-1', AWS_ACCESS_KEY_ID: 'x', AWS_SECRET_ACCESS_KEY: 'x' },
};

/** `BENCH_PROFILE=folder` writes the façade's CPU profiles there. */
const profiled = (): string[] =>
  process.env.BENCH_PROFILE === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${process.env.BENCH_PROFILE}`];

/** `BENCH_FACADE_X=1` sets `X` for the façade: to measure it with a switch turned. */
const passedOn = (): Env =>
  Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
      name.startsWith('BENCH_FACADE_') && value !== undefined ? [[name.slice('BENCH_FACADE_'.length), value]] : [],
    ),
  );
