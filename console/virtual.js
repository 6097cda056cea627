/**
 * Which rows of a long list are built, and how much room the others take. Pure.
 * @param {{ count: number, height: number, top: number, view: number, overscan?: number }} place
 *   `top`: how far the list's first pixel is above the view's, negative where it is below; all in pixels.
 */
export function windowOf({ count, height, top, view, overscan = 6 }) {
  const first = Math.floor(Math.max(0, top) / height);
  const shown = Math.ceil(view / height) + 1;
  const from = Math.max(0, Math.min(first, Math.max(0, count - shown)) - overscan);
  const to = Math.min(count, first + shown + overscan);
  return { from, to: Math.max(from, to), total: count * height };
}

/**
 * The window with a row that must stay built because it has the focus, in order.
 * @param {{ from: number, to: number }} window @param {number | undefined} kept @param {number} count
 */
export function rowsOf({ from, to }, kept, count) {
  const rows = Array.from({ length: to - from }, (_, i) => from + i);
  if (kept === undefined || kept >= count || (kept >= from && kept < to)) return rows;
  return kept < from ? [kept, ...rows] : [...rows, kept];
}

/**
 * Where to scroll so that row `index` is wholly seen; undefined where it is already.
 * @param {{ index: number, height: number, top: number, view: number, margin?: number }} place
 */
export function scrollFor({ index, height, top, view, margin = 0 }) {
  const start = index * height;
  if (start < top + margin) return start - margin;
  if (start + height > top + view) return start + height - view;
  return undefined;
}
