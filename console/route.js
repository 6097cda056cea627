/**
 * The address after `#`: `/findings/0a1b?pair=…`. A page, at most one thing on it, and what the list is filtered by.
 * @typedef {{ page: string, id: string | undefined, query: Readonly<Record<string, string>> }} Route
 */

export const PAGES = Object.freeze(['stages', 'tenants', 'findings', 'rules', 'ask', 'health', 'audit']);

/** @param {string} hash @returns {Route} */
export function parseRoute(hash) {
  const [path = '', search = ''] = hash.replace(/^#/, '').split(/\?(.*)/s);
  const [, page = '', id] = path.split('/');
  const query = Object.fromEntries(new URLSearchParams(search));
  return Object.freeze({
    page: PAGES.includes(page) ? page : 'stages',
    id: id === undefined || id === '' ? undefined : decoded(id),
    query: Object.freeze(query),
  });
}

/** @param {string} page @param {string} [id] @param {Record<string, string | undefined>} [query] */
export function routeTo(page, id, query = {}) {
  const kept = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
  const search = new URLSearchParams(/** @type {[string, string][]} */ (kept)).toString();
  return `#/${page}${id === undefined ? '' : `/${encodeURIComponent(id)}`}${search === '' ? '' : `?${search}`}`;
}

/** The token of `#token=…`, which must leave the address at once. @param {string} hash */
export function tokenIn(hash) {
  const found = /^#token=(.+)$/s.exec(hash);
  return found === null ? undefined : decoded(/** @type {string} */ (found[1]));
}

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
