import { parentPort, Worker, workerData } from 'node:worker_threads';
import { keepSeed } from './seeds.ts';

/**
 * An input that never lets go of the main thread could not be told by it. A thread beside it holds a copy of each input,
 * keeps it as a seed after so long, and ends the process. Run as that worker by itself.
 */
const SILENCE = 90_000;
const MOST = 1_048_576;

interface Shared {
  readonly target: string;
  /** Number of the input under way, and its length in bytes; 0 between two. */
  readonly state: Int32Array;
  readonly text: Uint8Array;
}

export interface Watchdog {
  readonly enter: (input: string) => void;
  readonly leave: () => void;
  readonly close: () => Promise<unknown>;
}

export function startWatchdog(target: string): Watchdog {
  const shared: Shared = {
    target,
    state: new Int32Array(new SharedArrayBuffer(8)),
    text: new Uint8Array(new SharedArrayBuffer(MOST)),
  };
  const worker = new Worker(new URL(import.meta.url), { workerData: shared });
  worker.unref();
  const encoder = new TextEncoder();
  return {
    enter(input) {
      const { written } = encoder.encodeInto(input, shared.text);
      Atomics.add(shared.state, 0, 1);
      Atomics.store(shared.state, 1, written);
    },
    leave: () => void Atomics.store(shared.state, 1, 0),
    close: () => worker.terminate(),
  };
}

if (parentPort !== null) {
  const { target, state, text } = workerData as Shared;
  let last = 0;
  let since = Date.now();
  setInterval(() => {
    const [number, length] = [Atomics.load(state, 0), Atomics.load(state, 1)];
    if (number !== last || length === 0) since = Date.now();
    last = number;
    if (Date.now() - since < SILENCE) return;
    const input = JSON.parse(new TextDecoder().decode(text.slice(0, length)));
    const file = keepSeed(target, `nothing moves for ${SILENCE} ms`, input);
    process.stderr.write(`${target}: an input holds the process for good: ${file}\n`);
    process.kill(process.pid, 'SIGKILL');
  }, 500);
}
