/** What was seen of a finding, and the origins asked again. @import { FindingDetail, Diff } from '../src/admin/schema.ts' */
import { DiffView } from './diff-view.js';
import { count } from './format.js';
import { Sign, Stage } from './glyphs.js';
import { HeadersField, headersOf } from './headers.js';
import { html, useState } from './lib.js';
import { useStore } from './store.js';
import { Moment, Text } from './text.js';
import { Change, Copy, Loading, Problem } from './ui.js';

/** @typedef {FindingDetail['samples'][number]} Sample */

/** The status of a sample that has been replaced. */
const GONE = 410;

/** @param {{ detail: FindingDetail, path: string, again: () => void }} props `again`: reads the finding anew. */
export function Samples({ detail, path, again }) {
  const store = useStore();
  const [asked, setAsked] = useState(/** @type {{ busy?: number, diff?: Diff, error?: any, sample?: number }} */ ({}));
  const [headers, setHeaders] = useState('');
  const { samples, finding } = detail;
  const [left = '', right = ''] = finding.pair.split('-');
  const repeatable = samples.some((sample) => sample.repeatable);
  const ask = async (/** @type {number} */ sample) => {
    setAsked({ busy: sample });
    try {
      const sent = headersOf(headers);
      const requestId = samples[sample]?.requestId ?? '';
      const body = { sample, ...(requestId !== '' && { requestId }), ...(sent && { headers: sent }) };
      const diff = /** @type {Diff} */ (await store.call('POST', `${path}/diff`, body, undefined));
      setAsked({ diff, sample });
      store.said.value = 'The origins have answered again.';
    } catch (error) {
      // New samples take the place of old ones while somebody looks at them.
      if (/** @type {any} */ (error).status === GONE) again();
      setAsked({ error, sample });
    }
  };
  return html`<section aria-labelledby="samples"><h2 id="samples">Samples</h2>
    ${samples.length === 0 && html`<p class="sub">None is kept.</p>`}
    ${samples.length > 0 && !repeatable && html`<p class="sub">None of them can be asked again: requests are kept only where <code>SAMPLE_SECRET</code> is set.</p>`}
    ${samples.some(({ left: { hash } }) => hash !== undefined) && html`<p class="sub">Values are not kept in clear: equal hashes within a sample mean equal values. Ask again to see them.</p>`}
    ${
      samples.length > 0 &&
      html`<div role="table" class="samples" aria-label="Samples">
      <div role="row" class="sample sample-names"><span role="columnheader">When, whose</span><span role="columnheader">${left}</span><span role="columnheader">${right}</span><span role="columnheader">Request</span><span role="columnheader"><span class="hidden">Ask</span></span></div>
      ${samples.map((sample, index) => html`<${Row} key=${`${sample.requestId}${sample.at}`} sample=${sample} left=${left} right=${right} ask=${() => ask(index)} busy=${asked.busy} mine=${asked.busy === index} />`)}</div>`
    }
    ${repeatable && html`<details><summary>Headers to send along, such as credentials of the day</summary><${HeadersField} value=${headers} onInput=${setHeaders} /></details>`}
    ${asked.error && html`<${Problem} error=${asked.error} retry=${() => ask(asked.sample ?? 0)} what=${asked.error.status === GONE ? 'Newer samples have come, and are shown now.' : 'The origins could not be asked.'} />`}
    ${asked.busy !== undefined && html`<${Loading} what="Asking every origin" />`}
    ${asked.diff && html`<${DiffView} diff=${asked.diff} pair=${finding.pair} />`}
  </section>`;
}

/** @param {{ sample: Sample, left: string, right: string, ask: () => void, busy: number | undefined, mine: boolean }} props */
function Row({ sample, left, right, ask, busy, mine }) {
  const { at, tenant, stage, verdict, consistent, facts, requestId, repeatable } = sample;
  return html`<div role="row" class="sample">
    <div role="cell"><${Moment} at=${at} /> <b><${Text} text=${tenant} most=${80} /></b><span class="sub sample-line"><${Stage} stage=${stage} /> <${Sign} word=${verdict} />${consistent && ' read consistently'}</span></div>
    <${Side} name=${left} side=${sample.left} /><${Side} name=${right} side=${sample.right} />
    <div role="cell"><code class="sub"><${Text} text=${requestId} most=${80} /></code> ${requestId !== '' && html`<${Copy} text=${requestId} what="request id" brief />`}</div>
    <div role="cell" class="sample-ask">${repeatable && html`<${Change} off=${busy === undefined ? undefined : 'It is being asked.'} onClick=${ask}>${mine ? 'Asking …' : 'Ask again now'}<//>`}</div>
    ${facts.length > 0 && html`<div role="cell" class="sample-facts"><ul class="chips">${facts.map((fact) => html`<li><${Text} text=${fact} most=${200} /></li>`)}</ul></div>`}
  </div>`;
}

/** @param {{ name: string, side: Sample['left'] }} props */
function Side({ name, side }) {
  const { type, length, hash, value } = side;
  const known = [
    value === undefined ? '' : type,
    length > 0 ? `length ${count(length)}` : '',
    hash === undefined ? '' : `hash ${hash.slice(0, 10)}`,
  ].filter(Boolean);
  return html`<div role="cell"><span class="side-name sub" aria-hidden="true">${name} </span><span class="mono"><${Text} text=${value ?? type} most=${400} more /></span>${known.length > 0 && html`<span class="sub sample-line"><${Text} text=${known.join(', ')} most=${200} /></span>`}</div>`;
}
