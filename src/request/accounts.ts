import { STATUS_CODES } from 'node:http';
import type { Metrics } from '../metrics.ts';
import { type OriginName, STAGES } from '../model/stage.ts';
import { counterSeries, histogramSeries } from '../series.ts';
import { knownMethod } from './spans.ts';
import type { Trace } from './trace.ts';

/** Counts requests: their duration by route, method, status and origin, and the stage they ran at. */
export interface Accounts {
  /** `status`: `undefined` where the client left before it had its reply. `duration` in milliseconds. */
  note(trace: Trace, method: string, status: number | undefined, duration: number): void;
}

type Add = (seconds: number) => void;

/** The series of a request are looked up by two small keys, and their labels put together only for the first of a kind. */
export function createAccounts({ requestDuration, stageRequests }: Metrics): Accounts {
  const known = new Map<string | undefined, Map<number, Add>>();

  const make = (trace: Trace, method: string, status: number | undefined): Add => {
    const observe = histogramSeries(requestDuration, {
      http_request_method: knownMethod(method),
      http_route: trace.route,
      // 499, as nginx has it: the client left.
      http_response_status_code: statusLabel(status),
      origin: trace.origin ?? 'none',
    });
    const { operation, stage } = trace;
    if (operation === undefined || stage === undefined) return observe;
    const count = counterSeries(stageRequests, { operation, stage });
    return (seconds) => {
      observe(seconds);
      count();
    };
  };

  return Object.freeze({
    note(trace: Trace, method: string, status: number | undefined, duration: number): void {
      let adds = known.get(trace.operation);
      if (adds === undefined) {
        adds = new Map();
        known.set(trace.operation, adds);
      }
      const key = keyOf(trace, method, status);
      let add = adds.get(key);
      if (add === undefined) {
        add = make(trace, method, status);
        adds.set(key, add);
      }
      add(duration / 1_000);
    },
  });
}

/** One number for all that tells two series of an operation apart. */
function keyOf({ origin, stage }: Trace, method: string, status = 0): number {
  const first = (METHODS[method] ?? 0) * 4 + (origin === undefined ? 0 : ORIGINS[origin]);
  return (status * 32 + first) * 16 + (stage === undefined ? 0 : STAGES.indexOf(stage) + 1);
}

const METHODS: Readonly<Record<string, number>> = Object.freeze({
  ...{ GET: 1, HEAD: 2, POST: 3, PUT: 4, PATCH: 5, DELETE: 6, OPTIONS: 7 },
});

const ORIGINS: Readonly<Record<OriginName, number>> = Object.freeze({ legacy: 1, dynamodb: 2, mongodb: 3 });

/** A legacy service may say any three digits: those that nobody has given a meaning count by their class. */
const statusLabel = (status: number | undefined): string => {
  if (status === undefined) return '499';
  return STATUS_CODES[status] === undefined ? `${Math.trunc(status / 100)}xx` : String(status);
};

/** Counts what an origin took to answer, in seconds. */
export function createOriginAccounts({ originDuration }: Metrics, role: 'control' | 'candidate') {
  const known = new Map<string, Partial<Record<OriginName, Add>>>();
  return (operation: string, origin: OriginName, seconds: number): void => {
    let adds = known.get(operation);
    if (adds === undefined) {
      adds = {};
      known.set(operation, adds);
    }
    adds[origin] ??= histogramSeries(originDuration, { operation, origin, role });
    adds[origin](seconds);
  };
}
