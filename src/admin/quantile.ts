/**
 * The duration in milliseconds that a share of what a histogram counted is at most, as Prometheus reckons it: even
 * within a bucket. `counts` has one more than `bounds` (seconds), for what is beyond; `undefined` where nothing is counted.
 */
export function quantileOf(counts: ArrayLike<number>, bounds: readonly number[], share: number): number | undefined {
  let total = 0;
  for (let at = 0; at < counts.length; at += 1) total += counts[at] as number;
  if (total === 0) return undefined;
  const wanted = total * share;
  let sum = 0;
  for (let at = 0; at < bounds.length; at += 1) {
    const n = counts[at] as number;
    if (n > 0 && sum + n >= wanted) {
      const low = at === 0 ? 0 : (bounds[at - 1] as number);
      const high = bounds[at] as number;
      return Number(((low + (high - low) * ((wanted - sum) / n)) * 1000).toPrecision(3));
    }
    sum += n;
  }
  return (bounds.at(-1) ?? 0) * 1000;
}
