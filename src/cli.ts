#!/usr/bin/env node
import { enableCompileCache } from 'node:module';
import { Command, CommanderError } from 'commander';
import { type Io, processIo } from './commands/io.ts';
import { VERSION } from './config.ts';
import { ConfigError, StoreError, UsageError } from './errors.ts';
import { printable } from './model/printable.ts';
import { withoutCredentials } from './model/redacted.ts';

type Verb = () => Promise<{ readonly command: (io: Io) => Command }>;

const VERBS: Readonly<Record<string, Verb>> = {
  serve: () => import('./commands/serve.ts'),
  demo: () => import('./commands/demo.ts'),
  init: () => import('./commands/init.ts'),
  check: () => import('./commands/check.ts'),
  diff: () => import('./commands/diff.ts'),
  replay: () => import('./commands/replay.ts'),
  report: () => import('./commands/report.ts'),
  gate: () => import('./commands/gate.ts'),
  rules: () => import('./commands/rules.ts'),
  stage: () => import('./commands/stage.ts'),
  floor: () => import('./commands/floor.ts'),
  kill: () => import('./commands/kill.ts'),
  undo: () => import('./commands/undo.ts'),
  flags: () => import('./commands/flags.ts'),
  token: () => import('./commands/token.ts'),
};

const io = processIo();

// Whoever reads has had enough (`| head`).
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit();
  throw error;
});

const program = new Command('crossfade')
  .description('Moves a REST API from DynamoDB to MongoDB, one route and one tenant at a time.')
  .version(VERSION)
  .exitOverride();

const [named] = process.argv.slice(2);
// Most of a command's time is loading code: it is kept compiled, and only what the verb needs is loaded. A façade starts
// once and stays, and would hold some 10 MB for it.
if (named !== 'serve') enableCompileCache();
const wanted = named !== undefined && Object.hasOwn(VERBS, named) ? [VERBS[named] as Verb] : Object.values(VERBS);
for (const load of wanted) program.addCommand(quiet((await load()).command(io)));

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitCode(error);
}

/** An error of commander's is thrown here, not ended there: by a verb, and by what stands below it. */
function quiet(command: Command): Command {
  for (const below of command.commands) quiet(below);
  return command.exitOverride();
}

/** 0 good, 1 found something, 2 usage or configuration, 3 a service failed. */
function exitCode(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  io.err(`${printable(withoutCredentials(error instanceof Error ? error.message : String(error)))}\n`);
  if (error instanceof ConfigError || error instanceof UsageError) return 2;
  if (error instanceof StoreError) return 3;
  return 3;
}
