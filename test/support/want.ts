import { setTimeout as sleep } from 'node:timers/promises';
import type { Want } from '../../src/model/call.ts';
import { createDeadlines } from '../../src/model/deadline.ts';

/** All items within ten seconds, unless it says otherwise. */
export const want = (some: Partial<Want> = {}): Want => ({
  maxItems: 1000,
  deadline: createDeadlines(10_000).next(),
  ...some,
});

/** A deadline that has passed. */
export async function passedDeadline(): Promise<Want['deadline']> {
  const deadline = createDeadlines(1).next();
  await sleep(20); // its own timer keeps no process alive
  return deadline;
}
