import { Command } from 'commander';
import { UsageError } from '../errors.ts';
import type { OperationStages } from '../flags/api.ts';
import { printableLine } from '../model/printable.ts';
import { findAudit, readAudit } from '../operate/audited.ts';
import { shares } from '../operate/effects.ts';
import { asData } from '../operate/move.ts';
import type { StagesPlace } from '../operate/place.ts';
import { undoing } from '../operate/undo.ts';
import { table } from '../report/text.ts';
import type { AuditRow } from '../results/rows.ts';
import type { Io } from './io.ts';
import { atPlace, type MovingOptions, move, openPlace, textDiff, withMovingOptions } from './moving.ts';

const EXAMPLES = `
Examples:
  $ crossfade undo --dry-run       the last change, and what taking it back would do
  $ crossfade undo                 takes it back
  $ crossfade undo 1f0c… --wait    another one, by its id in the audit; return when every replica has it

All that the change touched is then as it was before. Where something of it was changed since, nothing is done. To take back a
step back asks the gate, as any step forward does.`;

export function command(io: Io, open = openPlace): Command {
  return withMovingOptions(
    new Command('undo')
      .description('take back a change of the stages, as it is written down in the audit')
      .argument('[id]', 'of the change (default: the last one)'),
  )
    .addHelpText('after', EXAMPLES)
    .action(async (id: string | undefined, options: MovingOptions) => {
      await atPlace(
        () => open(io, options.bindings),
        async (place) => run(io, place, await rowOf(place, id), options),
      );
    });
}

async function rowOf(place: StagesPlace, id: string | undefined): Promise<AuditRow> {
  const [last] = id === undefined ? (await readAudit(place, { limit: 1 })).rows : [];
  const row = id === undefined ? last : await findAudit(place, id);
  if (row === undefined)
    throw new UsageError(
      id === undefined ? 'no change is written down' : `no change \`${printableLine(id)}\` is written down`,
    );
  return row;
}

async function run(io: Io, place: StagesPlace, row: AuditRow, options: MovingOptions): Promise<void> {
  if (!options.json)
    io.err(`${printableLine(row.what)}, by ${printableLine(row.who)} at ${row.at.toISOString()} (${row._id})\n`);
  const moving = undoing(row, place.api, place.target.name);
  await move(io, place, options, {
    ...moving,
    data: ({ before, after }) => ({
      undone: row._id,
      before: {
        kill: before.kill,
        sampling: before.sampling,
        operations: touched(before.operations, moving.operations),
      },
      after: { kill: after.kill, sampling: after.sampling, operations: touched(after.operations, moving.operations) },
    }),
    show: (change, verb) => {
      const { before, after } = change;
      io.out(`${place.target.name} ${verb}:\n${textDiff(change, io.color)}`);
      const rows = before.operations.flatMap((stages, index) =>
        moving.operations.includes(stages.id)
          ? [[printableLine(stages.id), shares(stages), shares(after.operations[index] as OperationStages)]]
          : [],
      );
      const whole = [
        ...(before.kill === after.kill ? [] : [['kill', onOff(before.kill), onOff(after.kill)]]),
        ...(before.sampling === after.sampling ? [] : [['sampling', `${before.sampling} %`, `${after.sampling} %`]]),
      ];
      io.out(table([['', 'before', 'after'], ...whole, ...rows]));
    },
  });
}

const onOff = (on: boolean): string => (on ? 'on' : 'off');

const touched = (operations: readonly OperationStages[], ids: readonly string[]) =>
  operations.filter(({ id }) => ids.includes(id)).map(asData);
