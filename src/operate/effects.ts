import { setImmediate as turn } from 'node:timers/promises';
import type { FlagApi, FlagOperation, OperationStages, StagesState } from '../flags/api.ts';
import { createDecider } from '../flags/decide.ts';
import { toFeatures } from '../flags/ladder.ts';
import { compareStages, lower, STAGES, type Stage } from '../model/stage.ts';

/** What a change does to one operation. */
export interface Effect {
  readonly operation: string;
  /** Of everybody, in words: `75 % dynamodb, 25 % shadow; by name: 1 live`. */
  readonly before: string;
  readonly after: string;
  /** Known tenants that move; `undefined` where nobody knows them, or they are too many to be looked at one by one. */
  readonly moving?: number;
  readonly tenantsBefore?: Shares;
  readonly tenantsAfter?: Shares;
  /** The first of those that move, by name. */
  readonly some: readonly string[];
  /** The first of those with a stage of their own that it leaves alone. */
  readonly stays: readonly string[];
  readonly note: string;
}

/** Tenants by stage in the order of the migration; `none`: of whom no stage is true. */
export type Shares = readonly { readonly stage: Stage | 'none'; readonly n: number }[];

const SHOWN = 20;
/** Tenants that are looked at, one by one, before others get their turn: a few milliseconds. */
const SLICE = 250;
/** Tenants that are looked at one by one for one change: two seconds' worth. */
const MOST = 400_000;

interface States {
  readonly before: StagesState;
  readonly after: StagesState;
}

/**
 * What a change does to operations. Where there is no ramp tenants are counted without being looked at one by one, else in
 * slices, so that no request waits.
 */
export async function effectsOf(
  api: FlagApi,
  states: States,
  ids: readonly string[],
  tenants: readonly string[] | undefined,
): Promise<readonly Effect[]> {
  const known = tenants?.toSorted();
  const isKnown = new Set(known);
  let left = MOST;
  const effects: Effect[] = [];
  for (const [index, operation] of api.operations.entries()) {
    if (!ids.includes(operation.id)) continue;
    const was = standing(operation, states.before, index);
    const willBe = standing(operation, states.after, index);
    const ramped = was.ramped || willBe.ramped;
    left -= ramped ? (known?.length ?? 0) : 0;
    const counted = ramped && left < 0 ? undefined : known;
    effects.push({ ...wordsOf(operation, states, index), ...(await countMoves(was, willBe, counted, isKnown)) });
    if (effects.length % 20 === 0) await turn();
  }
  return effects;
}

/** Where the tenants of one operation are. */
interface Standing {
  readonly named: ReadonlyMap<string, Stage>;
  /** Of those who are not named, where they are all at one. */
  readonly rest: Stage | 'none';
  /** Those who are not named are at two stages, by a hash of their name. */
  readonly ramped: boolean;
  of(tenant: string): Stage | 'none';
}

function standing(operation: FlagOperation, state: StagesState, index: number): Standing {
  const stages = state.operations[index] as OperationStages;
  const at = (asked: Stage) => lower(asked, operation.offered, stages.floor) ?? 'none';
  if (state.kill) {
    const floor = at(stages.floor);
    return { named: NOBODY, rest: floor, ramped: false, of: () => floor };
  }
  const { ramp, tenants } = stages;
  const ramped = ramp !== undefined && ramp.percent > 0 && ramp.percent < 100;
  const rest = at(ramp?.percent === 100 ? ramp.to : stages.stage);
  const own = (tenant: string): Stage | 'none' | undefined => {
    const asked = tenants.get(tenant);
    return asked === undefined ? undefined : at(asked);
  };
  if (!ramped) return { named: tenants, rest, ramped, of: (tenant) => own(tenant) ?? rest };
  const alone: FlagApi = { name: '', operations: [operation] };
  const decider = createDecider(alone);
  decider.swap('', toFeatures({ ...state, operations: [stages] }, alone));
  const of = (tenant: string) => own(tenant) ?? decider.stageOf(0, tenant).stage ?? 'none';
  return { named: tenants, rest, ramped, of };
}

const NOBODY: ReadonlyMap<string, Stage> = new Map();

async function countMoves(
  was: Standing,
  willBe: Standing,
  known: readonly string[] | undefined,
  isKnown: ReadonlySet<string>,
): Promise<Omit<Effect, 'operation' | 'before' | 'after' | 'stays' | 'note'>> {
  const named = new Set([...was.named.keys(), ...willBe.named.keys()]);
  const before = new Map<Stage | 'none', number>();
  const after = new Map<Stage | 'none', number>();
  const movers: string[] = [];
  let moving = 0;
  const look = (tenant: string, shown = true): void => {
    const [from, to] = [was.of(tenant), willBe.of(tenant)];
    add(before, from, 1);
    add(after, to, 1);
    if (from === to) return;
    moving += 1;
    if (shown) movers.push(tenant);
  };
  for (const tenant of [...named].sort()) look(tenant);
  if (known === undefined) return { some: movers.slice(0, SHOWN) };
  if (was.ramped || willBe.ramped) {
    const most = movers.length + SHOWN;
    for (const [at, tenant] of known.entries()) {
      // They come by name: who comes later is not among the first.
      if (!named.has(tenant)) look(tenant, movers.length < most);
      if (at % SLICE === SLICE - 1) await turn();
    }
  } else {
    const others = known.length - [...named].filter((tenant) => isKnown.has(tenant)).length;
    add(before, was.rest, others);
    add(after, willBe.rest, others);
    if (was.rest !== willBe.rest) {
      moving += others;
      movers.push(...firstOf(known, named));
    }
  }
  const some = movers.sort().slice(0, SHOWN);
  return { moving, tenantsBefore: sharesOf(before), tenantsAfter: sharesOf(after), some };
}

function firstOf(known: readonly string[], named: ReadonlySet<string>): readonly string[] {
  const first: string[] = [];
  for (const tenant of known) {
    if (first.length === SHOWN) break;
    if (!named.has(tenant)) first.push(tenant);
  }
  return first;
}

const add = (counts: Map<Stage | 'none', number>, stage: Stage | 'none', n: number): void => {
  if (n > 0) counts.set(stage, (counts.get(stage) ?? 0) + n);
};

const sharesOf = (counts: ReadonlyMap<Stage | 'none', number>): Shares =>
  [...STAGES, 'none' as const].flatMap((stage) => {
    const n = counts.get(stage);
    return n === undefined ? [] : [{ stage, n }];
  });

function wordsOf(operation: FlagOperation, { before, after }: States, index: number) {
  const old = before.operations[index] as OperationStages;
  const now = after.operations[index] as OperationStages;
  const { was, willBe, stuck } = killedWords(operation, old, now, { before, after });
  const everybody = old.stage !== now.stage || old.ramp?.to !== now.ramp?.to || old.ramp?.percent !== now.ramp?.percent;
  const stays = everybody ? [...now.tenants].filter(([, own]) => own !== now.stage).map(([tenant]) => tenant) : [];
  const waits = before.kill && after.kill ? 'kill is on: until it is lifted every operation stays at its floor' : '';
  return {
    ...{ operation: operation.id, before: was, after: willBe, stays: stays.sort().slice(0, SHOWN) },
    note: stuck || waits,
  };
}

/** What becomes of an operation in words, and why where the kill switch does nothing to it. */
function killedWords(
  operation: FlagOperation,
  old: OperationStages,
  now: OperationStages,
  { before, after }: { readonly before: { readonly kill: boolean }; readonly after: { readonly kill: boolean } },
) {
  const floor = lower(now.floor, operation.offered, now.floor);
  const at = (stages: OperationStages, killed: boolean) => (killed ? (floor ?? 'none: 503') : shares(stages));
  const switched = before.kill !== after.kill;
  const stuck = (before.kill || after.kill) && isAllAt(now, floor, operation);
  return {
    ...{ was: at(old, switched && before.kill), willBe: at(now, switched && after.kill) },
    stuck: stuck && switched ? `stays: its floor is ${floor}, older answers are not true any more` : '',
  };
}

/** Nobody is above the floor. */
export function isAllAt(
  { stage, ramp, tenants }: OperationStages,
  floor: Stage | undefined,
  { offered }: FlagOperation,
): boolean {
  if (floor === undefined) return false;
  const asked = [stage, ...(ramp !== undefined && ramp.percent > 0 ? [ramp.to] : []), ...tenants.values()];
  return asked.every((one) => compareStages(lower(one, offered, floor) ?? floor, floor) <= 0) && floor !== offered[0];
}

/** How many are where: `75 % dynamodb, 25 % shadow; by name: 1 live`. */
export function shares({ stage, ramp, tenants }: OperationStages): string {
  const moved = ramp?.percent ?? 0;
  const parts = moved < 100 ? [`${100 - moved} % ${stage}`] : [];
  if (ramp !== undefined && moved > 0) parts.push(`${moved} % ${ramp.to}`);
  const counts = STAGES.map((one) => ({ one, count: [...tenants.values()].filter((asked) => asked === one).length }));
  const named = counts.filter(({ count }) => count > 0).map(({ one, count }) => `${count} ${one}`);
  return parts.join(', ') + (named.length > 0 ? `; by name: ${named.join(', ')}` : '');
}
