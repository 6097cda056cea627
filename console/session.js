/** Who asks: signing in, who I am, signing out. @import { Static } from 'typebox' @import { Logins } from '../src/admin/schema.ts' */
import { html, useState } from './lib.js';
import { useStore } from './store.js';
import { Text } from './text.js';
import { Problem, useAsked } from './ui.js';

export function SignIn() {
  const store = useStore();
  const [token, setToken] = useState('');
  const [state, setState] = useState(/** @type {{ busy: boolean, error: any }} */ ({ busy: false, error: undefined }));
  const logins = useAsked(
    (stop) => /** @type {Promise<Static<typeof Logins>>} */ (store.call('GET', '/logins', undefined, stop)),
    [],
  );
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    setState({ busy: true, error: undefined });
    try {
      await signIn(store, token.trim());
    } catch (error) {
      setState({ busy: false, error });
    }
  };
  return html`<main id="main" class="sign-in" tabindex="-1">
    <h1 id="title">Sign in to Crossfade</h1>
    ${store.ended.value && html`<p class="note warn-note" role="alert"><strong>Your session has ended.</strong> What was not confirmed yet was not done.</p>`}
    <form onSubmit=${submit}>
      <label class="field"><span>Token</span><input type="password" name="token" autocomplete="current-password" required maxlength="512" value=${token} onInput=${(/** @type {any} */ event) => setToken(event.target.value)} /></label>
      <button class="button primary" aria-disabled=${state.busy || token.trim() === '' ? 'true' : undefined}>${state.busy ? 'Signing in …' : 'Sign in'}</button>
    </form>
    ${state.error && html`<${Problem} error=${state.error} what=${state.error.status === 401 ? 'That is not a token of this façade.' : 'You are not signed in.'} />`}
    ${logins.value?.oidc && html`<p><a class="button" href="/admin/v1/login">Sign in with your organisation</a></p>`}
    ${logins.error && html`<${Problem} error=${logins.error} retry=${logins.again} what="The admin side is out of reach." />`}
    <p class="sub">Tokens are those of <code>ADMIN_TOKENS</code>. Where none is set, one is made at start and printed once, in the log of <code>crossfade serve</code>.</p>
  </main>`;
}

/** @param {import('./store.js').Store} store @param {string} token */
export async function signIn(store, token) {
  if (token === '') throw new Error('Paste a token.');
  store.session.value = await store.call('POST', '/session', { token }, undefined);
  store.ended.value = false;
}

/** @param {import('./store.js').Store} store */
async function signOut(store) {
  // Where the admin side is away the cookie stays; the page says so by coming back signed in.
  await store.call('DELETE', '/session', undefined, undefined).catch(() => {});
  store.forget();
  store.session.value = null;
  // The stream may have heard of it first.
  store.ended.value = false;
}

export function WhoAmI() {
  const store = useStore();
  const session = store.session.value;
  if (!session) return null;
  return html`<span class="who"><span class="who-name"><${Text} text=${session.name} most=${40} /></span> <span class=${`role ${session.role}`}>${session.role}</span>
    ${session.by !== 'token' && html`<button type="button" class="button quiet" onClick=${() => signOut(store)}>Sign out</button>`}</span>`;
}
