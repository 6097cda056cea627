/** Small drawings of numbers over time, each beside its figures as text. */
import { clock } from './format.js';
import { html } from './lib.js';
import { niceTop, strokesOf } from './strokes.js';

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
/** Of the drawing, left free above and below, so that no line is cut. */
const EDGE = 6;

/**
 * Lines over time, on one scale.
 * @param {{ lines: readonly { class: string, points: readonly import('./strokes.js').Point[] }[],
 *   from: number, to: number, gap: number, unit: (y: number) => string, label: string }} props `gap`: milliseconds
 *   without a point that are a gap; `label`: what the drawing shows, in words.
 */
export function Lines({ lines, from, to, gap, unit, label }) {
  const seen = lines.map((line) => ({ ...line, points: line.points.filter(({ at }) => at >= from && at <= to) }));
  const values = seen.flatMap(({ points }) => points.flatMap(({ y }) => (y === undefined ? [] : [y])));
  const top = niceTop(Math.max(0, ...values));
  const x = (/** @type {number} */ at) => ((at - from) / (to - from)) * (WIDTH - EDGE);
  const y = (/** @type {number} */ value) => HEIGHT - EDGE - (value / top) * (HEIGHT - 2 * EDGE);
  const marks = [1, 0.5, 0];
  const times = [0, 1, 2, 3].map((part) => from + ((to - from) * part) / 3);
  return html`<div class="plot">
    <div class="plot-scale" aria-hidden="true">${marks.map((part) => html`<span style=${{ insetBlockStart: `${(100 * y(top * part)) / HEIGHT}%` }}>${part === 0 ? '0' : unit(top * part)}</span>`)}</div>
    <div class="plot-area"><svg viewBox=${`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label=${label}>
      ${marks.map((part) => html`<line class="grid" x1="0" x2=${WIDTH} y1=${y(top * part)} y2=${y(top * part)} />`)}
      ${seen.map(({ class: name, points }) => {
        const { path, dots } = strokesOf(points, x, y, gap);
        return html`<path class=${name} d=${path} /><path class=${`${name} dots`} d=${dots} />`;
      })}
    </svg></div>
    <p class="plot-times sub" aria-hidden="true">${times.map((at) => html`<span>${clock(at).slice(0, 5)}</span>`)}</p>
  </div>`;
}
