#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import * as check from './commands/check.ts';
import * as demo from './commands/demo.ts';
import * as diff from './commands/diff.ts';
import * as flags from './commands/flags.ts';
import * as floor from './commands/floor.ts';
import { printable, processIo } from './commands/io.ts';
import * as kill from './commands/kill.ts';
import * as report from './commands/report.ts';
import * as rules from './commands/rules.ts';
import * as serve from './commands/serve.ts';
import * as stage from './commands/stage.ts';
import { VERSION } from './config.ts';
import { ConfigError, StoreError, UsageError } from './errors.ts';

const io = processIo();

const program = new Command('crossfade')
  .description('Moves a REST API from DynamoDB to MongoDB, one route and one tenant at a time.')
  .version(VERSION)
  .exitOverride();

for (const verb of [serve, demo, check, diff, report, rules, stage, floor, kill, flags])
  program.addCommand(quiet(verb.command(io)));

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
  io.err(`${printable(error instanceof Error ? error.message : String(error))}\n`);
  if (error instanceof ConfigError || error instanceof UsageError) return 2;
  if (error instanceof StoreError) return 3;
  return 3;
}
