import type { IncomingMessage } from 'node:http';
import { RequestError } from '../errors.ts';

const OK = /^chunked$/i;

/**
 * Why a request goes nowhere, though our parser took it: two servers in a row could read it differently, or it cannot be
 * passed on as it is. `undefined` for any other. What the parser itself refuses never comes so far (`parserRefusal`).
 */
export function refusal(message: IncomingMessage): RequestError | undefined {
  const { url = '', method, rawHeaders } = message;
  if (url[0] !== '/' && !(url === '*' && method === 'OPTIONS'))
    return refused(400, 'the request target must begin with a slash');
  if (message.httpVersion !== '1.1' && message.httpVersion !== '1.0')
    return refused(505, 'only HTTP/1.1 and HTTP/1.0 are spoken here');
  const coding = message.headers['transfer-encoding'];
  if (coding !== undefined) {
    if (message.httpVersion !== '1.1') return refused(400, 'Transfer-Encoding needs HTTP/1.1');
    if (message.headers['content-length'] !== undefined)
      return refused(400, 'Transfer-Encoding and Content-Length exclude each other');
    if (!OK.test(coding)) return refused(501, 'no transfer coding but chunked is taken');
  }
  const hosts = countHosts(rawHeaders);
  if (hosts > 1 || (hosts === 0 && message.httpVersion === '1.1')) return refused(400, 'there must be one Host header');
  return undefined;
}

const refused = (status: number, message: string) => new RequestError('invalidParameter', message, { status });

function countHosts(rawHeaders: readonly string[]): number {
  let count = 0;
  for (let n = 0; n < rawHeaders.length; n += 2) {
    const name = rawHeaders[n] as string;
    if (name.length === 4 && name.toLowerCase() === 'host') count += 1;
  }
  return count;
}

const PARSER: Readonly<Record<string, readonly [status: number, message: string]>> = Object.freeze({
  HPE_HEADER_OVERFLOW: [431, 'the headers are too large'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, 'the chunk extensions are too large'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'the request did not come in time'],
});

/** What our parser refused → an error reply; its code says why. */
export function parserRefusal(code: string | undefined): RequestError {
  const [status, message] = PARSER[code ?? ''] ?? [400, 'the request is not HTTP/1.1'];
  return refused(status, message);
}

/** What a parser gives up with: its code, and the last that came. */
export type ParserError = Error & { readonly code?: string; readonly rawPacket?: unknown };

/** Whether what the parser refused is a HEAD, whose reply has no body, as far as the last that came shows it. */
export const isHead = ({ rawPacket }: ParserError): boolean =>
  rawPacket instanceof Buffer && rawPacket.toString('latin1', 0, 5) === 'HEAD ';

/** To CONNECT: this is no proxy of the client's. */
export const tunnelRefusal = (): RequestError => refused(501, 'there are no tunnels here');
