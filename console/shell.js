/** What stands around every page. */
import { AskPage } from './ask.js';
import { AuditPage } from './audit.js';
import { EffectDock } from './effect.js';
import { FindingPage } from './finding.js';
import { FindingsPage } from './findings.js';
import { clock } from './format.js';
import { Sign } from './glyphs.js';
import { HealthPage } from './health.js';
import { KeysDialog, useShortcuts } from './keys.js';
import { html, useEffect, useRef, useState } from './lib.js';
import { stayLive } from './live.js';
import { Dialogs } from './move.js';
import { OperationPage } from './operation.js';
import { parseRoute, routeTo } from './route.js';
import { RulesPage } from './rules.js';
import { SignIn, WhoAmI } from './session.js';
import { StagesPage } from './stages.js';
import { useStore } from './store.js';
import { TenantsPage } from './tenants.js';
import { Text, useNow } from './text.js';
import { Theme } from './theming.js';
import { Change, Loading, Problem } from './ui.js';

function useRoute() {
  const [route, setRoute] = useState(parseRoute(location.hash));
  useEffect(() => {
    const change = () => setRoute(parseRoute(location.hash));
    addEventListener('hashchange', change);
    return () => removeEventListener('hashchange', change);
  }, []);
  return route;
}

/** @type {readonly [page: string, name: string][]} */
const NAV = Object.freeze([
  ['stages', 'Stages'],
  ['tenants', 'Tenants'],
  ['findings', 'Findings'],
  ['rules', 'Rules'],
  ['ask', 'Ask'],
  ['health', 'Health'],
  ['audit', 'Audit'],
]);

/** @param {{ failed: any, retry: () => void }} props `failed`: why it could not be asked who is signed in. */
export function Shell({ failed, retry }) {
  const store = useStore();
  const session = store.session.value;
  const skip = (/** @type {Event} */ event) => {
    event.preventDefault();
    document.getElementById('main')?.focus();
  };
  return html`<a class="skip" href="#main" onClick=${skip}>Skip to the content</a>
    ${session ? html`<${SignedIn} key=${session.name} />` : html`<header class="top bare"><span class="brand">Crossfade</span><${Theme} /></header>${failed ? html`<main id="main" class="sign-in" tabindex="-1"><h1>Crossfade</h1><${Problem} error=${failed} retry=${retry} what="The admin side is out of reach." /></main>` : session === null ? html`<${SignIn} />` : html`<main id="main" tabindex="-1"><h1 class="hidden">Crossfade</h1><${Loading} what="Asking who you are" /></main>`}`}
    <p class="hidden" role="status" aria-live="polite">${store.said.value}</p>`;
}

function SignedIn() {
  const store = useStore();
  const route = useRoute();
  useShortcuts();
  useEffect(() => stayLive(store), []);
  useFocusOnChange(route.page, route.id);
  const kill = store.operations.value?.kill === true;
  const killFile = store.operations.value?.killFile;
  const results = store.operations.value?.results;
  return html`<header class="top">
      <a class="brand" href="#/stages">Crossfade <span class="api"><${Text} text=${store.session.value?.api} most=${40} /></span></a>
      <nav aria-label="Pages"><ul>${NAV.map(([page, name]) => html`<li><a href=${routeTo(page)} aria-current=${route.page === page ? 'page' : undefined}>${name}</a></li>`)}</ul></nav>
      <div class="top-end"><${LinkState} /><${Change} class=${kill ? 'danger-on' : 'danger-quiet'} onClick=${() => (store.dialog.value = { kind: 'kill' })}>${kill ? 'Lift kill…' : 'Kill…'}<//><${Theme} /><button type="button" class="button quiet" aria-label="Keyboard shortcuts" onClick=${() => (store.dialog.value = { kind: 'keys' })}>?</button><${WhoAmI} /></div>
    </header>
    <main id="main" tabindex="-1" class=${store.fresh.value ? '' : 'stale'}><${Page} route=${route} /></main>
    <footer class="foot sub"><a href="/docs/">The contract’s page</a> <a href="/admin/v1/openapi.json">The admin API’s document</a> <a href="/metrics">Metrics</a> <span>Crossfade ${store.session.value?.version}</span></footer>
    <div class="bottom">
    <section class="banners" aria-label="Notices">
      ${kill && html`<div class="banner kill" role="alert"><p><strong>■ The kill switch is on.</strong> Every operation is at its floor.${killFile !== undefined && html` The kill file <code><${Text} text=${killFile} most=${200} /></code> is there: it must be removed on its host.`}</p><${Change} onClick=${() => (store.dialog.value = { kind: 'kill' })}>Lift…<//></div>`}
      <${Stale} />
      ${!store.operator.value && html`<div class="banner calm"><p>You are a <b>viewer</b>: you see everything, and the buttons that change something are off. Sign in with an operator’s token to use them.</p></div>`}
      ${results !== undefined && html`<div class="banner warn"><p><strong>Results are out of reach.</strong> <${Text} text=${results} most=${300} /></p></div>`}
    </section>
      <${EffectDock} />
    </div>
    <${Dialogs} /><${KeysDialog} />`;
}

/** @param {{ route: import('./route.js').Route }} props */
function Page({ route }) {
  const { page, id } = route;
  if (page === 'stages')
    return id === undefined ? html`<${StagesPage} route=${route} />` : html`<${OperationPage} key=${id} id=${id} />`;
  if (page === 'findings')
    return id === undefined
      ? html`<${FindingsPage} route=${route} />`
      : html`<${FindingPage} key=${id} id=${id} query=${route.query} />`;
  if (page === 'rules') return html`<${RulesPage} />`;
  if (page === 'ask') return html`<${AskPage} route=${route} />`;
  if (page === 'tenants') return html`<${TenantsPage} route=${route} />`;
  if (page === 'health') return html`<${HealthPage} />`;
  return html`<${AuditPage} />`;
}

/** A new page is told and begins at its heading; not the first, where nobody has gone anywhere. */
function useFocusOnChange(/** @type {string} */ page, /** @type {string | undefined} */ id) {
  const first = useRef(true);
  const places = useRef(/** @type {Map<string, number>} */ (new Map()));
  const last = useRef('');
  useEffect(() => {
    const here = `${page}/${id ?? ''}`;
    document.title = `${id === undefined ? '' : `${id.slice(0, 60)} · `}${NAV.find(([name]) => name === page)?.[1]} · Crossfade`;
    const note = () => places.current.set(last.current, scrollY);
    addEventListener('scroll', note, { passive: true });
    last.current = here;
    if (!first.current) {
      document.getElementById('title')?.focus({ preventScroll: true });
      scrollTo({ top: places.current.get(here) ?? 0, behavior: 'instant' });
    }
    first.current = false;
    return () => removeEventListener('scroll', note);
  }, [page, id]);
}

function LinkState() {
  const store = useStore();
  const { state, since } = store.link.value;
  return html`<span class="link-state"><${Sign} word=${state} say=${state === 'reconnecting' ? `reconnecting since ${clock(since)}` : state} /></span>`;
}

/** Old numbers are said to be old. */
function Stale() {
  const store = useStore();
  const { state, since, last, why } = store.link.value;
  const now = useNow(1_000);
  if (state !== 'reconnecting' || now - since < 1_500) return null;
  return html`<div class="banner warn"><p><strong>Reconnecting since ${clock(since)}.</strong> ${last === 0 ? 'Nothing was heard yet.' : `What you see is of ${clock(last)}, not of now.`} <${Text} text=${why} most=${300} /></p></div>`;
}
