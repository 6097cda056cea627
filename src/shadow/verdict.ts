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
    const gone = !mayDiffer(last, difference);
    return {
      difference,
      verdict: gone && (followed || isPresent(last) || hasFollowed(first, last)) ? 'transient' : 'moving',
    };
  });
}

/**
 * Whether a place may still differ at a look: something differs there, around it or below it (in whatever way), or the look
 * did not come so far.
 */
export function mayDiffer({ differences, complete }: Comparison, { at }: Difference): boolean {
  return (
    !complete ||
    differences.some(
      (one) =>
        one.at === at || one.at === '' || at.startsWith(`${one.at}/`) || (at !== '' && one.at.startsWith(`${at}/`)),
    )
  );
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
 * Whether the older side's answer changed between the last two looks: where it did not, the newer store has had all the
 * time it may take; where it did, only a closer look tells whether it follows or is wrong.
 */
export function keepsMoving(first: Comparison, looks: readonly Comparison[]): boolean {
  const [last, before] = [first, ...looks].reverse().map(({ left }) => (left.ok ? left.answer.body : EMPTY));
  return before === undefined || last?.equals(before) === false;
}

const EMPTY = Buffer.alloc(0);
