/** How the façade itself is. @import { Health } from '../src/admin/schema.ts' */
import { age, bytes, count, counted, duration, rate } from './format.js';
import { Sign } from './glyphs.js';
import { Latency } from './latency.js';
import { html, useEffect } from './lib.js';
import { useStore } from './store.js';
import { Ago, Moment, Path, Text } from './text.js';
import { Loading, Problem, useAsked } from './ui.js';

export function HealthPage() {
  const store = useStore();
  // Events carry the newest point alone: the quarter of an hour before is asked for, once a connection.
  const asked = useAsked(
    async (stop) => /** @type {Health} */ (await store.call('GET', '/health', undefined, stop)),
    [store.link.value.since],
  );
  useEffect(() => {
    if (asked.value) store.health.value = asked.value;
  }, [asked.value]);
  const health = store.health.value;
  const bad = health?.parts.filter(({ problem }) => problem !== undefined) ?? [];
  return html`<section class="page" aria-labelledby="title">
    <div class="page-head"><h1 id="title" tabindex="-1">Health</h1>${health && html`<p class="summary"><${Sign} word=${health.ready ? 'good' : 'failing'} say=${health.ready ? 'ready' : 'not ready'} /> <span class="sub">this replica, ${store.session.value?.replica}</span></p>`}</div>
    ${asked.error && html`<${Problem} error=${asked.error} retry=${asked.again} what="Health cannot be asked for." />`}
    ${health === undefined && !asked.error && html`<${Loading} what="Asking how it is" />`}
    ${bad.map(({ part, problem }) => html`<p class="note bad-note"><strong>✕ <${Text} text=${part} most=${60} /></strong> <${Text} text=${problem} most=${500} /></p>`)}
    ${health && html`<${Latency} health=${health} /><div class="panels"><div class="panel-column"><${Shadow} health=${health} /><${Results} health=${health} /></div><div class="panel-column"><${Comparisons} health=${health} /></div><div class="panel-column"><${Flags} health=${health} /><${Process} health=${health} /></div></div><${Replicas} health=${health} /><${Parts} health=${health} />`}
  </section>`;
}

/** @param {{ what: string, now: number, most: number, words?: string }} props */
function Meter({ what, now, most, words }) {
  return html`<div class="meter-line"><span>${what}</span><meter min="0" max=${most} high=${most * 0.8} optimum="0" value=${now} aria-label=${what}></meter><span class="num">${words ?? `${count(now)} of ${count(most)}`}</span></div>`;
}

/** @param {{ health: Health }} props */
function Shadow({ health: { shadow } }) {
  if (shadow === undefined)
    return html`<section class="panel" aria-labelledby="shadow"><h2 id="shadow">Shadow</h2><p class="sub">There is none: nothing is compared without a place for results (<code>RESULTS_URI</code>).</p></section>`;
  const { queue, queueMax, bytes: held, bytesMax, underWay, breakers } = shadow;
  return html`<section class="panel" aria-labelledby="shadow"><h2 id="shadow">Shadow</h2>
    <${Meter} what="Queue" now=${queue} most=${queueMax} /><${Meter} what="Memory" now=${held} most=${bytesMax} words=${`${bytes(held)} of ${bytes(bytesMax)}`} />
    <p>${count(underWay)} under way</p>
    <h3>Breakers</h3>${breakers.length === 0 ? html`<p class="sub">All closed.</p>` : html`<ul class="plain">${breakers.slice(0, 30).map(({ origin, operation, state }) => html`<li><${Sign} word=${state} /> ${origin}, <${Text} text=${operation} most=${80} /></li>`)}${breakers.length > 30 && html`<li>and ${count(breakers.length - 30)} more</li>`}</ul>`}
  </section>`;
}

/** What was compared; all other outcomes have a reason, and stand with it. */
const COMPARED = Object.freeze(['match', 'ignored', 'mismatch']);

/** @param {{ health: Health }} props */
function Comparisons({ health: { shadow } }) {
  if (shadow === undefined) return null;
  const { shed, outcomes } = shadow;
  const compared = COMPARED.flatMap((name) => outcomes.filter(({ outcome }) => outcome === name));
  const left = [...shed].sort((a, b) => b.n - a.n);
  return html`<section class="panel" aria-labelledby="comparisons"><h2 id="comparisons">Comparisons</h2>
    <h3>Outcomes</h3><${Counts} rows=${compared.map(({ outcome, n, perSecond }) => ({ name: outcome, n, perSecond }))} none="Nothing was compared yet." />
    <h3>Not compared</h3><${Counts} rows=${left.map(({ outcome, reason, n, perSecond }) => ({ name: `${outcome}: ${reason}`, n, perSecond }))} none="Nothing was left out." />
  </section>`;
}

/** @param {{ rows: { name: string, n: number, perSecond: number }[], none: string }} props */
function Counts({ rows, none }) {
  if (rows.length === 0) return html`<p class="sub">${none}</p>`;
  return html`<table class="counts"><thead><tr><th scope="col"><span class="hidden">What</span></th><th scope="col" class="num">in all</th><th scope="col" class="num">now</th></tr></thead><tbody>${rows.map(({ name, n, perSecond }) => html`<tr><th scope="row"><${Text} text=${name} most=${60} /></th><td class="num">${count(n)}</td><td class="num sub">${rate(perSecond)}</td></tr>`)}</tbody></table>`;
}

/** @param {{ health: Health }} props */
function Results({ health: { results } }) {
  return html`<section class="panel" aria-labelledby="results"><h2 id="results">Results</h2>
    ${
      results === undefined
        ? html`<p class="sub">There is no place for results (<code>RESULTS_URI</code>).</p>`
        : html`<${Meter} what="Waiting" now=${results.waiting} most=${results.most} />
    <p>${results.dropped === 0 ? 'None dropped' : html`<b class="bad">${count(results.dropped)} dropped</b>`}; last written <${Ago} at=${results.written} /></p>${results.problem !== undefined && html`<p class="note bad-note">✕ <${Text} text=${results.problem} most=${400} /></p>`}`
    }
  </section>`;
}

/** @param {{ health: Health }} props */
function Flags({ health: { flags } }) {
  return html`<section class="panel" aria-labelledby="flags"><h2 id="flags">Flags</h2><dl>
    <dt>Source</dt><dd>${flags.source}: <${Path} text=${flags.place} /></dd><dt>Revision</dt><dd><code><${Text} text=${flags.revision} most=${60} /></code></dd>
    <dt>Confirmed</dt><dd>${flags.age === undefined ? 'never' : `${age(flags.age)} ago`}</dd><dt>Kill switch</dt><dd>${flags.kill ? html`<b class="bad">on</b>` : 'off'}${flags.killFile !== undefined && html` <span class="sub">file <${Path} text=${flags.killFile} /></span>`}</dd></dl>
    ${flags.kept.length > 0 && html`<p class="note warn-note">Last good form kept: ${flags.kept.slice(0, 20).map((flag, index) => html`${index > 0 && ', '}<${Text} text=${flag} most=${80} />`)}</p>`}
    ${flags.problem !== undefined && html`<p class="note bad-note">✕ <${Text} text=${flags.problem} most=${400} /></p>`}</section>`;
}

/** @param {{ health: Health }} props */
function Process({ health: { process } }) {
  return html`<section class="panel" aria-labelledby="process"><h2 id="process">Process</h2><dl>
    <dt>Event loop, p99</dt><dd>${duration(process.eventLoopDelay)}</dd><dt>Memory</dt><dd>${bytes(process.memory)}</dd><dt>Requests in flight</dt><dd>${count(process.inFlight)}</dd><dt>Up</dt><dd>${age(process.uptime)}</dd></dl></section>`;
}

/** @param {{ health: Health & { unknown?: string } }} props */
function Replicas({ health: { replicas, unknown } }) {
  const behind = replicas.filter(({ alive, current }) => alive && !current).length;
  return html`<section aria-labelledby="replicas"><h2 id="replicas">Replicas</h2>${unknown !== undefined && html`<p class="note warn-note">They are not known: <${Text} text=${unknown} most=${300} /></p>`}
    <p class="sub">${counted(replicas.filter(({ alive }) => alive).length, 'replica')} alive${behind > 0 ? html`, <b class="warn">${behind} not yet on the flags of now</b>` : ''}.</p>
    ${
      replicas.length > 0 &&
      html`<div class="scroll" tabindex="0" role="region" aria-label="Table of the replicas"><table><thead><tr><th scope="col">Replica</th><th scope="col">State</th><th scope="col">Flags</th><th scope="col">From</th><th scope="col">Seen</th><th scope="col">Started</th><th scope="col">Version</th><th scope="col" class="num">Dropped</th></tr></thead>
    <tbody>${replicas.slice(0, 200).map((one) => html`<tr><th scope="row"><${Text} text=${one.name} most=${60} />${one.self && html` <span class="tag">this one</span>`}</th><td>${!one.alive ? html`<${Sign} word="idle" say="gone" />` : one.current ? html`<${Sign} word="good" say="current" />` : html`<${Sign} word="differs" say="behind" />`}</td><td class="mono"><${Text} text=${one.flags} most=${24} /></td><td>${one.flagsFrom}</td><td><${Ago} at=${one.seen} /></td><td><${Moment} at=${one.started} /></td><td>${one.version}</td><td class="num">${count(one.dropped)}</td></tr>`)}</tbody></table></div>`
    }</section>`;
}

/** @param {{ health: Health }} props */
function Parts({ health: { parts } }) {
  return html`<section aria-labelledby="parts"><h2 id="parts">Parts that readiness asks</h2><ul class="plain">${parts.map(
    ({ part, problem, facts }) =>
      html`<li><${Sign} word=${problem === undefined ? 'good' : 'failing'} say=${part} /> ${problem !== undefined && html`<${Text} text=${problem} most=${400} />`} <span class="sub"><${Text} text=${Object.entries(
        facts,
      )
        .map(([name, value]) => `${name} ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`)
        .join(', ')} most=${300} /></span></li>`,
  )}</ul></section>`;
}
