/**
 * Durations counted in buckets whose bounds grow by an eighth of a doubling, about 9 %, so that rows of any number of
 * replicas add up: bucket b holds what is at most 2^(b/8) milliseconds and more than the one before.
 */
export type Buckets = Readonly<Record<number, number>>;

const PER_DOUBLING = 8;
/** From about 10 microseconds to 17 minutes. */
const LEAST = -53;
const MOST = 160;

export const bucketOf = (milliseconds: number): number =>
  milliseconds <= 0 ? LEAST : Math.min(MOST, Math.max(LEAST, Math.ceil(Math.log2(milliseconds) * PER_DOUBLING)));

/** Upper bound of a bucket, in milliseconds. */
export const boundOf = (bucket: number): number => 2 ** (bucket / PER_DOUBLING);

export function addTo(buckets: Record<number, number>, milliseconds: number): void {
  const bucket = bucketOf(milliseconds);
  buckets[bucket] = (buckets[bucket] ?? 0) + 1;
}

/** The duration that a share (0.99) of all is at most, in milliseconds; `undefined` where nothing was counted. */
export function quantile(buckets: Buckets, share: number): number | undefined {
  const counts = Object.entries(buckets)
    .map(([bucket, count]) => [Number(bucket), count] as const)
    .sort(([a], [b]) => a - b);
  const wanted = counts.reduce((sum, [, count]) => sum + count, 0) * share;
  let sum = 0;
  for (const [bucket, count] of counts) {
    sum += count;
    if (sum >= wanted) return boundOf(bucket);
  }
  return undefined;
}
