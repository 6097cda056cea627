import type { Comparison, Difference } from '../model/comparison.ts';
import type { Alone } from '../results/rows.ts';

/** A difference → the origin that the other two agree against; `undefined` where there are no three answers. */
export type StandsAlone = (difference: Difference) => Alone | undefined;

/**
 * Three comparisons of three answers say of each difference who stands alone with it. A place differs in a pair where
 * that pair differs there or around it: below it, both have the place. Where one of the three is another answer
 * altogether, it says nothing of the places in the other two.
 */
export function standsAlone(comparisons: readonly Comparison[]): StandsAlone {
  const compared = comparisons.every(
    ({ outcome, complete }) => outcome !== 'error' && outcome !== 'skipped' && complete,
  );
  if (comparisons.length !== 3 || !compared) return () => undefined;
  return (difference) => {
    const differing = comparisons.filter(({ differences }) => differences.some((one) => meets(one, difference)));
    if (differing.length === 3) return 'all';
    const [one, other] = differing;
    if (one === undefined || other === undefined) return undefined;
    const sides = [other.left.origin, other.right.origin];
    return [one.left.origin, one.right.origin].find((origin) => sides.includes(origin));
  };
}

/** The order of a list says nothing of its items, nor they of it. */
function meets(one: Difference, other: Difference): boolean {
  if (isWhole(one) || isWhole(other)) return isWhole(one) && isWhole(other);
  if ((one.kind === 'order') !== (other.kind === 'order')) return false;
  return one.at === other.at || other.at.startsWith(`${one.at}/`);
}

/** That the answer is another one altogether. */
const isWhole = ({ kind }: Difference): boolean => WHOLE.has(kind);

const WHOLE: ReadonlySet<Difference['kind']> = new Set(['exposure', 'status', 'unanswerable']);
