import { Command, Option } from 'commander';
import { UsageError } from '../errors.ts';
import type { FlagOperation } from '../flags/api.ts';
import { isStage } from '../model/stage.ts';
import { editFor, indexOf, type ScopeOptions, scopeOf } from '../operate/edits.ts';
import { openGate, preview } from '../operate/gating.ts';
import type { StagesPlace } from '../operate/place.ts';
import { type GateReport, gateJunit, gateMarkdown, gateText } from '../report/gate-words.ts';
import { type Io, json as jsonText } from './io.ts';
import { atPlace, openPlace } from './moving.ts';
import { clean, painter } from './report.ts';
import { withScopeOptions } from './stage.ts';

export interface GateOptions extends ScopeOptions {
  readonly format?: 'text' | 'json' | 'markdown' | 'junit';
  readonly json?: boolean;
  readonly bindings?: string;
}

const EXAMPLES = `
Examples:
  $ crossfade gate getUser live                          may everybody move?
  $ crossfade gate getUser live --tenant acme,globex     these tenants
  $ crossfade gate getUser live --percent 25             a quarter of them
  $ crossfade gate getUser live --format markdown        for a pull request
  $ crossfade gate getUser live --format junit > gate.xml

It changes nothing. Exit code 0: may move; 1: may not, or too little is known; 3: the results cannot be read.`;

export function command(io: Io, open = openPlace): Command {
  return withScopeOptions(
    new Command('gate')
      .description(
        'may an operation, a tenant or a share of them move to a stage? Says what is missing, and how to get it',
      )
      .argument('<operation>', 'operation of the contract')
      .argument('<stage>', 'where to'),
  )
    .addOption(new Option('--format <format>').choices(['text', 'json', 'markdown', 'junit']).default('text'))
    .option('--json', 'the same as --format json')
    .option('--bindings <file>', 'the bindings module (default: BINDINGS, else the running demo)')
    .addHelpText('after', EXAMPLES)
    .action(async (operation: string, stage: string, options: GateOptions) => {
      await atPlace(
        () => open(io, options.bindings),
        async (place) => {
          process.exitCode = await run(io, place, operation, stage, options);
        },
      );
    });
}

/** 0: may move; 1: may not. Throws a UsageError where there is nothing to be asked, a StoreError for results. */
export async function run(
  io: Io,
  { api, target, judging }: StagesPlace,
  id: string,
  stage: string,
  options: GateOptions,
): Promise<number> {
  const operation = api.operations[indexOf(api, id)] as FlagOperation;
  const edit = editFor(operation, stage, options);
  if (!isStage(stage)) throw new UsageError(`\`${stage}\` is no stage`);
  if (judging === undefined) throw new UsageError('RESULTS_URI or MONGODB_URI must say where the results are');
  const { before, after } = await preview(target, { operations: [operation.id], plan: () => [edit] });
  const gate = await openGate(judging, [operation.id]);
  const [judged] = gate.judge(before, after);
  const report: GateReport = {
    ...{ api: api.name, operation: operation.id, to: stage, scope: scopeOf(options), evidence: gate.evidence },
    from: judged?.from ?? [],
    verdict: judged?.verdict.verdict ?? 'pass',
    reasons: judged?.verdict.reasons ?? [],
  };
  io.out(FORMATS[options.json === true ? 'json' : (options.format ?? 'text')](report, io));
  return report.verdict === 'pass' ? 0 : 1;
}

const FORMATS: Readonly<Record<NonNullable<GateOptions['format']>, (report: GateReport, io: Io) => string>> =
  Object.freeze({
    text: (report, io) => gateText(clean(report), painter(io.color)),
    json: (report) => jsonText({ ...report, passes: report.verdict === 'pass' }),
    markdown: (report) => gateMarkdown(clean(report)),
    junit: gateJunit,
  });
