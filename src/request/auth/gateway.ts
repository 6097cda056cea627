import { hash, timingSafeEqual } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { AuthError } from '../../errors.ts';
import type { GatewayAuth } from '../../model/auth.ts';
import { soundHeaders } from '../tenant.ts';
import { claimsOf } from './claims.ts';
import type { Authenticate, Caller } from './types.ts';

/** Whoever shows the gateway's proof is let in, and is who the gateway says. Synchronous. */
export function gatewayAuth({ proof, claims }: GatewayAuth, secrets: readonly string[]) {
  const shows = proofOf(proof, secrets);
  const authenticate: Authenticate = (message) => {
    if (!shows(message)) throw new AuthError('unauthorized', 'proof', 'the request did not come by the gateway');
    return claimsOf(claims, claims === undefined ? {} : soundHeaders(message));
  };
  return { authenticate, look: (message: Caller) => void shows(message) };
}

function proofOf(proof: GatewayAuth['proof'], secrets: readonly string[]): (message: Caller) => boolean {
  if (proof === undefined || (typeof proof === 'object' && 'none' in proof)) return () => true;
  if (proof === 'mtls') return certificate([]);
  return 'mtls' in proof ? certificate(proof.mtls) : secretHeader(proof.header.toLowerCase(), secrets);
}

const digest = (text: string): Buffer => hash('sha256', text, 'buffer');

/** Hashes are compared, each of them to its end: neither length nor content of a secret shows in the time it takes. */
function secretHeader(header: string, secrets: readonly string[]): (message: Caller) => boolean {
  const known = secrets.map(digest);
  return (message) => {
    const given = soundHeaders(message)[header];
    if (given === undefined) return false;
    const own = digest(given);
    return known.reduce((found, one) => timingSafeEqual(one, own) || found, false);
  };
}

/** The connection's certificate, looked at once: it is of our CA, and of one of these names where there are any. */
function certificate(names: readonly string[]): (message: Caller) => boolean {
  const seen = new WeakMap<object, boolean>();
  return ({ socket }) => {
    if (socket === undefined) return false;
    const known = seen.get(socket);
    if (known !== undefined) return known;
    const shows = isOurs(socket as TLSSocket, names);
    seen.set(socket, shows);
    return shows;
  };
}

/** Whatever TLS calls authorized, without a certificate nobody has shown one. */
function isOurs(socket: TLSSocket, names: readonly string[]): boolean {
  if (socket.encrypted !== true || !socket.authorized) return false;
  const shown = socket.getPeerX509Certificate();
  if (shown === undefined) return false;
  const options = { subject: 'never', wildcards: false } as const;
  return names.length === 0 || names.some((name) => shown.checkHost(name, options) !== undefined);
}
