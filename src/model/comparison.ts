import { createHash } from 'node:crypto';
import type { Observation } from './answer.ts';
import type { OriginName } from './stage.ts';

/** What came of holding two observations together; the last three say why in a reason. */
export const OUTCOMES = Object.freeze(['match', 'ignored', 'mismatch', 'error', 'shed', 'skipped'] as const);
export type Outcome = (typeof OUTCOMES)[number];

/**
 * `exposure`: legacy refuses, a store answers; `unanswerable`: an origin gave what it could not decode, render or
 * satisfy; `notation`: the same number in other digits; `length`: lists whose items have no key and whose lengths differ.
 */
export const KINDS = Object.freeze([
  'exposure',
  'status',
  'unanswerable',
  'missing',
  'extra',
  'type',
  'value',
  'order',
  'length',
  'notation',
  'header',
] as const);
export type Kind = (typeof KINDS)[number];

/** What reading again said of a difference (design section 6), worst first. */
export const VERDICTS = Object.freeze(['persistent', 'moving', 'unverified', 'transient'] as const);
export type Verdict = (typeof VERDICTS)[number];

/** What stands at a place; of a status its digits, of an origin that failed its failure. */
export type ValueType = 'absent' | 'null' | 'boolean' | 'number' | 'string' | 'array' | 'object' | (string & {});

export interface Difference {
  readonly kind: Kind;
  /** JSON pointer with `*` for indexes and map keys; `header:name` for a header; '' for the whole answer. */
  readonly path: string;
  /** The same with what tells items apart: for comparing two readings, never stored. */
  readonly at: string;
  readonly leftType: ValueType;
  readonly rightType: ValueType;
  /** JSON text of each side, where it has one. Holds data: never stored in clear. */
  readonly left: Buffer | undefined;
  readonly right: Buffer | undefined;
}

/** Two origins in the order of the migration, whichever of them is control: `missing` is what the newer one lacks. */
export type Pair = 'legacy-dynamodb' | 'legacy-mongodb' | 'dynamodb-mongodb';

const ORDER: readonly OriginName[] = Object.freeze(['legacy', 'dynamodb', 'mongodb']);

/** The pair of two origins, whichever comes first. */
export const pairName = (...origins: readonly [OriginName, OriginName]): Pair =>
  [...origins].sort((a, b) => ORDER.indexOf(a) - ORDER.indexOf(b)).join('-') as Pair;

/** The pair of two origins, and which of the two observations stands left. */
export function pairOf(
  one: Observation,
  other: Observation,
): { readonly pair: Pair; readonly left: Observation; readonly right: Observation } {
  const inOrder = ORDER.indexOf(one.origin) < ORDER.indexOf(other.origin);
  const [left, right] = inOrder ? [one, other] : [other, one];
  return { pair: `${left.origin}-${right.origin}` as Pair, left, right };
}

/** A rule that covered differences of one comparison, and how many. */
export interface RuleUse {
  readonly rule: string;
  readonly uses: number;
}

/** Two observations and what came of holding them together. Frozen. */
export interface Comparison {
  readonly pair: Pair;
  readonly left: Observation;
  readonly right: Observation;
  readonly outcome: 'match' | 'ignored' | 'mismatch' | 'error' | 'skipped';
  /** Of `error` and `skipped`. */
  readonly reason: string | undefined;
  /** What no rule covers, at most `MAX_DIFFERENCES`. */
  readonly differences: readonly Difference[];
  readonly rules: readonly RuleUse[];
  /** The bodies say the same with keys in another order: no difference, since JSON has none. */
  readonly keyOrder: boolean;
  /** False where the walk ended before the bodies did: there may be more. */
  readonly complete: boolean;
}

export const MAX_DIFFERENCES = 500;

/** What makes two mismatches the same finding: 12 hexadecimal digits. */
export function fingerprintOf(operation: string, pair: Pair, difference: Difference): string {
  const { kind, path, leftType, rightType } = difference;
  return createHash('sha256')
    .update(JSON.stringify([operation, pair, kind, path, leftType, rightType]))
    .digest('hex')
    .slice(0, 12);
}
