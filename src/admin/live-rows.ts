import { type HistogramSeries, type Metrics, SECONDS, seriesOf } from '../metrics.ts';
import { STAGES } from '../model/stage.ts';
import { quantileOf } from './quantile.ts';
import { remembered } from './remembered.ts';

/** One operation on this replica. */
export interface LiveRow {
  /** Over the last ten seconds; stages without any are left out. */
  readonly requests: readonly { readonly stage: string; readonly perSecond: number }[];
  /** Replies over the last ten seconds, those that pass through too: they have no stage. */
  readonly perSecond: number;
  /** Of the last minute: replies, the share of them with 5xx, and the control's p99 in milliseconds. */
  readonly replies: number;
  readonly errorShare: number;
  readonly p99: number | undefined;
}

export interface OperationRing {
  /** Takes the counters as they are. */
  sample(at: number): void;
  /** Keeps what was sampled last, to hold the minute against. */
  mark(at: number): void;
  rows(): readonly LiveRow[];
}

interface Operation {
  readonly id: string;
  readonly contract: { readonly method: string; readonly path: string };
}

interface Past {
  readonly at: number;
  readonly counts: Uint32Array;
}

const TEN = 10_000;
const MINUTE = 60_000;
const SLACK = 150;
const STAGE_COUNT = STAGES.length;
/** Requests by stage, then replies of all. */
const QUICK = STAGE_COUNT + 1;
const BUCKETS = SECONDS.length + 1;
/** Replies, those with 5xx, then the control's buckets. */
const WIDTH = 2 + BUCKETS;
const BOUNDS = SECONDS.map(String);

/**
 * Counters of each operation as they were: by stage at each sample of the last ten seconds, the rest every ten seconds
 * of the last minute. Bounded: at 1,000 operations less than a megabyte.
 */
export function createOperationRing(operations: readonly Operation[], metrics: Metrics, began: number): OperationRing {
  const size = operations.length;
  const places = placesOf(operations);
  let stages: Past = { at: began, counts: new Uint32Array(size * QUICK) };
  let rest: Past = { at: began, counts: new Uint32Array(size * WIDTH) };
  const seconds: Past[] = [];
  const tens: Past[] = [];

  return {
    sample(at) {
      stages = { at, counts: new Uint32Array(size * QUICK) };
      rest = { at, counts: new Uint32Array(size * WIDTH) };
      const { stageRequests, requestDuration, originDuration } = metrics;
      for (const [index, one] of Object.values(seriesOf(stageRequests)).entries()) {
        const place = places.stage(one, index);
        if (place >= 0) stages.counts[place] = (stages.counts[place] as number) + one.value;
      }
      for (const [index, one] of Object.values(seriesOf(requestDuration)).entries()) {
        const place = places.route(one, index);
        if (place < 0) continue;
        rest.counts[place] = (rest.counts[place] as number) + one.count;
        const quick = (place / WIDTH) * QUICK + STAGE_COUNT;
        stages.counts[quick] = (stages.counts[quick] as number) + one.count;
        if (String(one.labels.http_response_status_code).startsWith('5'))
          rest.counts[place + 1] = (rest.counts[place + 1] as number) + one.count;
      }
      for (const [index, one] of Object.values(seriesOf(originDuration)).entries()) {
        const place = places.control(one, index);
        if (place >= 0) addBuckets(rest.counts, place, one);
      }
      seconds.push(stages);
      while (seconds.length > 1 && at - (seconds[1] as Past).at >= TEN - SLACK) seconds.shift();
    },
    mark(at) {
      tens.push({ at, counts: rest.counts });
      while (tens.length > 1 && at - (tens[1] as Past).at >= MINUTE - SLACK) tens.shift();
    },
    rows() {
      const before = seconds[0] ?? stages;
      const minute = tens[0] ?? rest;
      const elapsed = (stages.at - before.at) / 1000;
      return operations.map((_, index): LiveRow => {
        const delta = (column: number) => {
          const place = index * WIDTH + column;
          return (rest.counts[place] as number) - (minute.counts[place] as number);
        };
        const rateAt = (at: number) => {
          const place = index * QUICK + at;
          const n = (stages.counts[place] as number) - (before.counts[place] as number);
          return elapsed > 0 ? Number((n / elapsed).toPrecision(3)) : 0;
        };
        const requests = STAGES.map((stage, at) => ({ stage, perSecond: rateAt(at) }));
        const replies = delta(0);
        const errorShare = replies === 0 ? 0 : delta(1) / replies;
        const buckets = Array.from({ length: BUCKETS }, (_, at) => delta(2 + at));
        return {
          requests: requests.filter(({ perSecond }) => perSecond > 0),
          perSecond: rateAt(STAGE_COUNT),
          ...{ replies, errorShare, p99: quantileOf(buckets, SECONDS, 0.99) },
        };
      });
    },
  };
}

/** Adds a histogram's buckets to `counts` from `place` on; what is beyond the last bound comes last. */
export function addBuckets(counts: Uint32Array, place: number, { bucketValues, count }: HistogramSeries): void {
  let within = 0;
  for (let at = 0; at < BOUNDS.length; at += 1) {
    const n = bucketValues[BOUNDS[at] as string] as number;
    within += n;
    if (n > 0) counts[place + at] = (counts[place + at] as number) + n;
  }
  counts[place + BOUNDS.length] = (counts[place + BOUNDS.length] as number) + count - within;
}

/** Where a series counts, found out once for each; -1: nowhere. */
function placesOf(operations: readonly Operation[]) {
  const byId = new Map(operations.map(({ id }, index) => [id, index]));
  const byRoute = new Map(operations.map(({ contract }, index) => [`${contract.method} ${contract.path}`, index]));
  const stageAt = new Map<string, number>(STAGES.map((stage, at) => [stage, at]));
  return {
    stage: remembered(({ operation, stage }) => {
      const [index, at] = [byId.get(String(operation)), stageAt.get(String(stage))];
      return index === undefined || at === undefined ? -1 : index * QUICK + at;
    }),
    route: remembered(({ http_request_method: method, http_route: route }) => {
      // HEAD is GET without a body, unless the contract has a HEAD of its own.
      const index = byRoute.get(`${method} ${route}`) ?? (method === 'HEAD' ? byRoute.get(`GET ${route}`) : undefined);
      return index === undefined ? -1 : index * WIDTH;
    }),
    control: remembered(({ operation, role }) => {
      const index = byId.get(String(operation));
      return index === undefined || role !== 'control' ? -1 : index * WIDTH + 2;
    }),
  };
}
