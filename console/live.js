/** The stream of events, and an honest word about it. @import { Store } from './store.js' */
import { call, Refused } from './api.js';

/** `health` comes every two seconds: this long without anything, and what is shown is old. */
const SILENT = 7_000;
const WAITS = [500, 1_000, 2_000, 5_000, 10_000];

/**
 * Keeps the store up to date until the returned function is called; reconnects on its own.
 * @param {Store} store @returns {() => void}
 */
export function stayLive(store) {
  /** @type {EventSource | undefined} */
  let source;
  let attempt = 0;
  let ended = false;
  let connected = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let heard = Date.now();

  const again = (/** @type {string} */ why) => {
    source?.close();
    source = undefined;
    if (ended) return;
    store.onLink('reconnecting', why);
    clearTimeout(timer);
    timer = setTimeout(connect, WAITS[Math.min(attempt++, WAITS.length - 1)]);
  };

  const connect = async () => {
    if (ended || source !== undefined) return;
    const refused = await whyNot();
    if (ended || source !== undefined) return;
    if (refused?.status === 401) {
      store.onLink('signed out');
      store.lost();
      return;
    }
    if (refused !== undefined) return again(refused.message);
    open();
  };

  const open = () => {
    let first = true;
    const mine = new EventSource('/admin/v1/events');
    source = mine;
    heard = Date.now();
    const on = (/** @type {string} */ name, /** @type {(value: any) => void} */ take) =>
      mine.addEventListener(name, (event) => {
        heard = Date.now();
        attempt = 0;
        take(JSON.parse(/** @type {MessageEvent<string>} */ (event).data));
        store.onNews();
      });
    on('operations', (value) => {
      store.onOperations(value, first);
      // What was found while nobody listened is told by no event, nor that the façade runs on other bindings now.
      if (first && connected) store.findings.value += 1;
      connected = true;
      first = false;
    });
    on('health', (value) => store.onHealth(value));
    on('findings', () => {
      store.findings.value += 1;
    });
    on('audit', (value) => store.onAudit(value));
    mine.onerror = async () => {
      if (source !== mine) return;
      // It may be refused where the session is not: then it says why.
      const why = first ? await refusalOfEvents() : undefined;
      if (source === mine) again(why ?? 'The connection ended.');
    };
  };

  const watch = setInterval(() => {
    if (source !== undefined && Date.now() - heard > SILENT) again('Nothing came for a while.');
  }, 1_000);
  const onOnline = () => {
    attempt = 0;
    if (source === undefined) connect();
  };
  addEventListener('online', onOnline);
  // Who is signed in was asked just now.
  open();
  return () => {
    ended = true;
    source?.close();
    clearInterval(watch);
    clearTimeout(timer);
    removeEventListener('online', onOnline);
  };
}

/** Why there are no events, or undefined where there would be. */
async function refusalOfEvents() {
  const stop = new AbortController();
  try {
    const reply = await fetch('/admin/v1/events', { credentials: 'same-origin', signal: stop.signal });
    if (reply.ok) return undefined;
    const problem = await reply.json().catch(() => ({}));
    return `Events are refused (${reply.status}): ${problem.detail ?? reply.statusText}.`;
  } catch {
    return undefined;
  } finally {
    stop.abort();
  }
}

/** EventSource does not say why it was refused; a plain call does. */
async function whyNot() {
  try {
    await call('GET', '/session');
    return undefined;
  } catch (error) {
    if (error instanceof Refused) return error;
    throw error;
  }
}
