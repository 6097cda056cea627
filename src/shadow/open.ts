import { openResults } from '../drivers/results.ts';
import type { Metrics } from '../metrics.ts';
import type { Pair } from '../model/comparison.ts';
import type { Tracing } from '../model/span.ts';
import type { ReplicaRow, Result } from '../results/rows.ts';
import { createSampling } from '../results/sample.ts';
import { createWriter, type ResultsWriter } from '../results/writer.ts';
import { createCandidateAccounts, createComparisonAccounts } from './accounts.ts';
import { type BreakerState, createBreakers } from './breaker.ts';
import { createBudget } from './budget.ts';
import { percentAt } from './load.ts';
import type { Pulse } from './pulse.ts';
import { createQueue } from './queue.ts';
import { createShadow, type Shadow } from './run.ts';
import { createSampler } from './sampler.ts';

/** What the shadow is set up by; see the table of settings. */
export interface ShadowSettings {
  readonly concurrency: number;
  readonly queue: number;
  readonly queueBytes: number;
  readonly dynamodbPerSecond: number;
  readonly rechecksPerSecond: number;
  readonly busyPercent: number;
  readonly sampleSecret: string | undefined;
  readonly resultsUri: string;
}

export interface ShadowOptions {
  readonly settings: ShadowSettings;
  readonly api: string;
  readonly evidence: string;
  readonly version: string;
  readonly reveal: readonly string[];
  readonly metrics: Metrics;
  readonly percent: () => number;
  /** What the heartbeat says of the flags. */
  readonly flags: () => Pick<ReplicaRow, 'flags' | 'flagsFrom'>;
  readonly onError: (message: string, error: unknown) => void;
  readonly tracing?: Tracing | undefined;
  /** Of the process: shadows are shed while it is busy. */
  readonly pulse: Pulse;
  readonly away?: (() => boolean) | undefined;
  /** A store answers what legacy refuses. */
  readonly onExposure: (operation: string, pair: Pair, requestId: string) => void;
}

export interface OpenShadow {
  readonly shadow: Shadow;
  readonly writer: ResultsWriter;
  readonly state: () => ShadowState;
  /** Ends the shadow, writes what it found within so many milliseconds, and closes. */
  readonly close: (milliseconds: number) => Promise<void>;
}

/** For people. */
export interface ShadowState {
  /** Shadows that wait, and those under way; the most of both, in number and bytes. */
  readonly queue: number;
  readonly queueMax: number;
  readonly bytes: number;
  readonly bytesMax: number;
  readonly underWay: number;
  /** Those that are not closed. */
  readonly breakers: readonly (BreakerState & { readonly state: 'open' | 'trying' })[];
}

/** Everything that follows a reply, put together: queue, breakers, budgets, samples and the writer of results. */
export function openShadow(options: ShadowOptions): OpenShadow {
  const { settings, api, evidence, version, metrics } = options;
  const store = openResults({ uri: settings.resultsUri });
  const writer: ResultsWriter = createWriter({
    ...{ store, api, evidence, version },
    onDropped: (count) => metrics.resultsDropped.inc(count),
    onError: (error) => {
      metrics.resultsErrors.inc();
      options.onError('results cannot be written; they are kept as far as there is room', error);
    },
    state: () => ({ ...options.flags(), totals: shadow.totals() }),
  });
  const queue = createQueue({
    maxCount: settings.queue,
    maxBytes: settings.queueBytes,
    concurrency: settings.concurrency,
  });
  const breakers = createBreakers();
  metrics.onCollect(() => {
    metrics.shadowSpare.set(percentAt(options.pulse.utilization(), settings.busyPercent) / 100);
    metrics.shadowQueueDepth.set(queue.depth());
    metrics.shadowQueueBytes.set(queue.state().bytes);
    metrics.rechecksWaiting.set(shadow.rechecks());
    const { waiting, written } = writer.state();
    metrics.resultsWaiting.set(waiting);
    metrics.resultsLastWrite.set((written?.getTime() ?? 0) / 1000);
    for (const { origin, operation, state } of breakers.states())
      metrics.breakerOpen.set({ origin, operation }, state === 'closed' ? 0 : 1);
  });
  const count = createComparisonAccounts(metrics);
  const shadow: Shadow = createShadow({
    queue,
    breakers,
    budgets: { dynamodb: createBudget(settings.dynamodbPerSecond) },
    recheckBudget: createBudget(settings.rechecksPerSecond),
    ...{ pulse: options.pulse, busyPercent: settings.busyPercent, away: options.away },
    sampler: createSampler(),
    percent: options.percent,
    tracing: options.tracing,
    sampling: createSampling(settings.sampleSecret, options.reveal),
    record: (result) => {
      count(result);
      measure(metrics, result, options.onExposure);
      writer.record(result);
    },
    onCandidate: createCandidateAccounts(metrics),
    onError: (error) => options.onError('a shadow failed', error),
  });
  return Object.freeze({
    shadow,
    writer,
    state: () => {
      const { waiting, underWay, bytes } = queue.state();
      const unwell = breakers.states().flatMap(({ state, ...of }) => (state === 'closed' ? [] : [{ ...of, state }]));
      const most = { queueMax: settings.queue, bytesMax: settings.queueBytes };
      return Object.freeze({ queue: waiting, bytes, underWay, ...most, breakers: unwell });
    },
    close: async (milliseconds: number) => {
      await shadow.close();
      await writer.close(milliseconds);
      await store.close();
    },
  });
}

function measure(metrics: Metrics, result: Result, onExposure: ShadowOptions['onExposure']): void {
  const { operation, pair, findings } = result;
  for (const { kind, verdict, sample } of findings) {
    metrics.mismatches.inc({ operation, pair, kind, verdict });
    if (kind !== 'exposure' || verdict === 'transient') continue;
    metrics.exposures.inc({ operation, pair });
    onExposure(operation, pair, sample.requestId);
  }
}
