/** One operation: where it stands, why, and what may be done. */
/** @import { Operation, OperationDetail, GateVerdict } from '../src/admin/schema.ts' @import { Static } from 'typebox' */
import { queryOf } from './api.js';
import { count, counted, duration, percent, rate } from './format.js';
import { useGates } from './gates.js';
import { Sign, Stage } from './glyphs.js';
import { html, useMemo } from './lib.js';
import { Cell } from './operation-row.js';
import { routeTo } from './route.js';
import { columnsOf } from './stages.js';
import { useStore } from './store.js';
import { Linked, Text } from './text.js';
import { Change, Empty, Loading, Problem, useAsked } from './ui.js';

/** @param {{ id: string }} props */
export function OperationPage({ id }) {
  const store = useStore();
  const known = store.operations.value;
  const operation = known?.operations.find((one) => one.id === id);
  const list = useMemo(() => (operation === undefined ? [] : [operation]), [operation]);
  useGates(list);
  const { value, error, again } = useAsked(
    (stop) => store.call('GET', `/operations/${encodeURIComponent(id)}`, undefined, stop),
    [id, known?.revision, store.findings.value],
  );
  const detail = /** @type {(Static<typeof OperationDetail> & { results?: string }) | undefined} */ (value);
  if (known === undefined)
    return html`<section class="page"><h1 id="title" tabindex="-1">Operation</h1><${Loading} /></section>`;
  if (operation === undefined) {
    return html`<section class="page"><h1 id="title" tabindex="-1">No such operation</h1><${Empty} title="The contract has no operation of that name."><a href="#/stages">All operations</a><//></section>`;
  }
  const open = (/** @type {string} */ kind, /** @type {object} */ more = {}) =>
    (store.dialog.value = { kind, operation: id, ...more });
  return html`<section class="page" aria-labelledby="title">
    <nav class="crumbs" aria-label="Where you are"><a href="#/stages">Stages</a></nav>
    <div class="page-head">
      <h1 id="title" tabindex="-1"><${Text} text=${operation.id} most=${200} /></h1>
      <p class="summary mono">${operation.method} <${Text} text=${operation.path} most=${400} /></p>
    </div>
    <p class="verdict-line"><${Sign} word=${operation.health} /> ${operation.why !== '' && html`<${Text} text=${operation.why} most=${500} />`}</p>
    ${operation.odd !== undefined && html`<p class="note warn-note"><strong>Odd flag.</strong> <${Text} text=${operation.odd} most=${500} /></p>`}
    <${Track} operation=${operation} />
    <div class="actions">
      ${
        operation.bound
          ? html`${operation.next && html`<${Change} class="primary" onClick=${() => open('move', { to: operation.next })}>Move on to ${operation.next}…<//>`}
          ${operation.previous && html`<${Change} onClick=${() => open('move', { to: operation.previous })}>Move back to ${operation.previous}…<//>`}
          <${Change} onClick=${() => open('move', { who: 'tenants' })}>Move tenants…<//>
          <${Change} onClick=${() => open('move', { who: 'ramp' })}>Ramp…<//>
          <${Change} onClick=${() => open('floor')}>Set floor…<//>`
          : html`<p class="sub">Legacy answers it in every stage: it has no bindings, or it writes.</p>`
      }
      <a class="button" href=${routeTo('findings', undefined, { operation: id })}>${counted(operation.findings, 'finding')}</a>
      <a class="button" href=${routeTo('tenants', undefined, { operation: id })}>Tenants</a>
      ${operation.bound && html`<a class="button" href=${routeTo('ask', undefined, { operation: id, path: operation.path })}>Ask…</a>`}
    </div>
    ${operation.next && html`<${GatePart} verdict=${store.gates.value.get(id)?.verdict} next=${operation.next} />`}
    ${error && html`<${Problem} error=${error} retry=${again} what="What is known of it cannot be shown." />`}
    ${detail?.results !== undefined && html`<p class="note warn-note">What was compared is not known: <${Text} text=${detail.results} most=${300} /></p>`}
    ${detail && html`<${Pairs} detail=${detail} /><${Named} detail=${detail} />`}
  </section>`;
}

/** The same cells as in the list, larger. @param {{ operation: Operation }} props */
function Track({ operation }) {
  const columns = columnsOf([operation]);
  const { perSecond } = operation;
  return html`<div class=${`track columns-${columns.length}`} role="table" aria-label="Share of tenants and requests per second by stage">
    <div class="track-row track-head" role="row">${columns.map((stage) => html`<span role="columnheader"><${Stage} stage=${stage} /></span>`)}</div>
    <div class="track-row" role="row">${columns.map((stage) => html`<${Cell} key=${stage} stage=${stage} operation=${operation} />`)}</div>
  </div>
  <p class="sub">${rate(perSecond)} on this replica; p99 ${duration(operation.p99)}; ${percent(operation.errorShare)} of replies with 5xx; floor ${operation.floor}${operation.ramp && `; ramp: ${operation.ramp.percent} % at ${operation.ramp.to}`}${operation.named > 0 && `; ${counted(operation.named, 'tenant')} by name`}${operation.tenants === undefined && '; nobody knows the tenants: shares are as the flag says'}.</p>`;
}

/** @param {{ verdict: GateVerdict | undefined, next: string }} props */
function GatePart({ verdict, next }) {
  return html`<section aria-labelledby="gate"><h2 id="gate">Gate to ${next}</h2>${verdict === undefined ? html`<${Loading} what="Asking the gate" />` : html`<${Verdict} verdict=${verdict} />`}</section>`;
}

/** A verdict with its reasons and cures. @param {{ verdict: GateVerdict, away?: boolean }} props `away`: links open another tab. */
export function Verdict({ verdict, away = false }) {
  const bad = verdict.reasons.filter(({ state }) => state !== 'pass');
  const good = verdict.reasons.length - bad.length;
  return html`<div class="gate-verdict">
    <p><${Sign} word=${verdict.verdict} /> <span class="sub">${verdict.from} → ${verdict.to}${verdict.reasons.length > 0 && `; ${good} of ${verdict.reasons.length} rules hold`}</span></p>
    ${verdict.failed !== undefined && html`<p><${Text} text=${verdict.failed} most=${500} /></p>`}
    ${bad.length > 0 && html`<ul class="reasons">${bad.map((reason) => html`<li><${Sign} word=${reason.state} say=${reason.rule} /> <${Linked} text=${reason.sentence} away=${away} but=${verdict.evidence} />${reason.cure !== '' && html`<span class="cure"><${Linked} text=${reason.cure} away=${away} but=${verdict.evidence} /></span>`}</li>`)}</ul>`}
  </div>`;
}

/** @param {{ detail: Static<typeof OperationDetail> }} props */
function Pairs({ detail }) {
  return html`<section aria-labelledby="evidence"><h2 id="evidence">Evidence</h2>
    ${
      detail.pairs.length === 0
        ? html`<${Empty} title="Nothing was compared yet.">Comparisons are made at <b>validate</b>, <b>shadow</b> and <b>live</b>, while there is traffic; or ask with <code>crossfade replay</code>.<//>`
        : html`<div class="scroll" tabindex="0" role="region" aria-label="Evidence by pair"><table><thead><tr><th scope="col">Pair</th><th scope="col" class="num">Compared</th><th scope="col" class="num">Equal</th><th scope="col" class="num">Ignored</th><th scope="col" class="num">Different</th><th scope="col">Not compared</th><th scope="col" class="num">p99 control / candidate</th></tr></thead>
        <tbody>${detail.pairs.map(
          (
            pair,
          ) => html`<tr><th scope="row">${pair.pair}</th><td class="num">${count(pair.compared)}</td><td class="num">${count(pair.matched)}</td><td class="num">${count(pair.ignored)}</td><td class="num">${count(pair.mismatched)}${pair.mismatched === 0 && pair.upperBound !== undefined && html`<span class="sub"> below ${percent(pair.upperBound)}</span>`}</td>
          <td>${pair.notCompared.length === 0 ? '–' : pair.notCompared.map(({ outcome, reason, n }) => `${outcome} (${reason}) ${count(n)}`).join(', ')}</td><td class="num">${duration(pair.control?.p99)} / ${duration(pair.candidate?.p99)}</td></tr>`,
        )}</tbody></table></div>`
    }
  </section>`;
}

/** @param {{ detail: Static<typeof OperationDetail> }} props */
function Named({ detail }) {
  const shown = detail.tenants.slice(0, 50);
  return html`<section aria-labelledby="named"><h2 id="named">Tenants with a stage of their own</h2>
    ${shown.length === 0 ? html`<p class="sub">None: everybody follows the flag.</p>` : html`<ul class="chips">${shown.map(({ tenant, stage }) => html`<li><${Text} text=${tenant} most=${60} /> <${Stage} stage=${stage} /></li>`)}</ul>`}
    ${detail.operation.named > shown.length && html`<p><a href=${`#/tenants${queryOf({ operation: detail.operation.id })}`}>All ${count(detail.operation.named)} by search</a></p>`}
  </section>`;
}
