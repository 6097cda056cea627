import { hash } from 'node:crypto';

export interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

export interface Scope {
  /** Of the Host header. */
  readonly host: string;
  readonly region: string;
  readonly service: string;
  readonly contentType: string;
}

/** What a signed POST to `/` needs beside content type, host and target. */
export interface Signed {
  /** `x-amz-date` */
  readonly date: string;
  readonly authorization: string;
}

/** (body, target, milliseconds since 1970) → the headers that make the request ours. */
export type Sign = (body: string | Buffer, target: string, now: number) => Signed;

const BLOCK = 64;
const DIGEST = 32;

/**
 * AWS Signature Version 4 of one kind of request: a POST to `/` without a query, its content type, host, date, target and
 * session token signed. The key is made once a day, all text but the digests once a second.
 */
export function signer(keys: Keys, scope: Scope): Sign {
  const names = [
    'content-type',
    'host',
    'x-amz-date',
    ...(keys.sessionToken ? ['x-amz-security-token'] : []),
    'x-amz-target',
  ];
  const signed = names.join(';');
  const token = keys.sessionToken ? `x-amz-security-token:${keys.sessionToken.trim()}\n` : '';
  let second = Number.NaN;
  let day = '';
  let date = '';
  let credential = '';
  let head = '';
  let toSign = '';
  let mac: (text: string) => string = () => '';
  const requests = new Map<string, string>();

  const turn = (now: number): void => {
    date = `${new Date(now).toISOString().replaceAll(/[:-]|\.\d{3}/g, '')}`;
    requests.clear();
    head = `POST\n/\n\ncontent-type:${scope.contentType}\nhost:${scope.host}\nx-amz-date:${date}\n${token}x-amz-target:`;
    const today = date.slice(0, 8);
    const within = `${today}/${scope.region}/${scope.service}/aws4_request`;
    toSign = `AWS4-HMAC-SHA256\n${date}\n${within}\n`;
    if (today === day) return;
    day = today;
    mac = keyed(signingKey(keys.secretAccessKey, [today, scope.region, scope.service, 'aws4_request']));
    credential = `AWS4-HMAC-SHA256 Credential=${keys.accessKeyId}/${within}, SignedHeaders=${signed}, Signature=`;
  };
  const requestFor = (target: string): string => {
    const text = `${head}${target}\n\n${signed}\n`;
    requests.set(target, text);
    return text;
  };

  return (body, target, now) => {
    const at = Math.floor(now / 1000);
    if (at !== second) {
      second = at;
      turn(at * 1000);
    }
    const request = (requests.get(target) ?? requestFor(target)) + hash('sha256', body, 'hex');
    return { date, authorization: credential + mac(toSign + hash('sha256', request, 'hex')) };
  };
}

export function signingKey(secret: string, parts: readonly string[]): Buffer {
  return parts.reduce((key, part) => Buffer.from(keyed(key)(part), 'hex'), Buffer.from(`AWS4${secret}`));
}

/** HMAC-SHA-256 by one-shot digests, which are several times cheaper than hash objects. Text must be ASCII. */
export function keyed(key: Buffer): (text: string) => string {
  const short = key.length > BLOCK ? hash('sha256', key, 'buffer') : key;
  const outer = Buffer.alloc(BLOCK + DIGEST, 0x5c);
  let inner = Buffer.alloc(BLOCK * 8, 0x36);
  for (let i = 0; i < short.length; i += 1) {
    outer[i] = 0x5c ^ (short[i] as number);
    inner[i] = 0x36 ^ (short[i] as number);
  }
  return (text) => {
    const length = BLOCK + text.length;
    if (length > inner.length) inner = Buffer.concat([inner.subarray(0, BLOCK)], length);
    inner.write(text, BLOCK, 'latin1');
    hash('sha256', inner.subarray(0, length), 'buffer').copy(outer, BLOCK);
    return hash('sha256', outer, 'hex');
  };
}
