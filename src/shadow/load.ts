/** Points of utilization over which the share of shadows falls. */
const OVER = 20;
/** Percent of shadows that are asked however much there is to do, until they are shed altogether. */
const LEAST = 10;

/**
 * Percent of shadows that may be asked of a thread that is at work for `utilization` of its time (0 to 1), all of them up to
 * `from` percent, a tenth from 20 points above on. 100: always all.
 *
 * A shadow costs the thread that serves more than half of what its request did (`npm run bench -- shadow-cost`). While there is
 * time to spare that is nobody's loss; where there is none a tenth of them keeps it small.
 */
export function percentAt(utilization: number, from: number): number {
  if (from >= 100) return 100;
  const over = Math.max(utilization * 100 - from, 0) / OVER;
  return Math.max(100 - over * (100 - LEAST), LEAST);
}
