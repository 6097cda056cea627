import { ConfigError, FlagServerError, UsageError } from '../errors.ts';
import {
  type FlagApi,
  type FlagOperation,
  type OperationStages,
  suggestion,
  tenantProblem,
  whyNotOffered,
} from '../flags/api.ts';
import type { StagesEdit } from '../flags/edit.ts';
import { printableLine } from '../model/printable.ts';
import { compareStages, isStage, STAGES, type Stage } from '../model/stage.ts';
import type { Moving } from './move.ts';

/** Who is moved: everybody, where none is said. */
export interface ScopeOptions {
  readonly tenant?: readonly string[];
  readonly percent?: string;
  readonly all?: boolean;
}

export function indexOf(api: FlagApi, id: string | undefined): number {
  const ids = api.operations.map((operation) => operation.id);
  const index = ids.indexOf(id ?? '');
  if (index === -1) throw new UsageError(`${api.name} has no operation \`${id}\`${suggestion(id ?? '', ids)}`);
  return index;
}

export function scopeOf({ percent, tenant, all }: ScopeOptions): string {
  if (percent !== undefined) return ` --percent ${percent}`;
  if (tenant !== undefined)
    return ` --tenant ${shellWord(tenant.map((name) => name.replaceAll(',', '\\,')).join(','))}`;
  return all ? ' --all' : '';
}

/** `a,b\\,c` → `a` and `b,c`. */
export const namesIn = (text: string): string[] => text.split(/(?<!\\),/).map((name) => name.replaceAll('\\,', ','));

export function editFor(operation: FlagOperation, stage: string, { tenant, percent, all }: ScopeOptions): StagesEdit {
  if (!isStage(stage)) throw new UsageError(`\`${stage}\` is no stage${suggestion(stage, STAGES)}`);
  const refusal = whyNotOffered(operation, stage);
  if (refusal !== undefined) throw new UsageError(refusal);
  const scopes = [tenant !== undefined && '--tenant', percent !== undefined && '--percent', all === true && '--all'];
  const given = scopes.filter((scope) => scope !== false);
  if (given.length > 1) throw new UsageError(`give ${given.join(' or ')}, not both`);
  if (percent !== undefined) {
    if (!/^\d{1,3}$/.test(percent) || Number(percent) > 100)
      throw new UsageError(`--percent must be a whole number from 0 to 100, not \`${percent}\``);
    return { operation: operation.id, ramp: { to: stage, percent: Number(percent) } };
  }
  if (tenant === undefined) return { operation: operation.id, stage, ...(all ? { all } : {}) };
  for (const one of tenant) {
    const wrong = tenantProblem(one);
    if (wrong !== undefined) throw new UsageError(`tenant \`${one}\` ${wrong}`);
  }
  return { operation: operation.id, stage, tenants: [...new Set(tenant)] };
}

/** The floor of an operation, as a change. Throws a UsageError where it cannot have it. */
export function floorMove(api: FlagApi, id: string, floor: string): Moving {
  const index = indexOf(api, id);
  const operation = api.operations[index] as FlagOperation;
  if (!isStage(floor)) throw new UsageError(`\`${floor}\` is no stage${suggestion(floor, STAGES)}`);
  const refusal = whyNotOffered(operation, floor);
  if (refusal !== undefined) throw new UsageError(refusal);
  return {
    what: `floor ${id} ${floor}`,
    operations: [id],
    again: `crossfade floor ${shellWord(id)} ${floor}`,
    plan: ({ state }) => {
      const now = state.operations[index] as OperationStages;
      checkFloor(now, floor);
      return [{ operation: id, floor, rest: now.stage }];
    },
  };
}

/** A stage of an operation, for everybody, some tenants or a share of them. Throws a UsageError where it cannot have it. */
export function stageMove(api: FlagApi, id: string | undefined, stage: string, scope: ScopeOptions): Moving {
  const operation = api.operations[indexOf(api, id)] as FlagOperation;
  const edit = editFor(operation, stage, scope);
  return {
    what: `stage ${operation.id} ${stage}${scopeOf(scope)}`,
    operations: [operation.id],
    again: `crossfade stage ${shellWord(operation.id)} ${stage}${scopeOf(scope)}`,
    plan: () => [edit],
  };
}

/** Every operation to its floor, or back to what the stages say: nobody is asked for a gate. */
export const killMove = (kill: boolean): Moving => ({
  what: kill ? 'kill' : 'kill --lift',
  operations: [],
  again: undefined,
  plan: () => [{ kill }],
});

/** In an outage of the flags there is another way to kill, and whoever needs it is in a hurry: the error with that said. */
export function withKillCure(error: unknown): unknown {
  if (error instanceof ConfigError)
    return new ConfigError([{ where: 'kill', message: `is not done. ${KILL_CURE}` }, ...error.problems]);
  const message = `${(error as Error).message}\n${KILL_CURE}`;
  if (error instanceof FlagServerError) return new FlagServerError(error.failure, message, { cause: error });
  return error instanceof UsageError && error.failure === 'wrong' ? new UsageError(message) : error;
}

const KILL_CURE =
  'The kill file works whatever the flags are like. On every machine with a façade: crossfade kill --local';

/** How many percent of the comparisons are carried out. */
export function samplingMove(percent: number): Moving {
  if (!Number.isInteger(percent) || percent < 0 || percent > 100)
    throw new UsageError(`sampling must be a whole number from 0 to 100, not ${percent}`);
  return { what: `sampling ${percent}`, operations: [], again: undefined, plan: () => [{ sampling: percent }] };
}

/** A floor moves nobody: whoever is below is moved first, by a stage that has been asked for. */
export function checkFloor({ id, stage, ramp, tenants }: OperationStages, floor: Stage): void {
  const below = [
    ...(compareStages(stage, floor) < 0 ? [`those at ${stage}`] : []),
    ...(ramp !== undefined && compareStages(ramp.to, floor) < 0 ? [`the ramp to ${ramp.to}`] : []),
    ...[...tenants].filter(([, own]) => compareStages(own, floor) < 0).map(([tenant, own]) => `${tenant} at ${own}`),
  ];
  if (below.length === 0) return;
  const some = below.slice(0, 5).join(', ') + (below.length > 5 ? ` and ${below.length - 5} more` : '');
  throw new UsageError(
    `a floor of ${floor} would leave below it: ${printableLine(some)}. Move them first: crossfade stage ${shellWord(id)} ${floor}`,
  );
}

/** A word as a shell takes it. */
export const shellWord = (word: string): string =>
  /^[\w.,@:/+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
