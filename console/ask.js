/** Any read, asked of every origin now. @import { Diff } from '../src/admin/schema.ts' */
import { DiffView } from './diff-view.js';
import { go } from './go.js';
import { HeadersField, headersOf } from './headers.js';
import { html, useState } from './lib.js';
import { useStore } from './store.js';
import { Text } from './text.js';
import { Change, Copy, Loading, Problem } from './ui.js';

/** @param {{ route: import('./route.js').Route }} props */
export function AskPage({ route }) {
  const store = useStore();
  const { method = 'GET', path = '', operation = '' } = route.query;
  const { headers, diff, error, of } = store.asking.value;
  const [busy, setBusy] = useState(false);
  const known = store.operations.value?.operations.find(({ id }) => id === operation);
  const change = (/** @type {Record<string, string>} */ some) =>
    go('ask', undefined, { ...route.query, method, path, ...some }, true);
  const keep = (/** @type {Partial<import('./store.js').Asking>} */ some) =>
    (store.asking.value = { ...store.asking.value, ...some });
  const off = busy
    ? 'It is being asked.'
    : !path.startsWith('/')
      ? 'A path begins with /.'
      : /[{}]/.test(path)
        ? 'Put values in place of what stands in braces.'
        : undefined;
  const ask = async () => {
    setBusy(true);
    keep({ diff: undefined, error: undefined, of: `${method} ${path}` });
    try {
      const sent = headersOf(headers);
      const body = { method, path, ...(sent && { headers: sent }) };
      const answered = /** @type {Diff} */ (await store.call('POST', '/diff', body, undefined));
      keep({ diff: answered });
      store.said.value = 'The origins have answered.';
    } catch (problem) {
      keep({ error: problem });
    } finally {
      setBusy(false);
    }
  };
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    if (off === undefined && store.operator.value) ask();
  };
  return html`<section class="page" aria-labelledby="title">
    <div class="page-head"><h1 id="title" tabindex="-1">Ask</h1><p class="summary sub">one read, asked of every origin now, and what they say held together</p></div>
    <form class="ask" onSubmit=${submit}>
      <label class="field"><span>Method</span><select value=${method} onChange=${(/** @type {any} */ event) => change({ method: event.target.value })}><option>GET</option><option>HEAD</option></select></label>
      <label class="field grow"><span>Path, with its query</span><input class="mono" data-search value=${path} maxlength="16384" spellcheck=${false} autocapitalize="off" autocomplete="off" placeholder="/…" onInput=${(/** @type {any} */ event) => change({ path: event.target.value })} /></label>
      <div class="ask-headers"><p class="sub">Headers, such as the tenant’s and credentials of the day</p><${HeadersField} value=${headers} onInput=${(/** @type {string} */ text) => keep({ headers: text })} /></div>
      <div class="actions"><${Change} class="primary" off=${off} onClick=${ask}>${busy ? 'Asking …' : 'Ask every origin'}<//><${Copy} text=${location.href} what="link" /><span class="sub" role="status">${store.operator.value && path !== '' ? (off ?? '') : ''}</span></div>
    </form>
    <p class="sub">${known !== undefined && html`<b><${Text} text=${known.id} most=${80} /></b> is ${known.method} <${Text} text=${known.path} most=${300} />. `}The audit log says who asked for which tenant, never what was answered. The address keeps the path, not the headers.</p>
    ${error && html`<${Problem} error=${error} retry=${off === undefined ? ask : undefined} what="The origins could not be asked." />`}
    ${busy && html`<${Loading} what="Asking every origin" />`}
    ${diff && html`${of !== `${method} ${path}` && html`<p class="note warn-note">This is what was answered to <code><${Text} text=${of} most=${300} /></code>.</p>`}<${DiffView} diff=${diff} />`}
  </section>`;
}
