import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import type { Difference, Verdict } from '../model/comparison.ts';
import type { Stage } from '../model/stage.ts';
import type { Sample, SampledValue } from './rows.ts';

/** The request of a sample, as `diff` and `rules` ask it again. */
export interface SampledRequest {
  readonly method: string;
  /** Path and query as the client sent them. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** What of a request and of a difference may be kept. */
export interface Sampler {
  readonly sample: (given: Sampled) => Sample;
  /** The request alone; `undefined` without a secret. */
  readonly seal: (request: SampledRequest) => string | undefined;
  /** The sealed request in clear; `undefined` where it was sealed under another secret, or not at all. */
  readonly open: (sealed: string) => SampledRequest | undefined;
}

export interface Sampled {
  readonly at: number;
  readonly requestId: string;
  readonly tenant: string;
  readonly stage: Stage;
  readonly verdict: Verdict;
  readonly consistent: boolean;
  readonly request: SampledRequest;
  readonly difference: Difference;
  /** What can be said of it without giving it away. */
  readonly facts: readonly string[];
}

const CIPHER = 'aes-256-gcm';
const NONCE = 12;
const TAG = 16;

/** Longest clear value under `reveal`, in bytes of JSON text. */
const LONGEST = 1_000;

/** Headers that are never kept, sealed or not: whoever opens a sample must not become the client. */
const NEVER = /^(authorization|cookie|proxy-authorization|x-api-key|x-amz-security-token)$|token|secret|password/i;

/** Whether a header of this name lets somebody in, as far as names tell. */
export const isCredential = (name: string): boolean => NEVER.test(name);

/** Samples under `secret` (none: no request is kept), with clear values only at the paths of `reveal`. */
export function createSampling(secret: string | undefined, reveal: readonly string[]): Sampler {
  const derive = (info: string) =>
    secret === undefined ? undefined : Buffer.from(hkdfSync('sha256', secret, '', info, 32));
  const key = derive('crossfade sample');
  const hashKey = derive('crossfade sample value') ?? randomBytes(32);
  const clear = new Set(reveal);
  return Object.freeze({
    sample: ({ at, requestId, tenant, stage, verdict, consistent, request, difference, facts }: Sampled): Sample => {
      const salt = randomBytes(12).toString('base64url');
      const value = side(hashKey, salt, clear.has(difference.path));
      return Object.freeze({
        at: new Date(at),
        requestId,
        tenant,
        stage,
        verdict,
        consistent,
        ...(key === undefined ? {} : { request: seal(key, request) }),
        facts,
        salt,
        left: value(difference.leftType, difference.left),
        right: value(difference.rightType, difference.right),
      });
    },
    seal: (request: SampledRequest) => (key === undefined ? undefined : seal(key, request)),
    open: (sealed: string) => (key === undefined ? undefined : open(key, sealed)),
  });
}

const side =
  (key: Buffer, salt: string, reveal: boolean) =>
  (type: string, text: Buffer | undefined): SampledValue =>
    Object.freeze({
      type,
      length: text?.length ?? 0,
      ...(text === undefined
        ? {}
        : { hash: createHmac('sha256', key).update(salt).update(text).digest('base64url').slice(0, 16) }),
      ...(reveal && text !== undefined ? { value: text.toString('utf8', 0, LONGEST) } : {}),
    });

function seal(key: Buffer, { method, url, headers }: SampledRequest): string {
  const kept = Object.fromEntries(Object.entries(headers).filter(([name]) => !isCredential(name)));
  const nonce = randomBytes(NONCE);
  const cipher = createCipheriv(CIPHER, key, nonce);
  const sealed = Buffer.concat([cipher.update(JSON.stringify({ method, url, headers: kept })), cipher.final()]);
  return Buffer.concat([nonce, sealed, cipher.getAuthTag()]).toString('base64url');
}

function open(key: Buffer, text: string): SampledRequest | undefined {
  const bytes = Buffer.from(text, 'base64url');
  if (bytes.length < NONCE + TAG) return undefined;
  try {
    const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, NONCE), { authTagLength: TAG });
    decipher.setAuthTag(bytes.subarray(-TAG));
    const clear = Buffer.concat([decipher.update(bytes.subarray(NONCE, -TAG)), decipher.final()]);
    return JSON.parse(clear.toString('utf8')) as SampledRequest;
  } catch {
    return undefined;
  }
}
