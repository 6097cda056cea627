/** One finding: what it is, what was seen, and what to do about it. */
/** @import { FindingDetail, Diff } from '../src/admin/schema.ts' */
import { DiffView } from './diff-view.js';
import { count, counted, percent } from './format.js';
import { Sign, Stage } from './glyphs.js';
import { html, useState } from './lib.js';
import { Spark } from './plots.js';
import { routeTo } from './route.js';
import { useStore } from './store.js';
import { Ago, Block, Moment, Text } from './text.js';
import { Change, Copy, Dialog, Loading, Problem, useAsked } from './ui.js';

/** @param {{ id: string }} props */
export function FindingPage({ id }) {
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
    return html`<section class="page"><nav class="crumbs" aria-label="Where you are"><a href="#/findings">Findings</a></nav><h1 id="title" tabindex="-1">Finding</h1>
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
    <nav class="crumbs" aria-label="Where you are"><a href="#/findings">Findings</a> <span aria-hidden="true">/</span> <code>${id}</code></nav>
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
    ${twins.length > 0 && html`<p>The same in another pair: ${twins.map((twin, index) => html`${index > 0 && ', '}<a href=${routeTo('findings', twin.fingerprint)}>${twin.pair.replace('-', ' | ')}</a>`)}</p>`}
    <div class="actions">
      ${!known && html`<${Change} onClick=${() => setMarking(true)}>Mark as known…<//>`}
    </div>
    ${error && html`<${Problem} error=${error} retry=${again} what="This is what was known before." />`}
    <${Samples} detail=${detail} path=${path} left=${left} right=${right} />
    ${rule !== undefined && html`<section aria-labelledby="rule"><h2 id="rule">Rule</h2><p class="sub">If the difference is meant: to paste under <code>compare</code> in the bindings.</p><${Block} text=${rule} /><${Copy} text=${rule} what="rule" /></section>`}
    ${marking && html`<${MarkDialog} path=${path} onClose=${onMarked} />`}
  </section>`;
}

/** @param {{ detail: FindingDetail, path: string, left: string, right: string }} props */
function Samples({ detail, path, left, right }) {
  const store = useStore();
  const [asked, setAsked] = useState(/** @type {{ busy?: number, diff?: Diff, error?: any, sample?: number }} */ ({}));
  const [headers, setHeaders] = useState('');
  const { samples } = detail;
  const ask = async (/** @type {number} */ sample) => {
    setAsked({ busy: sample });
    try {
      const sent = headersOf(headers);
      const requestId = samples[sample]?.requestId ?? '';
      const diff = /** @type {Diff} */ (
        await store.call(
          'POST',
          `${path}/diff`,
          { sample, ...(requestId !== '' && { requestId }), ...(sent && { headers: sent }) },
          undefined,
        )
      );
      setAsked({ diff, sample });
      store.said.value = 'The origins have answered again.';
    } catch (error) {
      setAsked({ error, sample });
    }
  };
  return html`<section aria-labelledby="samples"><h2 id="samples">Samples</h2>
    ${samples.length === 0 && html`<p class="sub">None is kept.</p>`}
    ${samples.length > 0 && !samples.some(({ repeatable }) => repeatable) && html`<p class="sub">None of them can be asked again: requests are kept only where <code>SAMPLE_SECRET</code> is set.</p>`}
    <ol class="samples">${samples.map(
      (sample, index) => html`<li key=${`${sample.requestId}${sample.at}`} class="sample">
      <p class="sample-head"><${Moment} at=${sample.at} /> <${Text} text=${sample.tenant} most=${80} /> <${Stage} stage=${sample.stage} /> <${Sign} word=${sample.verdict} /> ${sample.consistent && html`<span class="sub">read consistently</span>`} <span class="sub">request <code><${Text} text=${sample.requestId} most=${80} /></code></span></p>
      <div class="sides"><${Side} name=${left} side=${sample.left} /><${Side} name=${right} side=${sample.right} /></div>
      ${sample.facts.length > 0 && html`<ul class="chips">${sample.facts.map((fact) => html`<li><${Text} text=${fact} most=${200} /></li>`)}</ul>`}
      ${sample.repeatable && html`<${Change} off=${asked.busy === undefined ? undefined : 'It is being asked.'} onClick=${() => ask(index)}>${asked.busy === index ? 'Asking …' : 'Ask again now'}<//>`}
    </li>`,
    )}</ol>
    ${samples.some(({ repeatable }) => repeatable) && html`<details><summary>Headers to send along, such as credentials of the day</summary><label class="field"><span>One a line, <code>name: value</code></span><textarea rows="3" class="mono" spellcheck=${false} autocomplete="off" value=${headers} onInput=${(/** @type {any} */ event) => setHeaders(event.target.value)}></textarea></label></details>`}
    ${asked.error && html`<${Problem} error=${asked.error} retry=${() => ask(asked.sample ?? 0)} what="The origins could not be asked." />`}
    ${asked.busy !== undefined && html`<${Loading} what="Asking every origin" />`}
    ${asked.diff && html`<${DiffView} diff=${asked.diff} pair=${detail.finding.pair} />`}
  </section>`;
}

/** @param {{ name: string, side: FindingDetail['samples'][number]['left'] }} props */
function Side({ name, side }) {
  const { type, length, hash, value } = side;
  const known = [
    value === undefined ? '' : type,
    length > 0 ? `length ${count(length)}` : '',
    hash === undefined ? '' : `hash ${hash.slice(0, 16)}`,
    value === undefined && length > 0 ? 'not kept in clear' : '',
  ];
  return html`<div class="side"><h3>${name}</h3><p class="mono"><${Text} text=${value ?? type} most=${400} more /></p><p class="sub"><${Text} text=${known.filter(Boolean).join(', ')} most=${200} /></p></div>`;
}

/** @param {string} text @returns {Record<string, string> | undefined} */
function headersOf(text) {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
  if (lines.length === 0) return undefined;
  return Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(':');
      if (colon < 1) throw new Error(`“${line.slice(0, 40)}” is no header: write name: value.`);
      return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
    }),
  );
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
