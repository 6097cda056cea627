/** What stands before the body of an HTTP/1.1 reply, as far as the body's end depends on it. */
export interface Head {
  readonly status: number;
  /** Bytes of the body, or how its end is found. */
  readonly length: number | 'chunked' | 'until the end';
  /** How long the connection may lie idle afterwards, in milliseconds; 0: it is not to be used again. */
  readonly keeps: number;
  readonly date: string | undefined;
  readonly aged: boolean;
  /** From the status line to the last header, without the empty line. */
  readonly text: string;
}

/** A server closes at its time; a request should not meet it just then. */
const MARGIN = 1_000;

const ANY = Number.POSITIVE_INFINITY;

/** No folded lines, no bare line feeds, no control characters. */
const LINE = String.raw`[!#$%&'*+.^_\`|~\dA-Za-z-]+:[\t -~\x80-\xff]*`;
const HEAD = new RegExp(String.raw`^HTTP/1\.1 ([2-9]\d\d)(?: [\t -~\x80-\xff]*)?(?:\r\n${LINE})*$`);
const HEADERS = new RegExp(`^${LINE}(?:\\r\\n${LINE})*$`);
const LENGTH = /^[\t ]*\d{1,15}[\t ]*$/;
const CHUNKED = /^[\t ]*chunked[\t ]*$/i;
const KEPT = /^[\t ]*keep-alive[\t ]*$/i;

/** The text of a head → what it says. Throws where it is none, or says two things of the body's end. */
export function headOf(text: string): Head {
  const status = HEAD.exec(text)?.[1];
  if (status === undefined) throw malformed('head');
  const head = { status: Number(status), length: undefined as Head['length'] | undefined, keeps: ANY, aged: false };
  let date: string | undefined;
  for (let at = endOfLine(text, 0) + 2; at < text.length; ) {
    const end = endOfLine(text, at);
    const colon = text.indexOf(':', at);
    const value = text.slice(colon + 1, end);
    switch (colon - at) {
      case 3:
        if (isNamed(text, at, 'age')) head.aged = true;
        break;
      case 4:
        if (isNamed(text, at, 'date')) date = value.trim();
        break;
      case 10:
        if (isNamed(text, at, 'connection') && !KEPT.test(value)) head.keeps = 0;
        else if (isNamed(text, at, 'keep-alive')) head.keeps = Math.min(head.keeps, keptFor(value));
        break;
      case 14:
        if (!isNamed(text, at, 'content-length')) break;
        if (head.length !== undefined || !LENGTH.test(value)) throw malformed('length');
        head.length = Number(value);
        break;
      case 17:
        if (!isNamed(text, at, 'transfer-encoding')) break;
        if (head.length !== undefined || !CHUNKED.test(value)) throw malformed('length');
        head.length = 'chunked';
    }
    at = end + 2;
  }
  const { length = bodiless(head.status) ? 0 : 'until the end', keeps } = head;
  if (bodiless(head.status) && length !== 0) throw malformed('length');
  return { status: head.status, length, keeps: length === 'until the end' ? 0 : keeps, date, aged: head.aged, text };
}

/** Whether all lines of a text are headers. */
export const areHeaders = (text: string): boolean => HEADERS.test(text);

const bodiless = (status: number): boolean => status === 204 || status === 304;

function endOfLine(text: string, at: number): number {
  const end = text.indexOf('\r\n', at);
  return end === -1 ? text.length : end;
}

/** Whatever the case of its letters; no name has characters that `| 0x20` makes those of another. */
function isNamed(text: string, at: number, name: string): boolean {
  for (let i = 0; i < name.length; i += 1) if ((text.charCodeAt(at + i) | 0x20) !== name.charCodeAt(i)) return false;
  return true;
}

function keptFor(value: string): number {
  const timeout = /(?:^|[ ,;])timeout=(\d{1,9})/i.exec(value);
  return timeout === null ? ANY : Math.max(0, Number(timeout[1]) * 1_000 - MARGIN);
}

/** All headers by their names in small letters, values of one name together. */
export function headersOf({ text }: Head): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const line of text.split('\r\n').slice(1)) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    headers[name] = Object.hasOwn(headers, name) ? `${headers[name]}, ${value}` : value;
  }
  return headers;
}

export const malformed = (part: string): Error =>
  Object.assign(new Error(`the reply has no ${part} that HTTP knows`), { code: 'HPE_INVALID' });
