import type { Cursors } from '../bindings/cursor.ts';
import type { Bindings } from '../bindings/load.ts';
import type { Config } from '../config.ts';
import type { ResultsStore } from '../drivers/results.ts';
import type { Flags } from '../flags/decide.ts';
import type { Metrics } from '../metrics.ts';
import type { AuditRow } from '../results/rows.ts';
import type { Sampler } from '../results/sample.ts';
import type { WriterState } from '../results/writer.ts';
import type { ShadowState } from '../shadow/open.ts';
import type { AuditEntry } from './schema.ts';
import type { Readiness } from './side.ts';

/** What the admin API reads of a running façade. */
export interface ReadingParts {
  readonly bindings: Bindings;
  readonly config: Pick<Config, 'legacyUrl' | 'originTimeout' | 'dynamodb' | 'mongodbUri' | 'stateDir'>;
  readonly cursors: Cursors;
  readonly flags: Flags;
  readonly metrics: Metrics;
  readonly readiness: Readiness;
  /** Of the bindings as they run. */
  readonly evidence: string;
  /** On connections of its own, so that what people read takes none of those that write; `undefined` without results. */
  readonly results: ResultsStore | undefined;
  /** Opens the requests of samples. */
  readonly sampling: Pick<Sampler, 'open'>;
  /** `undefined` where nothing is shadowed. */
  readonly shadow: (() => ShadowState) | undefined;
  readonly writer: { readonly replica: string; readonly state: () => WriterState } | undefined;
  /** Requests of clients that are under way. */
  readonly inFlight: () => number;
  /** An audit row as the API shows it; default: nothing can be undone. */
  readonly auditEntry?: (row: AuditRow) => AuditEntry;
}

/** Why the results give nothing where there are none. */
export const NO_RESULTS = 'there are no results: set RESULTS_URI or MONGODB_URI';
