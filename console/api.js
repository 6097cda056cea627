/** @import { Static } from 'typebox' @import { ProblemReply } from '../src/admin/schema.ts' */

/** A refusal of the admin API, or no answer at all (`status` 0). */
export class Refused extends Error {
  /** @param {Partial<Static<typeof ProblemReply>>} problem */
  constructor(problem) {
    super(problem.detail ?? problem.title ?? 'The admin side did not say why.');
    this.status = problem.status ?? 0;
    this.title = problem.title ?? 'Refused';
    this.reasons = problem.reasons ?? [];
    this.again = problem.again;
  }
}

/**
 * One call of `/admin/v1`. Throws a Refused; a call that was given up throws the signal's AbortError.
 * @template [T=unknown]
 * @param {string} method @param {string} path with its query @param {unknown} [body] @param {AbortSignal} [signal]
 * @returns {Promise<T>}
 */
export async function call(method, path, body, signal) {
  const reply = await ask(method, path, body, signal);
  if (reply.status === 204) return /** @type {T} */ (undefined);
  const text = await reply.text();
  const value = parsed(text);
  if (reply.ok && value !== undefined) return /** @type {T} */ (value);
  const detail = `${method} /admin/v1${path} was answered with ${reply.status} ${reply.statusText}`.trim();
  throw new Refused({ title: reply.statusText, detail, ...problemOf(value), status: reply.ok ? 0 : reply.status });
}

/** @param {string} method @param {string} path @param {unknown} body @param {AbortSignal} [signal] */
async function ask(method, path, body, signal) {
  // What changes something says that it is JSON, body or not: another page’s form cannot.
  const content = method === 'GET' ? {} : { body: JSON.stringify(body ?? {}) };
  const headers = { accept: 'application/json', ...(method !== 'GET' && { 'content-type': 'application/json' }) };
  try {
    return await fetch(`/admin/v1${path}`, { method, headers, credentials: 'same-origin', signal, ...content });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Refused({
      title: 'No answer',
      detail: `The admin side does not answer: it has stopped, or the way to it is cut.${method === 'GET' ? '' : ' Whether it was done is not known: look at the audit log.'}`,
    });
  }
}

/** @param {string} text @returns {unknown} */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** @param {unknown} value */
const problemOf = (value) => (typeof value === 'object' && value !== null ? value : {});

/** A query with only what is asked for. @param {Record<string, string | number | undefined>} asked */
export function queryOf(asked) {
  const kept = Object.entries(asked).filter(([, value]) => value !== undefined && value !== '');
  const search = new URLSearchParams(kept.map(([name, value]) => [name, String(value)])).toString();
  return search === '' ? '' : `?${search}`;
}
