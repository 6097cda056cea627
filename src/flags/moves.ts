import { compareStages, STAGES, type Stage } from '../model/stage.ts';
import { type FlagApi, type FlagOperation, type OperationStages, type StagesState, sameStages } from './api.ts';
import { createDecider, type Decider } from './decide.ts';
import { toFeatures } from './ladder.ts';

/** Somebody who is taken from one stage of an operation to another. */
export interface StageMove {
  readonly operation: FlagOperation;
  readonly from: Stage;
  readonly to: Stage;
}

/** Those who are taken from one stage of an operation to another by one change. */
export interface Movers extends StageMove {
  /** Tenants that have the new stage of their own. */
  readonly named: readonly string[];
  /** Of the known tenants those who move with a share, or with everybody. */
  readonly active: readonly string[];
}

/** Who moves by a change, of those who are known, in the order of `movesOf`. */
export function moversOf(
  api: FlagApi,
  before: StagesState,
  after: StagesState,
  known: readonly string[],
): readonly Movers[] {
  const narrow = narrowed(api, before, after);
  const was = deciderOf(narrow.api, narrow.before);
  const willBe = deciderOf(narrow.api, narrow.after);
  const movers = new Map<string, Movers & { readonly named: string[]; readonly active: string[] }>();
  for (const { operation, from, to } of movesOf(api, before, after))
    movers.set(JSON.stringify([operation.id, from, to]), { operation, from, to, named: [], active: [] });
  for (const [index, { id }] of narrow.api.operations.entries()) {
    const [old, now] = [narrow.before.operations[index], narrow.after.operations[index]] as [
      OperationStages,
      OperationStages,
    ];
    const own = new Set([...now.tenants.keys(), ...old.tenants.keys()]);
    if (![...movers.values()].some(({ operation }) => operation.id === id)) continue;
    const moveOf = (tenant: string) =>
      movers.get(JSON.stringify([id, was.stageOf(index, tenant).stage, willBe.stageOf(index, tenant).stage]));
    // Without a ramp all who have no stage of their own are where the rest is, and go where it goes.
    const shared = old.ramp === undefined && now.ramp === undefined;
    const rest = shared ? moveOf('') : undefined;
    for (const tenant of new Set([...known, ...own])) {
      const move = shared && !own.has(tenant) ? rest : moveOf(tenant);
      (now.tenants.has(tenant) ? move?.named : move?.active)?.push(tenant);
    }
  }
  return [...movers.values()];
}

/** What a change of the stages does, to those who are named and to shares of the others. The kill switch is not looked at: it will be lifted one day, and then the move counts. */
export function movesOf(whole: FlagApi, from: StagesState, to: StagesState): readonly StageMove[] {
  const { api, before, after } = narrowed(whole, from, to);
  const was = deciderOf(api, before);
  const willBe = deciderOf(api, after);
  const moves = api.operations.flatMap((operation, index) => {
    const old = before.operations[index] as OperationStages;
    const now = after.operations[index] as OperationStages;
    const named = [...new Set([...old.tenants.keys(), ...now.tenants.keys()])].map((tenant) => [
      was.stageOf(index, tenant).stage,
      willBe.stageOf(index, tenant).stage,
    ]);
    return [...shareMoves(old, now), ...named]
      .filter(([from, to]) => from !== undefined && to !== undefined && from !== to)
      .map(([from, to]) => ({ operation, from: from as Stage, to: to as Stage }));
  });
  return moves;
}

/** The operations that a change touches, alone: the others take nobody anywhere. */
function narrowed(api: FlagApi, before: StagesState, after: StagesState) {
  const touched = api.operations.flatMap((_, index) => {
    const [old, now] = [before.operations[index], after.operations[index]];
    return old === undefined || now === undefined || old === now || sameStages(old, now) ? [] : [index];
  });
  const only = (state: StagesState): StagesState => ({
    ...state,
    operations: touched.map((index) => state.operations[index] as OperationStages),
  });
  const operations = touched.map((index) => api.operations[index] as FlagOperation);
  return { api: { name: api.name, operations }, before: only(before), after: only(after) };
}

/** From where to where those move who are not named. */
function shareMoves(old: OperationStages, now: OperationStages): (Stage | undefined)[][] {
  const was = old.ramp?.percent ?? 0;
  const willBe = now.ramp?.percent ?? 0;
  const both = Math.min(was, willBe);
  return [
    ...(Math.max(was, willBe) < 100 ? [[old.stage, now.stage]] : []),
    ...(both > 0 ? [[old.ramp?.to, now.ramp?.to]] : []),
    ...(willBe > was ? [[old.stage, now.ramp?.to]] : []),
    ...(was > willBe ? [[old.ramp?.to, now.stage]] : []),
  ];
}

/** Backwards is free; one offered stage forward too, unless it leaves `validate` or reaches `live` or later. */
export function needsGate({ operation: { offered }, from, to }: StageMove): boolean {
  if (compareStages(to, from) <= 0) return false;
  const steps = offered.filter((one) => compareStages(one, from) > 0 && compareStages(one, to) <= 0).length;
  return steps > 1 || from === 'validate' || compareStages(to, 'live') >= 0;
}

/** Tenants at each stage, `none` for those of whom no stage is true; in the order of the migration. */
export function countStages(
  api: FlagApi,
  state: StagesState,
  index: number,
  tenants: readonly string[],
): ReadonlyMap<Stage | 'none', number> {
  const decider = deciderOf(api, state, true);
  const counts = new Map<Stage | 'none', number>();
  for (const tenant of tenants) {
    const stage = decider.stageOf(index, tenant).stage ?? 'none';
    counts.set(stage, (counts.get(stage) ?? 0) + 1);
  }
  return new Map(
    [...STAGES, 'none' as const]
      .filter((stage) => counts.has(stage))
      .map((stage) => [stage, counts.get(stage) as number]),
  );
}

function deciderOf(api: FlagApi, state: StagesState, withKill = false): Decider {
  const decider = createDecider(api);
  decider.swap('', toFeatures(withKill ? state : { ...state, kill: false }, api));
  return decider;
}
