import { createHash } from 'node:crypto';
import { UsageError } from '../errors.ts';
import { type OperationStages, type StagesState, sameStages } from '../flags/api.ts';
import type { Change, ChangeOptions } from '../flags/target.ts';
import { compareStages, PLANS } from '../model/stage.ts';
import { type Audited, type Said, writeDown } from './audited.ts';
import { type GateSaid, type Guard, type Judged, openGuard } from './gating.ts';
import type { StagesPlace } from './place.ts';

/** One change, as whoever wants it describes it. */
export interface Moving {
  /** As it was said, for the audit. */
  readonly what: string;
  readonly operations: ChangeOptions['operations'];
  readonly plan: ChangeOptions['plan'];
  /** How to say it on a command line, for where it needs force; `undefined` where nobody is asked for a gate. */
  readonly again: string | undefined;
}

export interface Asked {
  readonly who: string;
  readonly reason: string | undefined;
  /** Somebody answers for it: force, with a reason. */
  readonly forced: boolean;
  readonly dryRun: boolean;
  /** Gather what stands against it instead of throwing: to show, so that nothing is changed either. */
  readonly gathers?: boolean;
  /** Of what it was decided by. */
  readonly revision?: string | undefined;
  /** Told where the record is of a change that was begun and then failed. */
  readonly onIncomplete?: (audited: Audited) => void;
}

export interface Moved {
  readonly change: Change;
  /** It is another state, or would be. */
  readonly changed: boolean;
  /** Names what it was decided by: what it touches, and what holds for all. */
  readonly revision: string;
  readonly gate: GateSaid | undefined;
  readonly judged: readonly Judged[];
  /** With `gathers`: what it would be refused by without force, a sentence each. */
  readonly needs: readonly string[];
  /** `undefined` where nothing was changed. */
  readonly audited: Audited | undefined;
}

/**
 * Makes a change or shows it: decides by what is true now, refuses what needs a gate, writes the audit. Throws a UsageError
 * where nothing may be done (`unanswered` where somebody may answer for it, `conflict` where something else is true now than
 * was shown), and then nothing was.
 */
export async function move(place: StagesPlace, asked: Asked, moving: Moving): Promise<Moved> {
  const { target } = place;
  const { forced, reason, who, gathers = false } = asked;
  const dryRun = asked.dryRun || gathers;
  const guard = await guardOf(place, forced || gathers, moving);
  const needs: string[] = [];
  let writing = false;
  let revision = '';
  const request: ChangeOptions = {
    operations: moving.operations,
    dryRun,
    plan: moving.plan,
    check: (before, after, anew) => {
      revision = revisionOfPart(before, moving.operations, anew);
      if (asked.revision !== undefined && asked.revision !== revision)
        throw new UsageError('the stages were changed since they were shown: look again, then decide', {
          failure: 'conflict',
        });
      if (moving.again === undefined) return;
      const refusals = forced ? [] : refusalsOf(before, after, anew, moving.again);
      needs.push(...refusals.flatMap(({ why }) => why));
      if (refusals[0] !== undefined && !gathers) throw refusals[0];
      guard?.check(before, after);
    },
    onWrite: () => {
      writing = true;
    },
  };
  const gate = () => guard?.said();
  const write = (said: Pick<Said, 'before' | 'after'>) =>
    writeDown(place, {
      who,
      what: moving.what,
      why: reason,
      ...said,
      ...(gate() === undefined ? {} : { gate: gate() }),
    });
  const change = await target.change(request).catch(async (error: Error) => {
    // What was begun is on record, whatever became of it.
    if (writing) asked.onIncomplete?.(await write({ before: undefined, after: { incomplete: error.message } }));
    throw error;
  });
  const changed = change.unknown !== undefined || change.anew.length > 0 || !sameState(change.before, change.after);
  const audited = changed && !dryRun ? await write(parts(change)) : undefined;
  if (gathers && !forced && gate()?.passes === false)
    needs.push('the gate does not let it be made, and nobody answers for it');
  return Object.freeze({
    ...{ change, changed, revision, audited, needs: Object.freeze(needs) },
    ...{ gate: gate(), judged: guard?.judged() ?? [] },
  });
}

/** Who asks the gate for a change; nobody where none is needed. */
async function guardOf(
  { api, target, judging }: StagesPlace,
  forced: boolean,
  moving: Moving,
): Promise<Guard | undefined> {
  const { again } = moving;
  if (again === undefined) return undefined;
  return await openGuard({ api, target, judging, change: moving, forced, again });
}

/** What somebody must answer for beside what the gate does not let pass. */
function refusalsOf(
  before: StagesState,
  after: StagesState,
  [anew]: readonly string[],
  again: string,
): readonly UsageError[] {
  const refusal = (why: string) =>
    new UsageError(`${why}; someone must answer for it:\n  ${again} --force --reason '…'`, {
      ...{ failure: 'unanswered', why: [why] },
    });
  const lowered = after.operations.find(
    ({ floor }, index) => compareStages(floor, (before.operations[index] as OperationStages).floor) < 0,
  );
  const old = before.operations.find(({ id }) => id === lowered?.id)?.floor;
  return [
    // What a flag says that no state can hold cannot be compared either: who sets it anew answers for where everybody goes.
    ...(anew === undefined
      ? []
      : [refusal(`the flag of ${anew} says more, or less, than can be shown, so that nobody knows who moves`)]),
    // A floor that goes down says that older stages give true answers again.
    ...(lowered === undefined
      ? []
      : [
          refusal(
            `to lower the floor of ${lowered.id} from ${old} to ${lowered.floor} says that ${PLANS[lowered.floor].control} gives true answers again`,
          ),
        ]),
  ];
}

/** Of both states what differs: enough to go back by. */
function parts({ before, after, unknown, anew }: Change): Pick<Said, 'before' | 'after'> {
  if (unknown !== undefined) return { before: undefined, after: { kill: after.kill, unknown } };
  const differing = after.operations.flatMap((operation, index) =>
    sameStages(operation, before.operations[index] as OperationStages) ? [] : [index],
  );
  const part = (state: StagesState) => ({
    ...{ kill: state.kill, sampling: state.sampling },
    operations: differing.map((index) => asData(state.operations[index] as OperationStages)),
  });
  // What such a flag said before is not what `before` says.
  return { before: part(before), after: { ...part(after), ...(anew.length === 0 ? {} : { anew }) } };
}

export const asData = ({ id, stage, floor, ramp, tenants }: OperationStages) => ({
  ...{ id, stage, floor, ramp },
  tenants: Object.fromEntries(tenants),
});

const sameState = (a: StagesState, b: StagesState): boolean =>
  a.kill === b.kill &&
  a.sampling === b.sampling &&
  a.operations.every((one, index) => sameStages(one, b.operations[index] as OperationStages));

/** Short name of what a change of these operations is decided by. */
function revisionOfPart({ kill, sampling, operations }: StagesState, ids: readonly string[], anew: readonly string[]) {
  const touched = operations
    .filter(({ id }) => ids.includes(id))
    .map(({ id, stage, floor, ramp, tenants }) => [
      ...[id, stage, floor, ramp?.to, ramp?.percent],
      [...tenants].sort(([a], [b]) => (a < b ? -1 : 1)),
    ]);
  const text = JSON.stringify([kill, sampling, touched, anew]);
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}
