/** The dialogs that move: an operation, its tenants, its ramp, its floor, the sampling, and the kill switch. */
/** @import { Operation, ChangeRequest } from '../src/admin/schema.ts' */
import { ChangeDialog } from './change.js';
import { visible } from './format.js';
import { isBefore, Stage } from './glyphs.js';
import { html, useState } from './lib.js';
import { useStore } from './store.js';
import { Text } from './text.js';

/** Whichever dialog is open. */
export function Dialogs() {
  const store = useStore();
  const open = store.dialog.value;
  const operation = store.operations.value?.operations.find(({ id }) => id === open?.operation);
  if (open?.kind === 'kill') return html`<${KillDialog} lift=${store.operations.value?.kill === true} />`;
  if (open?.kind === 'sampling') return html`<${SamplingDialog} now=${store.operations.value?.sampling ?? 100} />`;
  if (operation === undefined) return null;
  if (open?.kind === 'move')
    return html`<${MoveDialog} operation=${operation} to=${open.to} who=${open.who} tenants=${open.tenants} />`;
  if (open?.kind === 'floor') return html`<${FloorDialog} operation=${operation} />`;
  return null;
}

/** @typedef {'everybody' | 'tenants' | 'ramp'} Who */

/** @param {{ operation: Operation, to?: any, who?: any, tenants?: any }} props */
function MoveDialog({ operation, to: wanted, who: first = 'everybody', tenants: names = '' }) {
  const { id, offered, stage, ramp, next, previous, floor } = operation;
  const [who, setWho] = useState(/** @type {Who} */ (first));
  const [to, setTo] = useState(
    /** @type {string} */ (wanted ?? (first === 'ramp' ? ramp?.to : undefined) ?? next ?? previous ?? stage),
  );
  const [text, setText] = useState(/** @type {string} */ (names));
  const [share, setShare] = useState(ramp?.percent ?? 10);
  const [all, setAll] = useState(false);
  // A name with a line break in it is one tenant's, not two.
  const single = /[\r\n]/.test(names) && text === names;
  const lines = single ? [text] : text.split('\n').map((line) => line.replace(/\r$/, ''));
  const tenants = [...new Set(lines.filter((line) => line.trim() !== ''))];
  const wants =
    who === 'tenants' && tenants.length === 0
      ? 'Name the tenants, one a line.'
      : tenants.length > 1_000
        ? 'At most 1,000 tenants at once.'
        : undefined;
  const request = wants === undefined ? requestOf(id, who, to, tenants, share, all) : undefined;
  const verb =
    who === 'ramp'
      ? `Ramp ${share} % to ${to}`
      : who === 'tenants'
        ? `Move ${tenants.length} to ${to}`
        : `Move all to ${to}`;
  const radio = (/** @type {Who} */ value, /** @type {string} */ label) =>
    html`<label class="check"><input type="radio" name="who" value=${value} checked=${who === value} onChange=${() => setWho(value)} /> ${label}</label>`;
  return html`<${ChangeDialog} title=${html`Move <${Text} text=${id} most=${80} />`} request=${request} wants=${wants} verb=${verb}>
    <fieldset><legend>Who</legend>${radio('everybody', 'Everybody')}${radio('tenants', 'Tenants by name')}${radio('ramp', 'A share of tenants')}</fieldset>
    ${who === 'everybody' && html`<label class="check"><input type="checkbox" checked=${all} onChange=${(/** @type {any} */ event) => setAll(event.target.checked)} /> Tenants with a stage of their own too (${operation.named})</label>`}
    ${who === 'tenants' && single && html`<p>Tenant <${Text} text=${text} most=${128} mono /></p>`}
    ${who === 'tenants' && !single && html`<label class="field"><span>Tenants, one a line</span><textarea rows="4" class="mono" spellcheck=${false} value=${text} onInput=${(/** @type {any} */ event) => setText(event.target.value)}></textarea></label>`}
    ${who === 'ramp' && html`<label class="field"><span>Share: <b>${share} %</b> of tenants</span><input type="range" min="0" max="100" step="1" value=${share} onInput=${(/** @type {any} */ event) => setShare(Number(event.target.value))} /></label>`}
    <fieldset class="stages"><legend>To</legend>
      ${offered.map((name) => html`<label class="check"><input type="radio" name="to" value=${name} checked=${to === name} disabled=${isBefore(name, floor)} onChange=${() => setTo(name)} /> <${Stage} stage=${name} />${name === stage && html` <span class="sub">now</span>`}${isBefore(name, floor) && html` <span class="sub">below the floor</span>`}</label>`)}
    </fieldset>
  <//>`;
}

/**
 * @param {string} operation @param {Who} who @param {string} to @param {string[]} tenants @param {number} share @param {boolean} all
 * @returns {ChangeRequest}
 */
function requestOf(operation, who, to, tenants, share, all) {
  const stage = /** @type {Operation['stage']} */ (to);
  if (who === 'ramp') return { operation, ramp: { to: stage, percent: share } };
  if (who === 'tenants') return { operation, stage, tenants };
  return all ? { operation, stage, all } : { operation, stage };
}

/** @param {{ operation: Operation }} props */
function FloorDialog({ operation }) {
  const { id, offered, floor } = operation;
  const [to, setTo] = useState(/** @type {string} */ (floor));
  const stage = /** @type {Operation['stage']} */ (to);
  const wants = to === floor ? 'Choose another floor than that of now.' : undefined;
  return html`<${ChangeDialog} title=${html`Floor of <${Text} text=${id} most=${80} />`} request=${wants === undefined ? { operation: id, floor: stage } : undefined} wants=${wants} verb=${`Set the floor to ${to}`}>
    <p>Nothing goes below the floor, the kill switch neither: better 503 than an old answer. Raise it once older stages stop being true.</p>
    <fieldset class="stages"><legend>Floor</legend>${offered.map((name) => html`<label class="check"><input type="radio" name="floor" value=${name} checked=${to === name} onChange=${() => setTo(name)} /> <${Stage} stage=${name} />${name === floor && html` <span class="sub">now</span>`}</label>`)}</fieldset>
  <//>`;
}

/** @param {{ now: number }} props */
function SamplingDialog({ now }) {
  const [share, setShare] = useState(String(now));
  const value = Number(share);
  const wants =
    share.trim() === '' || !(value >= 0 && value <= 100)
      ? 'A number from 0 to 100.'
      : value === now
        ? 'Choose another share than that of now.'
        : undefined;
  return html`<${ChangeDialog} title="Sampling" request=${wants === undefined ? { sampling: value } : undefined} wants=${wants} verb=${`Carry out ${share} %`}>
    <p>How many of the plans with a candidate are carried out. What has little evidence is always compared first.</p>
    <label class="field"><span>Percent</span><input type="number" min="0" max="100" step="any" value=${share} onInput=${(/** @type {any} */ event) => setShare(event.target.value)} /></label>
  <//>`;
}

/** @param {{ lift: boolean }} props */
function KillDialog({ lift }) {
  const store = useStore();
  const api = visible(store.session.value?.api ?? 'this API');
  if (lift) {
    return html`<${ChangeDialog} title=${`Lift the kill switch of ${api}`} request=${{ kill: false }} verb="Lift">
      <p>Every operation goes back to the stages that its flags say.</p><//>`;
  }
  return html`<${ChangeDialog} title=${`Kill switch of ${api}`} request=${{ kill: true }} verb="Kill" typed="kill" danger>
    <p>Every operation goes to its floor at once, for every tenant. It is one press to lift it again.</p><//>`;
}
