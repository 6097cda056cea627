import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose';
import type { Test } from 'tap';

export interface SigningKey {
  readonly kid: string;
  readonly alg: string;
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
  readonly jwk: JWK;
}

export async function signingKey(kid: string, alg = 'RS256'): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { kid, alg, privateKey, publicKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } };
}

type Behaviour = (message: IncomingMessage, reply: ServerResponse) => void;

export interface Issuer {
  readonly url: string;
  readonly name: string;
  /** How often its keys were asked for. */
  readonly asked: () => number;
  /** What it says from now on. */
  readonly publish: (...keys: SigningKey[]) => void;
  readonly behave: (behaviour: Behaviour) => void;
  readonly token: (key: SigningKey, claims?: JWTPayload, header?: object) => Promise<string>;
}

export const AUDIENCE = 'photos-api';

/** A key server on loopback, closed after the test. */
export async function withIssuer(t: Test, ...first: SigningKey[]): Promise<Issuer> {
  let asked = 0;
  let behaviour: Behaviour = () => undefined;
  const server = createServer((message, reply) => {
    asked += 1;
    behaviour(message, reply);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const name = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const publish = (...keys: SigningKey[]): void => {
    const text = JSON.stringify({ keys: keys.map(({ jwk }) => jwk) });
    behaviour = (_, reply) => void reply.setHeader('content-type', 'application/json').end(text);
  };
  publish(...first);
  return {
    name,
    url: `${name}/jwks.json`,
    asked: () => asked,
    publish,
    behave: (one) => {
      behaviour = one;
    },
    token: (key, claims = {}, header = {}) => tokenOf(name, key, claims, header),
  };
}

/** A good token of an hour, but for what is said otherwise. A claim that is `undefined` is left out. */
function tokenOf(issuer: string, key: SigningKey, claims: JWTPayload, header: object): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const payload = { iss: issuer, aud: AUDIENCE, sub: 'u-1', tid: 'acme', iat: now, exp: now + 3600, ...claims };
  return new SignJWT(payload).setProtectedHeader({ alg: key.alg, kid: key.kid, ...header }).sign(key.privateKey);
}

export const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
