import { writeFile } from 'node:fs/promises';
import { basename, dirname, extname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { stubOf } from '../bindings/stub.ts';
import { loadContract } from '../contract/load.ts';
import { UsageError } from '../errors.ts';
import { printableLine } from '../model/printable.ts';
import type { Io } from './io.ts';

interface InitOptions {
  readonly out?: string;
}

const EXAMPLES = `
Example:
  $ crossfade init openapi/shop.yaml        writes openapi/shop.bindings.ts
  $ crossfade check openapi/shop.bindings.ts`;

export function command(io: Io): Command {
  return new Command('init')
    .description('write a bindings module for a contract, with every operation as a stub')
    .argument('<contract>', 'an OpenAPI 3.0 or 3.1 document')
    .option('--out <file>', 'the module (default: NAME.bindings.ts beside the contract)')
    .addHelpText('after', EXAMPLES)
    .action(async (contract: string, options: InitOptions) => run(io, contract, options));
}

/** Throws a ConfigError for a wrong contract, a UsageError where the module exists: it is never written over. */
async function run(io: Io, file: string, { out }: InitOptions): Promise<void> {
  const path = resolve(io.cwd, file);
  const contract = await loadContract(path);
  const name = basename(path, extname(path)).replace(/[^A-Za-z0-9._~-]/g, '-');
  const target = out === undefined ? join(dirname(path), `${name}.bindings.ts`) : resolve(io.cwd, out);
  const text = stubOf(contract, {
    contract: beside(target, path),
    crossfade: packageFor(target),
    name: basename(target).replace(/(\.bindings)?\.[cm]?[jt]s$/, ''),
  });
  await writeFile(target, text, { flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST') throw new UsageError(`${target} is there already; it is not written over`);
    throw new UsageError(`${target} cannot be written: ${error.message}`);
  });
  const shown = printableLine(relative(io.cwd, target));
  io.out(`${shown}: ${contract.operations.length} operations, none bound yet; every one stays legacy's\n`);
  io.out(`Next: bind one, and run crossfade check ${shown}\n`);
}

/** A module's way to a file, as an import takes it. */
function beside(module: string, file: string): string {
  const way = relative(dirname(module), file).replaceAll('\\', '/');
  return way.startsWith('.') ? way : `./${way}`;
}

/** From a clone, where nothing is built, the source; else the package by its name. */
function packageFor(module: string): string {
  if (!import.meta.url.endsWith('.ts')) return 'crossfade';
  return beside(module, fileURLToPath(new URL('../index.ts', import.meta.url)));
}
