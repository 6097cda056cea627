import { Command } from 'commander';
import { type Checked, checkBindings } from '../bindings/check.ts';
import { loadBindings } from '../bindings/load.ts';
import { loadConfig } from '../config.ts';
import { printableLine } from '../model/printable.ts';
import { checkConnect } from './check-connect.ts';
import { type Io, json as jsonText } from './io.ts';

export interface CheckFlags {
  readonly connect?: boolean;
  readonly json?: boolean;
  readonly runs: string;
  readonly seed: string;
}

export function command(io: Io): Command {
  return new Command('check')
    .description('call every binding with requests generated from the contract, and say what is wrong')
    .argument('<bindings>', 'the bindings module')
    .option('--connect', 'also ask the stores for tables, keys and indexes, and run one trial call each')
    .option('--runs <n>', 'generated requests per operation and store', '25')
    .option('--seed <n>', 'of the generated requests', '1')
    .option('--json', 'print data instead of text')
    .addHelpText('after', '\nExample:\n  $ crossfade check openapi/photos.bindings.ts')
    .action(async (bindings: string, flags: CheckFlags) => {
      process.exitCode = await run(io, bindings, flags);
    });
}

/** 0: nothing wrong; 1: problems, each a line. Throws a ConfigError for what is wrong before any binding is called. */
export async function run(io: Io, file: string, flags: CheckFlags): Promise<number> {
  const config = loadConfig(io.env, io.cwd);
  const bindings = await loadBindings(file, { legacy: true });
  const checked = await checkBindings(bindings, { runs: Number(flags.runs), seed: Number(flags.seed) });
  const connected = flags.connect === true ? await checkConnect(config, checked) : [];
  const problems = [...checked.problems, ...connected];
  if (flags.json === true) io.out(jsonText({ problems, notes: checked.notes }));
  else
    io.out(
      report(
        { ...checked, problems },
        bindings.operations.filter(({ stores }) => Object.keys(stores).length > 0).length,
      ),
    );
  return problems.length === 0 ? 0 : 1;
}

function report({ problems, notes }: Checked, bound: number): string {
  const line = ({ where, message }: { where: string; message: string }) => printableLine(`${where}: ${message}`);
  return [
    ...problems.map(line),
    ...notes.map((one) => `note: ${line(one)}`),
    `${bound} ${bound === 1 ? 'operation' : 'operations'} bound, ${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}`,
    '',
  ].join('\n');
}
