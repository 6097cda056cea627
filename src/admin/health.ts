import type { ReplicaRow } from '../results/rows.ts';
import type { LiveOutcome } from './live.ts';
import type { LiveOrigin } from './live-origins.ts';
import type { Reading } from './opened.ts';
import type { Health } from './schema.ts';

/** Outcomes that mean that nothing was compared, for want of room, time or an answer. */
const SHED: ReadonlySet<string> = new Set(['shed', 'error', 'skipped']);

/** This replica by its own measure, the others by what they report. `newest`: of each origin its last point alone. */
export async function healthOf(reading: Reading, { newest = false, patience = 2_000 } = {}): Promise<Health> {
  const { parts, live, replicas, readiness } = reading;
  live.touch();
  const [ready, rows] =
    patience === 0
      ? [readiness.now(), replicas.now()]
      : await Promise.all([readiness.get(patience), replicas.get(patience)]);
  const outcomes = live.outcomes();
  const shadow = parts.shadow?.();
  const said = ready.value ?? [{ part: 'readiness', problem: 'it is still being found out; ask again' }];
  const written = parts.writer?.state();
  return {
    ready: said.every(({ problem }) => problem === undefined),
    ...(rows.problem === undefined ? {} : { unknown: rows.problem }),
    parts: said.map(({ part, problem, ...facts }) => ({
      part,
      ...(problem === undefined ? {} : { problem }),
      facts: Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined)),
    })),
    origins: live.origins().map((one) => originOf(one, newest)),
    ...(shadow === undefined
      ? {}
      : {
          shadow: {
            ...{ queue: shadow.queue, queueMax: shadow.queueMax, bytes: shadow.bytes, bytesMax: shadow.bytesMax },
            underWay: shadow.underWay,
            breakers: shadow.breakers.map(({ origin, operation, state }) => ({ origin, operation, state })),
            shed: outcomes.filter(({ outcome }) => SHED.has(outcome)).map((one) => ({ ...one })),
            outcomes: byOutcome(outcomes),
          },
        }),
    ...(written === undefined
      ? {}
      : {
          results: {
            ...{ waiting: written.waiting, most: written.most, dropped: written.dropped },
            ...(written.problem === undefined ? {} : { problem: written.problem }),
            ...(written.written === undefined ? {} : { written: written.written.toISOString() }),
          },
        }),
    process: {
      eventLoopDelay: live.eventLoopDelay(),
      memory: process.memoryUsage.rss(),
      uptime: Math.round(process.uptime() * 1000),
      inFlight: parts.inFlight(),
    },
    flags: flagsOf(reading),
    replicas: replicasOf(reading, rows.value?.all ?? []),
  };
}

function originOf({ origin, role, points }: LiveOrigin, newest: boolean): Health['origins'][number] {
  const wanted = newest ? points.slice(-1) : points;
  return {
    ...{ origin, role },
    points: wanted.map(({ at, p50, p99, perSecond }) => ({
      at: at.toISOString(),
      ...(p50 === undefined ? {} : { p50 }),
      ...(p99 === undefined ? {} : { p99 }),
      perSecond,
    })),
  };
}

function byOutcome(outcomes: readonly LiveOutcome[]): NonNullable<Health['shadow']>['outcomes'] {
  const sums = new Map<string, { n: number; perSecond: number }>();
  for (const { outcome, n, perSecond } of outcomes) {
    const sum = sums.get(outcome) ?? { n: 0, perSecond: 0 };
    sums.set(outcome, { n: sum.n + n, perSecond: sum.perSecond + perSecond });
  }
  return [...sums].map(([outcome, sum]) => ({ outcome, ...sum }));
}

function flagsOf({ parts: { flags } }: Reading): Health['flags'] {
  const { source, place, revision, confirmed, kill, killFile, kept } = flags.state();
  const problem = flags.problem();
  return {
    ...{ source, place, revision, kill, kept: [...kept] },
    ...(confirmed === 0 ? {} : { age: Math.max(0, Date.now() - confirmed) }),
    ...(killFile === undefined ? {} : { killFile }),
    ...(problem === undefined ? {} : { problem }),
  };
}

/** Those that are up, and those that went without a word within the last hour. */
function replicasOf({ parts, isAlive }: Reading, rows: readonly ReplicaRow[]): Health['replicas'] {
  const revision = parts.flags.revision();
  return rows.map((row) => ({
    name: `${row.host} (process ${row.pid})`,
    version: row.version,
    ...{ started: row.started.toISOString(), seen: row.seen.toISOString() },
    ...{ flags: row.flags, flagsFrom: row.flagsFrom, current: row.flags === revision },
    alive: isAlive(row),
    self: row._id === parts.writer?.replica,
    dropped: row.totals.dropped,
  }));
}
