import fs, { type FSWatcher } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { mock } from 'node:test';
import type { Test } from 'tap';
import { soon } from './flag-server.ts';

/** No timer that repeats goes off until the test lets so many milliseconds pass. */
export function heldIntervals(t: Test): (ms: number) => void {
  mock.timers.enable({ apis: ['setInterval'] });
  t.teardown(() => mock.timers.reset());
  return (ms) => mock.timers.tick(ms);
}

/** What is watched from here on to the end of the test. */
export function watchers(t: Test): FSWatcher[] {
  const opened: FSWatcher[] = [];
  const { watch } = fs;
  const spy = mock.method(fs, 'watch', ((...given: Parameters<typeof watch>) => {
    const watcher = watch(...given);
    opened.push(watcher);
    return watcher;
  }) as typeof watch);
  syncBuiltinESMExports();
  t.teardown(() => {
    spy.mock.restore();
    syncBuiltinESMExports();
  });
  return opened;
}

/** Fails where a watcher is not closed soon after `end`. */
export async function isClosedBy(t: Test, watcher: FSWatcher | undefined, end: () => unknown): Promise<void> {
  let closed = false;
  watcher?.once('close', () => {
    closed = true;
  });
  end();
  await soon(t, 'closed', () => closed);
}
