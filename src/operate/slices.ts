import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';

/** Long work for people, cut into pieces between which the façade does its own. */
export interface Slices {
  /** Waits where the piece has been long enough. */
  next(): Promise<void>;
}

/** `length`: milliseconds of one piece. `rest`: milliseconds of pause between two; 0: one turn of the event loop. */
export function createSlices(length = 5, rest = 0): Slices {
  let end = performance.now() + length;
  return Object.freeze({
    async next(): Promise<void> {
      if (performance.now() < end) return;
      await (rest === 0 ? turn() : sleep(rest));
      end = performance.now() + length;
    },
  });
}
