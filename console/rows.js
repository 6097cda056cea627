/** Long lists: only the rows that are seen are built; they scroll with the page. */
import { html, useEffect, useLayoutEffect, useRef, useState } from './lib.js';
import { rowsOf, scrollFor, windowOf } from './virtual.js';

/**
 * Rows of one height that scroll with the page. `height` is in rem, so that larger text has room.
 * @param {{
 *   count: number, height: number, row: (index: number) => any, name?: string,
 *   onWindow?: (from: number, to: number) => void, margin?: number, start?: number, keyOf?: (index: number) => string
 * }} props `row` gives the content; `margin`: pixels that something sticky covers above; `start`: the row that has the
 *   focus at first; `keyOf`: what a row is, so that the focus goes with it where it moves.
 */
export function Rows({ count, height: rem, row, name = 'rows', onWindow, margin = 0, start = -1, keyOf = String }) {
  /** @type {{ current: any }} */
  const ref = useRef(null);
  const [kept, setKept] = useState(/** @type {number | undefined} */ (undefined));
  const height = rem * parseFloat(getComputedStyle(document.documentElement).fontSize);
  const [view, setView] = useState({ top: 0, height: innerHeight });
  useLayoutEffect(() => {
    const look = () => {
      const top = -ref.current.getBoundingClientRect().top;
      // A step, not every pixel: in between nothing changes.
      const step = Math.floor(top / height / 3) * height * 3;
      setView((known) =>
        known.top === step && known.height === innerHeight ? known : { top: step, height: innerHeight },
      );
    };
    look();
    addEventListener('scroll', look, { passive: true });
    addEventListener('resize', look, { passive: true });
    return () => {
      removeEventListener('scroll', look);
      removeEventListener('resize', look);
    };
  }, [height, count]);
  const { from, to, total } = windowOf({ count, height, top: view.top, view: view.height + 3 * height, overscan: 4 });
  useEffect(() => onWindow?.(from, to), [from, to, onWindow]);
  useEffect(() => {
    if (start >= 0) focusRow(ref.current, start, height, margin);
  }, []);
  useEffect(() => {
    // From anywhere on the page into the list; once there, its own keys go on.
    const onRow = () => {
      const seen = Math.ceil((margin - ref.current.getBoundingClientRect().top) / height);
      if (count > 0) focusRow(ref.current, Math.max(0, Math.min(seen, count - 1)), height, margin);
    };
    addEventListener('crossfade:row', onRow);
    return () => removeEventListener('crossfade:row', onRow);
  });

  const onFocusIn = (/** @type {FocusEvent} */ event) => {
    const holder = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest('[data-index]'));
    setKept(holder === null ? undefined : Number(holder.dataset.index));
  };
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    const step = STEPS[event.key];
    if (
      step === undefined ||
      kept === undefined ||
      /** @type {Element} */ (event.target).matches('input, select, textarea')
    )
      return;
    event.preventDefault();
    const holder = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest('[data-index]'));
    const index = Math.max(0, Math.min(count - 1, step(Number(holder?.dataset.index ?? kept), count)));
    focusRow(ref.current, index, height, margin);
  };
  return html`<div ref=${ref} class=${name} role="presentation" style=${{ height: `${total}px` }} onFocusIn=${onFocusIn} onFocusOut=${() => setKept(undefined)} onKeyDown=${onKeyDown}>
    ${rowsOf({ from, to }, kept, count).map(
      (index) =>
        html`<div key=${keyOf(index)} class="row-place" role="presentation" data-index=${index} style=${{ transform: `translateY(${index * height}px)`, height: `${height}px` }}>${row(index)}</div>`,
    )}
  </div>`;
}

/** @type {Readonly<Record<string, (at: number, count: number) => number>>} */
const STEPS = Object.freeze({
  ArrowDown: (at) => at + 1,
  ArrowUp: (at) => at - 1,
  j: (at) => at + 1,
  k: (at) => at - 1,
  PageDown: (at) => at + 10,
  PageUp: (at) => at - 10,
  Home: () => 0,
  End: (_at, count) => count - 1,
});

/** Scrolls row `index` into view and focuses its first link or button, once it is built. */
function focusRow(
  /** @type {HTMLElement} */ list,
  /** @type {number} */ index,
  /** @type {number} */ height,
  /** @type {number} */ margin,
) {
  const top = -list.getBoundingClientRect().top;
  const to = scrollFor({ index, height, top, view: innerHeight, margin });
  if (to !== undefined) scrollBy({ top: to - top, behavior: 'instant' });
  const tryFocus = (/** @type {number} */ left) => {
    const target = /** @type {HTMLElement | null} */ (list.querySelector(`[data-index="${index}"] :is(a, button)`));
    if (target !== null) target.focus({ preventScroll: true });
    else if (left > 0) requestAnimationFrame(() => tryFocus(left - 1));
  };
  tryFocus(10);
}

/** Whether the page is as narrow as a phone's. */
export function useNarrow() {
  const query = matchMedia('(max-width: 46rem)');
  const [narrow, setNarrow] = useState(query.matches);
  useEffect(() => {
    const change = () => setNarrow(query.matches);
    query.addEventListener('change', change);
    return () => query.removeEventListener('change', change);
  }, []);
  return narrow;
}
