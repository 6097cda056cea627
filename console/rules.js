/** What may differ: the rules that are declared, and what each is used for. @import { Rules } from '../src/admin/schema.ts' */
/** @import { Static } from 'typebox' */
import { count, counted } from './format.js';
import { Sign } from './glyphs.js';
import { html } from './lib.js';
import { useStore } from './store.js';
import { Text } from './text.js';
import { Empty, Loading, Problem, useAsked } from './ui.js';

/** @typedef {Static<typeof Rules>['rules'][number]} Rule */

const EVERY = 500;

export function RulesPage() {
  const store = useStore();
  const { value, error, loading, again } = useAsked(
    async (stop) => /** @type {Static<typeof Rules>} */ (await store.call('GET', '/rules', undefined, stop)),
    [store.findings.value, store.link.value.since],
  );
  const rules = [...(value?.rules ?? [])].sort((a, b) => rank(a) - rank(b) || (b.uses ?? 0) - (a.uses ?? 0));
  return html`<section class="page" aria-labelledby="title">
    <div class="page-head"><h1 id="title" tabindex="-1">Rules</h1><p class="summary">${value && counted(rules.length, 'rule')} <span class="sub">what may differ, declared under <code>compare</code> in the bindings</span></p></div>
    ${error && html`<${Problem} error=${error} retry=${again} what="The rules cannot be shown." />`}
    ${value === undefined && loading && html`<${Loading} what="Asking for the rules" />`}
    ${value?.results !== undefined && html`<p class="note warn-note">How often they are used is not known: <${Text} text=${value.results} most=${300} /></p>`}
    ${value !== undefined && rules.length === 0 && html`<${Empty} title="No rule is declared.">Whatever differs is a mismatch. Each <a href="#/findings">finding</a> has a rule ready to paste, should its difference be meant.<//>`}
    ${
      rules.length > 0 &&
      html`<div class="scroll" tabindex="0" role="region" aria-label="Table of the rules"><table><thead><tr><th scope="col">State</th><th scope="col">Rule</th><th scope="col">Reason</th><th scope="col">Until</th><th scope="col" class="num">Uses</th></tr></thead>
      <tbody>${rules.slice(0, EVERY).map((rule) => html`<tr key=${rule.id}><td><${State} rule=${rule} /></td><th scope="row" class="mono rule-name"><${Text} text=${rule.id} most=${300} more /></th><td><${Text} text=${rule.reason} most=${400} more /></td><td class="day">${rule.until ?? '–'}</td><td class="num">${rule.uses === undefined ? '–' : count(rule.uses)}</td></tr>`)}</tbody></table></div>
      ${rules.length > EVERY && html`<p class="sub">And ${count(rules.length - EVERY)} more: see <code>crossfade rules</code>.</p>`}
      <p class="sub">Uses are comparisons of the evidence of now. What a rule would hide besides, <code>crossfade rules</code> finds out by changing sampled answers.</p>`
    }
  </section>`;
}

/** What wants doing first. @param {Rule} rule */
const rank = ({ expired, uses }) => (expired ? 0 : uses === 0 ? 1 : 2);

/** @param {{ rule: Rule }} props */
function State({ rule: { expired, uses } }) {
  if (expired)
    return html`<${Sign} word="failing" say="expired" /> <span class="sub">what it covered counts as a mismatch</span>`;
  if (uses === 0)
    return html`<${Sign} word="insufficient" say="dead" /> <span class="sub">or nothing like it was read yet</span>`;
  return uses === undefined ? html`<${Sign} word="unknown" />` : html`<${Sign} word="good" say="used" />`;
}
