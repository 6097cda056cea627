/** Points as lines on a scale. Pure. */

/** @typedef {{ at: number, y: number | undefined }} Point */

/**
 * A gap in the points is a gap in the line; a point alone is a dot: a line of one point is not seen.
 * @param {readonly Point[]} points @param {(at: number) => number} x @param {(value: number) => number} y
 * @param {number} gap milliseconds between two points that are not joined
 */
export function strokesOf(points, x, y, gap) {
  /** @type {string[][]} */
  const runs = [];
  let last = -Infinity;
  for (const { at, y: value } of points) {
    if (value === undefined) {
      last = -Infinity;
      continue;
    }
    const place = `${x(at).toFixed(1)} ${y(value).toFixed(1)}`;
    if (at - last > gap) runs.push([place]);
    else runs.at(-1)?.push(place);
    last = at;
  }
  const path = runs.filter((run) => run.length > 1).map((run) => `M${run.join('L')}`);
  const dots = runs.filter((run) => run.length === 1).map(([place]) => `M${place}h0`);
  return { path: path.join(''), dots: dots.join('') };
}

/** 1, 2 or 5 times a power of ten, not below `value`. @param {number} value */
export function niceTop(value) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 5, 10].find((step) => step * power >= value) ?? 10) * power;
}
