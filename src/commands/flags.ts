import { Command } from 'commander';
import { loadBindings } from '../bindings/load.ts';
import { openUnleash, tokenOf } from '../drivers/unleash.ts';
import type { UnleashAdmin } from '../drivers/unleash-admin.ts';
import { UsageError } from '../errors.ts';
import { type FlagApi, isMovable, type OperationStages, type StagesState, sameStages } from '../flags/api.ts';
import { type Complaint, checkContext, checkFeatures } from '../flags/check.ts';
import type { StagesEdit } from '../flags/edit.ts';
import { initFlags, type Made } from '../flags/init.ts';
import { flagPrefix, LIMITS } from '../flags/ladder.ts';
import { fetchSnapshot } from '../flags/snapshot.ts';
import { fileTarget, limitsOf, untilShown } from '../flags/target.ts';
import { printableLine } from '../model/printable.ts';
import { indexOf } from '../operate/edits.ts';
import { shares } from '../operate/effects.ts';
import { asData } from '../operate/move.ts';
import { adminOf } from '../operate/place.ts';
import { table } from '../report/text.ts';
import { type Io, json as jsonText } from './io.ts';
import { atPlace, auditMade, type MovingOptions, move, openPlace, textDiff, withMovingOptions } from './moving.ts';
import { type Place, placeOf } from './place.ts';

interface FlagsOptions {
  readonly bindings?: string;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  $ crossfade flags init        creates what is missing in Unleash, and leaves alone what is there
  $ crossfade flags check       what breaks or bends a ladder, and how to mend it
  $ crossfade flags diff        where stages.yaml and the server differ
  $ crossfade flags push        the server gets the stages of stages.yaml
  $ crossfade flags pull        stages.yaml gets those of the server

All need UNLEASH_URL and UNLEASH_TOKEN; init and push UNLEASH_ADMIN_TOKEN too.`;

export function command(io: Io): Command {
  const plain = (name: string, description: string) =>
    new Command(name)
      .description(description)
      .option('--json', 'print data instead of text')
      .option('--bindings <file>', 'the bindings module (default: BINDINGS, else the running demo)');
  return new Command('flags')
    .description('flags in an Unleash server: create, check, compare with stages.yaml and carry between them')
    .addHelpText('after', EXAMPLES)
    .addCommand(
      plain('init', 'create context field and flags, each operation at its first stage')
        .argument('[operations...]', 'whose flags may be made although the API has some already')
        .option('--missing', 'whichever are missing')
        .option('--force', 'also those that are there, but empty; needs --reason')
        .option('--reason <text>', 'why')
        .action(async (operations: string[], options: InitOptions) =>
          init(io, await serverPlace(io, options.bindings), operations, options),
        ),
    )
    .addCommand(
      plain('check', 'find edits that break a ladder; exit 1 where there are any').action(
        async (options: FlagsOptions) => check(io, await serverPlace(io, options.bindings), options),
      ),
    )
    .addCommand(
      plain('diff', 'where stages.yaml and the server differ; exit 1 where they do').action(
        async (options: FlagsOptions) => diff(io, await serverPlace(io, options.bindings), options),
      ),
    )
    .addCommand(
      withMovingOptions(new Command('push').description('carry the stages of stages.yaml to the server')).action(
        async (options: MovingOptions) => push(io, options),
      ),
    )
    .addCommand(
      withMovingOptions(new Command('pull').description('carry the stages of the server to stages.yaml')).action(
        async (options: MovingOptions) => pull(io, options),
      ),
    );
}

interface ServerPlace extends Place {
  readonly api: FlagApi;
  readonly unleash: NonNullable<Place['config']['unleash']>;
}

async function serverPlace(io: Io, option: string | undefined): Promise<ServerPlace> {
  const place = await placeOf(io, option);
  const { unleash, legacyUrl } = place.config;
  if (unleash === undefined) throw new UsageError('UNLEASH_URL is not set: there is no flag server to ask');
  const { name, operations } = await loadBindings(place.bindings, { legacy: legacyUrl !== undefined });
  return { ...place, unleash, api: { name, operations } };
}

function needAdmin(place: ServerPlace): UnleashAdmin {
  const admin = adminOf(place.config);
  if (admin === undefined) throw new UsageError('UNLEASH_ADMIN_TOKEN is not set: flags can be read, but not changed');
  return admin;
}

interface InitOptions extends FlagsOptions {
  readonly missing?: boolean;
  readonly force?: boolean;
  readonly reason?: string;
}

async function init(
  io: Io,
  place: ServerPlace,
  operations: readonly string[],
  { json, missing, force, reason }: InitOptions,
): Promise<void> {
  for (const id of operations) indexOf(place.api, id);
  if (force && !reason?.trim()) throw new UsageError("--force needs a reason: --reason '…'");
  const admin = needAdmin(place);
  const made: Made[] = [];
  try {
    const onMade = (one: Made) => {
      made.push(one);
      if (!json && one.done !== 'exists') io.out(`${one.done.padEnd(7)}  ${printableLine(one.what)}\n`);
    };
    await initFlags(admin, place.api, {
      ...{ named: missing === true ? ('all' as const) : operations, evenEmpty: force === true },
      onMade,
    });
    await untilListed(place, made);
  } finally {
    await admin.close();
    await auditInit(io, place, made, reason);
  }
  const { project, environment } = place.unleash;
  if (json) io.out(jsonText({ project, environment, made }));
  else {
    const there = made.filter(({ done }) => done === 'exists').length;
    io.out(`${there} of ${made.length} were there already; project ${project}, environment ${environment}\n`);
  }
  if (!made.some(({ done }) => done === 'left')) return;
  process.exitCode = 1;
  io.err(
    'What is left has no flag, or an empty one. Façades that had one run on its last good form; a new one begins at the first\nstage, and moves them there. If they are new operations: crossfade flags init OPERATION…, or --missing for all of them; for an\nempty one --force --reason too.\n',
  );
}

async function auditInit(io: Io, place: ServerPlace, made: readonly Made[], reason: string | undefined): Promise<void> {
  const after = made.filter(({ done }) => done === 'created' || done === 'changed');
  if (after.length === 0) return;
  await atPlace(
    () => openPlace(io, place.bindings),
    (opened) => auditMade(io, opened, 'flags init', after, reason),
  );
}

/** Replicas and the next command can see what was made. */
async function untilListed({ unleash, api }: ServerPlace, made: readonly Made[]): Promise<void> {
  const http = openUnleash({ url: unleash.url, token: tokenOf(unleash), timeout: 10_000 });
  const wanted = made.filter(({ done, what }) => done === 'created' && what.startsWith(flagPrefix(api.name)));
  try {
    await untilShown(
      async () => (await fetchSnapshot(http, api)).features,
      (features) => wanted.every(({ what }) => features.some(({ name }) => name === what)),
    );
  } finally {
    await http.close();
  }
}

async function check(io: Io, place: ServerPlace, { json }: FlagsOptions): Promise<void> {
  const { api, unleash } = place;
  const admin = adminOf(place.config);
  const http = openUnleash({ url: unleash.url, token: tokenOf(unleash), timeout: 10_000 });
  try {
    const { features } = await fetchSnapshot(http, api);
    const limits = admin === undefined ? LIMITS : await limitsOf(admin);
    const complaints = [
      ...(admin === undefined ? [] : await checkContext(admin)),
      ...checkFeatures(features, api, limits),
    ];
    if (json) io.out(jsonText(complaints));
    else sayComplaints(io, complaints, api, admin !== undefined);
    if (complaints.length > 0) process.exitCode = 1;
  } finally {
    await http.close();
    await admin?.close();
  }
}

function sayComplaints(io: Io, complaints: readonly Complaint[], api: FlagApi, whole: boolean): void {
  for (const { flag, problem, cure } of complaints)
    io.out(`${printableLine(flag)} ${printableLine(problem)}\n  mend: ${printableLine(cure)}\n`);
  if (complaints.length === 0)
    io.out(`${api.operations.filter(isMovable).length + 2} flags of ${api.name} are as they should be\n`);
  if (!whole)
    io.out('The context field and the limits of the server were not looked at: UNLEASH_ADMIN_TOKEN is not set\n');
}

/** One thing that the two hold otherwise. */
interface Difference {
  readonly what: string;
  readonly file: string;
  readonly server: string;
  /** What makes the server as the file is, and the other way round; none by whom it is not named. */
  readonly push: readonly StagesEdit[];
  readonly pull: readonly StagesEdit[];
}

function differences(file: StagesState, server: StagesState): readonly Difference[] {
  const operations = file.operations.flatMap((ours, index): Difference[] => {
    const theirs = server.operations[index] as OperationStages;
    if (sameStages(ours, theirs)) return [];
    // What a file does not name it says nothing of, and what has no flag has no stage to carry.
    const say = (stages: OperationStages) => (stages.named ? `${shares(stages)}; floor ${stages.floor}` : 'not named');
    const edit = (stages: OperationStages): StagesEdit[] => (stages.named ? [{ operation: ours.id, stages }] : []);
    const names = namesThatDiffer(ours, theirs);
    return [{ what: ours.id + names, file: say(ours), server: say(theirs), push: edit(ours), pull: edit(theirs) }];
  });
  const sampling: Difference[] =
    file.sampling === server.sampling
      ? []
      : [
          {
            ...{ what: 'sampling', file: String(file.sampling), server: String(server.sampling) },
            ...{ push: [{ sampling: file.sampling }], pull: [{ sampling: server.sampling }] },
          },
        ];
  // The kill switch is nobody's to carry: it is lifted by `kill --lift` alone.
  return [...sampling, ...operations];
}

/** ` (acme, globex)`: the tenants by whom alone two operations differ may be many. */
function namesThatDiffer(ours: OperationStages, theirs: OperationStages): string {
  const all = [...new Set([...ours.tenants.keys(), ...theirs.tenants.keys()])];
  const names = all.filter((tenant) => ours.tenants.get(tenant) !== theirs.tenants.get(tenant));
  if (names.length === 0) return '';
  return ` (${names.slice(0, 5).join(', ')}${names.length > 5 ? ` and ${names.length - 5} more` : ''})`;
}

async function diff(io: Io, { config, api }: ServerPlace, { json, bindings }: FlagsOptions): Promise<void> {
  await atPlace(
    () => openPlace(io, bindings),
    async ({ target }) => {
      const file = await fileTarget(config.stagesFile, api).read();
      const server = await target.read();
      const found = differences(file.state, server.state);
      if (found.length > 0 || server.odd.size > 0) process.exitCode = 1;
      if (json) {
        const differing = found.map(({ what, file, server }) => ({ what, file, server }));
        io.out(jsonText({ differing, odd: Object.fromEntries(server.odd) }));
        return;
      }
      if (found.length === 0) io.out(`${config.stagesFile} and ${target.name} say the same\n`);
      else {
        const rows = found.map(({ what, file, server }) => [printableLine(what), file, server]);
        io.out(table([['', 'stages.yaml', 'server'], ...rows]));
        io.out('crossfade flags push --dry-run    what the server would get\n');
        io.out('crossfade flags pull --dry-run    what the file would get\n');
      }
      for (const [id, why] of server.odd)
        io.out(`${printableLine(id)}: its flag ${printableLine(why)}; see crossfade flags check\n`);
    },
  );
}

async function push(io: Io, options: MovingOptions): Promise<void> {
  const { config, api } = await serverPlace(io, options.bindings);
  await atPlace(
    () => openPlace(io, options.bindings),
    async (place) => {
      const file = await fileTarget(config.stagesFile, api).read();
      const before = await place.target.read();
      const found = differences(file.state, before.state);
      await move(io, place, options, {
        what: 'flags push',
        operations: found.flatMap(({ push }) => push.flatMap((edit) => ('operation' in edit ? [edit.operation] : []))),
        plan: ({ state }) => differences(file.state, state).flatMap(({ push }) => push),
        again: 'crossfade flags push',
        data: ({ before, after }) => changedData(before, after),
        show: ({ before, after }, verb) => io.out(changedText(before, after, `${place.target.name} ${verb}`)),
      });
    },
  );
}

async function pull(io: Io, options: MovingOptions): Promise<void> {
  const { config, api } = await serverPlace(io, options.bindings);
  await atPlace(
    () => openPlace(io, options.bindings),
    async (place) => {
      const server = await place.target.read();
      if (options.wait !== undefined)
        throw new UsageError(
          '--wait: no façade that has a flag server reads stages.yaml, so that nothing would arrive',
        );
      const [odd] = server.odd;
      if (odd !== undefined)
        throw new UsageError(`the flag of ${odd[0]} ${odd[1]}: stages.yaml cannot say that; see crossfade flags check`);
      const target = fileTarget(config.stagesFile, api, true);
      await move(io, { ...place, target }, options, {
        what: 'flags pull',
        operations: [],
        plan: ({ state }) => differences(state, server.state).flatMap(({ pull }) => pull),
        // The server's stages are in force already.
        again: undefined,
        data: ({ before, after }) => changedData(before, after),
        show: (change, verb) => {
          io.out(changedText(change.before, change.after, `${target.name} ${verb}`));
          io.out(textDiff(change, io.color));
        },
      });
    },
  );
}

const changedData = (before: StagesState, after: StagesState) => ({
  operations: after.operations.flatMap((stages, index) => {
    const old = before.operations[index] as OperationStages;
    return sameStages(stages, old) ? [] : [{ before: asData(old), after: asData(stages) }];
  }),
});

function changedText(before: StagesState, after: StagesState, title: string): string {
  const rows = differences(before, after).map(({ what, file, server }) => [printableLine(what), file, server]);
  return rows.length === 0
    ? 'They say the same: nothing to carry\n'
    : `${title}:\n${table([['', 'before', 'after'], ...rows])}`;
}
