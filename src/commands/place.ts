import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { type Config, loadConfig } from '../config.ts';
import { ConfigError, UsageError } from '../errors.ts';
import type { Io } from './io.ts';

/** Which API a verb is about, and with which settings. */
export interface Place {
  readonly bindings: string;
  readonly config: Config;
  /** The settings as they are, those of a demo included, for a process that is started. */
  readonly env: NodeJS.ProcessEnv;
}

/**
 * Bindings from `option` or BINDINGS; else those of the demo that runs in this folder, with its settings, so that no verb
 * needs any. Throws a UsageError where there is neither, a ConfigError for wrong settings.
 */
export async function placeOf(io: Io, option: string | undefined): Promise<Place> {
  const named = option ?? io.env.BINDINGS;
  if (named !== undefined && named !== '')
    return { bindings: resolve(io.cwd, named), config: loadConfig(io.env, io.cwd), env: io.env };
  const noted = join(io.cwd, '.crossfade', 'demo.json');
  const demo = await readDemo(noted);
  if (demo === undefined)
    throw new UsageError(`which API? Give --bindings FILE or set BINDINGS (${noted}, of a demo, is not there)`);
  const base = dirname(dirname(noted));
  const env = { ...io.env, ...demo.env };
  const config = loadConfig({ ...env, STAGES_FILE: resolve(base, demo.stagesFile) }, io.cwd);
  return { bindings: resolve(base, demo.bindings), config, env };
}

interface DemoFile {
  readonly bindings: string;
  readonly stagesFile: string;
  readonly env: Readonly<Record<string, string>>;
}

async function readDemo(file: string): Promise<DemoFile | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const demo = parse(file, text);
  if (typeof demo.bindings === 'string' && typeof demo.stagesFile === 'string' && typeof demo.env === 'object')
    return demo as DemoFile;
  throw new ConfigError([
    { where: file, message: 'lacks `bindings`, `stagesFile` or `env`; start `crossfade demo` again' },
  ]);
}

function parse(file: string, text: string): Partial<DemoFile> {
  try {
    return JSON.parse(text) as Partial<DemoFile>;
  } catch (error) {
    throw new ConfigError([{ where: file, message: (error as Error).message }]);
  }
}
