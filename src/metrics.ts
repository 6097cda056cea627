import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { exposition } from './exposition.ts';

/**
 * Every metric on one page. Labels hold operations, origins, stages and statuses only: never a path, a tenant or a
 * value, so that their number is bounded by the contract.
 */
export interface Metrics {
  readonly registry: Registry;
  readonly requestDuration: Histogram<'http_request_method' | 'http_route' | 'http_response_status_code' | 'origin'>;
  readonly originDuration: Histogram<'operation' | 'origin' | 'role'>;
  readonly stageRequests: Counter<'operation' | 'stage'>;
  readonly stageLowered: Counter<'operation'>;
  readonly killActive: Gauge;
  readonly flagsLastUpdate: Gauge;
  readonly flagsSource: Gauge<'source'>;
  readonly flagsRevision: Gauge;
  readonly flagsErrors: Counter<'reason'>;
  readonly flagsUnsaved: Counter;
  readonly flagsRefused: Counter;
  readonly flagsFallback: Counter<'flag'>;
  readonly refused: Counter<'kind' | 'reason'>;
  readonly connectionsRefused: Counter;
  readonly originDown: Gauge<'origin'>;
  readonly authRefused: Counter<'reason'>;
  readonly adminRefused: Counter<'reason'>;
  readonly contractViolations: Counter<'operation' | 'origin'>;
  readonly comparisons: Counter<'operation' | 'stage' | 'pair' | 'outcome' | 'reason'>;
  readonly mismatches: Counter<'operation' | 'pair' | 'kind' | 'verdict'>;
  readonly exposures: Counter<'operation' | 'pair'>;
  readonly shadowSpare: Gauge;
  readonly shadowQueueDepth: Gauge;
  readonly shadowThread: Gauge;
  readonly shadowThreadEnded: Counter;
  readonly activeRequests: Gauge<'http_request_method'>;
  readonly breakerOpen: Gauge<'origin' | 'operation'>;
  readonly shadowQueueBytes: Gauge;
  readonly rechecksWaiting: Gauge;
  readonly resultsWaiting: Gauge;
  readonly originConnections: Gauge<'origin' | 'role' | 'state'>;
  readonly resultsErrors: Counter;
  readonly resultsLastWrite: Gauge;
  readonly mongodbClient: Gauge<'client'>;
  readonly resultsDropped: Counter;
  readonly spansDropped: Counter;
  readonly logDropped: Counter;
  readonly buildInfo: Gauge<'version' | 'api'>;
  /** Called before each scrape, for gauges that are read off something. */
  readonly onCollect: (read: () => void) => void;
  /** All of them as Prometheus reads it, piece by piece, with turns of the event loop between. */
  readonly chunks: () => AsyncIterable<Buffer>;
}

/** Upper bounds of the buckets of durations. */
export const SECONDS: readonly number[] = Object.freeze([
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
]);

type Labels = Readonly<Record<string, string | number>>;

/** What a counter holds for one set of labels. */
export interface CounterSeries {
  readonly labels: Labels;
  readonly value: number;
}

/** What a histogram holds for one set of labels; each bucket under its bound, and alone: none holds those below it. */
export interface HistogramSeries {
  readonly labels: Labels;
  readonly bucketValues: Readonly<Record<string, number>>;
  readonly count: number;
}

/**
 * The series of a metric as prom-client itself holds them: to read them makes nothing, where its `get` makes an object a
 * bucket. Its map has no name in its types; a test holds it against what `get` says.
 */
export function seriesOf(metric: Histogram<string>): Readonly<Record<string, HistogramSeries>>;
export function seriesOf(metric: Counter<string>): Readonly<Record<string, CounterSeries>>;
export function seriesOf(metric: object): unknown {
  return (metric as { readonly hashMap: unknown }).hashMap;
}

/** Metrics of one process, on a registry of their own. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const readers: (() => void)[] = [];
  return Object.freeze({
    registry,
    requestDuration: new Histogram({
      name: 'http_server_request_duration_seconds',
      help: 'Time from a client’s request to its reply.',
      labelNames: ['http_request_method', 'http_route', 'http_response_status_code', 'origin'] as const,
      buckets: [...SECONDS],
      registers,
    }),
    originDuration: new Histogram({
      name: 'crossfade_origin_duration_seconds',
      help: 'Time that an origin took to answer, rendering included.',
      labelNames: ['operation', 'origin', 'role'] as const,
      buckets: [...SECONDS],
      registers,
    }),
    stageRequests: new Counter({
      name: 'crossfade_stage_requests_total',
      help: 'Requests by the stage they ran at.',
      labelNames: ['operation', 'stage'] as const,
      registers,
    }),
    stageLowered: new Counter({
      name: 'crossfade_stage_lowered_total',
      help: 'Decisions in which a flag asked for a stage that the operation cannot have.',
      labelNames: ['operation'] as const,
      registers,
    }),
    killActive: new Gauge({
      name: 'crossfade_kill_active',
      help: '1 while the kill switch is on, by its flag or by the kill file.',
      registers,
    }),
    flagsLastUpdate: new Gauge({
      name: 'crossfade_flags_last_update_timestamp_seconds',
      help: 'When the flags in force were last said by their source; 0 where there never were any.',
      registers,
    }),
    flagsSource: new Gauge({
      name: 'crossfade_flags_source',
      help: '1 for where the flags in force are from; `saved`: from disk, `none`: there never were any.',
      labelNames: ['source'] as const,
      registers,
    }),
    flagsRevision: new Gauge({
      name: 'crossfade_flags_revision',
      help: 'A number for what the flags in force say: replicas that run on the same have the same.',
      registers,
    }),
    flagsErrors: new Counter({
      name: 'crossfade_flags_errors_total',
      help: 'Questions to the flag server in vain, by what came of them; the last good flags stayed.',
      labelNames: ['reason'] as const,
      registers,
    }),
    flagsUnsaved: new Counter({
      name: 'crossfade_flags_unsaved_total',
      help: 'Times that the last good flags could not be written to disk.',
      registers,
    }),
    flagsRefused: new Counter({
      name: 'crossfade_flags_refused_total',
      help: 'Flag states that were refused; the last good one stayed.',
      registers,
    }),
    flagsFallback: new Counter({
      name: 'crossfade_flags_fallback_total',
      help: 'Flags that went missing, empty or misspelt; their last good form stayed.',
      labelNames: ['flag'] as const,
      registers,
    }),
    refused: new Counter({
      name: 'crossfade_refused_total',
      help: 'Requests that were answered with 503 at once for want of room or time, by what they were and why.',
      labelNames: ['kind', 'reason'] as const,
      registers,
    }),
    connectionsRefused: new Counter({
      name: 'crossfade_connections_refused_total',
      help: 'Connections that were closed at once because there were too many.',
      registers,
    }),
    originDown: new Gauge({
      name: 'crossfade_origin_down',
      help: '1 while an origin that answers clients does not answer, so that requests for it are refused at once.',
      labelNames: ['origin'] as const,
      registers,
    }),
    authRefused: new Counter({
      name: 'crossfade_auth_refused_total',
      help: 'Callers who were not let in, by why; `unavailable`: it could not be found out.',
      labelNames: ['reason'] as const,
      registers,
    }),
    adminRefused: new Counter({
      name: 'crossfade_admin_refused_total',
      help: 'Requests to the admin side that were refused for who asked, or how, by why.',
      labelNames: ['reason'] as const,
      registers,
    }),
    contractViolations: new Counter({
      name: 'crossfade_contract_violations_total',
      help: 'Values that were served although they break the contract.',
      labelNames: ['operation', 'origin'] as const,
      registers,
    }),
    comparisons: new Counter({
      name: 'crossfade_comparisons_total',
      help: 'Plans with a candidate, by what came of them.',
      labelNames: ['operation', 'stage', 'pair', 'outcome', 'reason'] as const,
      registers,
    }),
    mismatches: new Counter({
      name: 'crossfade_mismatches_total',
      help: 'Findings in comparisons, by kind and by what reading again said.',
      labelNames: ['operation', 'pair', 'kind', 'verdict'] as const,
      registers,
    }),
    exposures: new Counter({
      name: 'crossfade_exposures_total',
      help: 'Requests that legacy refuses and a store answers, but for what only lasted until the newer store had caught up.',
      labelNames: ['operation', 'pair'] as const,
      registers,
    }),
    shadowThread: new Gauge({
      name: 'crossfade_shadow_thread',
      help: '1 while candidates are asked in a thread of their own.',
      registers,
    }),
    shadowThreadEnded: new Counter({
      name: 'crossfade_shadow_thread_ended_total',
      help: 'Times that the thread that asks candidates ended though nobody had asked it to.',
      registers,
    }),
    shadowSpare: new Gauge({
      name: 'crossfade_shadow_spare',
      help: 'The share of shadows that may be asked, by how much the thread that serves has to do: 0.1 to 1, 0 without any.',
      registers,
    }),
    shadowQueueDepth: new Gauge({
      name: 'crossfade_shadow_queue_depth',
      help: 'Shadows that wait or are under way.',
      registers,
    }),
    activeRequests: new Gauge({
      name: 'http_server_active_requests',
      help: 'Requests that have no whole reply yet.',
      labelNames: ['http_request_method'] as const,
      registers,
    }),
    breakerOpen: new Gauge({
      name: 'crossfade_breaker_open',
      help: '1 while an operation’s shadows do not ask an origin that failed them.',
      labelNames: ['origin', 'operation'] as const,
      registers,
    }),
    shadowQueueBytes: new Gauge({
      name: 'crossfade_shadow_queue_bytes',
      help: 'Bytes of answers that shadows hold which wait or are under way.',
      registers,
    }),
    rechecksWaiting: new Gauge({
      name: 'crossfade_rechecks_waiting',
      help: 'Mismatches that wait to be looked at again, or are.',
      registers,
    }),
    resultsWaiting: new Gauge({
      name: 'crossfade_results_waiting',
      help: 'Rows of results that are not written yet.',
      registers,
    }),
    originConnections: new Gauge({
      name: 'crossfade_origin_connections',
      help: 'Connections to an origin by what they do; `waiting`: requests that wait for one.',
      labelNames: ['origin', 'role', 'state'] as const,
      registers,
    }),
    resultsErrors: new Counter({
      name: 'crossfade_results_errors_total',
      help: 'Writes of results in vain; what was to be written is kept as far as there is room.',
      registers,
    }),
    resultsLastWrite: new Gauge({
      name: 'crossfade_results_last_write_timestamp_seconds',
      help: 'When all results that there were had been written last; 0 where they never were.',
      registers,
    }),
    resultsDropped: new Counter({
      name: 'crossfade_results_dropped_total',
      help: 'Results that could not be kept while their store was away.',
      registers,
    }),
    spansDropped: new Counter({
      name: 'crossfade_spans_dropped_total',
      help: 'Spans that could not be sent, or that there was no room for.',
      registers,
    }),
    logDropped: new Counter({
      name: 'crossfade_log_lines_dropped_total',
      help: 'Lines of the log that nobody read in time.',
      registers,
    }),
    mongodbClient: new Gauge({
      name: 'crossfade_mongodb_client',
      help: '1 for how MongoDB is read for clients: `leased`, `command` or `driver`.',
      labelNames: ['client'] as const,
      registers,
    }),
    buildInfo: new Gauge({
      name: 'crossfade_build_info',
      help: '1, labelled with what runs.',
      labelNames: ['version', 'api'] as const,
      registers,
    }),
    onCollect: (read: () => void) => void readers.push(read),
    chunks: () => {
      for (const read of readers) read();
      return exposition(registry);
    },
  });
}

/** Event loop, memory, collections, descriptors, by prom-client's names. What watches them lasts as long as the process. */
export function addProcessMetrics({ registry }: Metrics): void {
  collectDefaultMetrics({ register: registry });
}

/** A counter that another one is read off. */
export function risesTo(counter: Counter, total: () => number): () => void {
  let told = 0;
  return () => {
    const now = total();
    counter.inc(now - told);
    told = now;
  };
}
