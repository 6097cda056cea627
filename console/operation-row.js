/** One operation on the ladder. @import { Operation } from '../src/admin/schema.ts' */
import { count, counted, duration, percent, rate, roughly, visible } from './format.js';
import { isBefore, Sign, StageMark } from './glyphs.js';
import { html, memo } from './lib.js';
import { sharesOf } from './merge.js';
import { routeTo } from './route.js';
import { useStore } from './store.js';
import { Text } from './text.js';
import { Change } from './ui.js';

export const OperationRow = memo(Row);

/** @param {{ operation: Operation, index: number, columns: readonly string[] }} props */
function Row({ operation, index, columns }) {
  const store = useStore();
  const { id, method, path, bound, why, health, findings, exposures, perSecond } = operation;
  return html`<div class="ladder-row" role="row" aria-rowindex=${index + 2}>
    <div role="rowheader" class="c-name">
      <a class="row-link" href=${routeTo('stages', id)}><${Text} text=${id} most=${120} /></a>
      <span class="sub mono">${method} <${Text} text=${path} most=${200} /></span>
    </div>
    ${
      bound
        ? columns.map((stage) => html`<${Cell} key=${stage} stage=${stage} operation=${operation} />`)
        : html`<div role="cell" class="c-unbound" aria-colspan=${columns.length}>Passes through to legacy: it writes, or has no bindings.</div>`
    }
    <div role="cell" class="c-load num"><span>${rate(perSecond)}</span><span class="sub">${operation.errorShare > 0 ? html`<span class="bad">${percent(operation.errorShare)} 5xx</span>` : html`p99 ${duration(operation.p99)}`}</span></div>
    <div role="cell" class="c-health">
      <${Sign} word=${health} />
      <span class="sub" title=${why}>${findings > 0 ? html`<a href=${routeTo('findings', undefined, { operation: id })}>${counted(findings, 'finding')}${exposures > 0 && `, ${count(exposures)} exposed`}</a>` : html`<${Text} text=${why} most=${90} />`}</span>
    </div>
    <div role="cell" class="c-gate"><${Gate} operation=${operation} /></div>
    <div role="cell" class="c-move">${bound && (operation.next ?? operation.previous) && html`<${Change} onClick=${() => (store.dialog.value = { kind: 'move', operation: id })}>Move…<span class="hidden"> ${visible(id.slice(0, 80))}</span><//>`}</div>
  </div>`;
}

/** Tenants and requests at one stage. @param {{ stage: string, operation: Operation }} props */
export function Cell({ stage, operation }) {
  const { floor, offered, requests } = operation;
  const store = useStore();
  const share = sharesOf(operation, store.killed.value).find((one) => one.stage === stage)?.share ?? 0;
  const perSecond = requests.find((one) => one.stage === stage)?.perSecond ?? 0;
  const can = offered.includes(/** @type {any} */ (stage));
  const below = isBefore(stage, floor);
  const name = `c-stage cell at-${stage}${can ? '' : ' not-offered'}${below ? ' below' : ''}${stage === floor && floor !== offered[0] ? ' floor' : ''}${share > 0 ? ' here' : ''}`;
  return html`<div role="cell" class=${name}>
    ${share > 0 && html`<span class="fill" style=${{ inlineSize: `${share * 100}%` }}></span>`}
    ${
      share > 0 || perSecond > 0
        ? html`<span class="share"><${StageMark} stage=${stage} /> ${roughly(share)}</span><span class="sub">${perSecond > 0 ? rate(perSecond) : ''}</span>`
        : html`<span class="none" aria-hidden="true">${can && !below ? '·' : ''}</span><span class="hidden">${can ? (below ? 'below the floor' : 'nobody') : 'not offered'}</span>`
    }
    ${stage === floor && floor !== offered[0] && html`<span class="floor-word">floor</span>`}
  </div>`;
}

/** @param {{ operation: Operation }} props */
function Gate({ operation }) {
  const store = useStore();
  const { id, next, bound } = operation;
  if (next === undefined || !bound) return html`<span class="sub">${bound ? 'at the last stage' : ''}</span>`;
  const verdict = store.gates.value.get(id)?.verdict;
  return html`<span class="to">→ ${next}</span>
    ${verdict === undefined ? html`<span class="sub">asking the gate …</span>` : html`<a class="sub" href=${routeTo('stages', id)} title=${verdict.reasons[0]?.sentence ?? verdict.failed}><${Sign} word=${verdict.verdict} /></a>`}`;
}
