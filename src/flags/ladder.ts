import type { ClientFeaturesResponse } from 'unleash-client';
import { isAlias, isMap, isScalar, LineCounter, type ParsedNode, parseDocument } from 'yaml';
import { ConfigError, type Problem } from '../errors.ts';
import { compareStages, isStage, PLANS, STAGES, type Stage } from '../model/stage.ts';

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

export type Features = ClientFeaturesResponse['features'];
export type Feature = Features[number];
type Strategy = NonNullable<Feature['strategies']>[number];
type Operator = Strategy['constraints'][number]['operator'];
type Payload = NonNullable<NonNullable<Strategy['variants']>[number]['payload']>;

/** An Unleash server takes no more values in one constraint. */
const CONSTRAINT_VALUES = 250;
const TENANT_LENGTH = 128;

/**
 * The text of stages.yaml → its state. Everything is optional; an operation that is not named is at its initial stage.
 * Throws a ConfigError with `file:line` for every mistake at once.
 */
export function parseStages(text: string, api: FlagApi, file: string): StagesState {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false });
  const problems: Problem[] = [];
  const say: Say = (offset, message) => {
    problems.push({ where: `${file}:${offset === undefined ? 1 : lines.linePos(offset).line}`, message });
  };
  for (const error of [...document.errors, ...document.warnings]) say(error.pos[0], error.message);
  if (problems.length > 0) throw new ConfigError(problems);
  const top = entries(document.contents, 'stages.yaml', say, ['kill', 'sampling', 'operations']);
  const kill = boolean(top.get('kill'), 'kill', say) ?? false;
  const sampling = percent(top.get('sampling'), 'sampling', say) ?? 100;
  const given = entries(top.get('operations')?.value, 'operations', say);
  for (const [id, { offset }] of given) {
    const ids = api.operations.map((operation) => operation.id);
    if (!ids.includes(id)) say(offset, `${api.name} has no operation \`${id}\`${suggestion(id, ids)}`);
  }
  const operations = api.operations.map((operation) => parseOperation(operation, given.get(operation.id), say));
  if (problems.length > 0) throw new ConfigError(problems);
  return Object.freeze({ kill, sampling, operations: Object.freeze(operations) });
}

type Say = (offset: number | undefined, message: string) => void;
type Entry = { readonly value: ParsedNode | null; readonly offset: number | undefined };

function parseOperation(operation: FlagOperation, entry: Entry | undefined, say: Say): OperationStages {
  const { id, initial } = operation;
  const keys = entries(entry?.value, id, say, ['stage', 'floor', 'ramp', 'tenants']);
  const read = (one: Entry | undefined, what: string) => stage(one, `${id}: ${what}`, operation, say);
  const floor = read(keys.get('floor'), 'floor') ?? initial;
  // An operation that says only its floor rests there: its initial stage may be below.
  const rest = read(keys.get('stage'), 'stage') ?? later(initial, floor);
  const above = (asked: Stage, one: Entry | undefined, what: string) => {
    if (compareStages(asked, floor) < 0) say(one?.offset, `${id}: ${what} ${asked} is below the floor, ${floor}`);
  };
  above(rest, keys.get('stage'), 'stage');
  const ramp = parseRamp(keys.get('ramp'), operation, rest, say);
  const tenants = new Map<string, Stage>();
  for (const [tenant, one] of entries(keys.get('tenants')?.value, `${id}: tenants`, say)) {
    const wrong = tenantProblem(tenant);
    if (wrong !== undefined) say(one.offset, `${id}: tenant \`${tenant}\` ${wrong}`);
    const asked = read(one, `tenant ${tenant}`);
    if (asked === undefined) continue;
    above(asked, one, `tenant ${tenant}: stage`);
    tenants.set(tenant, asked);
  }
  return Object.freeze({ id, stage: rest, floor, ramp, tenants, named: entry !== undefined });
}

function parseRamp(entry: Entry | undefined, operation: FlagOperation, rest: Stage, say: Say): Ramp | undefined {
  if (entry === undefined || entry.value === null || isNull(entry.value)) return undefined;
  const { id } = operation;
  const keys = entries(entry.value, `${id}: ramp`, say, ['to', 'percent']);
  for (const key of ['to', 'percent']) if (!keys.has(key)) say(entry.offset, `${id}: ramp lacks \`${key}\``);
  const to = stage(keys.get('to'), `${id}: ramp to`, operation, say);
  const share = percent(keys.get('percent'), `${id}: ramp percent`, say);
  if (to === undefined || share === undefined) return undefined;
  if (compareStages(to, rest) <= 0) {
    say(keys.get('to')?.offset, `${id}: ramp goes from ${rest} to ${to}: it must go forward`);
    return undefined;
  }
  return Object.freeze({ to, percent: share });
}

/** Why a tenant of this name can never be met; `undefined` where it can. */
export function tenantProblem(tenant: string): string | undefined {
  if (tenant === '') return 'is empty';
  if (tenant.length > TENANT_LENGTH) return `is longer than ${TENANT_LENGTH} characters`;
  // unleash-client trims the values of a constraint, so that it would never match.
  if (tenant.trim() !== tenant) return 'has white space at an end';
  return undefined;
}

function stage(entry: Entry | undefined, what: string, operation: FlagOperation, say: Say): Stage | undefined {
  if (entry === undefined) return undefined;
  const word = scalarText(entry.value);
  if (!isStage(word)) {
    say(entry.offset, `${what}: \`${word ?? ''}\` is no stage${suggestion(word ?? '', STAGES)}`);
    return undefined;
  }
  const refusal = whyNotOffered(operation, word);
  if (refusal !== undefined) say(entry.offset, `${what}: ${refusal}`);
  return refusal === undefined ? word : undefined;
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
  const lacks = [control, ...candidates].filter((origin) => !has[origin]);
  const because =
    lacks.length > 0
      ? `without ${lacks.map((origin) => (origin === 'legacy' ? 'a LEGACY_URL' : `a ${origin} binding`)).join(' and ')}`
      : control === 'mongodb' && !offered.some((one) => PLANS[one].control === 'mongodb')
        ? 'until the bindings say `freshness`'
        : 'yet';
  const instead = offered.length === 0 ? 'it can have none' : `it can have ${offered.join(', ')}`;
  return `${id} cannot have stage ${asked} ${because}; ${instead}`;
}

/** A map's entries by the text of their keys: `42` and `true` are names of tenants as any other. */
function entries(node: unknown, what: string, say: Say, known?: readonly string[]): Map<string, Entry> {
  const found = new Map<string, Entry>();
  if (node === undefined || node === null || isNull(node)) return found;
  if (!isMap<ParsedNode, ParsedNode | null>(node)) {
    const where = (node as ParsedNode).range?.[0];
    const hint = isAlias(node) ? ': write it out, aliases are not read' : '';
    say(where, `${what} must be a map (\`name: value\`)${hint}`);
    return found;
  }
  for (const { key, value } of node.items) {
    const offset = key.range?.[0];
    const name = scalarText(key);
    if (name === undefined) say(offset, `${what}: a name must be a plain text`);
    else if (found.has(name)) say(offset, `${what}: \`${name}\` stands here twice`);
    else if (known !== undefined && !known.includes(name)) {
      say(offset, `${what}: unknown key \`${name}\`${suggestion(name, known)}`);
    } else found.set(name, { value, offset });
  }
  return found;
}

/** A scalar as it was written, so that `007` is not 7. */
export function scalarText(node: unknown): string | undefined {
  if (!isScalar(node)) return undefined;
  return typeof node.value === 'string' ? node.value : (node.source ?? String(node.value));
}

const isNull = (node: unknown): boolean => isScalar(node) && node.value === null;

function boolean(entry: Entry | undefined, what: string, say: Say): boolean | undefined {
  if (entry === undefined) return undefined;
  const value = isScalar(entry.value) ? entry.value.value : undefined;
  if (typeof value === 'boolean') return value;
  say(entry.offset, `${what} must be true or false`);
  return undefined;
}

function percent(entry: Entry | undefined, what: string, say: Say): number | undefined {
  if (entry === undefined) return undefined;
  const value = isScalar(entry.value) ? entry.value.value : undefined;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 100) return value;
  say(entry.offset, `${what} must be a whole number from 0 to 100`);
  return undefined;
}

const later = (a: Stage, b: Stage): Stage => (compareStages(a, b) < 0 ? b : a);

/** `; did you mean …?` with the nearest of the known words, or all of them where none is near. */
export function suggestion(word: string, known: readonly string[]): string {
  const distances = known.map((one) => ({ one, distance: editDistance(word.toLowerCase(), one.toLowerCase()) }));
  const nearest = distances.toSorted((a, b) => a.distance - b.distance)[0];
  if (nearest !== undefined && nearest.distance <= Math.max(2, Math.floor(nearest.one.length / 3))) {
    return `; did you mean \`${nearest.one}\`?`;
  }
  return known.length > 0 && known.length <= 12 ? `; there are ${known.join(', ')}` : '';
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const changed = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(changed, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}

/** Names of the two flags that an API has beside those of its operations. */
export const apiFlags = (name: string): { readonly kill: string; readonly sampling: string } => {
  const prefix = name.replace(/[^A-Za-z0-9._~-]/g, '-');
  return { kill: `${prefix}.kill`, sampling: `${prefix}.sampling` };
};

/**
 * The state as Unleash features: one flag an operation, its strategies in order (tenants, ramp, rest) sharing one
 * groupId, so that a raised percentage only ever moves tenants forward. Every variant carries the floor.
 */
export function toFeatures(state: StagesState, api: FlagApi): Features {
  const { kill, sampling } = apiFlags(api.name);
  const ladders = api.operations.map(({ flag, initial, id }, index) =>
    ladder(
      flag,
      state.operations[index] ?? {
        id,
        stage: initial,
        floor: initial,
        ramp: undefined,
        tenants: new Map(),
        named: false,
      },
    ),
  );
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

function ladder(flag: string, { stage: rest, floor, ramp, tenants }: OperationStages): Feature {
  const step = (to: Stage, rollout: number, constraints: Strategy['constraints'] = []): Strategy => ({
    ...share(flag, rollout, 'tenantId'),
    constraints,
    variants: [{ name: to, weight: 1000, stickiness: 'tenantId', payload: floorPayload(floor) }],
  });
  const named = STAGES.flatMap((to) =>
    chunks([...tenants].filter(([, asked]) => asked === to).map(([tenant]) => tenant)).map((values) =>
      step(to, 100, [{ contextName: 'tenantId', operator: 'IN' as Operator, inverted: false, values }]),
    ),
  );
  const ramped = ramp === undefined ? [] : [step(ramp.to, ramp.percent)];
  return {
    name: flag,
    type: 'release',
    enabled: true,
    strategies: [...named, ...ramped, step(rest, 100)],
    variants: [],
  };
}

const share = (groupId: string, rollout: number, stickiness: string): Strategy => ({
  name: 'flexibleRollout',
  parameters: { groupId, rollout: String(rollout), stickiness },
  constraints: [],
});

const floorPayload = (floor: Stage): Payload => ({ type: 'string' as Payload['type'], value: floor });

function chunks(values: readonly string[]): string[][] {
  const count = Math.ceil(values.length / CONSTRAINT_VALUES);
  return Array.from({ length: count }, (_, at) => values.slice(at * CONSTRAINT_VALUES, (at + 1) * CONSTRAINT_VALUES));
}
