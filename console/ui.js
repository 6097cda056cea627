/** Buttons, dialogs, fields and what is said where there is nothing to show. */
import { html, useEffect, useLayoutEffect, useRef, useState } from './lib.js';
import { useStore } from './store.js';
import { Text } from './text.js';

const VIEWER = 'You are a viewer: changing this takes the role operator.';

/**
 * A button that changes something: off for a viewer, with the reason. It keeps its place in the tab order, so that who
 * does not see it hears why.
 * @param {{ onClick: () => void, children?: any, class?: string, off?: string, type?: string }} props `off`: why it cannot be pressed now.
 */
export function Change({ onClick, children, class: name = '', off, type = 'button' }) {
  const store = useStore();
  // Not off while the page is out of touch: the kill switch must be reachable, and every change is previewed anew.
  const why = store.operator.value ? off : VIEWER;
  const press = (/** @type {Event} */ event) => {
    event.stopPropagation();
    if (why === undefined) return onClick();
    event.preventDefault();
    store.said.value = why;
  };
  return html`<button type=${type} class=${`button ${name}`} aria-disabled=${why === undefined ? undefined : 'true'} title=${why} onClick=${press}>${children}</button>`;
}

/**
 * A dialog of the browser's own: it keeps the focus in, gives it back, and Escape closes it.
 * @param {{ title: any, children?: any, onClose: () => void, wide?: boolean }} props
 */
export function Dialog({ title, children, onClose, wide = false }) {
  /** @type {{ current: any }} */
  const ref = useRef(null);
  const back = useRef(/** @type {Element | null} */ (null));
  useLayoutEffect(() => {
    back.current = document.activeElement;
    ref.current.showModal();
    return () => {
      ref.current?.close();
      const target = /** @type {HTMLElement | null} */ (back.current);
      if (target?.isConnected) target.focus();
    };
  }, []);
  const onCancel = (/** @type {Event} */ event) => {
    event.preventDefault();
    onClose();
  };
  return html`<dialog ref=${ref} class=${wide ? 'wide' : ''} aria-labelledby="dialog-title" onCancel=${onCancel}>
    <header class="dialog-head">
      <h2 id="dialog-title">${title}</h2>
      <button type="button" class="button quiet" aria-label="Close" onClick=${onClose}>✕</button>
    </header>
    <div class="dialog-body">${children}</div>
  </dialog>`;
}

/** What went wrong, why, and what to do. @param {{ error: any, retry?: () => void, what?: string }} props */
export function Problem({ error, retry, what }) {
  const reasons = error.reasons ?? [];
  return html`<div class="problem" role="alert">
    <p><strong>${what ?? 'That did not work.'}</strong> <${Text} text=${error.message} most=${1000} /></p>
    ${reasons.length > 0 && html`<ul>${reasons.map((/** @type {string} */ reason) => html`<li><${Text} text=${reason} most=${600} /></li>`)}</ul>`}
    ${retry && html`<p><button type="button" class="button" onClick=${retry}>Try again</button></p>`}
  </div>`;
}

/** Nothing to show, and what would change that. @param {{ title: string, children?: any }} props */
export function Empty({ title, children }) {
  return html`<div class="empty"><p class="empty-title">${title}</p><p>${children}</p></div>`;
}

/** @param {{ what?: string }} props */
export function Loading({ what = 'Loading' }) {
  return html`<p class="loading" role="status">${what} …</p>`;
}

/** Copies text, and says that it did. @param {{ text: string, what: string, brief?: boolean }} props `brief`: what is said by where it stands. */
export function Copy({ text, what, brief = false }) {
  const [done, setDone] = useState('');
  const copy = async () => {
    const worked = await navigator.clipboard?.writeText(text).then(
      () => true,
      () => false,
    );
    setDone(worked ? 'Copied' : 'Select it and copy by hand');
    setTimeout(() => setDone(''), 2_500);
  };
  return html`<span class="copy"><button type="button" class=${brief ? 'link' : 'button'} onClick=${copy}>Copy${brief ? html`<span class="hidden"> ${what}</span>` : ` ${what}`}</button> <span role="status">${done}</span></span>`;
}

/**
 * What a call gives, asked again when `key` changes; what was known stays while it is asked again.
 * @template T
 * @param {(stop: AbortSignal) => Promise<T>} ask @param {readonly unknown[]} key
 * @returns {{ value: T | undefined, error: any, loading: boolean, again: () => void }}
 */
export function useAsked(ask, key) {
  const [state, setState] = useState(
    /** @type {{ value: T | undefined, error: any, loading: boolean }} */ ({
      value: undefined,
      error: undefined,
      loading: true,
    }),
  );
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const stop = new AbortController();
    setState((known) => ({ ...known, loading: true }));
    ask(stop.signal).then(
      (value) => setState({ value, error: undefined, loading: false }),
      (error) => stop.signal.aborted || setState((known) => ({ value: known.value, error, loading: false })),
    );
    return () => stop.abort();
  }, [...key, turn]);
  return { ...state, again: () => setTurn((now) => now + 1) };
}

/** A value that has been still for a while. @template T @param {T} value @param {number} wait @returns {T} */
export function useSettled(value, wait) {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), wait);
    return () => clearTimeout(timer);
  }, [value, wait]);
  return settled;
}
