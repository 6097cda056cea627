import { EventEmitter } from 'node:events';
import { Unleash, type UnleashConfig } from 'unleash-client';
import { compareStages, isStage, lower, PLANS, type Plan, STAGES, type Stage } from '../model/stage.ts';
import { apiFlags, type Feature, type Features, type FlagApi, type FlagOperation, type StagesState } from './ladder.ts';

/** What the flags say of one operation and tenant. Frozen, and one object for all tenants that it holds for. */
export interface Decision {
  /** Where the operation runs; `undefined`: nowhere it may, and the reply is 503. */
  readonly stage: Stage | undefined;
  /** What the flags ask for; the floor under the kill switch or a disabled flag. */
  readonly asked: Stage;
  /** The operation cannot have `asked` and stays at an earlier stage, or at none. */
  readonly lowered: boolean;
  /** `undefined` together with `stage`. */
  readonly plan: Plan | undefined;
  /** The lowest stage whose answers are still true. */
  readonly floor: Stage;
}

/** For people: what is in force, since when, and what is wrong. */
export interface FlagsState extends StagesState {
  readonly file: string;
  readonly revision: string;
  /** When the flags in force were read, in milliseconds. */
  readonly updated: number;
}

/** The flags of a running façade. */
export interface Flags {
  /** `operation` is the index in the API's operations. A tenant that is empty is at the resting stage. */
  stageOf(operation: number, tenant: string): Decision;
  revision(): string;
  /** Stages that some tenant may be at now, by index of the operation. */
  stages(): readonly (readonly Stage[])[];
  state(): FlagsState;
  /** What is wrong with the flags' source; `undefined` when nothing is. */
  problem(): string | undefined;
  close(): void;
}

export interface DeciderEvents {
  /** Once for every decision in which a flag asked for a stage that the operation cannot have. */
  readonly onLowered?: ((operationId: string) => void) | undefined;
  /** A flag went missing, empty or misspelt and its last good form stays. */
  readonly onFallback?: ((flag: string, reason: string) => void) | undefined;
}

/** Flags at one revision, evaluated by unleash-client's own engine. */
export interface Decider {
  stageOf(operation: number, tenant: string): Decision;
  stages(): readonly (readonly Stage[])[];
  revision(): string;
  killed(): boolean;
  /** New flags, all at once: what is decided before is by the old ones, after by the new ones. */
  swap(revision: string, features: Features): void;
  close(): void;
}

/** Tenants whose decision is remembered, for each operation. */
const CACHE_SIZE = 10_000;

/**
 * Decides from Unleash features alone, without network and files. Until the first `swap` every operation is at its
 * initial stage.
 */
export function createDecider(api: FlagApi, events: DeciderEvents = {}, cacheSize = CACHE_SIZE): Decider {
  const flags = new Map<string, Feature>();
  const engine = createEngine(flags);
  const names = apiFlags(api.name);
  let current = '';
  let rows = api.operations.map((operation) => createRow(operation, undefined, false, engine, cacheSize));

  const keep = (
    features: ReadonlyMap<string, Feature>,
    name: string,
    wrong: (feature: Feature) => string | undefined,
  ) => {
    const feature = features.get(name);
    const reason = feature === undefined ? 'is missing' : wrong(feature);
    if (feature !== undefined && reason === undefined) flags.set(name, feature);
    else events.onFallback?.(name, reason ?? 'is missing');
  };

  return Object.freeze({
    stageOf(operation: number, tenant: string): Decision {
      const row = rows[operation];
      if (row === undefined) throw new RangeError(`no operation has index ${operation}`);
      const decision = row.decisions.get(tenant) ?? row.decide(tenant);
      if (decision.lowered) events.onLowered?.(row.id);
      return decision;
    },
    stages: () => rows.map(({ stages }) => stages),
    revision: () => current,
    killed: () => engine.isEnabled(names.kill),
    swap(revision: string, features: Features) {
      const given = new Map(features.map((feature) => [feature.name, feature]));
      for (const { flag } of api.operations) keep(given, flag, ladderProblem);
      for (const name of Object.values(names)) keep(given, name, () => undefined);
      const killed = engine.isEnabled(names.kill);
      rows = api.operations.map((operation) =>
        createRow(operation, flags.get(operation.flag), killed, engine, cacheSize),
      );
      current = revision;
    },
    close: () => engine.destroy(),
  });
}

/** Why a feature cannot be an operation's flag; a disabled one can: it sends the operation to its floor. */
function ladderProblem({ strategies }: Feature): string | undefined {
  if (!Array.isArray(strategies) || strategies.length === 0) return 'has no strategies';
  for (const { variants } of strategies) {
    if (variants === undefined || variants.length === 0) return 'has a strategy without a variant';
    const stranger = variants.find(({ name }) => !isStage(name));
    if (stranger !== undefined) return `has a variant \`${stranger.name}\`, which is no stage`;
  }
  const rest = strategies.at(-1);
  if (rest === undefined || rest.constraints.length > 0 || Number(rest.parameters.rollout) !== 100) {
    return 'does not end with a strategy for everyone';
  }
  return undefined;
}

interface Row {
  readonly id: string;
  readonly decisions: Map<string, Decision>;
  readonly stages: readonly Stage[];
  readonly decide: (tenant: string) => Decision;
}

function createRow(
  { id, flag, offered, initial }: FlagOperation,
  feature: Feature | undefined,
  killed: boolean,
  engine: Unleash,
  cacheSize: number,
): Row {
  const rest = feature?.strategies?.at(-1)?.variants?.[0];
  const floor = isStage(rest?.payload?.value) ? rest.payload.value : initial;
  const table = new Map(STAGES.map((asked) => [asked, decisionFor(asked, offered, floor)]));
  const decisionAt = (asked: Stage): Decision => table.get(asked) as Decision;
  const decisions = new Map<string, Decision>();
  const fixed = fixedStage(feature, killed, initial, floor);
  const resting = fixed ?? (isStage(rest?.name) ? rest.name : initial);

  const evaluate = (tenant: string): Decision => {
    if (fixed !== undefined || tenant === '') return decisionAt(resting);
    const { name } = engine.getVariant(flag, { tenantId: tenant });
    return decisionAt(isStage(name) ? name : resting);
  };
  const decide = (tenant: string): Decision => {
    const decision = evaluate(tenant);
    if (decisions.size >= cacheSize) decisions.clear();
    decisions.set(tenant, decision);
    return decision;
  };
  const asked = fixed === undefined ? (feature?.strategies ?? []).filter(reaches).map(variantStage) : [resting];
  const stages = asked.map((one) => decisionAt(one ?? resting).stage).filter((one) => one !== undefined);
  return { id, decisions, decide, stages: Object.freeze([...new Set(stages)]) };
}

/** The stage of every tenant where the flag is not asked: under the kill switch, disabled, or never seen. */
function fixedStage(feature: Feature | undefined, killed: boolean, initial: Stage, floor: Stage): Stage | undefined {
  if (feature === undefined) return compareStages(initial, floor) < 0 ? floor : initial;
  return killed || !feature.enabled ? floor : undefined;
}

type Strategy = NonNullable<Feature['strategies']>[number];
const reaches = ({ parameters }: Strategy): boolean => Number(parameters.rollout) > 0;
const variantStage = ({ variants }: Strategy): Stage | undefined =>
  isStage(variants?.[0]?.name) ? variants[0].name : undefined;

function decisionFor(asked: Stage, offered: readonly Stage[], floor: Stage): Decision {
  const stage = lower(asked, offered, floor);
  const lowered = stage === undefined || compareStages(stage, asked) < 0;
  return Object.freeze({ stage, asked, lowered, plan: stage === undefined ? undefined : PLANS[stage], floor });
}

type Repository = NonNullable<UnleashConfig['repository']>;

/** unleash-client over features that we hold: it is never started, so that it neither polls nor writes a backup. */
function createEngine(flags: ReadonlyMap<string, Feature>): Unleash {
  const repository: Repository = Object.assign(new EventEmitter(), {
    getToggle: (name: string) => flags.get(name) as Feature,
    getToggles: () => [...flags.values()],
    getTogglesWithSegmentData: () => [],
    getSegment: () => undefined,
    start: async () => {},
    stop: () => {},
  });
  const engine = new Unleash({
    appName: 'crossfade',
    instanceId: 'crossfade',
    url: 'http://never-called.invalid/',
    repository,
    disableAutoStart: true,
    disableMetrics: true,
    metricsInterval: 0,
    skipInstanceCountWarning: true,
  });
  // A flag that cannot be evaluated gives no stage, which is handled where it is asked.
  engine.on('error', () => {});
  repository.emit('ready');
  return engine;
}
