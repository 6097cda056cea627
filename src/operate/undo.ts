import { UsageError } from '../errors.ts';
import { type FlagApi, type OperationStages, type StagesState, sameStages } from '../flags/api.ts';
import type { StagesEdit } from '../flags/edit.ts';
import { isStage, type Stage } from '../model/stage.ts';
import type { AuditRow } from '../results/rows.ts';
import type { Moving } from './move.ts';

/** One side of what a change is written down as. */
interface Part {
  readonly kill: boolean;
  readonly sampling: number;
  readonly operations: readonly OperationStages[];
}

/** Why a change cannot be undone whatever is true now; `undefined` where it can. `where`: the place that is changed now. */
export function whyNotUndoable({ before, after, where }: AuditRow, now: string): string | undefined {
  if (where !== now) return `it was made at ${where}, and the stages are at ${now}`;
  if (isPart(after) && 'anew' in after) return 'the flag said more before than was written down';
  if (!isPart(before) || !isPart(after)) return 'what was before is not written down';
  return undefined;
}

/** A change that takes another one back: everything that it touched is as it was before, if nobody touched it since. */
export function undoing(row: AuditRow, api: FlagApi, where: string): Moving {
  const why = whyNotUndoable(row, where);
  if (why !== undefined) throw new UsageError(`\`${row.what}\` cannot be undone: ${why}`, { failure: 'conflict' });
  const [before, after] = [partOf(row.before as RawPart), partOf(row.after as RawPart)];
  const ids = after.operations.map(({ id }) => id);
  const gone = ids.find((id) => !api.operations.some((one) => one.id === id));
  if (gone !== undefined)
    throw new UsageError(`\`${row.what}\` cannot be undone: ${api.name} has no operation \`${gone}\` any more`, {
      failure: 'conflict',
    });
  return {
    what: `undo ${row.what}`,
    operations: ids,
    again: `crossfade undo ${row._id}`,
    plan: ({ state }) => {
      checkSame(row, state, before, after);
      return [
        ...(before.kill === after.kill ? [] : [{ kill: before.kill }]),
        ...(before.sampling === after.sampling ? [] : [{ sampling: before.sampling }]),
        ...before.operations.map((stages): StagesEdit => ({ operation: stages.id, stages })),
      ];
    },
  };
}

/** Somebody who changed the same since meant it. */
function checkSame({ what }: AuditRow, now: StagesState, before: Part, after: Part): void {
  const changed = [
    ...(before.kill !== after.kill && now.kill !== after.kill ? ['the kill switch'] : []),
    ...(before.sampling !== after.sampling && now.sampling !== after.sampling ? ['the sampling'] : []),
    ...after.operations.filter((one) => !isSame(now, one)).map(({ id }) => id),
  ];
  if (changed.length === 0) return;
  throw new UsageError(
    `\`${what}\` cannot be undone: it was followed by another change of ${changed.slice(0, 5).join(', ')}`,
    {
      failure: 'conflict',
    },
  );
}

const isSame = (now: StagesState, left: OperationStages): boolean =>
  now.operations.some((one) => one.id === left.id && sameStages(one, left));

/**
 * Both sides of a change without the tenants that it left where they were: of 10,000 that have a stage of their own a page
 * of the audit would be tens of megabytes.
 */
export function touchedOf({ before, after }: Pick<AuditRow, 'before' | 'after'>): Pick<AuditRow, 'before' | 'after'> {
  if (!isPart(before) || !isPart(after)) return { before, after };
  return { before: withoutSame(before, after), after: withoutSame(after, before) };
}

const withoutSame = (one: RawPart, other: RawPart): RawPart => ({
  ...one,
  operations: one.operations.map((stages) => {
    const tenants = other.operations.find(({ id }) => id === stages.id)?.tenants ?? {};
    const kept = Object.entries(stages.tenants).filter(
      ([name, own]) => !Object.hasOwn(tenants, name) || tenants[name] !== own,
    );
    return { ...stages, tenants: Object.fromEntries(kept) };
  }),
});

interface RawPart {
  readonly kill: boolean;
  readonly sampling: number;
  readonly operations: readonly {
    readonly id: string;
    readonly stage: Stage;
    readonly floor: Stage;
    readonly ramp?: { readonly to: Stage; readonly percent: number } | null;
    readonly tenants: Readonly<Record<string, Stage>>;
  }[];
}

function isPart(value: unknown): value is RawPart {
  if (typeof value !== 'object' || value === null) return false;
  const { kill, sampling, operations } = value as Partial<RawPart>;
  return (
    typeof kill === 'boolean' &&
    typeof sampling === 'number' &&
    Array.isArray(operations) &&
    operations.every(
      ({ id, stage, floor, tenants }) =>
        typeof id === 'string' && isStage(stage) && isStage(floor) && isTenants(tenants),
    )
  );
}

const isTenants = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.values(value).every(isStage);

const partOf = ({ kill, sampling, operations }: RawPart): Part => ({
  ...{ kill, sampling },
  operations: operations.map(({ id, stage, floor, ramp, tenants }) => ({
    ...{ id, stage, floor, ramp: ramp ?? undefined, tenants: new Map(Object.entries(tenants)), named: true },
  })),
});
