import type { FastifyRequest } from 'fastify';
import type { Log } from '../model/log.ts';
import { knownMethod } from './spans.ts';

/** `sampled`: as many a second as the table below says; `all`; `off`: only where we failed. */
export type LogMode = 'sampled' | 'all' | 'off';

export interface RequestLogOptions {
  readonly mode: LogMode;
  /** Milliseconds from which a request is slow. */
  readonly slow: number;
  readonly log: Log;
  /** A tenant as it may be shown; `undefined` where it may not. */
  readonly shownTenant: (tenant: string | undefined) => string | undefined;
  readonly now?: () => number;
}

/** A line for a request, or none. */
export interface RequestLog {
  /** `status`: `undefined` where the client left before it had its reply. `duration` in milliseconds. */
  note(request: FastifyRequest, status: number | undefined, duration: number): void;
  /** Says how many requests had no line since the last line. */
  close(): void;
}

type Kind = 'error' | 'slow' | 'other';

/** Lines a second of each kind. */
const BUDGETS: Readonly<Record<Kind, number>> = Object.freeze({ error: 100, slow: 100, other: 20 });

/** What of a request is worth a line in which mode; the test walks it. */
export const LOGS: Readonly<Record<LogMode, Readonly<Record<Kind | 'failed', 'never' | 'budget' | 'always'>>>> =
  Object.freeze({
    off: { failed: 'budget', error: 'never', slow: 'never', other: 'never' },
    sampled: { failed: 'budget', error: 'budget', slow: 'budget', other: 'budget' },
    all: { failed: 'always', error: 'always', slow: 'always', other: 'always' },
  });

export function createRequestLog(options: RequestLogOptions): RequestLog {
  const { mode, slow, log, shownTenant, now = () => performance.now() } = options;
  const rules = LOGS[mode];
  const left: Record<Kind, number> = { ...BUDGETS };
  let since = now();
  let sampledOut = 0;

  const takes = (kind: Kind, failed: boolean): boolean => {
    const rule = rules[failed ? 'failed' : kind];
    if (rule !== 'budget') return rule === 'always';
    const at = now();
    if (at - since >= 1_000) {
      Object.assign(left, BUDGETS);
      since = at;
    }
    left[kind] -= 1;
    if (left[kind] >= 0) return true;
    sampledOut += 1;
    return false;
  };

  return Object.freeze({
    note(request: FastifyRequest, status: number | undefined, duration: number): void {
      const { trace } = request;
      const { failure } = trace;
      const error = failure !== undefined || (status !== undefined && status >= 500);
      const kind: Kind = error ? 'error' : duration >= slow ? 'slow' : 'other';
      if (!takes(kind, failure !== undefined)) return;
      const ref = trace.span?.ref;
      log(error ? 'error' : 'info', failure?.message ?? 'request', {
        requestId: request.id,
        traceId: ref?.traceId,
        spanId: ref?.spanId,
        method: knownMethod(request.method),
        route: trace.route === '' ? undefined : trace.route,
        operation: trace.operation,
        stage: trace.stage,
        origin: trace.origin,
        tenant: shownTenant(trace.tenant),
        status: status ?? 499,
        duration: Math.round(duration * 1_000) / 1_000,
        ...(sampledOut === 0 ? {} : { sampledOut }),
        ...(failure === undefined ? {} : { cause: failure }),
      });
      sampledOut = 0;
    },
    close(): void {
      if (sampledOut > 0) log('info', 'requests without a line', { sampledOut });
      sampledOut = 0;
    },
  });
}
