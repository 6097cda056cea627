/** From one finding to the next, in the order of the list one came from. @import { Finding } from '../src/admin/schema.ts' */
import { queryOf } from './api.js';
import { count } from './format.js';
import { go } from './go.js';
import { html, useEffect, useLayoutEffect } from './lib.js';
import { routeTo } from './route.js';
import { useStore } from './store.js';

/** @typedef {Readonly<Record<string, string>>} Query */

/** What of the address the list is filtered by; the same text for the same filter. @param {Query} query */
export const filterOf = ({ operation, pair, kind, state, search, known }) =>
  queryOf({ operation, pair, kind, state, search, known });

/** Findings of a filter that are asked for at once. */
const MOST = 200;

/** @param {{ id: string, query: Query }} props */
export function Neighbours({ id, query }) {
  const store = useStore();
  const key = filterOf(query);
  const { fingerprints, key: of } = store.listed.value;
  const at = of === key ? fingerprints.indexOf(id) : -1;
  useEffect(() => {
    if (at >= 0) return;
    // Whoever follows a link has seen no list: its own is that of the address.
    const stop = new AbortController();
    const { operation, pair, kind, state, search } = query;
    store
      .call('GET', `/findings${queryOf({ operation, pair, kind, state, search, limit: MOST })}`, undefined, stop.signal)
      .then(
        ({ findings }) => {
          store.listed.value = { key, fingerprints: shown(findings, query).map(({ fingerprint }) => fingerprint) };
        },
        () => {},
      );
    return () => stop.abort();
  }, [id, key]);
  const to = (/** @type {number} */ by) => (at < 0 ? undefined : fingerprints[at + by]);
  // At once: a key that is pressed as soon as the page is seen must not be lost.
  useLayoutEffect(() => {
    store.visited.value = id;
    const onRow = (/** @type {CustomEvent<number>} */ event) => {
      const next = to(event.detail);
      if (next !== undefined) go('findings', next, query);
      else store.said.value = event.detail > 0 ? 'That was the last finding.' : 'That was the first finding.';
    };
    const onUp = () => go('findings', undefined, query);
    addEventListener('crossfade:row', /** @type {any} */ (onRow));
    addEventListener('crossfade:up', onUp);
    return () => {
      removeEventListener('crossfade:row', /** @type {any} */ (onRow));
      removeEventListener('crossfade:up', onUp);
    };
  });
  const link = (/** @type {number} */ by, /** @type {string} */ word, /** @type {string} */ key) => {
    const next = to(by);
    return next === undefined
      ? html`<span class="button" aria-disabled="true">${word} <kbd>${key}</kbd></span>`
      : html`<a class="button" href=${routeTo('findings', next, query)}>${word} <kbd>${key}</kbd></a>`;
  };
  return html`<span class="neighbours">${at >= 0 && html`<span class="sub">${count(at + 1)} of ${count(fingerprints.length)}</span>`} ${link(-1, 'Previous', 'k')} ${link(1, 'Next', 'j')}</span>`;
}

/** Marks are known by the page alone. @param {readonly Finding[]} findings @param {Query} query */
export const shown = (findings, { known = '' }) =>
  findings.filter((one) => known === '' || (known === 'yes') === (one.known !== undefined));
