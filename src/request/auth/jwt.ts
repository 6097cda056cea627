import { hash } from 'node:crypto';
import { errors, jwtVerify } from 'jose';
import { AuthError, type AuthReason } from '../../errors.ts';
import type { Claims, JwtAuth } from '../../model/auth.ts';
import { parseDuration } from '../../model/duration.ts';
import { soundHeaders } from '../tenant.ts';
import { Cache } from './cache.ts';
import { frozen } from './claims.ts';
import type { KeySet, Keys } from './keys.ts';
import type { Authenticate } from './types.ts';

const MAX_BYTES = 8_192;

/** Tokens whose signature need not be looked at again. */
const REMEMBERED = 10_000;

interface Verified {
  readonly claims: Claims;
  /** The keys it was verified by: under others it is verified again, since its own may be gone. */
  readonly set: KeySet;
  /** Milliseconds since 1970. */
  readonly until: number;
}

/** The claims of a bearer token. Synchronous for one that was verified before and still holds. */
export function jwtAuth(auth: JwtAuth, keys: Keys): Authenticate {
  const tolerance = parseDuration(auth.clockTolerance ?? '0s') ?? 0;
  const maxBytes = auth.maxBytes ?? MAX_BYTES;
  const options = Object.freeze({
    algorithms: [...auth.algorithms],
    issuer: [auth.issuer].flat() as string[],
    audience: [auth.audience].flat() as string[],
    clockTolerance: tolerance / 1000,
    requiredClaims: ['exp'],
    ...(auth.typ === undefined ? {} : { typ: auth.typ }),
  });
  const remembered = new Cache<Verified>(REMEMBERED);

  const verify = async (token: string, name: string): Promise<Claims> => {
    const check = async (set: KeySet): Promise<Claims> => {
      const { payload } = await jwtVerify(token, set.find, options);
      const claims: Claims = frozen({ ...payload });
      remembered.set(name, { claims, set, until: Number(payload.exp) * 1000 + tolerance });
      return claims;
    };
    const had = keys.current() ?? (await fetched(keys));
    try {
      return await check(had);
    } catch (error) {
      const again = error instanceof errors.JWKSNoMatchingKey ? keys.refetch() : undefined;
      if (again === undefined) throw refused(error);
      await again;
      return await check(keys.current() ?? unavailable()).catch((failure: unknown) => {
        throw refused(failure);
      });
    }
  };

  return (message) => {
    const token = tokenOf(soundHeaders(message).authorization, maxBytes);
    const name = hash('sha256', token, 'base64');
    const known = remembered.get(name);
    if (known !== undefined && known.set === keys.current() && Date.now() < known.until) return known.claims;
    return verify(token, name);
  };
}

async function fetched(keys: Keys): Promise<KeySet> {
  await keys.refetch();
  return keys.current() ?? unavailable();
}

function unavailable(): never {
  throw new AuthError('unavailable', 'unavailable', 'nobody can be let in at the moment');
}

const TOKEN = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;

function tokenOf(authorization: string | undefined, maxBytes: number): string {
  if (authorization === undefined || !/^bearer /i.test(authorization)) {
    const headers = { 'www-authenticate': 'Bearer' };
    throw new AuthError('unauthorized', 'missing', 'a bearer token is missing', { headers });
  }
  const token = authorization.slice('bearer '.length).trim();
  if (token.length > maxBytes) throw invalid('too_large');
  if (!TOKEN.test(token)) throw invalid('malformed');
  return token;
}

const SAID: Readonly<Partial<Record<AuthReason, string>>> = Object.freeze({
  too_large: 'the token is too long',
  malformed: 'the token cannot be read',
  algorithm: 'the token is signed by an algorithm that is not taken',
  key: 'the token is signed by a key that is not known',
  signature: 'the signature does not fit',
  type: 'the token is of another kind',
  expired: 'the token has expired',
  not_yet: 'the token does not hold yet',
  issuer: 'the token is of another issuer',
  audience: 'the token is for others',
  claims: 'the token lacks a claim',
});

/** RFC 6750 §3. */
function invalid(reason: AuthReason, cause?: unknown): AuthError {
  const message = SAID[reason] ?? 'the token does not hold';
  const headers = { 'www-authenticate': `Bearer error="invalid_token", error_description="${message}"` };
  return new AuthError('unauthorized', reason, message, { headers, cause });
}

const BY_CLAIM: Readonly<Record<string, AuthReason>> = Object.freeze({
  nbf: 'not_yet',
  iss: 'issuer',
  aud: 'audience',
  typ: 'type',
});

const BY_CODE: Readonly<Record<string, AuthReason>> = Object.freeze({
  ERR_JWT_EXPIRED: 'expired',
  ERR_JWS_SIGNATURE_VERIFICATION_FAILED: 'signature',
  ERR_JOSE_ALG_NOT_ALLOWED: 'algorithm',
  ERR_JWKS_NO_MATCHING_KEY: 'key',
  ERR_JWKS_MULTIPLE_MATCHING_KEYS: 'key',
  ERR_JWS_INVALID: 'malformed',
  ERR_JWT_INVALID: 'malformed',
  ERR_JOSE_NOT_SUPPORTED: 'malformed',
});

function refused(error: unknown): AuthError {
  if (error instanceof AuthError) return error;
  if (error instanceof errors.JWTClaimValidationFailed) return invalid(BY_CLAIM[error.claim] ?? 'claims', error);
  // What else is thrown is a key that cannot be used as the token says: of another kind, or garbled.
  return invalid((error instanceof errors.JOSEError && BY_CODE[error.code]) || 'key', error);
}
