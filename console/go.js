import { routeTo } from './route.js';

/**
 * Goes to a page; `replace` where going back should not stop at every letter of a search.
 * @param {string} page @param {string} [id] @param {Record<string, string | undefined>} [query] @param {boolean} [replace]
 */
export function go(page, id, query, replace = false) {
  const to = routeTo(page, id, query);
  if (!replace) {
    location.hash = to;
    return;
  }
  history.replaceState(null, '', to);
  dispatchEvent(new HashChangeEvent('hashchange'));
}
