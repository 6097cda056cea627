import type { Cursors } from './bindings/cursor.ts';
import type { Bindings } from './bindings/load.ts';
import { type Config, VERSION } from './config.ts';
import type { Flags } from './flags/decide.ts';
import type { Metrics } from './metrics.ts';
import type { Log } from './model/log.ts';
import type { Tracing } from './model/span.ts';
import { PLANS, type StoreName } from './model/stage.ts';
import { exposureLog, showConnections } from './observers.ts';
import { named } from './operate/stores.ts';
import type { Legacy, Message } from './origins/legacy.ts';
import { createOffering, type Shadowing as Shadowed } from './request/shadowing.ts';
import type { ResultsWriter } from './results/writer.ts';
import { openShadow, type ShadowState } from './shadow/open.ts';
import type { Pulse } from './shadow/pulse.ts';
import { type Asking, openAsking } from './thread/open.ts';

export interface ShadowingParts {
  readonly config: Config;
  readonly evidence: string;
  readonly bindings: Bindings;
  readonly flags: Flags;
  readonly cursors: Cursors;
  readonly legacy: Legacy | undefined;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly tracing: Tracing | undefined;
  readonly pulse: Pulse;
  readonly closers: (() => unknown)[];
}

/** How long results may take to be written when the process ends. */
const LAST_WRITE = 3_000;

/** What follows a reply. */
export interface Shadowing {
  /** Asks the candidates; `undefined` where no operation has a stage with any. */
  readonly shadow: Shadowed | undefined;
  readonly meet: (tenant: string) => void;
  /** Reports that this replica runs on other flags. */
  readonly beat: () => void;
  /** For people; `state` where anything is shadowed. */
  readonly writer: ResultsWriter;
  readonly state: (() => ShadowState) | undefined;
  /** Resolves when who asks candidates is there. */
  readonly ready: () => Promise<void>;
}

/** Shadow and results; `undefined` where there is no place for results. */
export function openShadowing(parts: ShadowingParts): Shadowing | undefined {
  const { config, evidence, bindings, flags, cursors, legacy, metrics, log, tracing, pulse, closers } = parts;
  const { shadow: settings, sampleSecret, resultsUri } = config;
  if (resultsUri === undefined) return undefined;
  let asking: Asking | undefined;
  const opened = named(config.resultsUri === config.mongodbUri ? 'MONGODB_URI' : 'RESULTS_URI', () =>
    openShadow({
      settings: { ...settings, sampleSecret, resultsUri },
      api: bindings.name,
      evidence,
      version: VERSION,
      reveal: bindings.spec.reveal ?? [],
      ...{ metrics, tracing, pulse },
      away: () => asking?.away() === true,
      percent: () => flags.state().sampling,
      flags: () => ({ flags: flags.revision(), flagsFrom: flags.state().source }),
      onError: (message, error) => log('warn', message, { cause: error }),
      onExposure: exposureLog(log),
    }),
  );
  // What waits is shed before nobody is there to ask.
  closers.push(() => Promise.all([opened.close(LAST_WRITE), asking?.close()]));
  const { writer, state } = opened;
  const { meet, beat } = writer;
  beat();
  const shadowed = bindings.operations.some(({ offered }) =>
    offered.some((stage) => PLANS[stage].candidates.length > 0),
  );
  if (!shadowed) return { shadow: undefined, meet, beat, writer, state: undefined, ready: async () => {} };
  const opening = openAsking({
    ...{ mode: settings.thread, timeout: settings.timeout, concurrency: settings.concurrency },
    ...{ stores: config, bindings, cursors, cursorSecrets: config.cursorSecrets, evidence, version: VERSION, log },
    legacy: config.legacyUrl !== undefined,
    onViolations: (operation, origin, count) => metrics.contractViolations.inc({ operation, origin }, count),
    onEnd: () => metrics.shadowThreadEnded.inc(),
  });
  asking = opening;
  metrics.onCollect(() => {
    metrics.shadowThread.set(opening.threaded() ? 1 : 0);
    for (const [store, connections] of Object.entries(opening.connections()))
      showConnections(metrics, store as StoreName, 'candidate', { connections: () => connections });
  });
  const offering = createOffering({
    operations: bindings.operations,
    api: bindings.spec,
    cursors,
    observe: opening.observe,
    askLegacy: legacy && ((message, signal) => legacy.ask(message as Message, { signal, maxBytes: MAX_LEGACY_BYTES })),
    timeout: settings.timeout,
  });
  const shadow: Shadowed = (answered) => {
    const { operation, tenant, stage, control, candidates, unfit } = answered;
    const brief = { operation: operation.id, tenant, stage, control, candidates, unfit };
    try {
      return opened.shadow.offer(brief, () => offering(answered));
    } catch (error) {
      // The reply is sent: nothing that goes wrong here may reach it.
      log('error', 'a shadow could not be offered', { cause: error });
      return true;
    }
  };
  return { shadow, meet, beat, writer, state, ready: opening.ready };
}

/** Of an answer of legacy that is asked for again. */
const MAX_LEGACY_BYTES = 8 * 1024 * 1024;
