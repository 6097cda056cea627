import { editDistance } from '../model/distance.ts';
import { compareStages, PLANS, type Stage } from '../model/stage.ts';

/** What flags need to know of an API: its operations, and the stages that each can have. */
export interface FlagApi {
  readonly name: string;
  readonly operations: readonly FlagOperation[];
}

export interface FlagOperation {
  readonly id: string;
  /** Name of its flag: `<api>.<operationId>`. */
  readonly flag: string;
  readonly offered: readonly Stage[];
  readonly initial: Stage;
}

/** Only an operation that can have several stages has a flag: one without bindings is legacy's in any case. */
export const isMovable = ({ offered }: FlagOperation): boolean => offered.length > 1;

export interface Ramp {
  readonly to: Stage;
  readonly percent: number;
}

/** One operation's part of stages.yaml, with its defaults. */
export interface OperationStages {
  readonly id: string;
  readonly stage: Stage;
  readonly floor: Stage;
  readonly ramp: Ramp | undefined;
  readonly tenants: ReadonlyMap<string, Stage>;
  /** Whether the file names it; else it is where an operation begins. */
  readonly named: boolean;
}

/** stages.yaml, with an entry for every operation of the API, in the API's order. */
export interface StagesState {
  readonly kill: boolean;
  /** Percent of the plans with a candidate that are carried out. */
  readonly sampling: number;
  readonly operations: readonly OperationStages[];
}

const TENANT_LENGTH = 128;

/** Why a tenant of this name can never be met; `undefined` where it can. */
export function tenantProblem(tenant: string): string | undefined {
  if (tenant === '') return 'is empty';
  if (tenant.length > TENANT_LENGTH) return `is longer than ${TENANT_LENGTH} characters`;
  // unleash-client trims the values of a constraint, so that it would never match.
  if (tenant.trim() !== tenant) return 'has white space at an end';
  return undefined;
}

/** Whether two say the same, in whatever order they name tenants. */
export const sameStages = (a: OperationStages, b: OperationStages): boolean =>
  JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));

const sorted = ({ stage, floor, ramp, tenants }: OperationStages) => [
  ...[stage, floor, ramp?.to, ramp?.percent],
  [...tenants].sort(([a], [b]) => (a < b ? -1 : 1)),
];

/** What stages.yaml would refuse of an operation's stages; `undefined` where it would take them. */
export function stagesProblem(
  { stage, floor, ramp, tenants }: OperationStages,
  operation: FlagOperation,
): string | undefined {
  const { id } = operation;
  const asked: [string, Stage][] = [
    ['stage', stage],
    ...(ramp === undefined ? [] : [['ramp to', ramp.to] as [string, Stage]]),
    ...[...tenants].map(([tenant, own]): [string, Stage] => [`tenant ${tenant}: stage`, own]),
  ];
  const refusals = [floor, ...asked.map(([, one]) => one)].map((one) => whyNotOffered(operation, one));
  const below = asked.find(([, one]) => compareStages(one, floor) < 0);
  const wrong = [...tenants.keys()].find((tenant) => tenantProblem(tenant) !== undefined);
  const refusal = refusals.find((one) => one !== undefined);
  if (refusal !== undefined) return refusal;
  if (below !== undefined) return `${id}: ${below[0]} ${below[1]} is below the floor, ${floor}`;
  if (ramp !== undefined && compareStages(ramp.to, stage) <= 0)
    return `${id}: ramp goes from ${stage} to ${ramp.to}: it must go forward`;
  return wrong === undefined ? undefined : `${id}: tenant \`${wrong}\` ${tenantProblem(wrong)}`;
}

/** Why an operation cannot have a stage, with those that it can have; `undefined` where it can. */
export function whyNotOffered({ id, offered }: FlagOperation, asked: Stage): string | undefined {
  if (offered.includes(asked)) return undefined;
  const has = {
    legacy: offered.some((one) => PLANS[one].control === 'legacy'),
    dynamodb: offered.some((one) => PLANS[one].control === 'dynamodb'),
    mongodb: offered.some((one) => PLANS[one].control === 'mongodb' || PLANS[one].candidates.includes('mongodb')),
  };
  const { control, candidates } = PLANS[asked];
  const missing = candidates.filter((origin) => !has[origin]);
  const lacks = [control, ...(asked === 'validate' && missing.length === 1 ? [] : missing)].filter(
    (origin) => !has[origin],
  );
  const because =
    lacks.length > 0
      ? `without ${lacks.map((origin) => (origin === 'legacy' ? 'a LEGACY_URL' : `a ${origin} binding`)).join(' and ')}`
      : control === 'mongodb' && !offered.some((one) => PLANS[one].control === 'mongodb')
        ? 'until the bindings say `freshness`'
        : 'yet';
  const instead = offered.length === 0 ? 'it can have none' : `it can have ${offered.join(', ')}`;
  return `${id} cannot have stage ${asked} ${because}; ${instead}`;
}

/** `; did you mean …?` with the nearest of the known words, or all of them where none is near. */
export function suggestion(word: string, known: readonly string[]): string {
  const distances = known.map((one) => ({ one, distance: editDistance(word.toLowerCase(), one.toLowerCase()) }));
  const nearest = distances.toSorted((a, b) => a.distance - b.distance)[0];
  if (nearest !== undefined && nearest.distance <= Math.max(2, Math.floor(nearest.one.length / 3))) {
    return `; did you mean \`${nearest.one}\`?`;
  }
  return known.length > 0 && known.length <= 12 ? `; there are ${known.join(', ')}` : '';
}
