/** Shortcuts, and the dialog that lists them and turns them off. */

import { go } from './go.js';
import { html, useEffect, useRef } from './lib.js';
import { WhoAmI } from './session.js';
import { useStore } from './store.js';
import { Theme } from './theming.js';
import { Dialog } from './ui.js';

/** @type {readonly [keys: string, what: string][]} */
const LIST = Object.freeze([
  ['?', 'this list'],
  ['/', 'search on this page'],
  ['g s', 'Stages'],
  ['g t', 'Tenants'],
  ['g f', 'Findings'],
  ['g r', 'Rules'],
  ['g q', 'Ask'],
  ['g h', 'Health'],
  ['g a', 'Audit'],
  ['j k', 'next, previous row or finding'],
  ['↓ ↑', 'next, previous row, from a row'],
  ['u', 'from a finding back to the list'],
  ['n p', 'next, previous difference in answers'],
  ['Shift K', 'the kill switch'],
  ['Esc', 'closes a dialog'],
]);

/** @type {Readonly<Record<string, string>>} */
const AFTER_G = Object.freeze({
  ...{ s: 'stages', t: 'tenants', f: 'findings', r: 'rules', q: 'ask', h: 'health', a: 'audit' },
});

export function useShortcuts() {
  const store = useStore();
  const pending = useRef(0);
  useEffect(() => {
    const onKey = (/** @type {KeyboardEvent} */ event) => {
      const target = /** @type {Element} */ (event.target);
      if (
        !store.shortcuts.value ||
        event.defaultPrevented ||
        event.ctrlKey ||
        event.metaKey ||
        event.altKey ||
        document.querySelector('dialog[open]')
      )
        return;
      if (target.matches('input, select, textarea, [contenteditable]')) return;
      const afterG = Date.now() - pending.current < 1_500;
      pending.current = event.key === 'g' ? Date.now() : 0;
      const page = afterG ? AFTER_G[event.key] : undefined;
      if (page !== undefined) return go(page);
      const act = ACTS[event.key];
      if (act === undefined) return;
      event.preventDefault();
      act(store);
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);
}

/** @type {Readonly<Record<string, (store: import('./store.js').Store) => void>>} */
const ACTS = Object.freeze({
  '?': (store) => {
    store.dialog.value = { kind: 'keys' };
  },
  '/': () => /** @type {HTMLElement | null} */ (document.querySelector('[data-search]'))?.focus(),
  K: (store) => {
    if (store.operator.value) store.dialog.value = { kind: 'kill' };
  },
  j: () => dispatchEvent(new CustomEvent('crossfade:row', { detail: 1 })),
  k: () => dispatchEvent(new CustomEvent('crossfade:row', { detail: -1 })),
  u: () => dispatchEvent(new CustomEvent('crossfade:up')),
  n: () => dispatchEvent(new CustomEvent('crossfade:step', { detail: 1 })),
  p: () => dispatchEvent(new CustomEvent('crossfade:step', { detail: -1 })),
});

export function KeysDialog() {
  const store = useStore();
  if (store.dialog.value?.kind !== 'keys') return null;
  const turn = (/** @type {any} */ event) => {
    store.shortcuts.value = event.target.checked;
    localStorage.setItem('crossfade.shortcuts', event.target.checked ? 'on' : 'off');
  };
  return html`<${Dialog} title="Keyboard and colours" onClose=${() => (store.dialog.value = undefined)}>
    <dl class="keys">${LIST.map(([keys, what]) => html`<dt>${keys.split(' ').map((key) => html`<kbd>${key}</kbd> `)}</dt><dd>${what}</dd>`)}</dl>
    <label class="check"><input type="checkbox" checked=${store.shortcuts.value} onChange=${turn} /> Shortcuts of single keys</label><p class="colours">Colours <${Theme} /></p><p><${WhoAmI} /></p><//>`;
}
