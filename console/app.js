/** Starts the page. */
import { copyData } from './copying.js';
import { html, render, useEffect, useState } from './lib.js';
import { tokenIn } from './route.js';
import { signIn } from './session.js';
import { Shell } from './shell.js';
import { createStore, StoreContext } from './store.js';

const store = createStore();
const token = tokenIn(location.hash);
// A token in the address would stay in the history, and be sent along when someone shares it.
if (token !== undefined) history.replaceState(null, '', location.pathname);

function App() {
  const [failed, setFailed] = useState(/** @type {any} */ (undefined));
  const start = async () => {
    setFailed(undefined);
    try {
      if (token !== undefined) await signIn(store, token);
      else store.session.value = await store.call('GET', '/session', undefined, undefined);
    } catch (error) {
      if (/** @type {any} */ (error).status === 401) store.session.value = null;
      else setFailed(error);
    }
  };
  useEffect(() => {
    start();
  }, []);
  return html`<${StoreContext.Provider} value=${store}><${Shell} failed=${failed} retry=${start} /><//>`;
}

copyData();
const root = /** @type {HTMLElement} */ (document.getElementById('app'));
root.replaceChildren();
render(html`<${App} />`, root);
