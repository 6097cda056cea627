/** Small drawings of numbers over time, each beside its figures as text. */
import { html } from './lib.js';

/**
 * Sightings by hour, the last two days.
 * @param {{ hours: readonly { h: number, n: number }[], now?: number }} props
 */
export function Spark({ hours, now = Math.floor(Date.now() / 3_600_000) }) {
  const span = 48;
  const byHour = new Map(hours.map(({ h, n }) => [h, n]));
  const values = Array.from({ length: span }, (_, i) => byHour.get(now - span + 1 + i) ?? 0);
  const most = Math.max(1, ...values);
  return html`<svg class="spark" viewBox="0 0 96 20" preserveAspectRatio="none" role="img" aria-label=${`The last 48 hours, ${values.reduce((a, b) => a + b, 0)} sightings`}>
    <line x1="0" y1="19.5" x2="96" y2="19.5" class="axis" />
    <path d=${values.map((n, i) => (n > 0 ? `M${i * 2} 19v${(-17 * n) / most - 1}h1.6V19z` : '')).join('')} />
  </svg>`;
}

const WIDTH = 600;
const HEIGHT = 160;

/**
 * Lines over time.
 * @param {{ lines: readonly { name: string, class: string, points: readonly { at: number, y: number | undefined }[] }[],
 *   from: number, to: number, unit: (y: number) => string, label: string }} props
 */
export function Lines({ lines, from, to, unit, label }) {
  const values = lines.flatMap(({ points }) => points.flatMap(({ y }) => (y === undefined ? [] : [y])));
  const top = niceTop(Math.max(0, ...values));
  const x = (/** @type {number} */ at) => ((at - from) / (to - from)) * WIDTH;
  const y = (/** @type {number} */ value) => HEIGHT - (value / top) * (HEIGHT - 8);
  return html`<div class="plot">
    <div class="plot-scale" aria-hidden="true"><span>${unit(top)}</span><span>${unit(top / 2)}</span><span>0</span></div>
    <svg viewBox=${`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label=${label}>
      ${[0, 0.5, 1].map((part) => html`<line class="grid" x1="0" x2=${WIDTH} y1=${y(top * part)} y2=${y(top * part)} />`)}
      ${lines.map((line) => html`<path class=${line.class} d=${pathOf(line.points, x, y, (to - from) / 20)} />`)}
    </svg>
  </div>`;
}

/**
 * A gap in the points is a gap in the line.
 * @param {readonly { at: number, y: number | undefined }[]} points
 * @param {(at: number) => number} x @param {(value: number) => number} y @param {number} gap
 */
export function pathOf(points, x, y, gap) {
  let path = '';
  let last = -Infinity;
  for (const point of points) {
    if (point.y === undefined) {
      last = -Infinity;
      continue;
    }
    path += `${point.at - last > gap ? 'M' : 'L'}${x(point.at).toFixed(1)} ${y(point.y).toFixed(1)}`;
    last = point.at;
  }
  return path;
}

/** 1, 2 or 5 times a power of ten, not below `value`. @param {number} value */
export function niceTop(value) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 5, 10].find((step) => step * power >= value) ?? 10) * power;
}
