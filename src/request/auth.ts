import { dirname, resolve } from 'node:path';
import { AuthError } from '../errors.ts';
import type { AuthSpec, Claims, JwtAuth } from '../model/auth.ts';
import { parseDuration } from '../model/duration.ts';
import { NO_CLAIMS } from './auth/claims.ts';
import { forwardAuth } from './auth/forward.ts';
import { gatewayAuth } from './auth/gateway.ts';
import { jwtAuth } from './auth/jwt.ts';
import { openKeys } from './auth/keys.ts';
import type { Authenticate, AuthState, Caller } from './auth/types.ts';

export type { Claims } from '../model/auth.ts';
export { NO_CLAIMS } from './auth/claims.ts';
export type { Authenticate, Caller } from './auth/types.ts';

export interface Auth {
  readonly authenticate: Authenticate;
  /** Notes what of a caller can be seen only while the connection lives, for a question that comes after the reply. */
  readonly look: (message: Caller) => void;
  /** Throws an AuthError(forbidden) where the claims are of another tenant. */
  readonly agree: (tenant: string, claims: Claims) => void;
  readonly state: () => AuthState;
  readonly close: () => Promise<void>;
}

export interface AuthOptions {
  /** The bindings module, which a file of keys is beside. */
  readonly file: string;
  /** Of the gateway. Without any it is not asked for its proof: for commands, whose users reach the stores anyway. */
  readonly secrets: readonly string[] | undefined;
}

/** Who may ask, by the bindings' `auth`. */
export function createAuth(spec: AuthSpec | undefined, { file, secrets }: AuthOptions): Auth {
  const { authenticate, look, state, close } = modeOf(spec, file, secrets);
  const claim = typeof spec?.tenantClaim === 'string' ? spec.tenantClaim : undefined;
  return Object.freeze({
    authenticate,
    look: look ?? (() => undefined),
    agree: (tenant: string, claims: Claims) => {
      if (claim === undefined || isOf(claims, claim, tenant)) return;
      throw new AuthError('forbidden', 'tenant', 'the caller does not belong to this tenant');
    },
    state: state ?? (() => FINE),
    close: close ?? (async () => undefined),
  });
}

const FINE: AuthState = Object.freeze({ problem: undefined, note: undefined });

function isOf(claims: Claims, name: string, tenant: string): boolean {
  const value = Object.hasOwn(claims, name) ? claims[name] : undefined;
  return Array.isArray(value) ? value.includes(tenant) : value === tenant;
}

interface Mode {
  readonly authenticate: Authenticate;
  readonly look?: Auth['look'];
  readonly state?: Auth['state'];
  readonly close?: Auth['close'];
}

function modeOf(spec: AuthSpec | undefined, file: string, secrets: readonly string[] | undefined): Mode {
  if (spec === undefined) return { authenticate: () => NO_CLAIMS };
  if (spec.mode === 'forward') return forwardAuth(spec);
  if (spec.mode === 'jwt') return withKeys(spec, file);
  const proved = secrets === undefined ? { ...spec, proof: { none: 'asked by a command' } } : spec;
  return gatewayAuth(proved, secrets ?? []);
}

function withKeys(spec: JwtAuth, file: string): Mode {
  const of = (text: string | undefined, otherwise: string) => parseDuration(text ?? otherwise) ?? 0;
  const keys = openKeys({
    source: spec.jwks.includes('://') ? spec.jwks : resolve(dirname(file), spec.jwks),
    refresh: of(spec.refresh, '5m'),
    keep: of(spec.keep, '24h'),
    cooldown: of(spec.cooldown, '10s'),
    timeout: of(spec.timeout, '3s'),
  });
  return { authenticate: jwtAuth(spec, keys), state: keys.state, close: keys.close };
}
