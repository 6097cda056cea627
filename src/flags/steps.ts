import type { AdminStrategy, NewStrategy } from '../drivers/unleash-admin.ts';
import type { Stage } from '../model/stage.ts';
import type { OperationStages } from './api.ts';
import {
  floorOf,
  type Limits,
  reachable,
  rolloutOf,
  type Strategy,
  stageOfStrategy,
  strategiesOf,
  strategyOf,
  tenantsOf,
} from './ladder.ts';

/** One call that changes a flag's strategies; the server shows each to clients by itself. */
export type Step =
  | ({ readonly do: 'update'; readonly id: string } & NewStrategy)
  | ({ readonly do: 'add' } & NewStrategy)
  | { readonly do: 'remove'; readonly id: string };

export interface Wanted {
  readonly flag: string;
  readonly stages: Omit<OperationStages, 'id' | 'named'>;
  readonly limits: Limits;
  /** What stands there says more than stages can, and all of it is to go. */
  readonly anew: boolean;
}

/**
 * What to do so that a flag's strategies say what is wanted, in an order in which every tenant is, after each step, where
 * it was or where it is going: the server has no call that replaces several strategies at once. `now`: those that are
 * enabled, in their order.
 *
 * Lists of tenants gain whom they lack; then ramp and rest change; then lists lose whom they should not have. Whoever is
 * named twice in between is where the first of the two has it, and whoever is named no more falls to what is new already.
 */
export function stepsTo(now: readonly AdminStrategy[], wanted: Wanted): readonly Step[] {
  if (wanted.anew) return stepsAnew(now, strategiesOf(wanted.flag, wanted.stages, wanted.limits));
  const reached = reachable(now) as readonly AdminStrategy[];
  const hidden = now.slice(reached.length);
  const everybody = reached.filter((one) => one.constraints.length === 0);
  const [ramp, rest] = everybody.length > 1 ? everybody : [undefined, everybody[0]];
  const lists = placed(
    reached.filter((one) => one.constraints.length > 0),
    wanted,
  );
  const write = (strategy: Strategy, sortOrder: number, title: string): NewStrategy => ({ strategy, sortOrder, title });
  const top = Math.min(0, ...now.map(({ sortOrder }) => sortOrder));
  const gains = lists.flatMap(({ old, stage, had, has }, at): Step[] => {
    if (old === undefined) {
      // New ones stand last among the lists, and go above all that is there.
      const sortOrder = top - (lists.length - at);
      return [{ do: 'add', ...write(listOf(wanted, stage, has), sortOrder, `tenants at ${stage}`) }];
    }
    const union = [...new Set([...had, ...has])];
    if (union.length === had.length) return [];
    return [{ do: 'update', id: old.id, ...write(listOf(wanted, stage, union), old.sortOrder, `tenants at ${stage}`) }];
  });
  // Last to first: who is named twice is where the first has it, and must not come to the other on the way.
  const losses = lists.toReversed().flatMap(({ old, stage, had, has }): Step[] => {
    if (old === undefined) return [];
    if (has.length === 0) return [{ do: 'remove', id: old.id }];
    const list = listOf(wanted, stage, has);
    const gained = has.some((tenant) => !had.includes(tenant));
    const lost = had.some((tenant) => !has.includes(tenant));
    if (gained ? !lost : isSame(old, list)) return [];
    return [{ do: 'update', id: old.id, ...write(list, old.sortOrder, `tenants at ${stage}`) }];
  });
  return [
    // Nobody gets to them, and nobody shall when what hides them becomes a ramp.
    ...hidden.map(({ id }): Step => ({ do: 'remove', id })),
    ...gains,
    ...shareSteps(ramp, rest as AdminStrategy, wanted),
    ...losses,
  ];
}

/** A list as it is and as it shall be; `old` is missing where there is none yet. */
interface List {
  readonly old: AdminStrategy | undefined;
  readonly stage: Stage;
  readonly had: readonly string[];
  readonly has: readonly string[];
}

/** Every tenant in one list of its stage: in the one where it is, else in one with room, else in a new one. */
function placed(old: readonly AdminStrategy[], { stages: { tenants }, limits }: Wanted): readonly List[] {
  const left = new Map(tenants);
  const lists = old.map((strategy) => {
    const stage = stageOfStrategy(strategy) as Stage;
    const had = [...new Set(tenantsOf(strategy))];
    const has = had.filter((tenant) => left.get(tenant) === stage);
    for (const tenant of has) left.delete(tenant);
    return { old: strategy as AdminStrategy | undefined, stage, had, has };
  });
  for (const [tenant, stage] of left) {
    // Until the losses the list holds whom it had too.
    const roomy = lists.find((one) => one.stage === stage && union(one.had, one.has) < limits.constraintValues);
    if (roomy === undefined) lists.push({ old: undefined, stage, had: [], has: [tenant] });
    else roomy.has.push(tenant);
  }
  return lists;
}

const union = (a: readonly string[], b: readonly string[]): number => new Set([...a, ...b]).size;

const listOf = ({ flag, stages: { floor } }: Wanted, stage: Stage, tenants: readonly string[]): Strategy =>
  strategyOf(flag, stage, floor, 100, tenants);

/**
 * Ramp and rest. A share that grows or stays is written before the rest, one that shrinks after it: else someone in
 * between would pass through a third stage. A ramp that begins takes the place of the rest, under which a new one was put.
 */
function shareSteps(ramp: AdminStrategy | undefined, rest: AdminStrategy, { flag, stages }: Wanted): readonly Step[] {
  const { stage, floor, ramp: to } = stages;
  const restTo = strategyOf(flag, stage, floor, 100);
  const restTitle = `everybody else: ${stage}`;
  const update = (old: AdminStrategy, strategy: Strategy, title: string): Step[] =>
    isSame(old, strategy) ? [] : [{ do: 'update', id: old.id, strategy, sortOrder: old.sortOrder, title }];
  if (to === undefined) {
    if (ramp === undefined) return update(rest, restTo, restTitle);
    // Where everybody is on the ramp it becomes the rest: beside a rest that is later it would be taken for it.
    if (rolloutOf(ramp) === 100) return [...update(ramp, restTo, restTitle), { do: 'remove', id: rest.id }];
    return [...update(rest, restTo, restTitle), { do: 'remove', id: ramp.id }];
  }
  const rampTo = strategyOf(flag, to.to, floor, to.percent);
  const rampTitle = `ramp to ${to.to}`;
  if (ramp === undefined) {
    return [
      { do: 'add', strategy: restTo, sortOrder: rest.sortOrder + 1, title: restTitle },
      ...update(rest, rampTo, rampTitle),
    ];
  }
  const share = update(ramp, rampTo, rampTitle);
  const others = update(rest, restTo, restTitle);
  return to.percent >= (rolloutOf(ramp) ?? 0) ? [...share, ...others] : [...others, ...share];
}

/** The new ones above all that is there, first to last; then what was there goes, last to first. */
function stepsAnew(now: readonly AdminStrategy[], wanted: readonly Strategy[]): readonly Step[] {
  const top = Math.min(0, ...now.map(({ sortOrder }) => sortOrder)) - wanted.length;
  return [
    ...wanted.map((strategy, at): Step => {
      const stage = stageOfStrategy(strategy);
      const last = at === wanted.length - 1;
      const title = last
        ? `everybody else: ${stage}`
        : strategy.constraints.length === 0
          ? `ramp to ${stage}`
          : `tenants at ${stage}`;
      return { do: 'add', strategy, sortOrder: top + at, title };
    }),
    ...now.toReversed().map(({ id }): Step => ({ do: 'remove', id })),
  ];
}

/** Whether two strategies decide alike; the server adds what does not matter, such as ids and weight types. */
const isSame = (a: Strategy, b: Strategy): boolean => meaningOf(a) === meaningOf(b);

function meaningOf(strategy: Strategy): string {
  const { name, parameters, variants } = strategy;
  const { groupId, rollout, stickiness } = parameters;
  return JSON.stringify([
    ...[name, groupId, String(rollout), stickiness],
    tenantsOf(strategy)?.toSorted(),
    variants?.map((variant) => variant.name),
    floorOf(strategy),
  ]);
}
