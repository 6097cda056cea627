import { setTimeout as sleep } from 'node:timers/promises';
import type { ToxicProxy } from '../../test/support/toxiproxy.ts';
import type { Disturbance } from './judge.ts';

export type Ways = Readonly<Record<string, ToxicProxy>>;

interface Fault {
  readonly how: string;
  readonly begin: (way: ToxicProxy) => Promise<unknown>;
}

const FAULTS: readonly Fault[] = Object.freeze([
  { how: 'latency', begin: (way) => way.add({ type: 'latency', attributes: { latency: 300, jitter: 200 } }) },
  { how: 'bandwidth', begin: (way) => way.add({ type: 'bandwidth', attributes: { rate: 20 } }) },
  { how: 'silence', begin: (way) => way.add({ type: 'timeout', attributes: { timeout: 0 } }) },
  {
    how: 'silence of a third',
    begin: (way) => way.add({ type: 'timeout', toxicity: 0.3, attributes: { timeout: 0 } }),
  },
  { how: 'reset', begin: (way) => way.add({ type: 'reset_peer', attributes: { timeout: 0 } }) },
  { how: 'slow close', begin: (way) => way.add({ type: 'slow_close', attributes: { delay: 1_000 } }) },
  { how: 'cut in mid-reply', begin: (way) => way.add({ type: 'limit_data', attributes: { bytes: 400 } }) },
  { how: 'down', begin: (way) => way.down() },
]);

export interface Times {
  /** Milliseconds between two faults, and of one; drawn between half and all of it. */
  readonly pause: number;
  readonly lasts: number;
}

/** Breaks one way after another, at random, until `signal`; all are whole when it resolves. */
export async function disturb(
  ways: Ways,
  times: Times,
  random: () => number,
  disturbances: Disturbance[],
  signal: AbortSignal,
): Promise<void> {
  const rest = (most: number) => sleep(most * (0.5 + random() / 2), undefined, { signal }).catch(() => {});
  const among = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)] as T;
  while (!signal.aborted) {
    await rest(times.pause);
    if (signal.aborted) return;
    const [target, way] = among(Object.entries(ways));
    const { how, begin } = among(FAULTS);
    const one: Disturbance = { target, how, from: performance.now(), to: Number.POSITIVE_INFINITY };
    disturbances.push(one);
    await begin(way);
    await rest(times.lasts);
    await way.heal();
    one.to = performance.now();
  }
}
