/** One finding: what it is, what was seen, and what to do about it. */
/** @import { FindingDetail } from '../src/admin/schema.ts' */
import { count, counted, percent } from './format.js';
import { Sign } from './glyphs.js';
import { html, useState } from './lib.js';
import { Neighbours } from './neighbours.js';
import { Spark } from './plots.js';
import { routeTo } from './route.js';
import { Samples } from './samples.js';
import { useStore } from './store.js';
import { Ago, Block, Moment, Text } from './text.js';
import { Change, Copy, Dialog, Loading, Problem, useAsked } from './ui.js';

/** @param {{ id: string, query: Readonly<Record<string, string>> }} props `query`: the filter of the list one came from. */
export function FindingPage({ id, query }) {
  const store = useStore();
  const path = `/findings/${encodeURIComponent(id)}`;
  const { value, error, again } = useAsked(
    async (stop) => /** @type {FindingDetail} */ (await store.call('GET', path, undefined, stop)),
    [id, store.findings.value],
  );
  const [marking, setMarking] = useState(false);
  const detail = value?.finding.fingerprint === id ? value : undefined;
  const unmark = () => store.call('DELETE', `${path}/known`, undefined, undefined).then(again, again);
  if (detail === undefined) {
    return html`<section class="page"><div class="crumb-line"><nav class="crumbs" aria-label="Where you are"><a href=${routeTo('findings', undefined, query)}>Findings</a> <span aria-hidden="true">/</span> <code>${id}</code></nav><${Neighbours} id=${id} query=${query} /></div><h1 id="title" tabindex="-1">Finding</h1>
      ${error ? html`<${Problem} error=${error} retry=${again} what="This finding cannot be shown." />` : html`<${Loading} />`}</section>`;
  }
  const onMarked = (/** @type {boolean} */ done) => {
    setMarking(false);
    if (done) again();
  };
  const { finding, twins, rule } = detail;
  const {
    sentence,
    operation,
    pair,
    kind,
    verdict,
    state,
    path: at,
    leftType,
    rightType,
    n,
    share,
    first,
    last,
    tenants,
    cause,
    because,
    alone,
    hours,
    known,
  } = finding;
  const [left, right] = pair.split('-');
  return html`<section class="page" aria-labelledby="title">
    <div class="crumb-line"><nav class="crumbs" aria-label="Where you are"><a href=${routeTo('findings', undefined, query)}>Findings</a> <span aria-hidden="true">/</span> <code>${id}</code></nav><${Neighbours} id=${id} query=${query} /></div>
    <h1 id="title" tabindex="-1" class="sentence"><${Text} text=${sentence} most=${400} more /></h1>
    <p class="verdict-line"><${Sign} word=${state} /> <span class="sub">${kind}; read again: ${verdict}</span>${cause !== undefined && html` · <${Text} text=${cause} most=${300} />${because !== undefined && html` <span class="sub"><${Text} text=${because} most=${400} /></span>`}`}</p>
    ${known && html`<p class="note"><span class="tag">known</span> until ${known.until}: <${Text} text=${known.reason} most=${500} more /> <span class="sub">(<${Text} text=${known.who} most=${60} />, <${Moment} at=${known.at} />)</span> <${Change} onClick=${unmark}>Take the mark away<//></p>`}
    <div class="facts">
      <dl>
        <dt>Operation</dt><dd><a href=${routeTo('stages', operation)}><${Text} text=${operation} most=${120} /></a></dd>
        <dt>Pair</dt><dd>${left} | ${right}</dd>
        <dt>Path</dt><dd class="mono"><${Text} text=${at === '' ? '(whole answer)' : at} most=${400} more /></dd>
        <dt>Types</dt><dd class="mono"><${Text} text=${leftType} most=${60} /> | <${Text} text=${rightType} most=${60} /></dd>
      </dl>
      <dl>
        <dt>Seen</dt><dd>${counted(n, 'time')}, ${percent(share)} of what was compared</dd>
        <dt>First, last</dt><dd><${Moment} at=${first} />, <${Ago} at=${last} /></dd>
        <dt>Tenants</dt><dd>${tenants.slice(0, 12).map((tenant, index) => html`${index > 0 && ', '}<${Text} text=${tenant} most=${60} />`)}${tenants.length > 12 && ` and ${count(tenants.length - 12)} more`}${alone !== undefined && html` <span class="sub">alone: <${Text} text=${alone} most=${200} /></span>`}</dd>
        <dt>Last 48 h</dt><dd><${Spark} hours=${hours} /></dd>
      </dl>
    </div>
    ${twins.length > 0 && html`<p>The same in another pair: ${twins.map((twin, index) => html`${index > 0 && ', '}<a href=${routeTo('findings', twin.fingerprint, query)}>${twin.pair.replace('-', ' | ')}</a>`)}</p>`}
    <div class="actions">
      ${!known && html`<${Change} onClick=${() => setMarking(true)}>Mark as known…<//>`}<${Copy} text=${location.href} what="link" />
    </div>
    ${error && html`<${Problem} error=${error} retry=${again} what="This is what was known before." />`}
    <${Samples} detail=${detail} path=${path} again=${again} />
    ${rule !== undefined && html`<section aria-labelledby="rule"><h2 id="rule">Rule</h2><p class="sub">If the difference is meant: to paste under <code>compare</code> in the bindings.</p><${Block} text=${rule} /><${Copy} text=${rule} what="rule" /></section>`}
    ${marking && html`<${MarkDialog} path=${path} onClose=${onMarked} />`}
  </section>`;
}

const TWO_WEEKS = 14 * 86_400_000;
const day = (/** @type {number} */ at) => new Date(at).toISOString().slice(0, 10);

/** @param {{ path: string, onClose: (done: boolean) => void }} props */
function MarkDialog({ path, onClose }) {
  const store = useStore();
  const [reason, setReason] = useState('');
  const [until, setUntil] = useState(day(Date.now() + TWO_WEEKS));
  const [error, setError] = useState(/** @type {any} */ (undefined));
  const off = reason.trim() === '' ? 'Say why it is known.' : until === '' ? 'Say until when.' : undefined;
  const mark = () =>
    store.call('PUT', `${path}/known`, { reason: reason.trim(), until }, undefined).then(() => onClose(true), setError);
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    if (off === undefined && store.operator.value) mark();
  };
  return html`<${Dialog} title="Mark as known" onClose=${() => onClose(false)}>
    <form onSubmit=${submit}>
      <p>A mark is for people: the gate does not know it. What must not count for the gate takes a rule.</p>
      <label class="field"><span>Reason</span><textarea rows="3" required maxlength="2000" value=${reason} onInput=${(/** @type {any} */ event) => setReason(event.target.value)}></textarea></label>
      <label class="field"><span>Until</span><input type="date" required min=${day(Date.now())} value=${until} onInput=${(/** @type {any} */ event) => setUntil(event.target.value)} /></label>
      ${error && html`<${Problem} error=${error} what="It was not marked." />`}
      <div class="actions end"><button type="button" class="button" onClick=${() => onClose(false)}>Cancel</button><${Change} class="primary" off=${off} onClick=${mark}>Mark as known<//></div>
    </form><//>`;
}
