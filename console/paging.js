/** Long lists that come in pages. */
import { useCallback, useEffect, useRef, useState } from './lib.js';

/**
 * @template T, P
 * @typedef {{ page: P | undefined, rows: readonly T[], next: string | undefined, error: any, loading: boolean }} Paged
 */

/** Rows that are asked for before they are seen. */
const AHEAD = 60;

/**
 * Pages of rows; the next one is asked for as its place comes near. When `key` changes it begins anew, and what was
 * known stays until there is something else.
 * @template T
 * @template {{ next?: string }} P
 * @param {(after: string | undefined, stop: AbortSignal) => Promise<P>} ask
 * @param {(page: P) => readonly T[]} rowsOf
 * @param {readonly unknown[]} key
 * @returns {Paged<T, P> & { onWindow: (from: number, to: number) => void, again: () => void }}
 */
export function usePages(ask, rowsOf, key) {
  const [state, setState] = useState(
    /** @type {Paged<T, P>} */ ({ page: undefined, rows: [], next: undefined, error: undefined, loading: true }),
  );
  const [turn, setTurn] = useState(0);
  const busy = useRef(/** @type {AbortController | undefined} */ (undefined));
  const load = async (/** @type {string | undefined} */ after, /** @type {readonly T[]} */ before) => {
    busy.current?.abort();
    const stop = new AbortController();
    busy.current = stop;
    try {
      const page = await ask(after, stop.signal);
      if (!stop.signal.aborted)
        setState({ page, rows: [...before, ...rowsOf(page)], next: page.next, error: undefined, loading: false });
    } catch (error) {
      if (!stop.signal.aborted) setState((now) => ({ ...now, error, loading: false }));
    } finally {
      if (busy.current === stop) busy.current = undefined;
    }
  };
  useEffect(() => {
    setState((now) => ({ ...now, loading: true }));
    load(undefined, []);
    return () => busy.current?.abort();
  }, [...key, turn]);
  const onWindow = useCallback(
    (/** @type {number} */ _from, /** @type {number} */ to) => {
      if (
        state.next !== undefined &&
        state.error === undefined &&
        busy.current === undefined &&
        to > state.rows.length - AHEAD
      ) {
        load(state.next, state.rows);
      }
    },
    [state],
  );
  return { ...state, onWindow, again: () => setTurn((now) => now + 1) };
}
