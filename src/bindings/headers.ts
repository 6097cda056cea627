import { validateHeaderName, validateHeaderValue } from 'node:http';
import type { FixedHeaders, HeaderSource } from '../model/binding.ts';

type Given = FixedHeaders | HeaderSource | undefined;

/** What every reply of a store has, where the bindings say nothing else. */
const USUAL: Readonly<Record<string, string>> = Object.freeze({ 'cache-control': 'private, no-store' });

/** Headers of all replies of an operation, its errors too: the API's, then the operation's; `undefined` takes one away. */
export function fixedHeaders(api: Given, own: Given): Readonly<Record<string, string>> {
  const said = [USUAL, api, own].flatMap((one) => (typeof one === 'object' ? Object.entries(one) : []));
  const headers = new Map(said.map(([name, value]) => [name.toLowerCase(), value]));
  return Object.freeze(
    Object.fromEntries([...headers].filter((entry): entry is [string, string] => entry[1] !== undefined)),
  );
}

/** Headers of a success that are made from what was found: the API's, then the operation's. */
export function madeHeaders(api: Given, own: Given): HeaderSource | undefined {
  const [first, second] = [api, own].filter((one) => typeof one === 'function');
  if (first === undefined || second === undefined) return first;
  return (request, result) => ({ ...first(request, result), ...second(request, result) });
}

/** What HTTP has no place for. */
export function headerProblem(headers: Given): string | undefined {
  if (headers === undefined || typeof headers === 'function') return undefined;
  if (typeof headers !== 'object' || headers === null) return 'must be a function, or an object: name → value';
  for (const [name, value] of Object.entries(headers)) {
    try {
      validateHeaderName(name);
      if (value !== undefined) validateHeaderValue(name, value);
    } catch (error) {
      return `${JSON.stringify(name)}: ${(error as Error).message}`;
    }
    if (value !== undefined && typeof value !== 'string') return `${JSON.stringify(name)} must be a text`;
    if (FRAMING.has(name.toLowerCase())) return `${JSON.stringify(name)} is the server's own to say`;
  }
  return undefined;
}

const FRAMING: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding', 'connection', 'date']);

/**
 * The headers of one reply: its content type, then what is fixed, then what was made for it, where `undefined` takes one
 * away. A fixed content type says how JSON is labelled; it makes no JSON of another type.
 */
export function replyHeaders(
  type: string | undefined,
  fixed: Readonly<Record<string, string>>,
  made: Readonly<Record<string, string | undefined>> | undefined,
): Readonly<Record<string, string>> {
  const { 'content-type': label, ...others } = fixed;
  const headers: Record<string, string> = type === undefined ? {} : { 'content-type': labelled(type, label) };
  Object.assign(headers, others);
  for (const [name, value] of Object.entries(made ?? {})) {
    if (value === undefined) delete headers[name.toLowerCase()];
    else headers[name.toLowerCase()] = value;
  }
  return Object.freeze(headers);
}

const labelled = (type: string, label: string | undefined): string =>
  label !== undefined && media(label) === media(type) ? label : type;

const media = (type: string): string => (type.split(';')[0] as string).trim().toLowerCase();
