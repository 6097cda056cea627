import { Violation } from './target.ts';

export interface Reply {
  readonly status: number;
  /** Names in lower case, in order. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
  /** False: the connection ended before it did. */
  readonly whole: boolean;
}

const LINE = /^HTTP\/1\.1 (\d{3}) [\t\x20-\x7e\x80-\xff]*$/;
const FIELD = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[\t ]*([\t\x20-\x7e\x80-\xff]*?)[\t ]*$/;

/**
 * The bytes of a connection (Latin-1), all of them, as replies by RFC 9112. Throws a Violation where they are none. Which
 * request was a HEAD is not known: a reply may stand without the body that its headers announce, if only all adds up.
 */
export function repliesIn(text: string): readonly Reply[] {
  const all = parsed(text, 0, new Map());
  if (typeof all !== 'string') return all;
  throw new Violation('what comes back is no HTTP', `${all} in ${JSON.stringify(text)}`);
}

type Parsed = readonly Reply[] | string;

/** The replies from `at` on, or what is wrong with them. `known`: by place, which each reply can be reached by two ways. */
function parsed(text: string, at: number, known: Map<number, Parsed>): Parsed {
  const found = known.get(at) ?? parsedAnew(text, at, known);
  known.set(at, found);
  return found;
}

function parsedAnew(text: string, at: number, known: Map<number, Parsed>): Parsed {
  if (at === text.length) return [];
  const end = text.indexOf('\r\n\r\n', at);
  if (end === -1) return HEAD_BEGUN.test(text.slice(at)) ? [] : 'a head without an end';
  const [line = '', ...fields] = text.slice(at, end).split('\r\n');
  const status = Number(LINE.exec(line)?.[1]);
  if (!(status >= 100)) return `status line ${JSON.stringify(line)}`;
  const headers: [string, string][] = [];
  for (const field of fields) {
    const [, name, value] = FIELD.exec(field) ?? [];
    if (name === undefined || value === undefined) return `header ${JSON.stringify(field)}`;
    headers.push([name.toLowerCase(), value]);
  }
  const body = end + 4;
  const empty = status < 200 || status === 204 || status === 304;
  const framed = empty ? { body: '', end: body, whole: true } : framing(text, body, headers);
  if (typeof framed === 'string') return framed;
  const rest = parsed(text, framed.end, known);
  if (typeof rest !== 'string') return [{ status, headers, body: framed.body, whole: framed.whole }, ...rest];
  const headless = parsed(text, body, known);
  return typeof headless === 'string' ? rest : [{ status, headers, body: '', whole: true }, ...headless];
}

const HEAD_BEGUN = /^HTTP\/1\.1 \d{3} /;

function framing(text: string, at: number, headers: Reply['headers']) {
  const all = (name: string) => headers.filter(([one]) => one === name).map(([, value]) => value);
  const [lengths, codings] = [all('content-length'), all('transfer-encoding')];
  if (lengths.length + codings.length > 1) return 'two framings';
  if (codings.length > 0) return chunks(text, at);
  const length = lengths[0] === undefined ? text.length - at : Number(lengths[0]);
  if (!/^\d+$/.test(lengths[0] ?? '0')) return `content-length ${lengths[0]}`;
  const end = Math.min(text.length, at + length);
  return { body: text.slice(at, end), end, whole: end === at + length };
}

function chunks(text: string, from: number) {
  let at = from;
  let body = '';
  for (;;) {
    const end = text.indexOf('\r\n', at);
    if (end === -1) return { body, end: text.length, whole: false };
    const size = text.slice(at, end);
    if (!/^[0-9a-f]+$/i.test(size)) return `chunk size ${JSON.stringify(size)}`;
    const length = Number.parseInt(size, 16);
    const next = end + 2 + length;
    if (length === 0) {
      return text.startsWith('\r\n', next)
        ? { body, end: next + 2, whole: true }
        : next >= text.length
          ? { body, end: text.length, whole: false }
          : 'trailers that nobody announced';
    }
    body += text.slice(end + 2, next);
    if (next + 2 > text.length) return { body, end: text.length, whole: false };
    if (!text.startsWith('\r\n', next)) return 'a chunk without its end';
    at = next + 2;
  }
}
