import type { Comparison, Difference } from '../model/comparison.ts';
import type { Alone } from '../results/rows.ts';

/** A difference → the origin that the other two agree against; `undefined` where there are no three answers. */
export type StandsAlone = (difference: Difference) => Alone | undefined;

/**
 * Three comparisons of three answers say of each difference who stands alone with it. A place differs in a pair where
 * that pair differs there or around it: below it, both have the place.
 */
export function standsAlone(comparisons: readonly Comparison[]): StandsAlone {
  const whole = comparisons.every(({ outcome, complete }) => outcome !== 'error' && outcome !== 'skipped' && complete);
  if (comparisons.length !== 3 || !whole) return () => undefined;
  return (difference) => {
    const differing = comparisons.filter(({ differences }) => differences.some((one) => meets(one, difference)));
    if (differing.length === 3) return 'all';
    const [one, other] = differing;
    if (one === undefined || other === undefined) return undefined;
    const sides = [other.left.origin, other.right.origin];
    return [one.left.origin, one.right.origin].find((origin) => sides.includes(origin));
  };
}

/** What says that the whole answer is another one says so of its places; the order of a list says nothing of its items. */
function meets(one: Difference, { at, kind }: Difference): boolean {
  if ((one.kind === 'order') !== (kind === 'order')) return one.at === '' && one.kind !== 'order' && isWhole(one);
  if (one.at === at) return at !== '' || isWhole(one) === WHOLE.has(kind);
  return isWhole(one) || (one.at !== '' && at.startsWith(`${one.at}/`));
}

const WHOLE: ReadonlySet<Difference['kind']> = new Set(['exposure', 'status', 'unanswerable']);

const isWhole = ({ at, kind }: Difference): boolean => at === '' && WHOLE.has(kind);
