import { hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { loadBindings } from '../bindings/load.ts';
import type { Config } from '../config.ts';
import { openResults, type ResultsStore } from '../drivers/results.ts';
import { openUnleash, tokenOf } from '../drivers/unleash.ts';
import { openUnleashAdmin, type UnleashAdmin } from '../drivers/unleash-admin.ts';
import { UsageError } from '../errors.ts';
import { type FlagApi, type OperationStages, type StagesState, sameStages } from '../flags/api.ts';
import { countStages } from '../flags/moves.ts';
import { type Change, type ChangeOptions, fileTarget, serverTarget, type Target } from '../flags/target.ts';
import { printable, printableLine } from '../model/printable.ts';
import { compareStages, PLANS, STAGES, type Stage } from '../model/stage.ts';
import { type GateSaid, type Guard, type Judging, openGuard } from '../operate/gating.ts';
import { table } from '../report/text.ts';
import { audit } from '../results/audit.ts';
import { awaitReplicas, knownTenants } from '../results/replicas.ts';
import type { AuditRow } from '../results/rows.ts';
import { type Io, json as jsonText } from './io.ts';
import { placeOf } from './place.ts';

/** Where the stages stand, of which API, and who is told of a change. */
export interface StagesPlace {
  readonly api: FlagApi;
  readonly target: Target;
  /** Where replicas and tenants are known; `undefined` without results. */
  readonly store: ResultsStore | undefined;
  /** What the gate judges by; without results it cannot. */
  readonly judging?: Judging | undefined;
  readonly auditFile: string;
}

/** What every verb that changes stages takes. */
export interface MovingOptions {
  readonly dryRun?: boolean;
  readonly force?: boolean;
  readonly reason?: string;
  /** Seconds; `true`: the usual. */
  readonly wait?: number | true;
  readonly json?: boolean;
  readonly bindings?: string;
}

const USUAL_WAIT = 30;

export function withMovingOptions(command: Command): Command {
  return command
    .option('--dry-run', 'show what would change, and change nothing')
    .option('--force', 'without a passing gate; needs --reason')
    .option('--reason <text>', 'why')
    .option('--wait [seconds]', `return when every live replica has it (default: ${USUAL_WAIT} s)`, seconds)
    .option('--json', 'print data instead of text')
    .option('--bindings <file>', 'the bindings module (default: BINDINGS, else the running demo)');
}

function seconds(text: string): number {
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || value > 86_400) throw new InvalidArgumentError('must be a number of seconds.');
  return value;
}

/** Bindings and settings from --bindings or BINDINGS, else from what `crossfade demo` wrote down. */
export async function openPlace(io: Io, option: string | undefined): Promise<StagesPlace> {
  const { bindings, config } = await placeOf(io, option);
  const loaded = await loadBindings(bindings, { legacy: config.legacyUrl !== undefined });
  const { name, operations } = loaded;
  const api = { name, operations };
  const store = config.resultsUri === undefined ? undefined : openResults({ uri: config.resultsUri, timeout: 3_000 });
  const judging = store === undefined ? undefined : { bindings: loaded, store };
  return { api, target: targetOf(config, api), store, judging, auditFile: join(config.stateDir, 'audit.ndjson') };
}

function targetOf(config: Config, api: FlagApi): Target {
  const { unleash, stagesFile } = config;
  if (unleash === undefined) return fileTarget(stagesFile, api);
  return serverTarget(
    openUnleash({ url: unleash.url, token: tokenOf(unleash), timeout: 10_000 }),
    adminOf(config),
    api,
  );
}

/** The Admin API, where there is a token for it. */
export function adminOf({ unleash }: Config): UnleashAdmin | undefined {
  if (unleash?.adminToken === undefined) return undefined;
  const { url, adminToken, project, environment } = unleash;
  return openUnleashAdmin(openUnleash({ url, token: () => adminToken, timeout: 10_000 }), project, environment);
}

/** Works with a place and lets go of it, come what may. */
export async function atPlace(
  open: () => Promise<StagesPlace>,
  work: (place: StagesPlace) => Promise<void>,
): Promise<void> {
  const place = await open();
  try {
    await work(place);
  } finally {
    await place.target.close();
    await place.store?.close();
  }
}

/** One change, as its verb describes it. */
export interface Moving {
  /** As the operator said it, for the audit. */
  readonly what: string;
  readonly operations: ChangeOptions['operations'];
  readonly plan: ChangeOptions['plan'];
  /** How to say it again with force, where it needs that; `undefined` where nobody is asked for a gate. */
  readonly again: string | undefined;
  /** What is printed of it: before it is made where it is only shown, after it else. */
  readonly show: (change: Change, verb: 'changed' | 'would change', tenants: readonly string[] | undefined) => void;
  /** What is asked for beside it must not keep it from being done. */
  readonly urgent?: boolean;
  /** Whether `show` wants the tenants. */
  readonly countsTenants?: boolean;
  /** What `--json` prints beside what every change has. */
  readonly data: (change: Change) => Readonly<Record<string, unknown>>;
}

/**
 * Makes a change or shows it: decides by what is true now, refuses what needs a gate, writes the audit, waits for the
 * replicas. Throws a UsageError where nothing may be done, and then nothing was.
 */
export async function move(io: Io, place: StagesPlace, options: MovingOptions, moving: Moving): Promise<void> {
  const { target } = place;
  const { force, reason, dryRun = false, json, wait } = options;
  if (force && !reason?.trim()) throw new UsageError("--force needs a reason: --reason '…'");
  if (wait !== undefined && place.store === undefined && moving.urgent !== true)
    throw new UsageError('--wait needs to know the replicas: set RESULTS_URI or MONGODB_URI');
  const guard = await guardOf(place, options, moving);
  let writing = false;
  const request: ChangeOptions = {
    operations: moving.operations,
    dryRun,
    plan: moving.plan,
    check: (before, after, anew) => {
      if (moving.again === undefined) return;
      checkAnew(anew, options, moving.again);
      checkFloors(before, after, options, moving.again);
      guard?.check(before, after);
    },
    onWrite: () => {
      writing = true;
    },
  };
  const change = await target.change(request).catch(async (error: Error) => {
    // What was begun is on record, whatever became of it.
    if (writing) await writeAudit(io, place, error, moving.what, reason, guard?.said());
    throw error;
  });
  const changed = change.unknown !== undefined || change.anew.length > 0 || !sameState(change.before, change.after);
  if (!dryRun && changed) await writeAudit(io, place, change, moving.what, reason, guard?.said());
  const tenants = moving.countsTenants ? await tenantsOf(place, io) : undefined;
  if (json) {
    const data = { where: target.name, changed, dryRun, reason, gate: guard?.said() };
    io.out(jsonText({ ...data, ...moving.data(change) }));
  } else moving.show(change, dryRun ? 'would change' : 'changed', tenants);
  sayGate(io, guard?.said(), json === true);
  if (dryRun) return;
  if (!json && reason) io.out(`reason: ${printableLine(reason)}\n`);
  if (change.shown === false)
    io.err('The change is made, but the server does not show it to its clients yet: see crossfade stage\n');
  if (wait !== undefined && place.store === undefined)
    throw new UsageError('The change is made; --wait needs to know the replicas: set RESULTS_URI or MONGODB_URI');
  if (wait !== undefined) await waitFor(io, place, wait === true ? USUAL_WAIT : wait);
}

/** What a flag says that no state can hold cannot be compared either: who sets it anew answers for where everybody goes. */
function checkAnew([id]: readonly string[], { force, reason }: MovingOptions, again: string): void {
  if (id === undefined || (force && reason)) return;
  throw new UsageError(
    `the flag of ${id} says more, or less, than can be shown, so that nobody knows who moves; someone must answer for it:\n  ${again} --force --reason '…'`,
  );
}

/** A floor that goes down says that older stages give true answers again. */
function checkFloors(before: StagesState, after: StagesState, { force, reason }: MovingOptions, again: string): void {
  const lowered = after.operations.find(
    ({ floor }, index) => compareStages(floor, (before.operations[index] as OperationStages).floor) < 0,
  );
  if (lowered === undefined || (force && reason)) return;
  const old = before.operations.find(({ id }) => id === lowered.id)?.floor;
  throw new UsageError(
    `to lower the floor of ${lowered.id} from ${old} to ${lowered.floor} says that ${PLANS[lowered.floor].control} gives true answers again; someone must answer for it:\n  ${again} --force --reason '…'`,
  );
}

/** Who asks the gate for a change; nobody where none is needed. */
async function guardOf(place: StagesPlace, options: MovingOptions, moving: Moving): Promise<Guard | undefined> {
  const { again } = moving;
  if (again === undefined) return undefined;
  const { api, target, judging } = place;
  const forced = Boolean(options.force && options.reason);
  return await openGuard({ api, target, judging, change: moving, forced, again });
}

/** What the gate let through, and what was forced against it: who may see what they may not see, loudest. */
function sayGate(io: Io, said: GateSaid | undefined, quiet: boolean): void {
  if (said === undefined) return;
  if (said.passes) {
    if (!quiet) io.out(`the gate passes, on evidence ${said.evidence}\n`);
    return;
  }
  const refused = said.moves.flatMap((one) => one.refused.map((text) => `${one.operation}: ${text}`));
  const loud = (text: string) =>
    /^\S+: EXPOSURE/.test(text) ? `!!! ${io.color ? `\u001b[1;31m${text}\u001b[0m` : text}` : text;
  const lines = refused.map((text) => `  ${loud(printableLine(text))}\n`);
  const why =
    said.failed === undefined ? 'there is none to be asked, without results' : `it could not be asked: ${said.failed}`;
  io.err(
    `Forced, against the gate${refused.length === 0 ? ` (${why})` : ''}:\n${lines.join('')}`.replace(/:\n$/, '\n'),
  );
}

/** Known tenants; `undefined`, and a word why, where nobody knows them. */
async function tenantsOf({ store, api }: StagesPlace, io: Io): Promise<readonly string[] | undefined> {
  if (store === undefined) return undefined;
  try {
    return await knownTenants(store, api.name);
  } catch (error) {
    io.err(`Tenants cannot be counted: ${printableLine((error as Error).message)}\n`);
    return undefined;
  }
}

async function writeAudit(
  io: Io,
  place: StagesPlace,
  outcome: Change | Error,
  what: string,
  why: string | undefined,
  gate: GateSaid | undefined,
): Promise<void> {
  const incomplete = outcome instanceof Error;
  const states = incomplete ? { before: undefined, after: { incomplete: outcome.message } } : parts(outcome);
  await record(io, place, { what, why, ...states, ...(gate === undefined ? {} : { gate }) });
}

/** Writes down that flags were made. */
export const auditMade = (io: Io, place: StagesPlace, what: string, after: unknown, why: string | undefined) =>
  record(io, place, { what, why, before: undefined, after });

async function record(
  io: Io,
  { api, target, store, auditFile }: StagesPlace,
  said: Pick<AuditRow, 'what' | 'why' | 'before' | 'after' | 'gate'>,
): Promise<void> {
  const row = { api: api.name, who: `${userName()}@${hostname()}`, where: target.name, ...said };
  const place = await audit({ store, file: auditFile }, row).catch((error: Error) => {
    io.err(`The change is made, but is written down nowhere: ${printableLine(error.message)}\n`);
    return undefined;
  });
  if (place === auditFile && store !== undefined) io.err(`The results did not take the audit; it is in ${auditFile}\n`);
}

/** Writes down what one machine alone was told, in its own file. */
export async function auditLocal(io: Io, auditFile: string, where: string, kill: boolean, why: string | undefined) {
  const what = kill ? 'kill --local' : 'kill --local --lift';
  const row = { api: '', who: `${userName()}@${hostname()}`, what, where, before: undefined, after: { kill }, why };
  await audit({ store: undefined, file: auditFile }, row).catch((error: Error) => {
    io.err(`The change is made, but is written down nowhere: ${printableLine(error.message)}\n`);
  });
}

/** A container may run under an id that has no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? '?'}`;
  }
}

/** Of both states what differs. */
function parts({ before, after, unknown }: Change) {
  if (unknown !== undefined) return { before: undefined, after: { kill: after.kill, unknown } };
  const differing = after.operations.flatMap((operation, index) =>
    sameStages(operation, before.operations[index] as OperationStages) ? [] : [index],
  );
  const part = (state: StagesState) => ({
    ...{ kill: state.kill, sampling: state.sampling },
    operations: differing.map((index) => asData(state.operations[index] as OperationStages)),
  });
  return { before: part(before), after: part(after) };
}

/** Exit code 3 where replicas are missing: the change is made, but not everywhere. */
async function waitFor(io: Io, { store, api, target }: StagesPlace, wait: number): Promise<void> {
  const { arrived, behind, waited } = await awaitReplicas(
    store as ResultsStore,
    api.name,
    () => target.revision(),
    wait * 1000,
  );
  const time = `${(waited / 1000).toFixed(1)} s`;
  if (behind.length === 0 && arrived.length > 0) {
    io.err(`${arrived.length} of ${arrived.length} replicas have it after ${time}.\n`);
    return;
  }
  if (arrived.length === 0 && behind.length === 0)
    throw new Error(`The change is made, but no replica has reported within ${time}`);
  throw new Error(
    `The change is made, but after ${time} ${behind.length} of ${behind.length + arrived.length} replicas do not have it:\n${behind.map((name) => `  ${printableLine(name)}\n`).join('')}`,
  );
}

export const asData = ({ id, stage, floor, ramp, tenants }: OperationStages) => ({
  ...{ id, stage, floor, ramp },
  tenants: Object.fromEntries(tenants),
});

const sameState = (a: StagesState, b: StagesState): boolean =>
  a.kill === b.kill &&
  a.sampling === b.sampling &&
  a.operations.every((one, index) => sameStages(one, b.operations[index] as OperationStages));

/** How many are where: `75 % dynamodb, 25 % shadow; by name: 1 live`. */
export function shares({ stage, ramp, tenants }: OperationStages): string {
  const moved = ramp?.percent ?? 0;
  const parts = moved < 100 ? [`${100 - moved} % ${stage}`] : [];
  if (ramp !== undefined && moved > 0) parts.push(`${moved} % ${ramp.to}`);
  const counts = STAGES.map((one) => ({ one, count: [...tenants.values()].filter((asked) => asked === one).length }));
  const named = counts.filter(({ count }) => count > 0).map(({ one, count }) => `${count} ${one}`);
  return parts.join(', ') + (named.length > 0 ? `; by name: ${named.join(', ')}` : '');
}

const TENANTS_SHOWN = 5;

export function namedTenants(tenants: Readonly<Record<string, Stage>>): string {
  const all = Object.entries(tenants).map(([tenant, stage]) => `${tenant}:${stage}`);
  const more = all.length > TENANTS_SHOWN ? ` and ${all.length - TENANTS_SHOWN} more` : '';
  return all.slice(0, TENANTS_SHOWN).join(' ') + more;
}

/** Known tenants by stage, before and after; nothing where nobody is known. */
export function tenantTable(
  api: FlagApi,
  { before, after }: Change,
  index: number,
  tenants: readonly string[] | undefined,
): string {
  if (tenants === undefined || tenants.length === 0) return '';
  const all = [...new Set([...tenants, ...(after.operations[index]?.tenants.keys() ?? [])])];
  const was = countStages(api, before, index, all);
  const willBe = countStages(api, after, index, all);
  const stages = [...STAGES, 'none' as const].filter((stage) => was.has(stage) || willBe.has(stage));
  const cells = stages.map((stage) => [stage, String(was.get(stage) ?? 0), String(willBe.get(stage) ?? 0)]);
  return table([['tenants (30 days)', 'before', 'after'], ...cells]);
}

/** The lines of a file that differ, with two lines around them; '' for a server. */
export function textDiff({ text }: Change, color: boolean): string {
  if (text === undefined) return '';
  const old = text.before.split('\n');
  const now = text.after.split('\n');
  let head = 0;
  while (head < Math.min(old.length, now.length) && old[head] === now[head]) head += 1;
  let tail = 0;
  while (tail < Math.min(old.length, now.length) - head && old.at(-1 - tail) === now.at(-1 - tail)) tail += 1;
  const start = Math.max(0, head - 2);
  const removed = old.slice(head, old.length - tail);
  const added = now.slice(head, now.length - tail);
  const around = (text: string) => `  ${text}`;
  const paint = (code: number, text: string) => (color ? `\u001b[${code}m${text}\u001b[0m` : text);
  return `${[
    `@@ -${start + 1} +${start + 1} @@`,
    ...old.slice(start, head).map((text) => around(printable(text))),
    ...removed.map((text) => paint(31, `- ${printable(text)}`)),
    ...added.map((text) => paint(32, `+ ${printable(text)}`)),
    ...now.slice(now.length - tail, now.length - tail + 2).map((text) => around(printable(text))),
  ].join('\n')}\n`;
}

/** A word as a shell takes it. */
export const shellWord = (word: string): string =>
  /^[\w.,@:/+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
