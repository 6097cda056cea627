import type { BoundOperation } from '../bindings/load.ts';
import { StoreError } from '../errors.ts';
import type { Answer, Observation } from '../model/answer.ts';
import {
  CLOSE_LIST,
  CLOSE_OBJECT,
  COMMA,
  expect,
  JsonError,
  OPEN_LIST,
  OPEN_OBJECT,
  skipKey,
  skipSpace,
  skipString,
  skipValue,
  stringAt,
} from '../model/json.ts';
import type { OriginName } from '../model/stage.ts';
import { withParameter } from '../request/link.ts';
import type { Sent } from './legacy.ts';
import type { Subject } from './subject.ts';

/** Where a page's answer says how to go on; `undefined` on the last one. */
export function nextToken({ spec, page }: BoundOperation, { status, headers, body }: Answer): string | undefined {
  if (status >= 300) return undefined;
  const { next, more } = spec?.page ?? {};
  // Some say where the page ended even on the last one.
  if (more !== undefined && rawAt(body, more) === 'false') return undefined;
  const inBody = next === undefined ? undefined : scalarAt(body, next);
  if (inBody !== undefined && inBody !== '') return inBody;
  return page?.links === undefined ? undefined : linkToken([headers.link].flat().join(', '), page.links);
}

/** A number that leads nowhere on (0, -1) says that there is no more. */
function scalarAt(body: Buffer, pointer: string): string | undefined {
  const span = spanAt(body, tokensOf(pointer));
  if (span === undefined) return undefined;
  const raw = body.toString('utf8', span.start, span.end);
  if (raw.startsWith('"')) return stringAt(body, span.start, span.end);
  return /^[1-9]\d*$/.test(raw) ? raw : undefined;
}

function rawAt(body: Buffer, pointer: string): string | undefined {
  const span = spanAt(body, tokensOf(pointer));
  return span && body.toString('utf8', span.start, span.end);
}

/** The parameter's value in the target of `rel="next"` (RFC 8288). */
function linkToken(header: string, parameter: string): string | undefined {
  for (const [, target = '', attributes = ''] of header.matchAll(
    /<([^>]*)>((?:\s*;\s*[\w*]+\s*=\s*(?:"[^"]*"|[^",;\s]+))*)/g,
  )) {
    if (!/;\s*rel\s*=\s*(?:"(?:[^"]*\s)?next(?:\s[^"]*)?"|next(?![\w-]))/i.test(attributes)) continue;
    const cut = target.indexOf('?');
    return new URLSearchParams(cut === -1 ? '' : target.slice(cut + 1)).get(parameter) ?? undefined;
  }
  return undefined;
}

/** The request for the page that a token leads to: found by trying where the bindings read it. `undefined`: nowhere. */
export function followed({ operation, sent, cursorOf }: Subject, token: string): Sent | undefined {
  return candidates(operation, sent, token).find((next) => cursorOf(next) === token);
}

function candidates({ contract, page }: BoundOperation, sent: Sent, token: string): readonly Sent[] {
  const names = contract.parameters
    .filter(({ in: where }) => where === 'query')
    .flatMap(({ name, style, schema }) =>
      style === 'deepObject' ? propertiesOf(schema).map((property) => `${name}[${property}]`) : [name],
    );
  const ordered = page?.links === undefined ? names : [page.links, ...names];
  const inQuery = ordered.map((name) => ({ ...sent, url: withParameter(sent.url, name, token) }));
  return sent.body === undefined ? inQuery : [...inQuery, ...inBody(contract.body?.schema, sent, token)];
}

function inBody(schema: unknown, sent: Sent, token: string): readonly Sent[] {
  let body: unknown;
  try {
    body = JSON.parse((sent.body as Buffer).toString('utf8'));
  } catch {
    return [];
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return [];
  const names = [...new Set([...propertiesOf(schema), ...Object.keys(body)])];
  return names.map((name) => ({ ...sent, body: Buffer.from(JSON.stringify({ ...body, [name]: token })) }));
}

const propertiesOf = (schema: unknown): readonly string[] =>
  Object.keys((schema as { properties?: object } | undefined)?.properties ?? {});

/** The pages of one origin, from the first to the last, as one answer that holds nothing but the list. */
export interface Collecting {
  readonly subject: Subject;
  readonly origin: OriginName;
  readonly first: Observation;
  /** Of the page that a token leads to; `undefined` where the replay ends. */
  readonly page: (token: string) => Promise<Observation | undefined>;
  readonly maxPages: number;
  readonly maxBytes: number;
}

/** `cut`: why the list is not whole, where that says nothing about the origin. */
export interface Collected {
  readonly observation: Observation;
  readonly pages: number;
  readonly cut: 'max_pages' | 'too_large' | 'shutdown' | undefined;
}

/**
 * Walks to the end. A page that is refused or fails is what this origin has to say instead; tokens that come again, and a
 * page that is no JSON, make it `undecodable`.
 */
export async function collect({ subject, origin, first, page, maxPages, maxBytes }: Collecting): Promise<Collected> {
  const { operation } = subject;
  const path = tokensOf(operation.spec?.items ?? '');
  const parts: Buffer[] = [];
  const seen = new Set<string>();
  let [bytes, items, duration, pages] = [0, 0, 0, 0];
  for (let current = first; ; ) {
    pages += 1;
    duration += current.duration;
    const done = (observation: Observation, cut?: Collected['cut']): Collected => ({ observation, pages, cut });
    const broken = (message: string) => {
      const error = new StoreError(origin, 'undecodable', `page ${pages}: ${message}`);
      return done({ origin, ok: false, error, duration });
    };
    if (!current.ok || current.answer.status >= 300) return done({ ...current, duration });
    let token: string | undefined;
    try {
      const list = listOf(current.answer.body, path);
      if (list.items > 0) parts.push(list.bytes);
      bytes += list.bytes.length;
      items += list.items;
      token = nextToken(operation, current.answer);
    } catch (error) {
      if (!(error instanceof JsonError)) throw error;
      return broken(error.message);
    }
    const { status } = current.answer;
    const whole = (): Observation => ({
      ...{ origin, ok: true, duration },
      answer: { status, headers: { 'content-type': 'application/json' }, body: joined(path, parts), items },
    });
    if (token === undefined) return done(whole());
    if (seen.has(token)) return broken('its token has come before: the pages go round in a loop');
    if (pages >= maxPages) return done(current, 'max_pages');
    if (bytes > maxBytes) return done(current, 'too_large');
    seen.add(token);
    const next = await page(token);
    if (next === undefined) {
      const error = new StoreError(origin, 'unavailable', 'the replay ended before the last page');
      return done({ origin, ok: false, error, duration }, 'shutdown');
    }
    current = next;
  }
}

/** The items of a list as they stand, and how many. Throws JsonError where there is no list. */
function listOf(body: Buffer, path: readonly string[]): { readonly bytes: Buffer; readonly items: number } {
  const span = spanAt(body, path);
  if (span === undefined || body[span.start] !== OPEN_LIST) throw new JsonError('no list', span?.start ?? 0);
  let items = 0;
  let at = skipSpace(body, span.start + 1);
  const start = at;
  while (body[at] !== CLOSE_LIST) {
    at = skipSpace(body, skipValue(body, at));
    items += 1;
    if (body[at] === COMMA) at = skipSpace(body, at + 1);
  }
  return { bytes: body.subarray(start, span.end - 1), items };
}

function joined(path: readonly string[], parts: readonly Buffer[]): Buffer {
  const open = path.map((name) => `{${JSON.stringify(name)}:`).join('');
  const between = parts.flatMap((part, at) => (at === 0 ? [part] : [Buffer.from(','), part]));
  return Buffer.concat([Buffer.from(`${open}[`), ...between, Buffer.from(`]${'}'.repeat(path.length)}`)]);
}

/** Where the value at a pointer stands; `undefined` where there is none. Throws JsonError for what is no JSON. */
function spanAt(body: Buffer, path: readonly string[]): { readonly start: number; readonly end: number } | undefined {
  let start = skipSpace(body, 0);
  const whole = skipValue(body, start);
  if (skipSpace(body, whole) < body.length) throw new JsonError('text behind the value', whole);
  for (const name of path) {
    const found = memberAt(body, start, name);
    if (found === undefined) return undefined;
    start = found;
  }
  return { start, end: skipValue(body, start) };
}

function memberAt(body: Buffer, object: number, wanted: string): number | undefined {
  if (body[object] !== OPEN_OBJECT) return undefined;
  let at = skipSpace(body, object + 1);
  while (body[at] !== CLOSE_OBJECT) {
    const name = stringAt(body, at, skipString(body, at));
    const value = skipSpace(body, skipKey(body, at));
    if (name === wanted) return value;
    at = skipSpace(body, skipValue(body, value));
    if (body[at] !== CLOSE_OBJECT) at = skipSpace(body, expect(body, at, COMMA));
  }
  return undefined;
}

const tokensOf = (pointer: string): readonly string[] =>
  pointer
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
