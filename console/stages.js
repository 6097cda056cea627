/** Every operation as a row on the ladder. @import { Operation } from '../src/admin/schema.ts' */
import { counted, percent } from './format.js';
import { useGates } from './gates.js';
import { StageMark } from './glyphs.js';
import { go } from './go.js';
import { html, useCallback, useMemo, useState } from './lib.js';
import { filtered } from './merge.js';
import { OperationRow } from './operation-row.js';
import { Rows, useNarrow } from './rows.js';
import { useStore } from './store.js';
import { Change, Empty, Loading } from './ui.js';
import { STAGES } from './words.js';

/** @param {{ route: import('./route.js').Route }} props */
export function StagesPage({ route }) {
  const store = useStore();
  const known = store.operations.value;
  const { search = '', stage = '', health = '', movable = '' } = route.query;
  const narrow = useNarrow();
  const all = known?.operations ?? NONE;
  const rows = useMemo(
    () => filtered(all, { search, stage, health, movable: movable !== '' }, store.killed.value),
    [all, search, stage, health, movable, store.killed.value],
  );
  const columns = useMemo(() => columnsOf(all), [all.length === 0, all]);
  const [seen, setSeen] = useState({ from: 0, to: 0 });
  const onWindow = useCallback((/** @type {number} */ from, /** @type {number} */ to) => setSeen({ from, to }), []);
  useGates(rows.slice(seen.from, seen.to));
  const filter = (/** @type {Record<string, string>} */ change) =>
    go('stages', undefined, { ...route.query, ...change }, true);

  return html`<section class="page" aria-labelledby="title">
    <div class="page-head">
      <h1 id="title" tabindex="-1">Stages</h1>
      <${Summary} operations=${all} />
    </div>
    <div class="tools" role="search">
      <label class="field grow"><span>Operation</span><input type="search" data-search value=${search} placeholder="Name or path" onInput=${(/** @type {any} */ event) => filter({ search: event.target.value })} /></label>
      <label class="field"><span>At stage</span><select value=${stage} onChange=${(/** @type {any} */ event) => filter({ stage: event.target.value })}>
        <option value="">any</option>${columns.map((name) => html`<option value=${name}>${name}</option>`)}</select></label>
      <label class="field"><span>Health</span><select value=${health} onChange=${(/** @type {any} */ event) => filter({ health: event.target.value })}>
        <option value="">any</option>${HEALTHS.map((name) => html`<option value=${name}>${name}</option>`)}</select></label>
      <label class="check"><input type="checkbox" checked=${movable !== ''} onChange=${(/** @type {any} */ event) => filter({ movable: event.target.checked ? '1' : '' })} /> Movable only</label>
      <${Sampling} />
    </div>
    ${known === undefined && html`<${Loading} what="Asking for the operations" />`}
    ${known !== undefined && all.length === 0 && html`<${Empty} title="The contract has no operations.">Check it with <code>crossfade check</code>.<//>`}
    ${all.length > 0 && rows.length === 0 && html`<${Empty} title="No operation is like that."><button type="button" class="button" onClick=${() => go('stages', undefined, {}, true)}>Show all ${all.length}</button><//>`}
    ${
      rows.length > 0 &&
      html`<div class=${`ladder columns-${columns.length}`} role="table" aria-label="Operations" aria-rowcount=${rows.length + 1} aria-colcount=${columns.length + 5}>
      <${Head} columns=${columns} />
      <${Rows} count=${rows.length} height=${narrow ? 9.75 : 3.6} name="rows rowgroup" margin=${110} onWindow=${onWindow}
        row=${(/** @type {number} */ index) => html`<${OperationRow} key=${rows[index].id} operation=${rows[index]} index=${index} columns=${columns} />`} />
    </div>`
    }
  </section>`;
}

/** @type {readonly Operation[]} */
const NONE = Object.freeze([]);
const HEALTHS = Object.freeze(['failing', 'differs', 'idle', 'good']);

/** The stages that any operation can have. @param {readonly Operation[]} operations */
export const columnsOf = (operations) => {
  const any = new Set(operations.flatMap(({ offered, stage }) => [...offered, stage]));
  return STAGES.filter((stage) => any.has(/** @type {any} */ (stage)));
};

/** @param {{ columns: readonly string[] }} props */
function Head({ columns }) {
  return html`<div class="ladder-head" role="row" aria-rowindex="1">
    <span role="columnheader" class="c-name">Operation</span>
    ${columns.map((stage) => html`<span role="columnheader" class="c-stage"><${StageMark} stage=${stage} /> ${stage}</span>`)}
    <span role="columnheader" class="c-load num">Replies</span>
    <span role="columnheader" class="c-health">Health</span>
    <span role="columnheader" class="c-gate">Next stage</span>
    <span role="columnheader" class="c-move"><span class="hidden">Change</span></span>
  </div>`;
}

/** @param {{ operations: readonly Operation[] }} props */
function Summary({ operations }) {
  const failing = operations.filter(({ health }) => health === 'failing').length;
  const differs = operations.filter(({ health }) => health === 'differs').length;
  if (operations.length === 0) return null;
  return html`<p class="summary">${counted(operations.length, 'operation')}${failing > 0 && html`, <a href="#/stages?health=failing">${failing} failing</a>`}${differs > 0 && html`, <a href="#/stages?health=differs">${differs} with differences</a>`}</p>`;
}

function Sampling() {
  const store = useStore();
  const sampling = store.operations.value?.sampling;
  return html`<div class="field"><span id="sampling">Sampling</span>
    <${Change} onClick=${() => (store.dialog.value = { kind: 'sampling' })}>${sampling === undefined ? '–' : percent(sampling / 100)} of shadows<//></div>`;
}
