/** Who changed what, when and why. @import { AuditEntry, Change as Made } from '../src/admin/schema.ts' */
import { queryOf } from './api.js';
import { Preview, PreviewPane } from './change.js';
import { html, useEffect, useState } from './lib.js';
import { useStore } from './store.js';
import { Block, Moment, Text } from './text.js';
import { Change, Dialog, Empty, Loading, Problem, useAsked } from './ui.js';

const PAGE = 50;

export function AuditPage() {
  const store = useStore();
  const asked = useAsked(
    async (stop) =>
      /** @type {{ entries: AuditEntry[], next?: string }} */ (
        await store.call('GET', `/audit${queryOf({ limit: PAGE })}`, undefined, stop)
      ),
    [store.link.value.since],
  );
  const [more, setMore] = useState(
    /** @type {{ entries: AuditEntry[], next: string | undefined, error?: any }} */ ({ entries: [], next: undefined }),
  );
  const [undoing, setUndoing] = useState(/** @type {AuditEntry | undefined} */ (undefined));
  useEffect(() => {
    if (asked.value) setMore({ entries: [], next: asked.value.next });
  }, [asked.value]);
  const entries = unique([...store.audit.value, ...(asked.value?.entries ?? []), ...more.entries]);
  const load = () =>
    store.call('GET', `/audit${queryOf({ after: more.next, limit: PAGE })}`, undefined, undefined).then(
      (page) => setMore({ entries: [...more.entries, ...page.entries], next: page.next }),
      (error) => setMore({ ...more, error }),
    );
  return html`<section class="page" aria-labelledby="title">
    <div class="page-head"><h1 id="title" tabindex="-1">Audit</h1><p class="summary sub">newest first</p></div>
    ${asked.error && html`<${Problem} error=${asked.error} retry=${asked.again} what="The audit log cannot be shown." />`}
    ${asked.loading && entries.length === 0 && html`<${Loading} />`}
    ${!asked.loading && !asked.error && entries.length === 0 && html`<${Empty} title="Nothing was changed yet.">Every change stands here: who, what, before, after, and why.<//>`}
    <ol class="audit">${entries.map((entry) => html`<${Entry} key=${entry.id} entry=${entry} onUndo=${() => setUndoing(entry)} />`)}</ol>
    ${more.error && html`<${Problem} error=${more.error} retry=${load} what="Older ones cannot be shown." />`}
    ${more.next !== undefined && html`<p><button type="button" class="button" onClick=${load}>Older ones</button></p>`}
    ${undoing && html`<${UndoDialog} entry=${undoing} onClose=${() => setUndoing(undefined)} />`}
  </section>`;
}

/** @param {AuditEntry[]} entries */
const unique = (entries) =>
  [...new Map(entries.map((entry) => [entry.id, entry])).values()].sort((a, b) => Date.parse(b.at) - Date.parse(a.at));

/** @param {{ entry: AuditEntry, onUndo: () => void }} props */
function Entry({ entry, onUndo }) {
  const { at, who, what, where, why, forced, undoable, before, after } = entry;
  return html`<li class="audit-entry"><div class="audit-head"><p><${Moment} at=${at} /> <b><${Text} text=${who} most=${80} /></b> <${Text} text=${what} most=${300} more />${forced && html` <span class="tag bad-tag">forced</span>`}</p>${undoable && html`<${Change} onClick=${onUndo}>Undo…<//>`}</div>
    <p class="sub">${why === undefined ? 'No reason given' : html`“<${Text} text=${why} most=${500} more />”`}; <${Text} text=${where} most=${200} /></p>
    ${(before ?? after ?? undefined) !== undefined && html`<details><summary>Before and after</summary><div class="sides"><div class="side"><h2>Before</h2><${Block} text=${pretty(before)} /></div><div class="side"><h2>After</h2><${Block} text=${pretty(after)} /></div></div></details>`}</li>`;
}

const pretty = (/** @type {unknown} */ value) =>
  typeof value === 'string' ? value : (JSON.stringify(value, null, 2) ?? '–');

/** @param {{ entry: AuditEntry, onClose: () => void }} props */
function UndoDialog({ entry, onClose }) {
  const store = useStore();
  const path = `/changes/${encodeURIComponent(entry.id)}/undo`;
  const asked = useAsked(
    async (stop) => /** @type {Made} */ (await store.call('POST', path, { dryRun: true }, stop)),
    [entry.id],
  );
  const [reason, setReason] = useState('');
  const [force, setForce] = useState(false);
  const [error, setError] = useState(/** @type {any} */ (undefined));
  const preview = asked.value;
  const needsForce = preview?.needs.force === true || error?.again?.force === true;
  const off =
    preview === undefined && !asked.error
      ? 'The preview is not there yet.'
      : needsForce && (!force || reason.trim() === '')
        ? 'It is against the rules: tick the box, and say why.'
        : undefined;
  const undo = async () => {
    const touched = new Set(preview?.effects.map(({ operation }) => operation));
    const before = (store.operations.value?.operations ?? []).filter(({ id }) => touched.has(id));
    try {
      const change = await store.call(
        'POST',
        path,
        { reason: reason.trim() || undefined, force: needsForce && force },
        undefined,
      );
      store.made.value = { change, at: Date.now(), before, undone: true };
      onClose();
    } catch (problem) {
      setError(problem);
    }
  };
  return html`<${Dialog} title="Undo" onClose=${onClose} wide><form class="change" onSubmit=${(/** @type {Event} */ event) => event.preventDefault()}>
    <div class="change-form"><p><${Text} text=${entry.what} most=${300} /></p></div>
    <${PreviewPane} busy=${preview === undefined}>${asked.error ? html`<${Problem} error=${asked.error} retry=${asked.again} what="It cannot be previewed." />` : preview === undefined ? html`<${Loading} what="Looking" />` : html`<${Preview} change=${preview} />`}<//>
    <div class="change-form change-do">
      <label class="field"><span>Reason${needsForce ? ' (needed)' : ''}</span><textarea rows="2" maxlength="2000" value=${reason} onInput=${(/** @type {any} */ event) => setReason(event.target.value)}></textarea></label>
      ${needsForce && html`<label class="check"><input type="checkbox" checked=${force} onChange=${(/** @type {any} */ event) => setForce(event.target.checked)} /> Undo it all the same: ${(preview?.needs.why ?? []).join(' ')}</label>`}
      ${error && html`<${Problem} error=${error} what="It was not undone." />`}
      <div class="actions end"><button type="button" class="button" onClick=${onClose}>Cancel</button><${Change} class=${needsForce ? 'danger' : 'primary'} off=${off} onClick=${undo}>Undo<//></div></div></form><//>`;
}
