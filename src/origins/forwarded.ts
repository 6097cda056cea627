import type { IncomingHttpHeaders } from 'node:http';
import type { ForwardedConfig } from '../config.ts';
import { HOP_BY_HOP, lengthsOf, mayBe, nominatedBy } from './hop-by-hop.ts';

/** What of a client's request becomes the headers of ours. */
export interface Sent {
  readonly headers: IncomingHttpHeaders;
  /** Names and values in turn, as they came. */
  readonly rawHeaders: readonly string[];
  /** The client's address; `undefined` where nobody is connected. */
  readonly address: string | undefined;
  readonly encrypted: boolean;
}

export type HeadersOf = (sent: Sent, requestId: string | undefined, own?: Readonly<Record<string, string>>) => string[];

/**
 * A client's headers → those that legacy gets, names and values in turn: end-to-end headers as they came, then who
 * forwards what for whom. `requestId` replaces the client's own, and `own` the headers `replaced` (in lower case).
 */
export function requestHeaders(config: ForwardedConfig, replaced: readonly string[] = []): HeadersOf {
  const dropped = new Set([...droppedBy(config), ...replaced]);
  const lengths = lengthsOf([...dropped, 'x-request-id']);
  const plain = config.style === 'x-forwarded' || config.style === 'both';
  const standard = config.style === 'forwarded' || config.style === 'both';
  return (sent, requestId, own) => {
    const { rawHeaders } = sent;
    const nominated = nominatedBy(sent.headers.connection);
    const out: string[] = [];
    for (let n = 0; n < rawHeaders.length; n += 2) {
      const name = rawHeaders[n] as string;
      if (nominated !== undefined || mayBe(lengths, name.length)) {
        const lower = name.toLowerCase();
        if (dropped.has(lower) || nominated?.has(lower)) continue;
        if (requestId !== undefined && lower === 'x-request-id') continue;
      }
      out.push(name, rawHeaders[n + 1] as string);
    }
    if (plain) addPlain(out, sent, config.trust, nominated);
    if (standard) addStandard(out, sent, config.trust);
    if (requestId !== undefined) out.push('X-Request-Id', requestId);
    if (own !== undefined) for (const name in own) out.push(name, own[name] as string);
    return out;
  };
}

/** What a client may say of who forwarded for it, in either dialect. */
const SAID_BY_PROXIES = [
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-prefix',
  'x-forwarded-proto',
  'x-forwarded-server',
  'x-real-ip',
];

/** Host is the next connection's own; Expect has been answered by our server. */
function droppedBy({ style, trust }: ForwardedConfig): ReadonlySet<string> {
  const rewritten = [
    ...(style === 'x-forwarded' || style === 'both' ? ['x-forwarded-for'] : []),
    ...(style === 'forwarded' || style === 'both' ? ['forwarded'] : []),
  ];
  return new Set([...HOP_BY_HOP, 'host', 'expect', ...rewritten, ...(trust ? [] : SAID_BY_PROXIES)]);
}

function addPlain(out: string[], sent: Sent, trust: boolean, nominated: ReadonlySet<string> | undefined): void {
  const { headers } = sent;
  const chain = chained(trust ? headers['x-forwarded-for'] : undefined, sent.address);
  const keeps = (name: string) => trust && headers[name] !== undefined && !nominated?.has(name);
  if (chain) out.push('X-Forwarded-For', chain);
  if (!keeps('x-forwarded-host') && headers.host) out.push('X-Forwarded-Host', headers.host);
  if (!keeps('x-forwarded-proto')) out.push('X-Forwarded-Proto', sent.encrypted ? 'https' : 'http');
}

/** RFC 7239 §4: each proxy adds an element of its own. */
function addStandard(out: string[], sent: Sent, trust: boolean): void {
  const { host, forwarded } = sent.headers;
  const element = [
    `for=${nodeName(sent.address)}`,
    ...(host ? [`host=${quoted(host)}`] : []),
    `proto=${sent.encrypted ? 'https' : 'http'}`,
  ].join(';');
  out.push('Forwarded', chained(trust ? forwarded : undefined, element));
}

const chained = (before: string | readonly string[] | undefined, own: string | undefined): string => {
  if (before === undefined) return own ?? '';
  const text = typeof before === 'string' ? before : before.join(', ');
  return text === '' || own === undefined ? text || (own ?? '') : `${text}, ${own}`;
};

/** RFC 7239 §6: an IPv6 address is in brackets and quotes. */
function nodeName(address: string | undefined): string {
  if (address === undefined) return 'unknown';
  return address.includes(':') ? `"[${address}]"` : address;
}

const quoted = (text: string): string =>
  /^[\w!#$%&'*+.^`|~-]+$/.test(text) ? text : `"${text.replace(/["\\]/g, '\\$&')}"`;
