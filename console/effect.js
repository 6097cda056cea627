/** What the last change does, while it does it. */
/** @import { Operation } from '../src/admin/schema.ts' @import { Made } from './store.js' */
import { clock, count, counted, percent, rate } from './format.js';
import { StageMark } from './glyphs.js';
import { html, useEffect, useRef, useState } from './lib.js';
import { routeTo } from './route.js';
import { useNarrow } from './rows.js';
import { useStore } from './store.js';
import { Text, useNow } from './text.js';
import { Change, Problem } from './ui.js';

/** Stands below every page until it is put away. */
export function EffectDock() {
  const store = useStore();
  const made = store.made.value;
  return made === undefined ? null : html`<${Effect} key=${made.change.id ?? made.at} made=${made} />`;
}

/** @param {{ made: Made }} props */
function Effect({ made }) {
  const store = useStore();
  const [problem, setProblem] = useState(/** @type {any} */ (undefined));
  const [busy, setBusy] = useState(false);
  const [small, setSmall] = useState(false);
  const now = useNow(1_000);
  const known = store.operations.value;
  const touched = made.before
    .map(({ id }) => known?.operations.find((one) => one.id === id))
    .filter((one) => one !== undefined);
  const { change } = made;
  // On a phone the page is not to be hidden by it.
  const most = useNarrow() ? 1 : 4;
  const undo = async () => {
    setBusy(true);
    setProblem(undefined);
    try {
      const back = await store.call(
        'POST',
        `/changes/${encodeURIComponent(change.id ?? '')}/undo`,
        { reason: 'Undone in the console, right after it', force: problem?.again?.force === true },
        undefined,
      );
      store.made.value = { change: back, at: Date.now(), before: touched, undone: true };
      store.said.value = `Undone: ${back.what}`;
    } catch (error) {
      setProblem(error);
    } finally {
      setBusy(false);
    }
  };
  return html`<aside class="dock" aria-label="Effect of the last change">
    <div class="dock-head">
      <p><strong>${made.undone ? 'Undone' : change.changed ? 'Changed' : 'Nothing changed'}</strong> <span class="sub">${clock(made.at)}, ${Math.max(0, Math.round((now - made.at) / 1000))} s ago</span> <${Text} text=${change.what} most=${160} /></p>
      <div class="actions">
        ${change.id !== undefined && html`<${Change} class=${problem?.again?.force ? 'danger' : ''} off=${busy ? 'It is being undone.' : undefined} onClick=${undo}>${problem?.again?.force ? 'Undo all the same' : 'Undo'}<//>`}
        <button type="button" class="button quiet" aria-expanded=${!small} onClick=${() => setSmall(!small)}>${small ? 'More' : 'Less'}</button>
        <button type="button" class="button quiet" aria-label="Put this away" onClick=${() => (store.made.value = undefined)}>✕</button>
      </div>
    </div>
    ${problem && html`<${Problem} error=${problem} what="It was not undone." />`}
    ${
      !small &&
      html`<div class="dock-body">
      ${change.unrecorded && html`<p class="bad">It is made, but written down nowhere, so that nobody can look it up or undo it: <${Text} text=${change.unrecorded} most=${300} /></p>`}
      <p class="dock-fact">${known?.replicas === undefined ? 'Replicas: not known' : html`<b class="figure">${known.replicas.arrived} of ${known.replicas.alive}</b> replicas have it`}</p>
      ${touched.slice(0, most).map((operation) => html`<${After} key=${operation.id} operation=${operation} before=${made.before.find(({ id }) => id === operation.id)} since=${made.at} />`)}
      ${touched.length > most && html`<p class="sub">and ${count(touched.length - most)} more operations: see <a href="#/stages">Stages</a></p>`}
    </div>`
    }
  </aside>`;
}

/** Points of a second, the last two minutes. */
const POINTS = 120;

/** @param {{ operation: Operation, before: Operation | undefined, since: number }} props */
function After({ operation, before, since }) {
  const store = useStore();
  const history = useRef(/** @type {{ stage: string, n: number }[][]} */ ([]));
  const [, draw] = useState(0);
  const latest = useRef(operation);
  latest.current = operation;
  useEffect(() => {
    const timer = setInterval(() => {
      if (!store.fresh.value) return;
      history.current = [
        ...history.current,
        latest.current.requests.map(({ stage, perSecond }) => ({ stage, n: perSecond })),
      ].slice(-POINTS);
      draw((n) => n + 1);
    }, 1_000);
    return () => clearInterval(timer);
  }, [since]);
  const { id, requests, errorShare, findings, exposures } = operation;
  const fresh = Math.max(0, findings - (before?.findings ?? findings));
  return html`<div class="after">
    <p><a href=${routeTo('stages', id)}><${Text} text=${id} most=${80} /></a></p>
    <p class="after-rates">${requests.length === 0 ? html`<span class="sub">no requests</span>` : requests.map(({ stage, perSecond }) => html`<span class="stage"><${StageMark} stage=${stage} /> ${stage} <b class="figure">${rate(perSecond)}</b></span>`)}</p>
    <${Stack} columns=${history.current} />
    <p class="sub">5xx <b class=${errorShare > (before?.errorShare ?? 0) ? 'bad' : ''}>${percent(errorShare)}</b> (was ${percent(before?.errorShare ?? 0)}); ${fresh === 0 ? 'no new findings' : html`<a href=${routeTo('findings', undefined, { operation: id })}>${counted(fresh, 'new finding')}</a>`}${exposures > 0 && html`; <b class="bad">${counted(exposures, 'exposure')}</b>`}</p>
  </div>`;
}

/** Requests by stage, a column a second. @param {{ columns: { stage: string, n: number }[][] }} props */
function Stack({ columns }) {
  const most = Math.max(0.1, ...columns.map((column) => column.reduce((sum, { n }) => sum + n, 0)));
  return html`<svg class="stack" viewBox=${`0 0 ${POINTS} 24`} preserveAspectRatio="none" aria-hidden="true">${columns.map(
    (column, index) => {
      let top = 24;
      return column.map(({ stage, n }) => {
        const height = (24 * n) / most;
        top -= height;
        return html`<rect class=${`at-${stage}`} x=${POINTS - columns.length + index} y=${top} width="1.05" height=${height} />`;
      });
    },
  )}</svg>`;
}
