import type { Observation } from '../model/answer.ts';
import { type Comparison, type Outcome, pairName } from '../model/comparison.ts';
import type { OriginName } from '../model/stage.ts';
import { hash48 } from '../results/distinct.ts';
import { MAX_SUBJECTS, type Result, type Subject } from '../results/rows.ts';
import type { Brief, Offer } from './offer.ts';
import type { Judged } from './verdict.ts';

/** Two origins that are held together; the control first, where it is one of them. */
export type OriginPair = readonly [OriginName, OriginName];

/** One pair of observations and what came of it. */
export interface Compared {
  readonly pair: OriginPair;
  readonly comparison: Comparison;
  readonly one: Observation;
  readonly other: Observation;
}

export const refuses = (side: Observation): boolean => side.ok && side.answer.status >= 400;

/** Whom a finding is about: items where its path goes through a list, else this request. */
export function subjectsOf(given: Offer, places: readonly Judged[]): readonly number[] {
  const subjects = places.slice(0, MAX_SUBJECTS).map(({ difference: { path, at } }) => {
    const star = path.lastIndexOf('*');
    return star === -1 ? given.hash() : hash48([given.tenant, at.slice(0, at.length - (path.length - star - 1))]);
  });
  return [...new Set(subjects)];
}

/** Of a pair that was not held together. */
export function uncompared(given: Brief, pair: OriginPair, outcome: Outcome, reason: string | undefined): Result {
  const { operation, tenant, stage, control } = given;
  return {
    at: Date.now(),
    operation,
    tenant,
    stage,
    pair: pairName(...pair),
    outcome,
    reason,
    rules: NONE,
    verdict: undefined,
    strata: NONE,
    control: pair[0] === control.origin ? control.duration : undefined,
    candidate: undefined,
    lag: undefined,
    findings: [],
    subject: undefined,
    request: undefined,
  };
}

/** Of a pair that was, without what only a mismatch has. */
export function resultOf(given: Offer, { pair, comparison, one, other }: Compared): Result {
  const { outcome, reason, rules } = comparison;
  const compared = outcome !== 'error' && outcome !== 'skipped';
  return {
    ...uncompared(given, pair, outcome, reason),
    rules: rules.map(({ rule }) => rule),
    strata: compared ? given.strata(one, other) : NONE,
    control: one.duration,
    candidate: other.duration,
    subject: compared ? subjectOf(given, one, other) : undefined,
  };
}

function subjectOf(given: Offer, one: Observation, other: Observation): Subject {
  const counts = [one, other].map((side) => (side.ok ? side.answer.items : undefined));
  const items = counts.reduce((most, n) => (n === undefined ? most : Math.max(most ?? 0, n)), undefined);
  const full = [one, other].every((side) => side.ok && side.answer.status < 300 && side.answer.body.length > 0);
  return { hash: given.hash(), items: items ?? 1, full: full && items !== 0 };
}

const NONE: readonly string[] = Object.freeze([]);
