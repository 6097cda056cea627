import type { ClientFeaturesResponse } from 'unleash-client';
import { compareStages, isStage, later, STAGES, type Stage } from '../model/stage.ts';
import {
  type FlagApi,
  type FlagOperation,
  isMovable,
  type OperationStages,
  type Ramp,
  type StagesState,
} from './api.ts';

export type Features = ClientFeaturesResponse['features'];
export type Feature = Features[number];
export type Strategy = NonNullable<Feature['strategies']>[number];
type Operator = Strategy['constraints'][number]['operator'];
type Payload = NonNullable<NonNullable<Strategy['variants']>[number]['payload']>;

/** What a server takes by default: values in one constraint, strategies of one flag in one environment. */
export const LIMITS: Limits = Object.freeze({ constraintValues: 250, strategies: 30, flags: 5_000 });

export interface Limits {
  readonly constraintValues: number;
  readonly strategies: number;
  readonly flags: number;
}

/** The context field that ladders decide by. */
export const TENANT_FIELD = 'tenantId';

/** Names of the two flags that an API has beside those of its operations. */
export const apiFlags = (name: string): { readonly kill: string; readonly sampling: string } => ({
  kill: `${flagPrefix(name)}kill`,
  sampling: `${flagPrefix(name)}sampling`,
});

/** What the names of all flags of an API begin with. */
export const flagPrefix = (name: string): string => `${name.replace(/[^A-Za-z0-9._~-]/g, '-')}.`;

/** Where an operation begins: nobody has moved it yet. */
export const untouched = ({ id, initial }: FlagOperation): OperationStages =>
  Object.freeze({ id, stage: initial, floor: initial, ramp: undefined, tenants: new Map(), named: false });

/**
 * The state as Unleash features: one flag an operation, its strategies in order (tenants, ramp, rest) sharing one
 * groupId, so that a raised percentage only ever moves tenants forward. Every variant carries the floor.
 */
export function toFeatures(state: StagesState, api: FlagApi, limits: Limits = LIMITS): Features {
  const { kill, sampling } = apiFlags(api.name);
  const ladders = api.operations.map((operation, index) => ({
    name: operation.flag,
    type: 'release',
    enabled: true,
    strategies: strategiesOf(operation.flag, state.operations[index] ?? untouched(operation), limits),
    variants: [],
  }));
  return [
    ...ladders,
    { name: kill, type: 'kill-switch', enabled: state.kill, strategies: [share(kill, 100, 'default')], variants: [] },
    {
      name: sampling,
      type: 'operational',
      enabled: true,
      strategies: [share(sampling, state.sampling, 'random')],
      variants: [],
    },
  ];
}

/** The strategies of one operation's flag, in the order in which the first that fits decides. */
export function strategiesOf(
  flag: string,
  { stage: rest, floor, ramp, tenants }: Omit<OperationStages, 'id' | 'named'>,
  limits: Limits = LIMITS,
): Strategy[] {
  const named = STAGES.flatMap((to) =>
    chunks(
      [...tenants].filter(([, asked]) => asked === to).map(([tenant]) => tenant),
      limits.constraintValues,
    ).map((values) => strategyOf(flag, to, floor, 100, values)),
  );
  const ramped = ramp === undefined ? [] : [strategyOf(flag, ramp.to, floor, ramp.percent)];
  return [...named, ...ramped, strategyOf(flag, rest, floor, 100)];
}

/** One strategy: a share of everybody, or of these tenants alone, at a stage. */
export const strategyOf = (
  flag: string,
  to: Stage,
  floor: Stage,
  rollout: number,
  tenants?: readonly string[],
): Strategy => ({
  ...share(flag, rollout, TENANT_FIELD),
  constraints:
    tenants === undefined
      ? []
      : [{ contextName: TENANT_FIELD, operator: 'IN' as Operator, inverted: false, values: [...tenants] }],
  variants: [{ name: to, weight: 1000, stickiness: TENANT_FIELD, payload: floorPayload(floor) }],
});

const share = (groupId: string, rollout: number, stickiness: string): Strategy => ({
  name: 'flexibleRollout',
  parameters: { groupId, rollout: String(rollout), stickiness },
  constraints: [],
});

const floorPayload = (floor: Stage): Payload => ({ type: 'string' as Payload['type'], value: floor });

function chunks(values: readonly string[], size: number): string[][] {
  const count = Math.ceil(values.length / size);
  return Array.from({ length: count }, (_, at) => values.slice(at * size, (at + 1) * size));
}

/** The strategy for whom no other fits. */
export const restOf = ({ strategies = [] }: Feature): Strategy | undefined => reachable(strategies).at(-1);

/**
 * Why a feature cannot decide an operation's stage, whoever made it: its outcome must be a stage for every tenant, and
 * a matter of the tenant alone. `undefined` where it can. A disabled one can: it sends the operation to its floor.
 */
export function ladderProblem({ strategies, dependencies = [] }: Feature): string | undefined {
  if (!Array.isArray(strategies) || strategies.length === 0) return 'has no strategies';
  if (dependencies.length > 0) return 'depends on another flag';
  const reached = reachable(strategies);
  for (const strategy of reached) {
    const problem = strategyProblem(strategy);
    if (problem !== undefined) return problem;
  }
  const rest = reached.at(-1) as Strategy;
  if (rest.constraints.length > 0 || rolloutOf(rest) !== 100) return 'does not end with a strategy for everyone';
  if (floorOf(rest) === undefined) return 'does not say its floor: the payload of its last variant is no stage';
  return undefined;
}

/** What says something of a tenant's name, and of nothing else. */
const OPERATORS: ReadonlySet<string> = new Set(['IN', 'NOT_IN', 'STR_STARTS_WITH', 'STR_ENDS_WITH', 'STR_CONTAINS']);
const ANY_FIELD: ReadonlySet<unknown> = new Set(['default', 'random']);

function strategyProblem(strategy: Strategy): string | undefined {
  const { name, variants = [], constraints = [], segments = [], parameters = {} } = strategy;
  if (name !== 'flexibleRollout') return `has a strategy \`${name}\`, and only flexibleRollout is known here`;
  if (variants.length === 0) return 'has a strategy without a variant';
  const stranger = variants.find((variant) => !isStage(variant.name));
  if (stranger !== undefined) return `has a variant \`${stranger.name}\`, which is no stage`;
  if (variants.length > 1) return `has a strategy with ${variants.length} variants`;
  if (segments.length > 0) return 'has a segment that the server did not write out';
  const field = constraints.find(({ contextName }) => contextName !== TENANT_FIELD)?.contextName;
  if (field !== undefined) return `has a constraint on \`${field}\`, and only ${TENANT_FIELD} is known here`;
  // Those by date compare the clock, whatever field they name; others say nothing of a text.
  const operator = constraints.find((constraint) => !OPERATORS.has(constraint.operator))?.operator;
  if (operator !== undefined) return `has a constraint by ${operator}`;
  const rollout = rolloutOf(strategy);
  if (rollout === undefined) return `has a rollout of \`${parameters.rollout}\``;
  // At 100 % too unleash-client gives false where the field to stick to is absent, unless it need not be there.
  const sticks = parameters.stickiness === TENANT_FIELD || (rollout === 100 && ANY_FIELD.has(parameters.stickiness));
  if (rollout > 0 && !sticks)
    return `has a rollout that sticks to \`${parameters.stickiness}\` instead of ${TENANT_FIELD}`;
  return undefined;
}

/**
 * The strategies that can decide: none below the first that fits everybody, since the first that fits decides. A ramp
 * at 100 % is told from the rest by being the last but one, and leading forward.
 */
export function reachable(strategies: readonly Strategy[]): readonly Strategy[] {
  const first = strategies.findIndex(fitsEverybody);
  if (first === -1) return strategies;
  const [decisive, another, ...more] = strategies.slice(first);
  const ramped =
    another !== undefined && more.length === 0 && fitsEverybody(another) && leadsForward(decisive, another);
  return ramped ? strategies : strategies.slice(0, first + 1);
}

function leadsForward(ramp: Strategy | undefined, rest: Strategy): boolean {
  const [to, from] = [ramp && stageOfStrategy(ramp), stageOfStrategy(rest)];
  return to !== undefined && from !== undefined && compareStages(to, from) > 0;
}

export const fitsEverybody = (strategy: Strategy): boolean =>
  strategy.constraints.length === 0 && (strategy.segments ?? []).length === 0 && rolloutOf(strategy) === 100;

/** Percent; `undefined` where it is none. */
export function rolloutOf({ parameters }: Strategy): number | undefined {
  const text = String(parameters?.rollout ?? '');
  return /^\d{1,3}$/.test(text) && Number(text) <= 100 ? Number(text) : undefined;
}

export const stageOfStrategy = ({ variants }: Strategy): Stage | undefined =>
  isStage(variants?.[0]?.name) ? variants[0].name : undefined;

export const floorOf = ({ variants }: Strategy): Stage | undefined =>
  isStage(variants?.[0]?.payload?.value) ? variants[0].payload.value : undefined;

/** The tenants that a strategy is for; `undefined` where it is not a list of tenants. */
export function tenantsOf(strategy: Strategy): readonly string[] | undefined {
  const [constraint, another] = strategy.constraints;
  const plain = constraint?.operator === ('IN' as Operator) && constraint.inverted !== true && another === undefined;
  return plain && rolloutOf(strategy) === 100 ? (constraint.values ?? []).map((value) => value.trim()) : undefined;
}

/** Why a flag cannot be read that could, were it enabled. */
export const DISABLED = 'is disabled';

/** A flag read back, or why it says more than stages.yaml can: then no command may write it anew. */
export type ReadLadder =
  | { readonly stages: OperationStages; readonly odd?: undefined }
  | { readonly stages?: undefined; readonly odd: string };

/** The inverse of `strategiesOf`, for a flag that anybody may have edited. */
export function readLadder(feature: Feature, operation: FlagOperation): ReadLadder {
  const problem = ladderProblem(feature);
  if (problem !== undefined) return { odd: problem };
  if (!feature.enabled) return { odd: DISABLED };
  const strategies = reachable(feature.strategies as Strategy[]);
  const rest = strategies.at(-1) as Strategy;
  const tenants = new Map<string, Stage>();
  let ramp: Ramp | undefined;
  for (const strategy of strategies.slice(0, -1)) {
    const to = stageOfStrategy(strategy) as Stage;
    const named = tenantsOf(strategy);
    const everyone = strategy.constraints.length === 0;
    if (named === undefined && !everyone) return { odd: 'has a strategy that is neither a list of tenants nor a ramp' };
    if (everyone && ramp !== undefined) return { odd: 'has two ramps' };
    if (everyone) ramp = Object.freeze({ to, percent: rolloutOf(strategy) as number });
    else if (ramp !== undefined) return { odd: 'has tenants below a ramp' };
    for (const tenant of named ?? []) if (!tenants.has(tenant)) tenants.set(tenant, to);
  }
  const stage = stageOfStrategy(rest) as Stage;
  // A ramp to where everybody is leads nobody anywhere; one backwards is what a move that was cut short leaves behind.
  if (ramp?.to === stage) ramp = undefined;
  if (strategies.some(({ parameters }) => parameters.groupId !== operation.flag)) return { odd: 'has another groupId' };
  const floor = floorOf(rest) as Stage;
  return { stages: Object.freeze({ id: operation.id, stage, floor, ramp, tenants, named: true }) };
}

/** What features say, as stages.yaml would. */
export interface ReadState {
  readonly state: StagesState;
  /** Operations whose flag says more, or nothing, by id: they stand in `state` with the stage of the rest and the floor. */
  readonly odd: ReadonlyMap<string, string>;
}

/** Features of a server → state. Operations without a flag are untouched. */
export function fromFeatures(features: Features, api: FlagApi): ReadState {
  const given = new Map(features.map((feature) => [feature.name, feature]));
  const odd = new Map<string, string>();
  const operations = api.operations.map((operation): OperationStages => {
    const feature = given.get(operation.flag);
    if (feature === undefined || !isMovable(operation)) return untouched(operation);
    const read = readLadder(feature, operation);
    if (read.stages !== undefined) return read.stages;
    odd.set(operation.id, read.odd);
    const rest = restOf(feature);
    // Where the one that counts is not known, the highest that any says: an answer from below would be the worse mistake.
    const floors = (feature.strategies ?? []).map(floorOf).filter((one) => one !== undefined);
    const floor = (rest && floorOf(rest)) ?? floors.reduce(later, operation.initial);
    const stage = feature.enabled ? ((rest && stageOfStrategy(rest)) ?? operation.initial) : floor;
    return Object.freeze({ ...untouched(operation), floor, stage: later(stage, floor), named: true });
  });
  const { kill, sampling } = apiFlags(api.name);
  const state = Object.freeze({
    kill: given.get(kill)?.enabled === true,
    sampling: samplingOf(given.get(sampling)),
    operations: Object.freeze(operations),
  });
  return Object.freeze({ state, odd });
}

/** Why a feature does not say how many comparisons to carry out. */
export function samplingProblem({ enabled, strategies = [] }: Feature): string | undefined {
  const [strategy] = strategies;
  if (!enabled) return undefined;
  return strategy !== undefined && rolloutOf(strategy) !== undefined ? undefined : 'has no rollout';
}

/** Percent; none while the flag is off, all where it is missing or cannot be read. */
function samplingOf(feature: Feature | undefined): number {
  if (feature === undefined) return 100;
  if (!feature.enabled) return 0;
  const [strategy] = feature.strategies ?? [];
  return strategy === undefined ? 100 : (rolloutOf(strategy) ?? 100);
}
