import { EventEmitter } from 'node:events';
import type { UnleashConfig } from 'unleash-client';
// Not the package whole: what asks a server and keeps backups brings sixty packages along, some 3 MB.
import client from 'unleash-client/lib/client.js';
import { defaultStrategies } from 'unleash-client/lib/strategy/index.js';
import { compareStages, isStage, later, lower, PLANS, type Plan, STAGES, type Stage } from '../model/stage.ts';
import { type FlagApi, type FlagOperation, isMovable, type StagesState } from './api.ts';
import { type ByTenant, createByTenant } from './by-tenant.ts';
import {
  apiFlags,
  type Feature,
  type Features,
  floorOf,
  ladderProblem,
  reachable,
  restOf,
  rolloutOf,
  type Strategy,
  samplingProblem,
  stageOfStrategy,
} from './ladder.ts';

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

/** For people: what is in force, from where, since when. */
export interface FlagsState extends StagesState {
  /** Whence the flags in force came; `saved`: from disk, while the server does not answer; `none`: there never were any. */
  readonly source: 'file' | 'server' | 'saved' | 'none';
  /** The file, or the server's URL. */
  readonly place: string;
  readonly revision: string;
  /** When the source last said what is in force, in milliseconds since 1970; 0 where there never was anything. */
  readonly confirmed: number;
  /** Flags that are not as their source has them, and why: each keeps its last good form. */
  readonly kept: readonly string[];
  /** Why the local kill file kills; `undefined` while there is none. */
  readonly killFile: string | undefined;
}

/** The flags of a running façade. */
export interface Flags {
  /** `operation` is the index in the API's operations. A tenant that is empty is at the resting stage. */
  stageOf(operation: number, tenant: string): Decision;
  /** The same for people who look: nothing is counted and nothing remembered. */
  peek(operation: number, tenant: string): Decision;
  /** Operations whose flag says what no ladder does, and why, by id. */
  odd(): ReadonlyMap<string, string>;
  revision(): string;
  /** Stages that some tenant may be at now, by index of the operation. */
  stages(): readonly (readonly Stage[])[];
  state(): FlagsState;
  /** What is wrong with the flags' source; `undefined` when nothing is. */
  problem(): string | undefined;
  /** False until there have been flags: then nobody knows which answers are still true, and every decision is none. */
  ready(): boolean;
  close(): Promise<void>;
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
  /** The same, uncounted and not remembered. */
  peek(operation: number, tenant: string): Decision;
  stages(): readonly (readonly Stage[])[];
  revision(): string;
  /** There have been flags; until then no operation has a stage. */
  ready(): boolean;
  /** The flag, or `kill`. */
  killed(): boolean;
  /** Flags whose last good form is in force, and why. */
  kept(): readonly string[];
  /** What is in force: what was given, with the last good form of what was not. */
  features(): Features;
  /** New flags, all at once: what is decided before is by the old ones, after by the new ones. */
  swap(revision: string, features: Features): void;
  /** The same as the kill flag, from beside the flags. */
  kill(on: boolean): void;
}

/** Decisions that are remembered, of all operations and tenants. */
const CACHE_SIZE = 300_000;

/**
 * Decides from Unleash features alone, without network and files. Until the first `swap` no operation has a stage:
 * nobody knows which of them are still true.
 */
export function createDecider(api: FlagApi, events: DeciderEvents = {}, cacheSize = CACHE_SIZE): Decider {
  const flags = new Map<string, Feature>();
  const engine = createEngine(flags);
  const names = apiFlags(api.name);
  let current = '';
  let killedBeside = false;
  let ready = false;
  let rows: readonly Row[] = [];
  let stages: readonly (readonly Stage[])[] = [];
  let remembered = 0;

  const remember = (): void => {
    remembered += 1;
    if (remembered < cacheSize / 2) return;
    // Two generations: what is asked for stays, and no request pays for emptying all at once.
    for (const row of rows) {
      if (row.decisions === NOTHING) continue;
      row.older = row.decisions;
      row.decisions = createByTenant();
    }
    remembered = 0;
  };
  const killed = (): boolean => killedBeside || flags.get(names.kill)?.enabled === true;
  const decideAnew = (): void => {
    const dead = killed();
    rows = api.operations.map((operation) =>
      ready ? createRow(operation, flags.get(operation.flag), dead, engine, remember) : unknownRow(operation),
    );
    stages = Object.freeze(rows.map((row) => row.stages));
    remembered = 0;
  };
  let kept: string[] = [];
  const fallBack = (name: string, reason: string): void => {
    kept.push(`${name} ${reason}`);
    events.onFallback?.(name, reason);
  };
  const keepLadder = (name: string, feature: Feature | undefined): void => {
    const last = flags.get(name);
    const reason = feature === undefined ? 'is missing' : problemOf(feature, engine, flags);
    if (reason === undefined) return;
    if (last === undefined) flags.delete(name);
    else flags.set(name, last);
    // Switched off is switched off, however broken: the floor is the one that it last said.
    if (last !== undefined && feature?.enabled === false) flags.set(name, { ...last, enabled: false });
    fallBack(name, reason);
  };
  decideAnew();

  return Object.freeze({
    stageOf(operation: number, tenant: string): Decision {
      const row = rows[operation];
      if (row === undefined) throw new RangeError(`no operation has index ${operation}`);
      const decision = row.decisions.get(tenant) ?? row.decide(tenant);
      if (decision.lowered) events.onLowered?.(row.id);
      return decision;
    },
    peek(operation: number, tenant: string): Decision {
      const row = rows[operation];
      if (row === undefined) throw new RangeError(`no operation has index ${operation}`);
      return row.decisions.get(tenant) ?? row.evaluate(tenant);
    },
    stages: () => stages,
    revision: () => current,
    ready: () => ready,
    killed,
    kept: () => kept,
    features: () => [...flags.values()],
    swap(revision: string, features: Features) {
      const given = new Map(features.map((feature) => [feature.name, feature]));
      kept = [];
      for (const { flag } of api.operations.filter(isMovable)) keepLadder(flag, given.get(flag));
      for (const name of Object.values(names)) {
        const feature = given.get(name);
        const reason =
          feature === undefined ? 'is missing' : name === names.sampling ? samplingProblem(feature) : undefined;
        if (reason !== undefined) fallBack(name, reason);
        else flags.set(name, feature as Feature);
      }
      current = revision;
      ready = true;
      decideAnew();
    },
    kill(on: boolean) {
      if (on === killedBeside) return;
      killedBeside = on;
      decideAnew();
    },
  });
}

/** Puts a flag among the others and tries it: it may hold anything, and what cannot be judged cannot decide. */
function problemOf(feature: Feature, engine: Engine, flags: Map<string, Feature>): string | undefined {
  try {
    const problem = ladderProblem(feature);
    if (problem !== undefined) return problem;
    flags.set(feature.name, feature);
    engine(feature.name, 'anybody');
    return undefined;
  } catch (error) {
    return `cannot be evaluated: ${(error as Error).message}`;
  }
}

interface Row {
  readonly id: string;
  decisions: ByTenant<Decision>;
  older: ByTenant<Decision>;
  readonly stages: readonly Stage[];
  readonly decide: (tenant: string) => Decision;
  readonly evaluate: (tenant: string) => Decision;
}

function createRow(
  { id, flag, offered, initial }: FlagOperation,
  feature: Feature | undefined,
  killed: boolean,
  engine: Engine,
  remember: () => void,
): Row {
  const rest = feature && restOf(feature);
  const floor = (rest && floorOf(rest)) ?? initial;
  const table = new Map(STAGES.map((asked) => [asked, decisionFor(asked, offered, floor)]));
  const decisionAt = (asked: Stage): Decision => table.get(asked) as Decision;
  const fixed = fixedStage(feature, killed, initial, floor);
  const resting = fixed ?? (rest && stageOfStrategy(rest)) ?? initial;

  const asked =
    fixed === undefined
      ? reachable(feature?.strategies ?? [])
          .filter(reaches)
          .map((strategy) => stageOfStrategy(strategy) ?? resting)
      : [resting];
  const stages = Object.freeze(
    [...new Set(asked.map((one) => decisionAt(one).stage))].filter((one) => one !== undefined),
  );
  // Nothing to ask and nothing to remember: a hundred thousand tenants would be some 12 MB.
  if (asked.every((one) => one === resting)) {
    const always = () => decisionAt(resting);
    return { id, decisions: NOTHING, older: NOTHING, decide: always, evaluate: always, stages };
  }

  const evaluate = (tenant: string): Decision => {
    if (tenant === '') return decisionAt(resting);
    const { name } = engine(flag, tenant);
    return decisionAt(isStage(name) ? name : resting);
  };
  const decide = (tenant: string): Decision => {
    const decision = row.older.get(tenant) ?? evaluate(tenant);
    remember();
    row.decisions.add(tenant, decision);
    return decision;
  };
  const row: Row = { id, decisions: createByTenant(), older: NOTHING, decide, evaluate, stages };
  return row;
}

const NOTHING: ByTenant<Decision> = Object.freeze({ size: 0, get: () => undefined, add: () => {} });

/** Of an operation of which no flags have ever been had. */
function unknownRow({ id, initial }: FlagOperation): Row {
  const none: Decision = Object.freeze({
    stage: undefined,
    asked: initial,
    lowered: false,
    plan: undefined,
    floor: initial,
  });
  const decide = () => none;
  return { id, decisions: NOTHING, older: NOTHING, decide, evaluate: decide, stages: Object.freeze([]) };
}

/** The stage of every tenant where the flag is not asked: under the kill switch, disabled, or never seen. */
function fixedStage(feature: Feature | undefined, killed: boolean, initial: Stage, floor: Stage): Stage | undefined {
  if (feature === undefined) return later(initial, floor);
  return killed || !feature.enabled ? floor : undefined;
}

const reaches = (strategy: Strategy): boolean => rolloutOf(strategy) !== 0;

function decisionFor(asked: Stage, offered: readonly Stage[], floor: Stage): Decision {
  const stage = lower(asked, offered, floor);
  const lowered = stage === undefined || compareStages(stage, asked) < 0;
  return Object.freeze({ stage, asked, lowered, plan: stage === undefined ? undefined : PLANS[stage], floor });
}

type Repository = NonNullable<UnleashConfig['repository']>;

/** The variant of a flag for a tenant. */
type Engine = (flag: string, tenant: string) => { readonly name: string };

/** What unleash-client itself adds to each question. */
const CONTEXT = Object.freeze({ appName: 'crossfade', environment: 'default' });

/** unleash-client over features that we hold: nothing polls, and nothing writes a backup. */
function createEngine(flags: ReadonlyMap<string, Feature>): Engine {
  const repository: Repository = Object.assign(new EventEmitter(), {
    getToggle: (name: string) => flags.get(name) as Feature,
    getToggles: () => [...flags.values()],
    getTogglesWithSegmentData: () => [],
    getSegment: () => undefined,
    start: async () => {},
    stop: () => {},
  });
  const engine = new client.default(repository, defaultStrategies);
  // A flag that cannot be evaluated gives no stage, which is handled where it is asked.
  engine.on('error', () => {});
  return (flag, tenantId) => engine.getVariant(flag, { ...CONTEXT, tenantId });
}
