import type { Counter, Histogram } from 'prom-client';

/** prom-client's own record of one series, which it adds to itself. */
interface Kept {
  readonly labels: Readonly<Record<string, unknown>>;
}

interface KeptHistogram extends Kept {
  readonly bucketValues: Record<string, number>;
  count: number;
  sum: number;
}

interface KeptCounter extends Kept {
  value: number;
}

/**
 * Adds to one series, found once: prom-client checks and joins the labels anew for each value, which is dear for what every
 * request does. What it exports is the same; a test holds the two beside each other.
 */
export function histogramSeries<Label extends string>(
  histogram: Histogram<Label>,
  labels: Record<Label, string>,
): (value: number) => void {
  const bounds = (histogram as unknown as { readonly upperBounds: readonly number[] }).upperBounds;
  const names = bounds.map(String);
  const { hashMap } = histogram as unknown as { readonly hashMap: Record<string, KeptHistogram> };
  const kept = found(hashMap, labels) ?? madeBy(() => histogram.zero(labels), hashMap, labels);
  return (value) => {
    kept.count += 1;
    kept.sum += value;
    let at = 0;
    while (at < bounds.length && value > (bounds[at] as number)) at += 1;
    // Beyond the last bound a value is in the count alone.
    const name = names[at];
    if (name !== undefined) kept.bucketValues[name] = (kept.bucketValues[name] as number) + 1;
  };
}

/** Likewise: one more. */
export function counterSeries<Label extends string>(
  counter: Counter<Label>,
  labels: Record<Label, string>,
): () => void {
  const { hashMap } = counter as unknown as { readonly hashMap: Record<string, KeptCounter> };
  const kept = found(hashMap, labels) ?? madeBy(() => counter.inc(labels, 0), hashMap, labels);
  return () => {
    kept.value += 1;
  };
}

type Labels = Readonly<Record<string, string>>;

function found<K extends Kept>(all: Readonly<Record<string, K>>, labels: Labels): K | undefined {
  const names = Object.keys(labels);
  return Object.values(all).find((one) => names.every((name) => one.labels[name] === labels[name]));
}

function madeBy<K extends Kept>(make: () => void, all: Readonly<Record<string, K>>, labels: Labels): K {
  make();
  const made = found(all, labels);
  if (made === undefined) throw new Error('prom-client keeps its series in another way than it did');
  return made;
}
