import { Command } from 'commander';
import { UsageError } from '../errors.ts';
import { type FlagApi, type FlagOperation, type OperationStages, sameStages } from '../flags/api.ts';
import type { ReadState } from '../flags/ladder.ts';
import { printableLine } from '../model/printable.ts';
import { STAGES } from '../model/stage.ts';
import { indexOf, namesIn, type ScopeOptions, stageMove } from '../operate/edits.ts';
import { shares } from '../operate/effects.ts';
import { asData } from '../operate/move.ts';
import type { StagesPlace } from '../operate/place.ts';
import { table } from '../report/text.ts';
import { type Io, json as jsonText } from './io.ts';
import {
  atPlace,
  type MovingOptions,
  move,
  namedTenants,
  openPlace,
  tenantTable,
  textDiff,
  withMovingOptions,
} from './moving.ts';

export interface StageOptions extends MovingOptions, ScopeOptions {}

const EXAMPLES = `
Examples:
  $ crossfade stage                                   where every operation is
  $ crossfade stage getUser shadow --percent 25       a quarter of the tenants
  $ crossfade stage getUser dynamodb --tenant acme    one tenant, back
  $ crossfade stage getUser dynamodb --all --wait     everybody, named tenants too; return when it is so
  $ crossfade stage getUser live --force --reason 'compared by hand'

Where UNLEASH_URL is set the stages are those of the flag server, else those of STAGES_FILE.`;

export function command(io: Io, open = openPlace): Command {
  return withMovingOptions(
    withScopeOptions(
      new Command('stage')
        .description('list the stages of operations, or move an operation, some tenants or a share of them')
        .argument('[operation]', 'operation of the contract')
        .argument('[stage]', `where to: ${STAGES.join(', ')}`),
    ),
  )
    .addHelpText('after', EXAMPLES)
    .action(async (operation: string | undefined, stage: string | undefined, options: StageOptions) => {
      await atPlace(
        () => open(io, options.bindings),
        (place) => run(io, place, operation, stage, options),
      );
    });
}

export function withScopeOptions(command: Command): Command {
  const collect = (value: string, before: readonly string[] = []) => [...before, ...namesIn(value)];
  return command
    .option(
      '-t, --tenant <tenants>',
      'only these tenants (repeatable, or separated by commas; `\\,` is a comma in a name)',
      collect,
    )
    .option('-p, --percent <n>', 'only this share of the tenants, 0 to 100')
    .option('--all', 'the tenants that have a stage of their own too');
}

/** Lists (no stage given) or moves. Throws a UsageError or ConfigError where nothing may be done. */
async function run(
  io: Io,
  place: StagesPlace,
  id: string | undefined,
  stage: string | undefined,
  options: StageOptions,
): Promise<void> {
  const { api } = place;
  if (stage === undefined) {
    const asked = ['tenant', 'percent', 'all', 'dryRun', 'force', 'reason', 'wait'].filter((key) => key in options);
    if (asked.length > 0) throw new UsageError(`say where to: crossfade stage ${id ?? 'OPERATION'} STAGE`);
    list(io, api, await place.target.read(), id, options);
    return;
  }
  const index = indexOf(api, id);
  const operation = api.operations[index] as FlagOperation;
  await move(io, place, options, {
    ...stageMove(api, id, stage, options),
    countsTenants: !options.json,
    data: ({ before, after }) => ({
      operation: operation.id,
      before: asData(before.operations[index] as OperationStages),
      after: asData(after.operations[index] as OperationStages),
    }),
    show: (change, verb, tenants) => {
      const from = change.before.operations[index] as OperationStages;
      const to = change.after.operations[index] as OperationStages;
      if (sameStages(from, to)) {
        io.out(`${operation.id} is there already: nothing ${verb}\n`);
        return;
      }
      io.out(`${place.target.name} ${verb}:\n${textDiff(change, io.color)}`);
      io.out(`before: ${shares(from)}\nafter:  ${shares(to)}\n`);
      io.out(tenantTable(api, change, index, tenants));
      const apart = [...to.tenants].filter(([, own]) => own !== to.stage);
      if (from.stage !== to.stage && apart.length > 0)
        io.out(
          `tenants that have a stage of their own stay: ${printableLine(namedTenants(Object.fromEntries(apart)))}\n`,
        );
      if (change.after.kill) io.out('kill is on: until it is lifted every operation stays at its floor\n');
    },
  });
}

function list(io: Io, api: FlagApi, { state, odd }: ReadState, id: string | undefined, { json }: StageOptions): void {
  const chosen = id === undefined ? api.operations.keys() : [indexOf(api, id)];
  const rows = [...chosen].map((index) => {
    const operation = api.operations[index] as FlagOperation;
    const stages = asData(state.operations[index] as OperationStages);
    return { ...stages, offered: operation.offered, odd: odd.get(operation.id) };
  });
  if (json) {
    io.out(jsonText({ kill: state.kill, sampling: state.sampling, operations: rows }));
    return;
  }
  if (state.kill) io.out('kill is on: every operation is at its floor\n');
  const cells = rows.map(({ id, stage, ramp, tenants, floor, offered, odd }) => [
    printableLine(id),
    odd === undefined ? stage : `${stage}?`,
    ramp === undefined ? '-' : `${ramp.percent} % ${ramp.to}`,
    printableLine(namedTenants(tenants)) || '-',
    floor,
    offered.join(' ') || 'none',
  ]);
  io.out(table([['operation', 'stage', 'ramp', 'tenants', 'floor', 'offered'], ...cells]));
  for (const { id, odd } of rows)
    if (odd !== undefined) io.out(`${printableLine(id)}: its flag ${printableLine(odd)}; see crossfade flags check\n`);
}
