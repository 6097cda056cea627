import { hostname, userInfo } from 'node:os';
import { type Command, InvalidArgumentError } from 'commander';
import { loadBindings } from '../bindings/load.ts';
import type { ResultsStore } from '../drivers/results.ts';
import { UsageError } from '../errors.ts';
import type { FlagApi } from '../flags/api.ts';
import { countStages } from '../flags/moves.ts';
import type { Change } from '../flags/target.ts';
import { printable, printableLine } from '../model/printable.ts';
import { STAGES, type Stage } from '../model/stage.ts';
import { type Audited, writeDown } from '../operate/audited.ts';
import { hunkOf } from '../operate/differing.ts';
import type { GateSaid } from '../operate/gating.ts';
import { move as carryOut, type Moving as Moved } from '../operate/move.ts';
import { closePlace, placeAt, type StagesPlace } from '../operate/place.ts';
import { table } from '../report/text.ts';
import { audit } from '../results/audit.ts';
import { awaitReplicas, knownTenants } from '../results/replicas.ts';
import { type Io, json as jsonText } from './io.ts';
import { placeOf } from './place.ts';

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
  return placeAt(config, await loadBindings(bindings, { legacy: config.legacyUrl !== undefined }));
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
    await closePlace(place);
  }
}

/** One change, as its verb describes it. */
export interface Moving extends Moved {
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
 * Makes a change or shows it, prints what came of it, waits for the replicas. Throws a UsageError where nothing may be done,
 * and then nothing was.
 */
export async function move(io: Io, place: StagesPlace, options: MovingOptions, moving: Moving): Promise<void> {
  const { target } = place;
  const { force, reason, dryRun = false, json, wait } = options;
  if (force && !reason?.trim()) throw new UsageError("--force needs a reason: --reason '…'");
  if (wait !== undefined && place.store === undefined && moving.urgent !== true)
    throw new UsageError('--wait needs to know the replicas: set RESULTS_URI or MONGODB_URI');
  const asked = {
    ...{ who: whoAmI(), reason, forced: force === true, dryRun },
    onIncomplete: (audited: Audited) => sayAudit(io, place, audited),
  };
  const { change, changed, gate, audited } = await carryOut(place, asked, moving);
  sayAudit(io, place, audited);
  const tenants = moving.countsTenants ? await tenantsOf(place, io) : undefined;
  if (json) {
    const data = { where: target.name, changed, dryRun, reason, gate };
    io.out(jsonText({ ...data, ...moving.data(change) }));
  } else moving.show(change, dryRun ? 'would change' : 'changed', tenants);
  sayGate(io, gate, json === true);
  if (dryRun) return;
  if (!json && reason) io.out(`reason: ${printableLine(reason)}\n`);
  if (change.shown === false)
    io.err('The change is made, but the server does not show it to its clients yet: see crossfade stage\n');
  if (wait !== undefined && place.store === undefined)
    throw new UsageError('The change is made; --wait needs to know the replicas: set RESULTS_URI or MONGODB_URI');
  if (wait !== undefined) await waitFor(io, place, wait === true ? USUAL_WAIT : wait);
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

/** A record that is not where it is looked for is said. */
function sayAudit(io: Io, { store, auditFile }: StagesPlace, audited: Audited | undefined): void {
  if (audited?.failed !== undefined)
    io.err(`The change is made, but is written down nowhere: ${printableLine(audited.failed.message)}\n`);
  else if (audited?.place === auditFile && store !== undefined)
    io.err(`The results did not take the audit; it is in ${auditFile}\n`);
}

/** Writes down that flags were made. */
export async function auditMade(
  io: Io,
  place: StagesPlace,
  what: string,
  after: unknown,
  why: string | undefined,
): Promise<void> {
  sayAudit(io, place, await writeDown(place, { who: whoAmI(), what, why, before: undefined, after }));
}

/** Writes down what one machine alone was told, in its own file. */
export async function auditLocal(io: Io, auditFile: string, where: string, kill: boolean, why: string | undefined) {
  const what = kill ? 'kill --local' : 'kill --local --lift';
  const row = { api: '', who: whoAmI(), what, where, before: undefined, after: { kill }, why };
  await audit({ store: undefined, file: auditFile }, row).catch((error: Error) => {
    io.err(`The change is made, but is written down nowhere: ${printableLine(error.message)}\n`);
  });
}

const whoAmI = (): string => `${userName()}@${hostname()}`;

/** A container may run under an id that has no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? '?'}`;
  }
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
  const {
    start,
    around: [head, tail],
    removed,
    added,
  } = hunkOf(text);
  const around = (text: string) => `  ${text}`;
  const paint = (code: number, text: string) => (color ? `\u001b[${code}m${text}\u001b[0m` : text);
  return `${[
    `@@ -${start + 1} +${start + 1} @@`,
    ...head.map((text) => around(printable(text))),
    ...removed.map((text) => paint(31, `- ${printable(text)}`)),
    ...added.map((text) => paint(32, `+ ${printable(text)}`)),
    ...tail.map((text) => around(printable(text))),
  ].join('\n')}\n`;
}
