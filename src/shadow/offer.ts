import type { ComparePlan } from '../compare/compare.ts';
import type { Observation } from '../model/answer.ts';
import type { SpanRef } from '../model/span.ts';
import type { OriginName, Stage } from '../model/stage.ts';
import type { SampledRequest } from '../results/sample.ts';
import type { Again } from './recheck.ts';

/** As much of an answered request as it takes to say whether it is compared at all. */
export interface Brief {
  readonly operation: string;
  readonly tenant: string;
  readonly stage: Stage;
  readonly control: Observation;
  readonly candidates: readonly OriginName[];
  /** Why this request cannot be compared, where it cannot: `cursor`, `conditional`. */
  readonly unfit: string | undefined;
}

/** One answered request whose plan has candidates: data, and a way to ask again. Holds nothing of the HTTP request. */
export interface Offer extends Brief {
  readonly requestId: string;
  readonly request: SampledRequest;
  /** The control's answer as it is to be compared (legacy's, without its compression); asked once the reply is sent. */
  readonly plain?: () => Promise<Observation>;
  readonly again: Again;
  /** Whether legacy may be asked again. */
  readonly repeatable: boolean;
  readonly plan: ComparePlan;
  /** Milliseconds within which the newer store is kept in step. */
  readonly freshness: number;
  readonly strata: (one: Observation, other: Observation) => readonly string[];
  /** What tells this question from others: 48 bits of a hash. */
  readonly hash: () => number;
  /** The request's, which the shadow's own points at; absent where no traces are taken. */
  readonly span?: SpanRef | undefined;
}
