import { mkdir, unlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Command } from 'commander';
import type { OperationStages } from '../flags/api.ts';
import { countStages } from '../flags/moves.ts';
import type { Change } from '../flags/target.ts';
import { printableLine } from '../model/printable.ts';
import { lower } from '../model/stage.ts';
import { killMove, withKillCure } from '../operate/edits.ts';
import { isAllAt, shares } from '../operate/effects.ts';
import type { StagesPlace } from '../operate/place.ts';
import { table } from '../report/text.ts';
import { type Io, json as jsonText } from './io.ts';
import { atPlace, auditLocal, type MovingOptions, move, openPlace, textDiff, withMovingOptions } from './moving.ts';
import { placeOf } from './place.ts';

export interface KillOptions extends MovingOptions {
  readonly lift?: boolean;
  readonly local?: boolean;
}

const EXAMPLES = `
Examples:
  $ crossfade kill --dry-run                    what it would do
  $ crossfade kill --reason 'wrong totals'      every operation to its floor, at once
  $ crossfade kill --lift --wait                back to what the stages say
  $ crossfade kill --local                      on this machine alone, by its KILL_FILE, while no flag server answers`;

export function command(io: Io, open = openPlace, openLocal = placeOf): Command {
  return withMovingOptions(
    new Command('kill')
      .description('send every operation to its floor, or lift that')
      .option('--lift', 'let the stages decide again')
      .option('--local', 'by the kill file of this machine'),
  )
    .addHelpText('after', EXAMPLES)
    .action(async (options: KillOptions) => {
      if (options.local) {
        const { killFile, stateDir } = (await openLocal(io, options.bindings)).config;
        await local(io, killFile, join(stateDir, 'audit.ndjson'), options);
        return;
      }
      await atPlace(
        () => open(io, options.bindings),
        (place) =>
          run(io, place, options).catch((error: unknown) => {
            throw withKillCure(error);
          }),
      );
    });
}

async function run(io: Io, place: StagesPlace, options: KillOptions): Promise<void> {
  const kill = options.lift !== true;
  await move(io, place, options, {
    ...killMove(kill),
    urgent: true,
    countsTenants: options.dryRun === true,
    data: (change) =>
      change.unknown === undefined ? { kill, operations: effects(place, change) } : { kill, unknown: change.unknown },
    show: (change, verb, tenants) => {
      io.out(`${place.target.name} ${verb}:\n${textDiff(change, io.color)}`);
      if (change.unknown !== undefined) {
        io.out(`What moves by that cannot be shown: ${printableLine(change.unknown)}\n`);
        return;
      }
      if (change.before.kill === kill) io.out(`kill is ${kill ? 'on' : 'off'} already\n`);
      const moving = movingTenants(place, change, tenants);
      const rows = effects(place, change).map(({ id, before, after, why }) => [
        ...[printableLine(id), before, after],
        ...(moving === undefined ? [] : [String(moving.get(id) ?? 0)]),
        why,
      ]);
      const counted = moving === undefined ? [] : ['tenants that move'];
      io.out(table([['operation', 'before', 'after', ...counted, ''], ...rows]));
    },
  });
}

/** What becomes of each operation, and why where nothing does. */
function effects({ api }: StagesPlace, { before, after }: Change) {
  return api.operations
    .map((operation, index) => ({ operation, stages: before.operations[index] as OperationStages }))
    .filter(({ operation }) => operation.offered.length > 1)
    .map(({ operation, stages }) => {
      const floor = lower(stages.floor, operation.offered, stages.floor);
      const at = (killed: boolean) => (killed ? (floor ?? 'none: 503') : shares(stages));
      const stuck = (before.kill || after.kill) && isAllAt(stages, floor, operation);
      const why = stuck ? `stays: its floor is ${floor}, older answers are not true any more` : '';
      return { id: operation.id, before: at(before.kill), after: at(after.kill), why };
    });
}

/** Decisions that a preview takes at most: a few seconds' worth. */
const MOST = 1_000_000;

/** Known tenants that move, by operation; `undefined` where nobody knows them, or they are too many to be looked at. */
function movingTenants(
  { api }: StagesPlace,
  { before, after }: Change,
  tenants: readonly string[] | undefined,
): ReadonlyMap<string, number> | undefined {
  if (tenants === undefined || tenants.length * api.operations.length > MOST) return undefined;
  const moving = api.operations.map(({ id }, index): [string, number] => {
    const was = countStages(api, before, index, tenants);
    const willBe = countStages(api, after, index, tenants);
    const gone = [...was].map(([stage, count]) => Math.max(0, count - (willBe.get(stage) ?? 0)));
    return [id, gone.reduce((sum, count) => sum + count, 0)];
  });
  return new Map(moving);
}

async function local(
  io: Io,
  file: string,
  auditFile: string,
  { lift, dryRun, reason, json }: KillOptions,
): Promise<void> {
  const record = (kill: boolean) => auditLocal(io, auditFile, file, kill, reason);
  const say = (text: string) =>
    io.out(json ? jsonText({ where: file, kill: lift !== true, dryRun: dryRun === true }) : text);
  if (dryRun) {
    say(`${file} would be ${lift ? 'taken away' : 'written'}\n`);
    return;
  }
  if (lift) {
    await unlink(file).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
    await record(false);
    say(`${file} is gone: façades that watch it let the flags decide again\n`);
    return;
  }
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${reason ?? ''}\n`);
  await record(true);
  say(`${file} is there: façades that watch it have every operation at its floor within a second\n`);
}
