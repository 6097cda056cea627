import { type Metrics, SECONDS, seriesOf } from '../metrics.ts';
import type { OriginName } from '../model/stage.ts';
import { addBuckets } from './live-rows.ts';
import { quantileOf } from './quantile.ts';
import { remembered } from './remembered.ts';

/** One origin in one role, over time. Milliseconds. */
export interface LiveOrigin {
  readonly origin: OriginName;
  readonly role: 'control' | 'candidate';
  readonly points: readonly LivePoint[];
}

export interface LivePoint {
  readonly at: Date;
  readonly p50: number | undefined;
  readonly p99: number | undefined;
  readonly perSecond: number;
}

const NAMES: readonly OriginName[] = Object.freeze(['legacy', 'dynamodb', 'mongodb']);
const ROLES = Object.freeze(['control', 'candidate'] as const);
const BUCKETS = SECONDS.length + 1;
/** 15 minutes, a point every ten seconds. */
const POINTS = 90;

/** What each origin did between two samples, by what its histogram has grown. */
export function createOriginRing({ originDuration }: Metrics) {
  const lines = NAMES.flatMap((origin) => ROLES.map((role) => ({ origin, role, points: [] as LivePoint[] })));
  const placeOf = remembered(({ origin, role }) =>
    lines.findIndex((line) => line.origin === origin && line.role === role),
  );
  let before: { readonly at: number; readonly counts: Uint32Array } | undefined;
  return {
    sample(at: number, date: number): void {
      const counts = new Uint32Array(lines.length * BUCKETS);
      for (const [index, one] of Object.values(seriesOf(originDuration)).entries()) {
        const line = placeOf(one, index);
        if (line >= 0) addBuckets(counts, line * BUCKETS, one);
      }
      if (before !== undefined) {
        const seconds = (at - before.at) / 1000;
        for (const [index, { points }] of lines.entries()) {
          const grown = Array.from(
            { length: BUCKETS },
            (_, bucket) =>
              (counts[index * BUCKETS + bucket] as number) - (before?.counts[index * BUCKETS + bucket] as number),
          );
          const n = grown.reduce((sum, one) => sum + one, 0);
          const [p50, p99] = [quantileOf(grown, SECONDS, 0.5), quantileOf(grown, SECONDS, 0.99)];
          points.push({ at: new Date(date), p50, p99, perSecond: Number((n / seconds).toPrecision(3)) });
          if (points.length > POINTS) points.shift();
        }
      }
      before = { at, counts };
    },
    /** Those that were ever asked. */
    origins: (): readonly LiveOrigin[] =>
      lines
        .filter(({ points }) => points.some(({ perSecond }) => perSecond > 0))
        .map(({ origin, role, points }) => ({ origin, role, points: [...points] })),
  };
}
