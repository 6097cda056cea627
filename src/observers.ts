import { createHmac } from 'node:crypto';
import { type Config, VERSION } from './config.ts';
import { AuthError } from './errors.ts';
import type { FacadeOptions } from './facade.ts';
import type { Metrics } from './metrics.ts';
import type { Log } from './model/log.ts';
import type { Connections } from './model/origin.ts';
import type { Tracing } from './model/span.ts';
import type { OriginName } from './model/stage.ts';
import type { RequestLog } from './request/log.ts';
import type { ShadowOptions } from './shadow/open.ts';

/** How long spans may take to be sent when the process ends. */
const LAST_SPANS = 2_000;

/** Nothing of OpenTelemetry is loaded unless somebody takes traces. */
export async function openTraces(
  { tracing: config }: Config,
  metrics: Metrics,
  log: Log,
  closers: (() => unknown)[],
): Promise<Tracing | undefined> {
  if (config === undefined) return undefined;
  const { openTracing } = await import('./drivers/tracing.ts');
  const tracing = openTracing({
    ...{ config, version: VERSION },
    onDropped: (count) => metrics.spansDropped.inc(count),
    onError: atMostEachMinute((cause: Error) => log('warn', 'spans could not be sent', { cause })),
  });
  closers.push(() => tracing.close(LAST_SPANS));
  return tracing;
}

function atMostEachMinute<T>(act: (value: T) => void): (value: T) => void {
  let last = Number.NEGATIVE_INFINITY;
  return (value) => {
    if (performance.now() - last < 60_000) return;
    last = performance.now();
    act(value);
  };
}

/** One line a minute for each operation: the counter has the number. */
export function exposureLog(log: Log): ShadowOptions['onExposure'] {
  const last = new Map<string, number>();
  return (operation, pair, requestId) => {
    const now = Date.now();
    if (now - (last.get(operation) ?? 0) < 60_000) return;
    last.set(operation, now);
    log('error', `exposure: ${pair.split('-')[1]} answers what legacy refuses`, { operation, pair, requestId });
  };
}

/** What is ours to mend gets into the request's line with its cause; what the client did does not. */
export function noteFailure(metrics: Metrics, requestLog: RequestLog): FacadeOptions['line']['onFailure'] {
  return (error, request) => {
    if (error instanceof AuthError) metrics.authRefused.inc({ reason: error.reason });
    if (error.status < 500) return;
    const { trace } = request;
    trace.failure = error.cause instanceof Error ? error.cause : error;
    // The client did not wait for it, and has its line: this must be heard of all the same.
    if (trace.done) requestLog.note(request, undefined, performance.now() - trace.began);
  };
}

/** How traces and logs show a tenant. A hash is the same in every replica that has the same secret. */
export function tenantShower({ tenants, sampleSecret }: Pick<Config, 'tenants' | 'sampleSecret'>) {
  if (tenants === 'clear') return (tenant: string | undefined) => tenant;
  if (tenants === 'off' || sampleSecret === undefined) return () => undefined;
  return (tenant: string | undefined) =>
    tenant === undefined
      ? undefined
      : createHmac('sha256', `tenant\0${sampleSecret}`).update(tenant).digest('base64url').slice(0, 16);
}

/** Shows how MongoDB is read for clients; what comes back takes the reason why it is not so as was asked for. */
export function mongodbShower(
  { mongodbClient }: Metrics,
  log: Log,
  { mongodbUri, mongodbClient: wanted }: Pick<Config, 'mongodbUri' | 'mongodbClient'>,
): (reason: string) => void {
  if (mongodbUri !== undefined) mongodbClient.set({ client: wanted }, 1);
  return (reason) => {
    log('warn', 'MongoDB is read without leased connections', { reason });
    mongodbClient.reset();
    mongodbClient.set({ client: 'command' }, 1);
  };
}

export function showConnections(
  { originConnections }: Metrics,
  origin: OriginName,
  role: 'control' | 'candidate',
  of: { connections(): Connections },
): void {
  for (const [state, count] of Object.entries(of.connections())) originConnections.set({ origin, role, state }, count);
}
