import { Command } from 'commander';
import { loadBindings } from '../bindings/load.ts';
import { ConfigError, UsageError } from '../errors.ts';
import { createDecider } from '../flags/decide.ts';
import { editStages, readOr, replaceFile, type StagesEdit } from '../flags/edit.ts';
import {
  type FlagApi,
  type FlagOperation,
  type OperationStages,
  parseStages,
  type StagesState,
  suggestion,
  tenantProblem,
  toFeatures,
  whyNotOffered,
} from '../flags/ladder.ts';
import { compareStages, isStage, STAGES, type Stage } from '../model/stage.ts';
import { table } from '../report/text.ts';
import { type Io, printable, printableLine } from './io.ts';
import { placeOf } from './place.ts';

/** Where the stages stand, and of which API. */
export interface StagesPlace {
  readonly api: FlagApi;
  readonly file: string;
}

export interface StageOptions {
  readonly tenant?: readonly string[];
  readonly percent?: string;
  readonly dryRun?: boolean;
  readonly force?: boolean;
  readonly reason?: string;
  readonly json?: boolean;
  readonly bindings?: string;
}

/** A move that was made, or would be. */
export interface Move {
  readonly operation: string;
  readonly before: string;
  readonly after: string;
  readonly from: OperationStages;
  readonly to: OperationStages;
}

const EXAMPLES = `
Examples:
  $ crossfade stage                                   where every operation is
  $ crossfade stage getUser shadow --percent 25       a quarter of the tenants
  $ crossfade stage getUser dynamodb --tenant acme    one tenant, back
  $ crossfade stage getUser live --force --reason 'compared by hand'`;

export function command(io: Io, loadApi = placeFrom): Command {
  const collect = (value: string, before: readonly string[] = []) => [...before, ...value.split(',')];
  return new Command('stage')
    .description('list the stages of operations, or move an operation, some tenants or a share of them')
    .argument('[operation]', 'operation of the contract')
    .argument('[stage]', `where to: ${STAGES.join(', ')}`)
    .option('-t, --tenant <tenants>', 'only these tenants (repeatable, or separated by commas)', collect)
    .option('-p, --percent <n>', 'only this share of the tenants, 0 to 100')
    .option('--dry-run', 'show what would change, and change nothing')
    .option('--force', 'move without a passing gate; needs --reason')
    .option('--reason <text>', 'why')
    .option('--json', 'print data instead of text')
    .option('--bindings <file>', 'the bindings module (default: BINDINGS, else the running demo)')
    .addHelpText('after', EXAMPLES)
    .action(async (operation: string | undefined, stage: string | undefined, options: StageOptions) => {
      await run(io, await loadApi(io, options.bindings), operation, stage, options);
    });
}

/**
 * Lists (no stage given) or moves. Prints to `io`; throws a UsageError or ConfigError where nothing may be done, and
 * then nothing was written.
 */
export async function run(
  io: Io,
  { api, file }: StagesPlace,
  id: string | undefined,
  stage: string | undefined,
  options: StageOptions,
): Promise<void> {
  if (stage === undefined) {
    const asked = ['tenant', 'percent', 'dryRun', 'force', 'reason'].filter((key) => key in options);
    if (asked.length > 0) throw new UsageError(`say where to: crossfade stage ${id ?? 'OPERATION'} STAGE`);
    list(io, api, parseStages((await readOr(file)) ?? '', api, file), id, options);
    return;
  }
  const index = indexOf(api, id);
  const operation = api.operations[index] as FlagOperation;
  const edit = editFor(operation, stage, options);
  const plan = (before: string): Move => {
    const state = parseStages(before, api, file);
    const after = editStages(before, edit);
    const next = parsedMove(after, api, file);
    const from = state.operations[index] as OperationStages;
    checkGate(operation, edit, positions(state, api, index, edit, from), options);
    return { operation: operation.id, before, after, from, to: next.operations[index] as OperationStages };
  };
  if (options.dryRun) {
    show(io, plan((await readOr(file)) ?? ''), file, options, 'would change');
    return;
  }
  const made: { move?: Move } = {};
  await replaceFile(file, (text) => {
    made.move = plan(text);
    return made.move.after;
  });
  if (made.move !== undefined) show(io, made.move, file, options, 'changed');
}

/** The edited text's mistakes are the move's (below the floor, a ramp backwards), so no line is named. */
function parsedMove(text: string, api: FlagApi, file: string): StagesState {
  try {
    return parseStages(text, api, file);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new UsageError(error.problems.map(({ message }) => message).join('\n'));
  }
}

function indexOf(api: FlagApi, id: string | undefined): number {
  const ids = api.operations.map((operation) => operation.id);
  const index = ids.indexOf(id ?? '');
  if (index === -1) throw new UsageError(`${api.name} has no operation \`${id}\`${suggestion(id ?? '', ids)}`);
  return index;
}

function editFor(
  operation: FlagOperation,
  stage: string,
  { tenant, percent, force, reason }: StageOptions,
): StagesEdit {
  if (!isStage(stage)) throw new UsageError(`\`${stage}\` is no stage${suggestion(stage, STAGES)}`);
  const refusal = whyNotOffered(operation, stage);
  if (refusal !== undefined) throw new UsageError(refusal);
  if (tenant !== undefined && percent !== undefined) throw new UsageError('give --tenant or --percent, not both');
  if (force && !reason?.trim()) throw new UsageError("--force needs a reason: --reason '…'");
  if (percent !== undefined) {
    if (!/^\d{1,3}$/.test(percent) || Number(percent) > 100) {
      throw new UsageError(`--percent must be a whole number from 0 to 100, not \`${percent}\``);
    }
    return { operation: operation.id, ramp: { to: stage, percent: Number(percent) } };
  }
  if (tenant === undefined) return { operation: operation.id, stage };
  for (const one of tenant) {
    const wrong = tenantProblem(one);
    if (wrong !== undefined) throw new UsageError(`tenant \`${one}\` ${wrong}`);
  }
  return { operation: operation.id, stage, tenants: [...new Set(tenant)] };
}

/** Stages that a move takes someone from: those of the named tenants, else the resting stage. */
function positions(
  state: StagesState,
  api: FlagApi,
  index: number,
  edit: StagesEdit,
  from: OperationStages,
): readonly Stage[] {
  if ('ramp' in edit) {
    const { to, percent } = edit.ramp;
    return from.ramp?.to === to && percent <= from.ramp.percent ? [] : [from.stage];
  }
  if (!('tenants' in edit)) return [from.stage];
  const decider = createDecider(api);
  // The kill switch will be lifted one day, and then the move counts.
  decider.swap('', toFeatures({ ...state, kill: false }, api));
  const found = edit.tenants.map((tenant) => decider.stageOf(index, tenant).stage ?? from.floor);
  decider.close();
  return found;
}

/** Until there is a gate: what it would be asked for needs --force and a reason (a UsageError that says so). */
function checkGate(operation: FlagOperation, edit: StagesEdit, from: readonly Stage[], options: StageOptions): void {
  const to = 'ramp' in edit ? edit.ramp.to : edit.stage;
  const refused = from.find((one) => needsGate(operation, one, to));
  if (refused === undefined || (options.force && options.reason)) return;
  const scope =
    'ramp' in edit
      ? ` --percent ${edit.ramp.percent}`
      : 'tenants' in edit
        ? ` --tenant ${shellWord(edit.tenants.join(','))}`
        : '';
  throw new UsageError(
    `${operation.id} from ${refused} to ${to} needs proof that both answer alike, or someone who answers for it:\n` +
      `  crossfade stage ${shellWord(operation.id)} ${to}${scope} --force --reason '…'`,
  );
}

/** Backwards is free; one offered stage forward too, unless it leaves `validate` or reaches `live` or later. */
function needsGate({ offered }: FlagOperation, from: Stage, to: Stage): boolean {
  if (compareStages(to, from) <= 0) return false;
  const steps = offered.filter((one) => compareStages(one, from) > 0 && compareStages(one, to) <= 0).length;
  return steps > 1 || from === 'validate' || compareStages(to, 'live') >= 0;
}

const shellWord = (word: string): string => (/^[\w.,@:/+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

function list(io: Io, api: FlagApi, state: StagesState, id: string | undefined, { json }: StageOptions): void {
  const chosen = id === undefined ? api.operations.keys() : [indexOf(api, id)];
  const rows = [...chosen].map((index) => ({
    ...asData(state.operations[index] as OperationStages),
    offered: (api.operations[index] as FlagOperation).offered,
  }));
  if (json) {
    io.out(`${JSON.stringify({ kill: state.kill, sampling: state.sampling, operations: rows }, null, 2)}\n`);
    return;
  }
  if (state.kill) io.out('kill is on: every operation is at its floor\n');
  const cells = rows.map(({ id, stage, ramp, tenants, floor, offered }) => [
    printableLine(id),
    stage,
    ramp === undefined ? '-' : `${ramp.percent} % ${ramp.to}`,
    printableLine(namedTenants(tenants)) || '-',
    floor,
    offered.join(' ') || 'none',
  ]);
  io.out(table([['operation', 'stage', 'ramp', 'tenants', 'floor', 'offered'], ...cells]));
}

const TENANTS_SHOWN = 5;

function namedTenants(tenants: Readonly<Record<string, Stage>>): string {
  const all = Object.entries(tenants).map(([tenant, stage]) => `${tenant}:${stage}`);
  const more = all.length > TENANTS_SHOWN ? ` and ${all.length - TENANTS_SHOWN} more` : '';
  return all.slice(0, TENANTS_SHOWN).join(' ') + more;
}

const asData = ({ id, stage, floor, ramp, tenants }: OperationStages) => ({
  id,
  stage,
  floor,
  ramp,
  tenants: Object.fromEntries(tenants),
});

function show(io: Io, move: Move, file: string, options: StageOptions, verb: string): void {
  const { operation, before, after, from, to } = move;
  const changed = before !== after;
  if (options.json) {
    const data = { operation, file, changed, dryRun: options.dryRun === true, reason: options.reason };
    io.out(`${JSON.stringify({ ...data, before: asData(from), after: asData(to) }, null, 2)}\n`);
    return;
  }
  if (!changed) {
    io.out(`${operation} is there already: nothing ${verb === 'changed' ? 'changed' : 'would change'}\n`);
    return;
  }
  io.out(`${file} ${verb}:\n${diff(before, after, io.color)}\n`);
  io.out(`before: ${shares(from)}\nafter:  ${shares(to)}\n`);
  if (options.reason) io.out(`reason: ${printableLine(options.reason)}\n`);
  const apart = [...to.tenants].filter(([, stage]) => stage !== to.stage);
  if (from.stage !== to.stage && apart.length > 0) {
    io.out(`tenants that have a stage of their own stay: ${printableLine(namedTenants(Object.fromEntries(apart)))}\n`);
  }
}

/** How many are where: `75 % dynamodb, 25 % shadow; by name: 1 live`. */
function shares({ stage, ramp, tenants }: OperationStages): string {
  const moved = ramp?.percent ?? 0;
  const parts = moved < 100 ? [`${100 - moved} % ${stage}`] : [];
  if (ramp !== undefined && moved > 0) parts.push(`${moved} % ${ramp.to}`);
  const counts = STAGES.map((one) => ({ one, count: [...tenants.values()].filter((asked) => asked === one).length }));
  const named = counts.filter(({ count }) => count > 0).map(({ one, count }) => `${count} ${one}`);
  return parts.join(', ') + (named.length > 0 ? `; by name: ${named.join(', ')}` : '');
}

/** The lines that differ, with two lines around them. */
function diff(before: string, after: string, color: boolean): string {
  const old = before.split('\n');
  const now = after.split('\n');
  let head = 0;
  while (head < Math.min(old.length, now.length) && old[head] === now[head]) head += 1;
  let tail = 0;
  while (tail < Math.min(old.length, now.length) - head && old.at(-1 - tail) === now.at(-1 - tail)) tail += 1;
  const start = Math.max(0, head - 2);
  const removed = old.slice(head, old.length - tail);
  const added = now.slice(head, now.length - tail);
  const around = (text: string) => `  ${text}`;
  const paint = (code: number, text: string) => (color ? `\u001b[${code}m${text}\u001b[0m` : text);
  return [
    `@@ -${start + 1} +${start + 1} @@`,
    ...old.slice(start, head).map((text) => around(printable(text))),
    ...removed.map((text) => paint(31, `- ${printable(text)}`)),
    ...added.map((text) => paint(32, `+ ${printable(text)}`)),
    ...now.slice(now.length - tail, now.length - tail + 2).map((text) => around(printable(text))),
  ].join('\n');
}

/** Bindings and stages file from --bindings or BINDINGS, else from what `crossfade demo` wrote down. */
export async function placeFrom(io: Io, option: string | undefined): Promise<StagesPlace> {
  const { bindings, config } = await placeOf(io, option);
  return { api: await apiFrom(bindings, config.legacyUrl !== undefined), file: config.stagesFile };
}

/** What the stages need to know of a bindings module. */
async function apiFrom(file: string, legacy: boolean): Promise<FlagApi> {
  const { name, operations } = await loadBindings(file, { legacy });
  return { name, operations };
}
