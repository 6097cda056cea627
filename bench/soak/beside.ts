import { setTimeout as sleep } from 'node:timers/promises';
import type { Disturbance } from './judge.ts';

export interface Besides {
  /** Milliseconds between two questions, and from when on an answer is so late that a façade would not have had it. */
  readonly every: number;
  readonly late: number;
}

/**
 * Asks a target past the façade and past the faults, until `signal`: where it does not answer in time there either, it was not
 * well by itself, and the façade's failures of that time are no fault of the façade. What it finds goes to `disturbances`.
 */
export async function askBeside(
  target: string,
  ask: () => Promise<unknown>,
  { every, late }: Besides,
  disturbances: Disturbance[],
  signal: AbortSignal,
): Promise<void> {
  const underWay = new Set<Promise<void>>();
  const one = async (): Promise<void> => {
    const from = performance.now();
    const failed = await ask().then(
      () => false,
      () => true,
    );
    const to = performance.now();
    if (failed || to - from > late) disturbances.push({ target, how: 'itself', from, to });
  };
  while (!signal.aborted) {
    const asking = one().finally(() => underWay.delete(asking));
    underWay.add(asking);
    await sleep(every, undefined, { signal }).catch(() => {});
  }
  await Promise.all(underWay);
}
