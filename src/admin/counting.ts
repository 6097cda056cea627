import { type OperationStages, sameStages } from '../flags/api.ts';
import type { Flags } from '../flags/decide.ts';
import { STAGES, type Stage } from '../model/stage.ts';
import { createSlices, type Slices } from '../operate/slices.ts';

/** Tenants that had a request in the last 30 days. */
export interface KnownTenants {
  /** In their order; the same array while nobody comes or goes. */
  readonly names: readonly string[];
  readonly last: ReadonlyMap<string, Date>;
}

export type StageCount = { readonly stage: string; readonly n: number };

/** How many of the known tenants are at each stage. */
export interface Counting {
  /**
   * Brings the counts up to date, and waits at most so many milliseconds: where no operation has a ramp that is at once,
   * else each tenant is decided for, in slices.
   */
  update(known: KnownTenants, patience: number): Promise<void>;
  /** In the order of the migration; `undefined` while it is not counted. */
  of(index: number): readonly StageCount[] | undefined;
}

interface Counted {
  readonly stages: OperationStages;
  readonly kill: boolean;
  readonly ready: boolean;
  readonly odd: string | undefined;
  readonly names: readonly string[];
  readonly counts: Counts;
}

type Counts = Map<Stage | 'none', number>;

/** Tenants who came and went between two readings. */
interface Change {
  readonly came: readonly string[];
  readonly went: readonly string[];
}

const NOBODY: readonly string[] = Object.freeze([]);

/** Milliseconds of one slice, and of the pause after it: a third of the time at most. */
const SLICE = 4;
const PAUSE = 8;

export function createCounting(flags: Pick<Flags, 'peek' | 'state' | 'odd' | 'ready'>): Counting {
  const counted: (Counted | undefined)[] = [];
  let running: Promise<void> | undefined;
  let wanted: readonly string[] | undefined;

  const count = async (names: readonly string[]): Promise<void> => {
    const { kill, operations } = flags.state();
    const ready = flags.ready();
    const oddOnes = flags.odd();
    const slices = createSlices(SLICE, PAUSE);
    const set = new Set(names);
    const changes = new Map<readonly string[], Change>();
    const slow: (() => Promise<void>)[] = [];
    for (const [index, stages] of operations.entries()) {
      const base = { stages, kill, ready, odd: oddOnes.get(stages.id), names };
      const before = counted[index];
      const same = before !== undefined && isSame(before, base);
      if (same && before.names === names) {
        if (before.stages !== stages) counted[index] = { ...before, stages };
        continue;
      }
      if (stages.ramp === undefined && base.odd === undefined) {
        counted[index] = { ...base, counts: countPlain(index, stages, set) };
        await slices.next();
        continue;
      }
      // What was counted by other flags is not so now; by the same ones it is out by those who came and went.
      if (!same) counted[index] = undefined;
      slow.push(async () => {
        const counts = new Map(same ? before.counts : []);
        const change = same ? changeOf(before.names, names, changes) : { came: names, went: NOBODY };
        await countEach(index, change.came, 1, counts, slices);
        await countEach(index, change.went, -1, counts, slices);
        counted[index] = { ...base, counts };
      });
    }
    // What is decided at once comes first; who waits for a ramp waits for that alone.
    for (const one of slow) await one();
  };

  /** Who has no stage of their own is where the rest is. */
  const countPlain = (index: number, { tenants }: OperationStages, known: ReadonlySet<string>) => {
    const counts = new Map<Stage | 'none', number>();
    const at = new Map<Stage, Stage | 'none'>();
    let named = 0;
    for (const [tenant, own] of tenants) {
      if (!known.has(tenant)) continue;
      const stage = at.get(own) ?? flags.peek(index, tenant).stage ?? 'none';
      at.set(own, stage);
      named += 1;
      counts.set(stage, (counts.get(stage) ?? 0) + 1);
    }
    const rest = flags.peek(index, '').stage ?? 'none';
    if (known.size > named) counts.set(rest, (counts.get(rest) ?? 0) + known.size - named);
    return counts;
  };

  const countEach = async (index: number, names: readonly string[], by: 1 | -1, counts: Counts, slices: Slices) => {
    for (let at = 0; at < names.length; at += 1) {
      const stage = flags.peek(index, names[at] as string).stage ?? 'none';
      counts.set(stage, (counts.get(stage) ?? 0) + by);
      if (at % 100 === 99) await slices.next();
    }
    await slices.next();
  };

  const run = async (): Promise<void> => {
    for (let names = wanted; names !== undefined; names = wanted) {
      wanted = undefined;
      await count(names);
    }
  };

  return Object.freeze<Counting>({
    async update({ names }, patience) {
      wanted = names;
      running ??= run().finally(() => {
        running = undefined;
      });
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((done) => {
        timer = setTimeout(done, patience).unref();
      });
      await Promise.race([running, late]);
      clearTimeout(timer);
    },
    of: (index) => {
      const counts = counted[index]?.counts;
      return counts && ordered(counts);
    },
  });
}

const isSame = (before: Counted, now: Omit<Counted, 'counts' | 'names'>): boolean =>
  before.kill === now.kill &&
  before.ready === now.ready &&
  before.odd === now.odd &&
  (before.stages === now.stages || sameStages(before.stages, now.stages));

function changeOf(before: readonly string[], now: readonly string[], known: Map<readonly string[], Change>): Change {
  const found = known.get(before);
  if (found !== undefined) return found;
  const [was, is] = [new Set(before), new Set(now)];
  const change = { came: now.filter((one) => !was.has(one)), went: before.filter((one) => !is.has(one)) };
  known.set(before, change);
  return change;
}

const ordered = (counts: ReadonlyMap<Stage | 'none', number>): readonly StageCount[] =>
  Object.freeze(
    [...STAGES, 'none' as const].flatMap((stage) => {
      const n = counts.get(stage);
      return n === undefined || n === 0 ? [] : [Object.freeze({ stage, n })];
    }),
  );
