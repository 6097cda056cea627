/** How long the origins take, control and candidate over each other. @import { Health } from '../src/admin/schema.ts' */
import { duration, rate, times } from './format.js';
import { html } from './lib.js';
import { Lines } from './plots.js';
import { useNow } from './text.js';
import { Empty } from './ui.js';

const SPAN = 15 * 60_000;
/** A point comes every ten seconds: where one is missing the line goes on, where two are it does not. */
const GAP = 25_000;
/** More than the gate allows: 1.2 times the control's p99. */
const SLOWER = 1.2;
const PARTS = Object.freeze(/** @type {const} */ (['p99', 'p50']));

/** @param {{ health: Health }} props */
export function Latency({ health: { origins } }) {
  const now = useNow(5_000);
  const lines = origins.map(({ origin, role, points }) => ({ origin, role, points, latest: points.at(-1) }));
  const controls = lines.filter(({ role }) => role === 'control');
  // Held against the control where there is one alone: with two it is not said whose candidate it is.
  const control = controls.length === 1 ? controls[0] : undefined;
  return html`<section aria-labelledby="latency"><h2 id="latency">Latency of the origins</h2>
    ${lines.length === 0 && html`<${Empty} title="No origin was asked in the last 15 minutes.">Lines appear with the first requests.<//>`}
    ${
      lines.length > 0 &&
      html`<div class="scroll" tabindex="0" role="region" aria-label="Latency of now"><table class="latency"><thead><tr><th scope="col">Origin, role</th><th scope="col" class="num">p50</th><th scope="col" class="num">p99</th><th scope="col" class="num">Requests</th><th scope="col">p99 against the control</th></tr></thead>
      <tbody>${lines.map((line) => html`<tr><th scope="row"><span class=${`k ${line.origin} ${line.role}`}>${line.origin}, ${line.role}</span></th><td class="num">${duration(line.latest?.p50)}</td><td class="num"><b>${duration(line.latest?.p99)}</b></td><td class="num">${rate(line.latest?.perSecond ?? 0)}</td><td>${line === control ? html`<span class="sub">it is the control</span>` : html`<${Against} own=${line.latest?.p99} control=${line.role === 'candidate' ? control?.latest?.p99 : undefined} />`}</td></tr>`)}</tbody></table></div>
      <div class="plots">${PARTS.map(
        (
          part,
        ) => html`<figure class="origin-plot" key=${part}><figcaption><h3>${part}</h3><span class="sub">${part === 'p99' ? 'one request of a hundred takes longer' : 'every other request takes longer'}; the last 15 minutes</span></figcaption>
        <${Lines} from=${now - SPAN} to=${now} gap=${GAP} unit=${duration} label=${`${part} of the last 15 minutes; now ${lines.map(({ origin, role, latest }) => `${origin}, ${role}: ${duration(latest?.[part])}`).join('; ')}`}
          lines=${lines.map(({ origin, role, points }) => ({ class: `line ${origin} ${role}`, points: points.map((point) => ({ at: Date.parse(point.at), y: point[part] })) }))} /></figure>`,
      )}</div>`
    }
  </section>`;
}

/** @param {{ own: number | undefined, control: number | undefined }} props */
function Against({ own, control }) {
  if (own === undefined || control === undefined || control === 0) return html`<span class="sub">–</span>`;
  const factor = own / control;
  return factor > SLOWER
    ? html`<b class="warn">${times(factor)}, slower</b>`
    : html`<span>${times(factor)}${factor < 1 / SLOWER ? ', faster' : ', about the same'}</span>`;
}
