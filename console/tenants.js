/** Where is this tenant? @import { Tenants } from '../src/admin/schema.ts' */
import { queryOf } from './api.js';
import { count } from './format.js';
import { Stage } from './glyphs.js';
import { go } from './go.js';
import { html, memo } from './lib.js';
import { usePages } from './paging.js';
import { routeTo } from './route.js';
import { Rows, useNarrow } from './rows.js';
import { useStore } from './store.js';
import { Ago, Text } from './text.js';
import { Change, Empty, Loading, Problem, useSettled } from './ui.js';

const PAGE = 200;

/** @param {{ route: import('./route.js').Route }} props */
export function TenantsPage({ route }) {
  const store = useStore();
  const { search = '', operation = '' } = route.query;
  const narrow = useNarrow();
  const settled = useSettled(`${search}\n${operation}`, 200);
  const list = usePages(
    async (after, stop) =>
      /** @type {Tenants & { results?: string }} */ (
        await store.call('GET', `/tenants${queryOf({ search, operation, after, limit: PAGE })}`, undefined, stop)
      ),
    (page) => page.tenants,
    [settled, store.operations.value?.revision],
  );
  const filter = (/** @type {Record<string, string>} */ change) =>
    go('tenants', undefined, { ...route.query, ...change }, true);
  const operations = store.operations.value?.operations ?? [];
  const { rows, page, error, loading } = list;
  const total = page?.total;
  return html`<section class="page" aria-labelledby="title">
    <div class="page-head"><h1 id="title" tabindex="-1">Tenants</h1><p class="summary">${total !== undefined && `${count(total)} ${search === '' ? 'known' : 'found'}`}</p></div>
    <div class="tools" role="search">
      <label class="field grow"><span>Tenant</span><input type="search" data-search value=${search} placeholder="A part of its name" onInput=${(/** @type {any} */ event) => filter({ search: event.target.value })} /></label>
      <label class="field grow"><span>Stage of</span><input list="operations" value=${operation} placeholder="what differs from the others" onChange=${(/** @type {any} */ event) => filter({ operation: event.target.value })} /></label>
      <datalist id="operations">${operations.slice(0, 200).map(({ id }) => html`<option value=${id}></option>`)}</datalist>
    </div>
    ${error && html`<${Problem} error=${error} retry=${list.again} what="The tenants cannot be shown." />`}
    ${page?.results !== undefined && html`<p class="note warn-note">Only tenants with a stage of their own are known: <${Text} text=${page.results} most=${300} /></p>`}
    ${rows.length === 0 && loading && html`<${Loading} what="Looking for tenants" />`}
    ${rows.length === 0 && !loading && !error && (search === '' ? html`<${Empty} title="No tenant is known yet.">A tenant is known once it has sent a request, or has a stage of its own.<//>` : html`<${Empty} title="No tenant has that in its name."><button type="button" class="button" onClick=${() => filter({ search: '' })}>Show all</button><//>`)}
    ${
      rows.length > 0 &&
      html`<div class="tenants" role="table" aria-label="Tenants" aria-rowcount=${(total ?? rows.length) + 1}>
      <div class="list-head tenant-row" role="row" aria-rowindex="1"><span role="columnheader">Tenant</span><span role="columnheader">Last seen</span><span role="columnheader">${operation === '' ? 'Where it is not with the others' : 'Stage'}</span><span role="columnheader"><span class="hidden">Change</span></span></div>
      <${Rows} count=${rows.length} height=${narrow ? 6.5 : 2.75} name="rows rowgroup" margin=${110} onWindow=${list.onWindow} row=${(/** @type {number} */ index) => html`<${TenantRow} tenant=${rows[index]} index=${index} operation=${operation} />`} />
    </div>`
    }
  </section>`;
}

const TenantRow = memo(Row);

/** @param {{ tenant: any, index: number, operation: string }} props */
function Row({ tenant, index, operation }) {
  const store = useStore();
  /** @type {Tenants['tenants'][number]} */
  const { tenant: name, last, stages } = tenant;
  const move = (/** @type {string} */ id) =>
    (store.dialog.value = { kind: 'move', operation: id, who: 'tenants', tenants: name });
  return html`<div class="tenant-row" role="row" aria-rowindex=${index + 2}>
    <div role="rowheader" class="one-line"><${Text} text=${name} most=${128} mono /></div>
    <div role="cell" class="sub"><${Ago} at=${last} /></div>
    <div role="cell" class="one-line">${stages.length === 0 ? html`<span class="sub">with the others</span>` : stages.slice(0, 6).map((one) => html`<span class="placed">${operation === '' && html`<a href=${routeTo('stages', one.operation)}><${Text} text=${one.operation} most=${40} /></a> `}<${Stage} stage=${one.stage} />${one.own && html` <span class="sub">by name</span>`}</span>`)}${stages.length > 6 && html`<span class="sub"> and ${stages.length - 6} more</span>`}</div>
    <div role="cell">${(operation !== '' || stages[0]) && html`<${Change} onClick=${() => move(operation || stages[0].operation)}>Move…<//>`}</div>
  </div>`;
}
