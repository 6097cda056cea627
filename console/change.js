/** A change is seen before it is made. @import { Change as Made, ChangeRequest, GateVerdict } from '../src/admin/schema.ts' */
import { count, counted, percent } from './format.js';
import { StageMark } from './glyphs.js';
import { html, useLayoutEffect, useRef, useState } from './lib.js';
import { Verdict } from './operation.js';
import { useStore } from './store.js';
import { Block, Text } from './text.js';
import { Change, Dialog, Loading, Problem, useAsked, useSettled } from './ui.js';

/**
 * The dialog of any change: its form, the preview, a reason, force where the preview asks for it, and one button.
 * @param {{
 *   title: any, children?: any, request: ChangeRequest | undefined, verb: string, wants?: string,
 *   typed?: string, danger?: boolean
 * }} props `wants`: what the form still needs; `typed`: the word that must be typed before the button can be pressed.
 */
export function ChangeDialog({ title, children, request, verb, wants, typed, danger = false }) {
  const store = useStore();
  const [reason, setReason] = useState('');
  const [force, setForce] = useState(false);
  const [word, setWord] = useState('');
  const [state, setState] = useState(
    /** @type {{ busy: boolean, error: any, force: boolean }} */ ({ busy: false, error: undefined, force: false }),
  );
  const key = useSettled(JSON.stringify(request), 200);
  const asked = useAsked(
    async (stop) => {
      if (key === undefined) return undefined;
      const change = await store.call('POST', '/changes', { ...JSON.parse(key), dryRun: true }, stop);
      return { key, change: /** @type {Made} */ (change) };
    },
    [key],
  );
  // What was seen before stays in `asked` while it is asked anew, and where that fails: it is of another change.
  const preview =
    request !== undefined && asked.value?.key === JSON.stringify(request) ? asked.value.change : undefined;
  const needsForce = preview?.needs.force === true || state.force;
  const off = offBecause({ wants, preview, needsForce, force, reason, typed, word, busy: state.busy });
  const close = () => (store.dialog.value = undefined);

  const make = async () => {
    setState({ ...state, busy: true, error: undefined });
    const before = store.operations.value?.operations ?? [];
    const body = {
      ...request,
      reason: reason.trim() || undefined,
      force: needsForce && force,
      dryRun: false,
      revision: preview?.revision,
    };
    try {
      const change = /** @type {Made} */ (await store.call('POST', '/changes', body, undefined));
      const touched = new Set(change.effects.map(({ operation }) => operation));
      store.made.value = { change, at: Date.now(), before: before.filter(({ id }) => touched.has(id)) };
      store.said.value = change.changed ? `Done: ${change.what}` : 'Nothing changed.';
      close();
    } catch (error) {
      setState({ busy: false, error, force: /** @type {any} */ (error).again?.force === true });
      asked.again();
    }
  };
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    if (off === undefined && store.operator.value) make();
  };
  return html`<${Dialog} title=${title} onClose=${close} wide>
    <form class="change" onSubmit=${submit}>
      <div class="change-form">${children}</div>
      <${PreviewPane} busy=${preview === undefined && wants === undefined}>
        ${asked.error && preview === undefined ? html`<${Problem} error=${asked.error} retry=${asked.again} what="It cannot be previewed." />` : wants !== undefined ? html`<p class="sub">${wants}</p>` : preview === undefined ? html`<${Loading} what="Looking" />` : html`<${Preview} change=${preview} />`}
      <//>
      <div class="change-form change-do">
        <label class="field"><span>Reason${needsForce || typed !== undefined ? ' (needed)' : ''}, for the audit log</span><textarea rows="2" maxlength="2000" value=${reason} onInput=${(/** @type {any} */ event) => setReason(event.target.value)}></textarea></label>
        ${
          needsForce &&
          html`<fieldset class="force"><legend>Against the rules</legend>
          <ul>${(preview?.needs.why ?? []).map((why) => html`<li><${Text} text=${why} most=${500} /></li>`)}</ul>
          <label class="check"><input type="checkbox" checked=${force} onChange=${(/** @type {any} */ event) => setForce(event.target.checked)} /> Do it all the same. The audit log says that it was forced.</label></fieldset>`
        }
        ${typed !== undefined && html`<label class="field"><span>Type <b>${typed}</b> to go on</span><input value=${word} autocomplete="off" autocapitalize="off" spellcheck=${false} onInput=${(/** @type {any} */ event) => setWord(event.target.value)} /></label>`}
        ${state.error && html`<${Problem} error=${state.error} what="Nothing was changed." />`}
        <div class="actions end"><button type="button" class="button" onClick=${close}>Cancel</button>
          <${Change} class=${danger || needsForce ? 'danger' : 'primary'} off=${off} type="button" onClick=${make}>${state.busy ? 'Changing …' : needsForce ? `Force: ${verb}` : verb}<//></div>
        <p class="sub off-why" role="status">${store.operator.value ? (off ?? '') : 'You are a viewer: you can look at what it would do.'}</p>
      </div>
    </form>
  <//>`;
}

/**
 * What a change would do, beside or between its form; where there is more than fits, that is said.
 * @param {{ children?: any, busy?: boolean }} props
 */
export function PreviewPane({ children, busy = false }) {
  /** @type {{ current: any }} */
  const ref = useRef(null);
  const [more, setMore] = useState(false);
  const look = () => {
    const { scrollHeight, scrollTop, clientHeight } = ref.current;
    setMore(scrollHeight - scrollTop - clientHeight > 8);
  };
  useLayoutEffect(() => {
    const watch = new ResizeObserver(look);
    for (const one of [ref.current, ref.current.firstElementChild]) watch.observe(one);
    return () => watch.disconnect();
  }, []);
  const down = () => ref.current.scrollBy({ top: ref.current.clientHeight * 0.8 });
  return html`<section class="preview" ref=${ref} tabindex="0" onScroll=${look} aria-label="What it would do" aria-busy=${busy}>
    <div class="preview-inner"><h3>What it would do</h3>${children}</div>
    ${more && html`<p class="preview-more"><button type="button" class="button" onClick=${down}>More below ↓</button></p>`}
  </section>`;
}

/** Why the button cannot be pressed yet. @param {any} state */
function offBecause({ wants, preview, needsForce, force, reason, typed, word, busy }) {
  if (busy) return 'It is being changed.';
  if (wants !== undefined) return wants;
  // The kill switch waits for nobody: what it does is known without a preview.
  if (preview === undefined && typed === undefined) return 'The preview is not there yet.';
  if (preview?.changed === false) return 'It would change nothing.';
  if (needsForce && !force) return 'It is against the rules: tick the box above, and say why.';
  if ((needsForce || typed !== undefined) && reason.trim() === '') return 'Say why.';
  if (typed !== undefined && word !== typed) return `Type ${typed}.`;
  return undefined;
}

const MOST = 20;

/** What a change would do, or did. @param {{ change: Made }} props */
export function Preview({ change }) {
  const shown = change.effects.slice(0, MOST);
  return html`<p class="what"><${Text} text=${change.what} most=${400} /></p>
    ${!change.changed && html`<p class="sub">That is how it is already.</p>`}
    ${change.effects.length > 2 ? html`<${Many} effects=${shown} />` : shown.map((effect) => html`<${Effect} key=${effect.operation} effect=${effect} />`)}
    ${change.effects.length > MOST && html`<p class="sub">And ${count(change.effects.length - MOST)} more operations.</p>`}
    ${change.gate.length > 0 && html`<h4>Gate</h4>${change.gate.slice(0, MOST).map((/** @type {GateVerdict} */ verdict) => html`<${Verdict} key=${verdict.operation} verdict=${verdict} away />`)}`}
    ${change.diff !== undefined && change.diff !== '' && html`<details><summary>Difference in stages.yaml</summary><${Block} text=${change.diff} /></details>`}`;
}

/** Of many operations a line each. @param {{ effects: Made['effects'] }} props */
const Many = ({ effects }) =>
  html`<ul class="reasons">${effects.map(
    ({ operation, moving, before, after, note }) =>
      html`<li><b><${Text} text=${operation} most=${80} /></b>${moving !== undefined && html` <span class="sub">${counted(moving, 'tenant')}</span>`}<span class="cure"><${Text} text=${before} most=${120} /> → <${Text} text=${after} most=${120} /></span>${note !== '' && html`<${Text} text=${note} most=${300} />`}</li>`,
  )}</ul>`;

/** @param {{ effect: Made['effects'][number] }} props */
function Effect({ effect }) {
  const { operation, before, after, moving, tenantsBefore, tenantsAfter, some, stays, note } = effect;
  return html`<div class="effect">
    <h4><${Text} text=${operation} most=${120} /></h4>
    ${moving !== undefined && html`<p><b class="figure">${count(moving)}</b> known ${moving === 1 ? 'tenant moves' : 'tenants move'}</p>`}
    <dl class="shift">
      <dt>Now</dt><dd>${tenantsBefore ? html`<${Shares} shares=${tenantsBefore} />` : html`<${Text} text=${before} most=${300} />`}</dd>
      <dt>Then</dt><dd>${tenantsAfter ? html`<${Shares} shares=${tenantsAfter} />` : html`<${Text} text=${after} most=${300} />`}</dd>
    </dl>
    ${tenantsBefore && html`<p class="sub">By flag: <${Text} text=${before} most=${300} /> → <${Text} text=${after} most=${300} /></p>`}
    ${some.length > 0 && html`<p>${moving !== undefined && moving > some.length ? `First ${some.length}: ` : 'Moving: '}<${Names} names=${some} /></p>`}
    ${stays.length > 0 && html`<p>Left at a stage of their own: <${Names} names=${stays} /></p>`}
    ${note !== '' && html`<p class="note"><${Text} text=${note} most=${600} /></p>`}
  </div>`;
}

/** @param {{ names: readonly string[] }} props */
const Names = ({ names }) =>
  html`<span class="names">${names.map((name, index) => html`${index > 0 && ', '}<${Text} text=${name} most=${60} />`)}</span>`;

/** A bar of shares, with its figures. @param {{ shares: readonly { stage: string, n: number }[] }} props */
export function Shares({ shares }) {
  const total = shares.reduce((sum, { n }) => sum + n, 0);
  const some = shares.filter(({ n }) => n > 0);
  return html`<span class="shares"><span class="bar" aria-hidden="true">${some.map(({ stage, n }) => html`<span class=${`part at-${stage}`} style=${{ flexGrow: n }}></span>`)}</span>
    <span class="legend">${some.map(({ stage, n }) => html`<span class="stage"><${StageMark} stage=${stage} /> ${stage} ${count(n)} <span class="sub">(${percent(n / total)})</span></span>`)}</span></span>`;
}
