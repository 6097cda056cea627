import { Command } from 'commander';
import { UsageError } from '../errors.ts';
import { type OperationStages, suggestion } from '../flags/api.ts';
import { isStage, PLANS, STAGES } from '../model/stage.ts';
import { floorMove, indexOf } from '../operate/edits.ts';
import { asData } from '../operate/move.ts';
import type { StagesPlace } from '../operate/place.ts';
import type { Io } from './io.ts';
import { atPlace, type MovingOptions, move, openPlace, textDiff, withMovingOptions } from './moving.ts';

const EXAMPLES = `
Examples:
  $ crossfade floor getUser live --dry-run
  $ crossfade floor getUser live --reason 'DynamoDB gets no more writes'

Nothing goes below the floor: not the kill switch, not a disabled flag, not a stage. Raise it once the older stages'
answers are no longer true. To lower it says that they are true again, and needs --force --reason.`;

export function command(io: Io, open = openPlace): Command {
  return withMovingOptions(
    new Command('floor')
      .description('say which is the lowest stage of an operation whose answers are still true')
      .argument('<operation>', 'operation of the contract')
      .argument('<stage>', `one of ${STAGES.join(', ')}`),
  )
    .addHelpText('after', EXAMPLES)
    .action(async (operation: string, stage: string, options: MovingOptions) => {
      await atPlace(
        () => open(io, options.bindings),
        (place) => run(io, place, operation, stage, options),
      );
    });
}

async function run(io: Io, place: StagesPlace, id: string, floor: string, options: MovingOptions): Promise<void> {
  const { api, target } = place;
  const index = indexOf(api, id);
  if (!isStage(floor)) throw new UsageError(`\`${floor}\` is no stage${suggestion(floor, STAGES)}`);
  await move(io, place, options, {
    ...floorMove(api, id, floor),
    data: ({ before, after }) => ({
      operation: id,
      before: asData(before.operations[index] as OperationStages),
      after: asData(after.operations[index] as OperationStages),
    }),
    show: (change, verb) => {
      const from = (change.before.operations[index] as OperationStages).floor;
      if (from === floor) {
        io.out(`The floor of ${id} is there already: nothing ${verb}\n`);
        return;
      }
      io.out(`${target.name} ${verb}:\n${textDiff(change, io.color)}`);
      io.out(`before: ${id} can go back to ${from}, answered by ${PLANS[from].control}\n`);
      io.out(`after:  ${id} can go back to ${floor}, answered by ${PLANS[floor].control}\n`);
    },
  });
}
