/** What differs, a row a fingerprint. @import { Finding } from '../src/admin/schema.ts' */
import { queryOf } from './api.js';
import { count, counted, percent } from './format.js';
import { Sign } from './glyphs.js';
import { go } from './go.js';
import { html, memo, useEffect, useMemo, useRef } from './lib.js';
import { filterOf, shown } from './neighbours.js';
import { usePages } from './paging.js';
import { Spark } from './plots.js';
import { routeTo } from './route.js';
import { Rows, useNarrow } from './rows.js';
import { useStore } from './store.js';
import { Ago, Text } from './text.js';
import { Empty, Loading, Problem, useSettled } from './ui.js';
import { KINDS, PAIRS, STATES } from './words.js';

const PAGE = 200;

/** @typedef {{ evidence: string, findings: Finding[], total?: number, next?: string, results?: string }} Page */

/** @param {{ route: import('./route.js').Route }} props */
export function FindingsPage({ route }) {
  const store = useStore();
  const { operation = '', pair = '', kind = '', state = '', search = '', known = '' } = route.query;
  const narrow = useNarrow();
  const query = useSettled(queryOf({ operation, pair, kind, state, search }), 200);
  const turn = useSettled(store.findings.value, 1_000);
  const list = usePages(
    async (after, stop) =>
      /** @type {Page} */ (
        await store.call(
          'GET',
          `/findings${queryOf({ operation, pair, kind, state, search, after, limit: PAGE })}`,
          undefined,
          stop,
        )
      ),
    (page) => page.findings,
    [query, turn],
  );
  const { page, error, loading, again } = list;
  const all = page === undefined ? undefined : list.rows;
  const rows = useInPlace(
    useMemo(() => shown(all ?? [], route.query), [all, known]),
    query,
  );
  const key = filterOf(route.query);
  // Only a list that is of this filter: what was known stays until there is another.
  const fits = !loading && query === queryOf({ operation, pair, kind, state, search });
  useEffect(() => {
    if (fits) store.listed.value = { key, fingerprints: rows.map(({ fingerprint }) => fingerprint) };
  }, [rows, fits, key]);
  // Back from a finding: to where one was in the list.
  const back = rows.findIndex(({ fingerprint }) => fingerprint === store.visited.value);
  useEffect(() => {
    if (rows.length > 0) store.visited.value = '';
  }, [rows.length > 0]);
  const filter = (/** @type {Record<string, string>} */ change) =>
    go('findings', undefined, { ...route.query, ...change }, true);
  const some = operation + pair + kind + state + search + known !== '';
  const choose = (
    /** @type {string} */ label,
    /** @type {string} */ name,
    /** @type {string} */ chosen,
    /** @type {readonly string[]} */ words,
  ) =>
    html`<label class="field"><span>${label}</span><select value=${chosen} onChange=${(/** @type {any} */ event) => filter({ [name]: event.target.value })}><option value="">any</option>${words.map((word) => html`<option value=${word}>${word}</option>`)}</select></label>`;
  return html`<section class="page" aria-labelledby="title">
    <div class="page-head"><h1 id="title" tabindex="-1">Findings</h1><p class="summary">${all && html`${counted(known === '' ? (page?.total ?? rows.length) : rows.length, 'finding')} <span class="sub">of evidence <code>${page?.evidence}</code></span>`}</p></div>
    <div class="tools" role="search">
      <label class="field grow"><span>Search</span><input type="search" data-search value=${search} placeholder="Path, sentence, fingerprint" onInput=${(/** @type {any} */ event) => filter({ search: event.target.value })} /></label>
      <label class="field grow"><span>Operation</span><input list="operations" value=${operation} placeholder="any" onChange=${(/** @type {any} */ event) => filter({ operation: event.target.value })} /></label>
      <datalist id="operations">${(store.operations.value?.operations ?? []).slice(0, 200).map(({ id }) => html`<option value=${id}></option>`)}</datalist>
      ${choose('State', 'state', state, STATES)}${choose('Kind', 'kind', kind, KINDS)}${choose('Pair', 'pair', pair, PAIRS)}${choose('Known', 'known', known, ['yes', 'no'])}
    </div>
    ${error && html`<${Problem} error=${error} retry=${again} what="The findings cannot be shown." />`}
    ${page?.results !== undefined && html`<p class="note warn-note">Findings are not known, or not of now: <${Text} text=${page.results} most=${300} /></p>`}
    ${all === undefined && loading && html`<${Loading} what="Asking for the findings" />`}
    ${all !== undefined && rows.length === 0 && page?.results === undefined && (some ? html`<${Empty} title="No finding is like that."><button type="button" class="button" onClick=${() => go('findings', undefined, {}, true)}>Show all</button><//>` : html`<${Empty} title="Nothing differs, as far as was compared.">That says something only where there was traffic to compare: see the gate of each operation in <a href="#/stages">Stages</a>.<//>`)}
    ${
      rows.length > 0 &&
      html`<div class="findings" role="table" aria-label="Findings" aria-rowcount=${(page?.total ?? rows.length) + 1}>
      <div class="list-head finding-row" role="row" aria-rowindex="1"><span role="columnheader">State</span><span role="columnheader">What differs</span><span role="columnheader">Pair</span><span role="columnheader" class="num">Seen</span><span role="columnheader">Last 48 h</span><span role="columnheader">Last</span></div>
      <${Rows} count=${rows.length} height=${narrow ? 9 : 3.5} name="rows rowgroup" margin=${110} start=${back} keyOf=${(/** @type {number} */ index) => rows[index]?.fingerprint ?? String(index)} onWindow=${list.onWindow} row=${(/** @type {number} */ index) => html`<${FindingRow} finding=${rows[index]} index=${index} filter=${key} />`} />
    </div>`
    }
  </section>`;
}

/**
 * The same findings where they stood: a list that sorts itself anew under a pointer opens the wrong one. New ones come
 * last; exposures are an alarm, and come first whenever they come.
 * @param {readonly Finding[]} findings @param {string} key another list where it is another @returns {readonly Finding[]}
 */
function useInPlace(findings, key) {
  const places = useRef({ key, of: /** @type {Map<string, number>} */ (new Map()) });
  return useMemo(() => {
    if (places.current.key !== key) places.current = { key, of: new Map() };
    const { of } = places.current;
    for (const { fingerprint } of findings) if (!of.has(fingerprint)) of.set(fingerprint, of.size);
    const placeOf = (/** @type {Finding} */ { state, fingerprint }) =>
      (state === 'exposure' ? -1e9 : 0) + (of.get(fingerprint) ?? 0);
    return [...findings].sort((a, b) => placeOf(a) - placeOf(b));
  }, [findings]);
}

const FindingRow = memo(Row);

/** @param {{ finding: Finding, index: number, filter: string }} props */
function Row({ finding, index, filter }) {
  const {
    fingerprint,
    operation,
    pair,
    kind,
    path,
    n,
    share,
    verdict,
    state,
    last,
    tenants,
    sentence,
    cause,
    hours,
    known,
    alone,
  } = finding;
  return html`<div class=${`finding-row${known ? ' known' : ''}`} role="row" aria-rowindex=${index + 2}>
    <div role="cell" class="f-state"><${Sign} word=${state} /><span class="sub">${kind}${verdict !== state && `, ${verdict}`}</span></div>
    <div role="rowheader" class="f-what">
      <a class="row-link one-line" href=${`${routeTo('findings', fingerprint)}${filter}`}><${Text} text=${sentence} most=${220} /></a>
      <span class="sub one-line">${known && html`<span class="tag">known</span> `}<${Text} text=${operation} most=${60} /> <span class="mono"><${Text} text=${path === '' ? '(whole answer)' : path} most=${120} /></span>${cause !== undefined && html` · <${Text} text=${cause} most=${80} />`}</span>
    </div>
    <div role="cell" class="f-pair">${pair.replace('-', ' | ')}<span class="sub">${alone !== undefined ? html`<${Text} text=${`alone: ${alone}`} most=${40} />` : counted(tenants.length, 'tenant')}</span></div>
    <div role="cell" class="num">${count(n)}<span class="sub">${percent(share)}</span></div>
    <div role="cell" class="f-spark"><${Spark} hours=${hours} /></div>
    <div role="cell" class="sub f-last"><${Ago} at=${last} /></div>
  </div>`;
}
