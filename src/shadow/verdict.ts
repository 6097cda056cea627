import type { Comparison, Difference, Verdict } from '../model/comparison.ts';
import { VERDICTS } from '../model/comparison.ts';

/** A difference of the first look, and what the later ones said of it. */
export interface Judged {
  readonly difference: Difference;
  readonly verdict: Verdict;
}

/** What tells a difference of one look from another of the same look. */
export const identityOf = ({ kind, at }: Difference): string => `${kind} ${at}`;

/**
 * The differences of the first look, each with its verdict (design section 6): gone in the end, with both sides there or
 * the newer side where the older was at first (a deletion that has arrived), is `transient`; so is what was equal and
 * there in between (`followed`) and is now gone on both sides; the same path and kind at every look is `persistent`, even if the values moved; else `moving`.
 * `looks` are the later ones, none an error; without any all is `unverified`.
 */
export function judge(first: Comparison, looks: readonly Comparison[], followed = false): readonly Judged[] {
  const last = looks.at(-1);
  const seen = looks.map(({ differences }) => new Set(differences.map(identityOf)));
  return first.differences.map((difference) => {
    if (last === undefined) return { difference, verdict: 'unverified' };
    const identity = identityOf(difference);
    if (seen.every((one) => one.has(identity))) return { difference, verdict: 'persistent' };
    const gone = seen.at(-1)?.has(identity) === false;
    return {
      difference,
      verdict: gone && (followed || isPresent(last) || hasFollowed(first, last)) ? 'transient' : 'moving',
    };
  });
}

/** Both sides gave something: two that agree there is nothing have not shown that they agree. */
export function isPresent({ left, right }: Comparison): boolean {
  return left.ok && right.ok && left.answer.status < 300 && right.answer.status < 300;
}

/** The older side says in the end what it said at first: it was the newer one that came to it. */
function hasFollowed(first: Comparison, last: Comparison): boolean {
  return first.left.ok && last.left.ok && first.left.answer.body.equals(last.left.answer.body);
}

/** The worst of them; `undefined` where there is none. */
export const worst = (judged: readonly Judged[]): Verdict | undefined =>
  VERDICTS.find((verdict) => judged.some((one) => one.verdict === verdict));

/**
 * Whether both sides' values changed from look to look at every place that differs in all of them: then the item is
 * written faster than it is looked at, and only a closer look tells whether the newer store follows or is wrong.
 */
export function keepsMoving(first: Comparison, looks: readonly Comparison[]): boolean {
  const all = [first, ...looks].map(({ differences }) => new Map(differences.map((one) => [identityOf(one), one])));
  const common = first.differences.filter((one) => all.every((look) => look.has(identityOf(one))));
  return (
    common.length > 0 &&
    common.every((difference) => {
      const values = all.map((look) => look.get(identityOf(difference)) as Difference);
      return distinct(values.map(({ left }) => left)) && distinct(values.map(({ right }) => right));
    })
  );
}

const distinct = (values: readonly (Buffer | undefined)[]): boolean =>
  values.every((value, at) => at === 0 || !(value?.equals(values[at - 1] ?? EMPTY) ?? true));

const EMPTY = Buffer.alloc(0);
