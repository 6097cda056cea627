/** Gate verdicts, asked for what is seen alone. @import { Operation, GateVerdict } from '../src/admin/schema.ts' */
import { queryOf } from './api.js';
import { useEffect } from './lib.js';
import { useStore } from './store.js';

/** As many as are asked for at once, and how long a verdict is good for. */
const MOST = 50;
const GOOD_FOR = 60_000;

/** Keeps the verdicts of these operations' next stages in the store. @param {readonly Operation[]} operations */
export function useGates(operations) {
  const store = useStore();
  const revision = store.operations.value?.revision ?? '';
  const wanted = operations
    .filter(({ next }) => next !== undefined)
    .slice(0, MOST)
    .map(({ id }) => id);
  const key = JSON.stringify(wanted);
  useEffect(() => {
    const stop = new AbortController();
    const ask = async () => {
      const now = Date.now();
      const known = store.gates.value;
      const missing = wanted.filter((id) => {
        const had = known.get(id);
        return had === undefined || had.revision !== revision || now - had.at > GOOD_FOR;
      });
      if (missing.length === 0 || !store.fresh.value) return;
      const reply = await store.call(
        'GET',
        `/gates${queryOf({ operations: missing.join(',') })}`,
        undefined,
        stop.signal,
      );
      const next = new Map(store.gates.value);
      for (const verdict of /** @type {readonly GateVerdict[]} */ (reply.gates))
        next.set(verdict.operation, { verdict, at: Date.now(), revision });
      store.gates.value = next;
    };
    // What flies past while someone scrolls is not asked for; a verdict that cannot be had stays "asking".
    const timer = setTimeout(() => ask().catch(() => {}), 250);
    const repeat = setInterval(() => ask().catch(() => {}), 15_000);
    return () => {
      stop.abort();
      clearTimeout(timer);
      clearInterval(repeat);
    };
  }, [key, revision, store.fresh.value]);
}
