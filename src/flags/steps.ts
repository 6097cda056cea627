import type { AdminStrategy, NewStrategy } from '../drivers/unleash-admin.ts';
import { floorOf, type Strategy, stageOfStrategy, tenantsOf } from './ladder.ts';

/** One call that changes a flag's strategies; the server shows each to clients by itself. */
export type Step =
  | ({ readonly do: 'update'; readonly id: string } & NewStrategy)
  | ({ readonly do: 'add' } & NewStrategy)
  | { readonly do: 'remove'; readonly id: string };

/**
 * What to do so that a flag's strategies say `wanted`, in an order in which every tenant is, after each step, where it
 * was or where it is going: the server has no call that replaces several strategies at once. `now`: those that are
 * enabled, in their order.
 *
 * One that differs is updated in place. Else the new ones are put above the old ones, first to last, and the old ones
 * that are no longer wanted taken away, last to first: whoever a new one fits has arrived, whoever none fits yet is
 * still where the first old one that fits has it.
 */
export function stepsTo(now: readonly AdminStrategy[], wanted: readonly Strategy[]): readonly Step[] {
  const same = now.length === wanted.length;
  const differing = wanted.flatMap((strategy, at) => (same && isSame(now[at], strategy) ? [] : [at]));
  if (same && differing.length === 0) return [];
  const onlyFloor = same && differing.every((at) => isSame(now[at], wanted[at] as Strategy, false));
  if (same && (differing.length === 1 || onlyFloor)) {
    // The last one's floor is the flag's: the others only repeat it.
    return differing.reverse().map((at) => {
      const { id, sortOrder } = now[at] as AdminStrategy;
      return { do: 'update', id, ...written(wanted[at] as Strategy, sortOrder, at === wanted.length - 1) };
    });
  }
  let kept = 0;
  while (kept < Math.min(now.length, wanted.length) && isSame(now.at(-1 - kept), wanted.at(-1 - kept) as Strategy))
    kept += 1;
  const added = wanted.slice(0, wanted.length - kept);
  const removed = now.slice(0, now.length - kept);
  const top = Math.min(0, ...now.map(({ sortOrder }) => sortOrder)) - added.length;
  return [
    ...added.map((strategy, at): Step => ({ do: 'add', ...written(strategy, top + at, at === wanted.length - 1) })),
    ...removed.toReversed().map(({ id }): Step => ({ do: 'remove', id })),
  ];
}

const written = (strategy: Strategy, sortOrder: number, last: boolean): NewStrategy => ({
  ...{ strategy, sortOrder },
  title: titleOf(strategy, last),
});

/** What people read in Unleash's own pages. */
export function titleOf(strategy: Strategy, last: boolean): string {
  const stage = stageOfStrategy(strategy);
  if (last) return `everybody else: ${stage}`;
  return tenantsOf(strategy) === undefined ? `ramp to ${stage}` : `tenants at ${stage}`;
}

/** Whether two strategies decide alike; the server adds what does not matter, such as ids and weight types. */
function isSame(a: Strategy | undefined, b: Strategy, withFloor = true): boolean {
  return a !== undefined && meaningOf(a, withFloor) === meaningOf(b, withFloor);
}

function meaningOf(strategy: Strategy, withFloor: boolean): string {
  const { name, parameters, constraints, variants = [] } = strategy;
  const { groupId, rollout, stickiness } = parameters;
  return JSON.stringify([
    ...[name, groupId, String(rollout), stickiness],
    constraints.map(({ contextName, operator, inverted, values }) => [
      contextName,
      operator,
      inverted === true,
      values,
    ]),
    variants.map((variant) => variant.name),
    withFloor ? floorOf(strategy) : undefined,
  ]);
}
