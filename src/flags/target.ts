import { setTimeout as sleep } from 'node:timers/promises';
import type { UnleashHttp } from '../drivers/unleash.ts';
import type { AdminFlag, UnleashAdmin } from '../drivers/unleash-admin.ts';
import { ConfigError, FlagServerError, UsageError } from '../errors.ts';
import {
  type FlagApi,
  type FlagOperation,
  type OperationStages,
  type StagesState,
  sameStages,
  stagesProblem,
} from './api.ts';
import { edited, editStages, type StagesEdit } from './edit.ts';
import {
  apiFlags,
  DISABLED,
  type Feature,
  type Features,
  fromFeatures,
  LIMITS,
  type Limits,
  type ReadState,
  type Strategy,
} from './ladder.ts';
import { readOr, replaceFile } from './replace.ts';
import { revisionOf } from './revision.ts';
import { fetchKill, fetchSnapshot } from './snapshot.ts';
import { parseStages } from './stages.ts';
import { stepsTo, type Wanted } from './steps.ts';

/** What a change was made of, or would be. */
export interface Change {
  readonly before: StagesState;
  readonly after: StagesState;
  /** Why what was before is not known; then `before` and `after` say nothing but what was changed. */
  readonly unknown?: string;
  /** Clients of the server could see it when the change returned. */
  readonly shown?: boolean;
  /** Operations whose flag said more than stages.yaml can, and is set anew. */
  readonly anew: readonly string[];
  /** Of a file. */
  readonly text: { readonly before: string; readonly after: string } | undefined;
}

export interface ChangeOptions {
  /** Ids of the operations that it may be about; none for what concerns all of them. */
  readonly operations: readonly string[];
  /** What to do, by what is true now; throws where it must not be done, and then nothing is. */
  readonly plan: (now: ReadState) => readonly StagesEdit[];
  /** Looks at what would come of it, and throws likewise. */
  readonly check?: (before: StagesState, after: StagesState, anew: readonly string[]) => void;
  /** The first call that changes something is about to be made. */
  readonly onWrite?: () => void;
  readonly dryRun: boolean;
}

/** Where the stages of an API are held, to be read and changed by a command. */
export interface Target {
  readonly kind: 'file' | 'server';
  /** The file, or the server's URL. */
  readonly name: string;
  /** Throws a ConfigError for a wrong file, a FlagServerError. */
  read(): Promise<ReadState>;
  /** Throws what `read` and `plan` do, a UsageError for a state that no operation may have. */
  change(options: ChangeOptions): Promise<Change>;
  /** What replicas that run on the state of now report. */
  revision(): Promise<string>;
  close(): Promise<void>;
}

const missing = (file: string): string => `there is no ${file}: run this where it is, or say STAGES_FILE`;

/** stages.yaml as a target. One that is not there is not made, unless `create`: nobody would read it. */
export function fileTarget(file: string, api: FlagApi, create = false): Target {
  const textOf = () =>
    readOr(file).catch((error: Error) => {
      throw new ConfigError([{ where: file, message: `cannot be read: ${error.message}` }]);
    });
  const stateOf = (text: string): ReadState => ({ state: parseStages(text, api, file), odd: NOTHING_ODD });
  const changed = (text: string, { plan, check }: ChangeOptions): Change => {
    const now = stateOf(text);
    const edited = plan(now).reduce(editStages, text);
    const after = parsedAfter(edited, api, file);
    check?.(now.state, after, []);
    return { before: now.state, after, anew: [], text: { before: text, after: edited } };
  };
  return Object.freeze<Target>({
    kind: 'file',
    name: file,
    read: async () => {
      const text = await textOf();
      if (text === undefined && !create) throw new UsageError(missing(file));
      return stateOf(text ?? '');
    },
    async change(options) {
      if (options.dryRun) {
        const text = await textOf();
        if (text === undefined && !create) throw new UsageError(missing(file));
        return changed(text ?? '', options);
      }
      let made: Change | undefined;
      if ((await textOf()) === undefined && !create) throw new UsageError(missing(file));
      await replaceFile(file, (text) => {
        made = changed(text, options);
        return made.text?.after ?? text;
      });
      return made as unknown as Change;
    },
    revision: async () => revisionOf((await readOr(file)) ?? ''),
    close: async () => {},
  });
}

const NOTHING_ODD: ReadState['odd'] = new Map();

/** The edited text's mistakes are the change's (below the floor, a ramp backwards), so no line is named. */
function parsedAfter(text: string, api: FlagApi, file: string): StagesState {
  try {
    return parseStages(text, api, file);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new UsageError(error.problems.map(({ message }) => message).join('\n'));
  }
}

/** A flag server as a target. Without `admin` it can only be read. */
export function serverTarget(http: UnleashHttp, admin: UnleashAdmin | undefined, api: FlagApi): Target {
  const listed = async (): Promise<Features> => (await fetchSnapshot(http, api)).features;
  const read = async (): Promise<ReadState> => fromFeatures(await listed(), api);
  const mustChange = (): UnleashAdmin => {
    if (admin !== undefined) return admin;
    throw new UsageError('UNLEASH_ADMIN_TOKEN is not set: flags can be read, but not changed');
  };
  return Object.freeze<Target>({
    kind: 'server',
    name: http.url,
    read,
    async change({ operations: ids, plan, check, onWrite, dryRun }) {
      let unknown: string | undefined;
      let shown = true;
      const features = await listed().catch((error: unknown) => {
        if (ids.length > 0) return noneYet(error);
        // Who kills needs no list; that it cannot be had may be why.
        unknown = (error as Error).message;
        return [];
      });
      const before = fromFeatures(features, api);
      const operations = api.operations.filter(({ id }) => ids.includes(id));
      // The list may be a second old; a change begins from what is true.
      const flags = dryRun && admin === undefined ? undefined : await flagsOf(mustChange(), operations);
      const now = flags === undefined ? before : withFlags(before, operations, flags);
      const edits = plan(now);
      checkWhole(edits, now.odd, api);
      const after = edits.reduce(edited, now.state);
      for (const [index, operation] of api.operations.entries()) {
        const problem =
          ids.includes(operation.id) && stagesProblem(after.operations[index] as OperationStages, operation);
        if (problem) throw new UsageError(problem);
      }
      const touched = edits.flatMap((edit) => ('operation' in edit ? [edit.operation] : []));
      if (!touched.every((id) => ids.includes(id)))
        throw new UsageError('the flags were changed meanwhile: nothing is done, try again');
      const anew = touched.filter((id) => now.odd.has(id));
      check?.(now.state, after, anew);
      if (!dryRun) {
        await carryOut(mustChange(), api, { edits, after, flags: flags ?? new Map(), odd: now.odd, onWrite });
        const kill = edits.find((edit) => 'kill' in edit);
        if (kill !== undefined) await untilKillIsSeen(http, api, kill.kill);
        if (edits.some((edit) => !('kill' in edit)))
          shown = await untilShown(listed, (features) =>
            isAfter(fromFeatures(features, api), after, operations, edits),
          );
      }
      return { before: now.state, after, text: undefined, anew, shown, ...(unknown === undefined ? {} : { unknown }) };
    },
    revision: async () => (await fetchSnapshot(http, api)).revision,
    async close() {
      await http.close();
      await admin?.close();
    },
  });
}

/** Flags that were created within the last second are not listed yet. */
function noneYet(error: unknown): Features {
  if (error instanceof FlagServerError && error.failure === 'empty') return [];
  throw error;
}

const SHOWN_WITHIN = 10_000;
const LOOK_EVERY = 100;

/**
 * The server makes the list for its clients anew once a second: returns when they can see a change, so that what is
 * read next is not what was before. One that is not shown in time is no error: replicas say what they run on.
 */
export async function untilShown(
  listed: () => Promise<Features>,
  isShown: (features: Features) => boolean,
): Promise<boolean> {
  const end = Date.now() + SHOWN_WITHIN;
  while (Date.now() < end) {
    // The change is made: that it cannot be looked at is no reason to say otherwise.
    if (await listed().then(isShown, () => false)) return true;
    await sleep(LOOK_EVERY);
  }
  return false;
}

const SEEN_WITHIN = 5_000;

/** Throws where façades with this token go on seeing the other state: it was switched where they do not look. */
async function untilKillIsSeen(http: UnleashHttp, api: FlagApi, kill: boolean): Promise<void> {
  const end = Date.now() + SEEN_WITHIN;
  for (;;) {
    // Where the client API does not answer nobody can tell.
    const seen = await fetchKill(http, api).then(
      (flag) => flag?.enabled === kill,
      () => true,
    );
    if (seen) return;
    if (Date.now() > end)
      throw new FlagServerError(
        'failed',
        `the kill flag is switched, but façades with this UNLEASH_TOKEN do not see it: are UNLEASH_PROJECT and UNLEASH_ENVIRONMENT those of the token?`,
      );
    await sleep(LOOK_EVERY);
  }
}

function isAfter(
  { state }: ReadState,
  after: StagesState,
  operations: readonly FlagOperation[],
  edits: readonly StagesEdit[],
): boolean {
  if (edits.some((edit) => 'kill' in edit) && state.kill !== after.kill) return false;
  if (edits.some((edit) => 'sampling' in edit) && state.sampling !== after.sampling) return false;
  const at = (given: StagesState, id: string) => given.operations.find((one) => one.id === id) as OperationStages;
  return operations.every(({ id }) => sameStages(at(state, id), at(after, id)));
}

type Flags = ReadonlyMap<string, AdminFlag>;

async function flagsOf(admin: UnleashAdmin, operations: readonly FlagOperation[]): Promise<Flags> {
  const flags = new Map<string, AdminFlag>();
  for (const { id, flag: name, offered } of operations) {
    if (offered.length < 2)
      throw new UsageError(`${id} can have ${offered[0] ?? 'no stage'} alone, so that it has no flag`);
    const flag = await admin.flag(name);
    if (flag === undefined)
      throw new UsageError(
        `there is no flag ${name} in project ${admin.project}: create it with \`crossfade flags init\``,
      );
    flags.set(id, flag);
  }
  return flags;
}

function withFlags({ state, odd }: ReadState, operations: readonly FlagOperation[], flags: Flags): ReadState {
  const features = operations.map(({ id, flag }) => featureOf(flag, flags.get(id) as AdminFlag));
  const fresh = fromFeatures(features, { name: '', operations });
  const read = new Map(fresh.state.operations.map((one) => [one.id, one]));
  const oddNow = new Map([...odd].filter(([id]) => !read.has(id)).concat([...fresh.odd]));
  const merged = state.operations.map((one) => read.get(one.id) ?? one);
  return { state: Object.freeze({ ...state, operations: Object.freeze(merged) }), odd: oddNow };
}

const enabledOf = ({ strategies }: AdminFlag) => strategies.filter(({ disabled }) => !disabled);

const featureOf = (name: string, flag: AdminFlag): Feature => ({
  ...{ name, enabled: flag.enabled, variants: [] },
  strategies: enabledOf(flag).map((strategy): Strategy => strategy),
});

/** What a flag says beyond stages.yaml would be lost by an edit; by one that says everything anew nothing is. */
function checkWhole(edits: readonly StagesEdit[], odd: ReadState['odd'], api: FlagApi): void {
  for (const edit of edits) {
    if (!('operation' in edit) || 'stages' in edit || ('all' in edit && edit.all === true)) continue;
    const why = odd.get(edit.operation);
    const flag = api.operations.find(({ id }) => id === edit.operation)?.flag;
    if (why === undefined) continue;
    throw new UsageError(
      `${flag} ${why}: no command can edit that without losing something. Mend it in Unleash (\`crossfade flags check\` says how), or set it anew for everybody: crossfade stage ${edit.operation} STAGE --all`,
    );
  }
}

interface Ordered {
  readonly edits: readonly StagesEdit[];
  readonly after: StagesState;
  readonly flags: Flags;
  readonly odd: ReadState['odd'];
  readonly onWrite: (() => void) | undefined;
}

/** The kill switch first: whoever uses it is in a hurry. */
async function carryOut(admin: UnleashAdmin, api: FlagApi, ordered: Ordered): Promise<void> {
  const { edits, after, flags, odd, onWrite } = ordered;
  const names = apiFlags(api.name);
  for (const edit of edits) {
    if (!('kill' in edit)) continue;
    onWrite?.();
    await admin.enable(names.kill, edit.kill);
  }
  for (const edit of edits) {
    if (!('sampling' in edit)) continue;
    onWrite?.();
    await setSampling(admin, names.sampling, edit.sampling);
  }
  const touched = new Set(edits.flatMap((edit) => ('operation' in edit ? [edit.operation] : [])));
  if (touched.size === 0) return;
  const limits = await limitsOf(admin);
  for (const [index, { id, flag }] of api.operations.entries()) {
    if (!touched.has(id)) continue;
    const stages = after.operations[index] as OperationStages;
    const wanted = { flag, stages, limits, anew: isAnew(odd.get(id)) };
    await writeLadder(admin, flags.get(id) as AdminFlag, wanted, onWrite);
  }
}

/** A flag that is only switched off has a ladder all the same. */
const isAnew = (odd: string | undefined): boolean => odd !== undefined && odd !== DISABLED;

/** Makes a flag's enabled strategies say what is wanted; the flag itself is enabled where it was off. */
export async function writeLadder(
  admin: UnleashAdmin,
  flag: AdminFlag,
  wanted: Wanted,
  onWrite?: () => void,
): Promise<void> {
  const { flag: name, limits } = wanted;
  const steps = stepsTo(enabledOf(flag), wanted);
  const most = flag.strategies.length + steps.filter((step) => step.do === 'add').length;
  if (most > limits.strategies)
    throw new UsageError(
      `${name} would have ${most} strategies, and the server takes ${limits.strategies}: name fewer tenants, or move them by percent`,
    );
  if (steps.length > 0 || !flag.enabled) onWrite?.();
  for (const [done, step] of steps.entries()) {
    try {
      if (step.do === 'add') await admin.addStrategy(name, step);
      else if (step.do === 'update') await admin.updateStrategy(name, step.id, step);
      else await admin.removeStrategy(name, step.id);
    } catch (error) {
      const { failure, message } = error as FlagServerError;
      throw new FlagServerError(
        failure,
        `${message}\n${done} of ${steps.length} steps on ${name} are made: every tenant is where it was or where it is going, no further. Go on with the same command`,
        { cause: error },
      );
    }
  }
  if (!flag.enabled) await admin.enable(name, true);
  const left = stepsTo(enabledOf((await admin.flag(name)) ?? flag), { ...wanted, anew: false });
  if (left.length > 0)
    throw new FlagServerError(
      'failed',
      `${name} was changed by someone else at the same time; see \`crossfade stage\``,
    );
}

async function setSampling(admin: UnleashAdmin, name: string, percent: number): Promise<void> {
  const flag = await admin.flag(name);
  const [first] = flag?.strategies ?? [];
  if (flag === undefined || first === undefined)
    throw new UsageError(`there is no flag ${name}: create it with \`crossfade flags init\``);
  const strategy = { ...first, parameters: { ...first.parameters, rollout: String(percent) } };
  await admin.updateStrategy(name, first.id, {
    strategy,
    title: first.title ?? 'sampling',
    sortOrder: first.sortOrder,
  });
  if (!flag.enabled) await admin.enable(name, true);
}

/** What this server takes; the usual where it does not say. */
export async function limitsOf(admin: UnleashAdmin): Promise<Limits> {
  const said = await admin.limits().catch(() => undefined);
  return Object.freeze({
    constraintValues: said?.constraintValues ?? LIMITS.constraintValues,
    strategies: said?.featureEnvironmentStrategies ?? LIMITS.strategies,
    flags: said?.featureFlags ?? LIMITS.flags,
  });
}
