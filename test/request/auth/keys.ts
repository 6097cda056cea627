import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import type { AuthError } from '../../../src/errors.ts';
import type { JwtAuth } from '../../../src/model/auth.ts';
import { type Auth, createAuth } from '../../../src/request/auth.ts';
import { AUDIENCE, bearer, type Issuer, signingKey, withIssuer } from '../../support/issuer.ts';

const [one, two] = [await signingKey('one'), await signingKey('two')];

function authOf(t: Test, issuer: Issuer, more: Partial<JwtAuth> = {}): Auth {
  const spec: JwtAuth = {
    ...{ mode: 'jwt', jwks: issuer.url, issuer: issuer.name, audience: AUDIENCE, algorithms: ['RS256'] },
    ...more,
  };
  const auth = createAuth(spec, { file: join(import.meta.dirname, 'x.ts'), secrets: [] });
  t.teardown(() => auth.close());
  return auth;
}

const message = (token: string) => {
  const headers = bearer(token);
  return { url: '/', method: 'GET', headers, rawHeaders: Object.entries(headers).flat() };
};

/** `ok`, or why not. */
async function askedOf(auth: Auth, token: string): Promise<string> {
  try {
    await auth.authenticate(message(token));
    return 'ok';
  } catch (error) {
    return (error as AuthError).reason;
  }
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 5_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`never: ${what}`);
    await sleep(5);
  }
}

t.test('a token that was verified is let in at once, by itself alone, and no longer than it holds', async (t) => {
  const issuer = await withIssuer(t, one);
  const auth = authOf(t, issuer);
  const exp = Math.floor(Date.now() / 1000) + 2;
  const token = await issuer.token(one, { exp, roles: ['a'] });
  const first = auth.authenticate(message(token));
  t.type(first, Promise);
  const claims = await first;
  t.match(claims, { sub: 'u-1', tid: 'acme' });
  t.ok(Object.isFrozen(claims) && Object.isFrozen(claims.roles), 'nobody can change it for others');
  t.equal(auth.authenticate(message(token)), claims, 'without a promise');
  t.equal(await askedOf(auth, `${token.slice(0, -2)}AA`), 'signature');
  await until('expired', () => Date.now() >= exp * 1000);
  t.equal(await askedOf(auth, token), 'expired');
  t.equal(issuer.asked(), 1);
});

t.test('a tolerance holds on both sides, and no further', async (t) => {
  const issuer = await withIssuer(t, one);
  const auth = authOf(t, issuer, { clockTolerance: '30s' });
  const now = Math.floor(Date.now() / 1000);
  const of = async (claims: { exp?: number; nbf?: number }) => askedOf(auth, await issuer.token(one, claims));
  t.equal(await of({ exp: now - 10 }), 'ok');
  t.equal(await of({ exp: now - 60 }), 'expired');
  t.equal(await of({ nbf: now + 10 }), 'ok');
  t.equal(await of({ nbf: now + 60 }), 'not_yet');
});

t.test('a new key is taken at once, one that is gone within the refresh', async (t) => {
  const issuer = await withIssuer(t, one);
  const auth = authOf(t, issuer, { refresh: '300ms', cooldown: '20ms' });
  const old = await issuer.token(one);
  t.equal(await askedOf(auth, old), 'ok');
  issuer.publish(one, two);
  await sleep(25);
  t.equal(await askedOf(auth, await issuer.token(two)), 'ok', 'at the first request');
  t.equal(await askedOf(auth, old), 'ok', 'while both are there');
  issuer.publish(two);
  const began = performance.now();
  await until('refused', async () => (await askedOf(auth, old)) === 'key');
  t.ok(performance.now() - began < 1_500, 'the remembered token goes with its key');
  t.equal(await askedOf(auth, await issuer.token(two)), 'ok');
});

t.test('one fetch for a hundred unknown keys, and none in the cooldown', async (t) => {
  const issuer = await withIssuer(t, one);
  const auth = authOf(t, issuer, { cooldown: '400ms' });
  t.equal(await askedOf(auth, await issuer.token(one)), 'ok');
  const tokens = await Promise.all(Array.from({ length: 100 }, (_, at) => issuer.token(two, {}, { kid: `k-${at}` })));
  await sleep(410);
  const reasons = await Promise.all(tokens.map((token) => askedOf(auth, token)));
  t.ok(reasons.every((reason) => reason === 'key'));
  t.equal(issuer.asked(), 2);
  for (const token of tokens.slice(0, 20)) await askedOf(auth, token);
  t.equal(issuer.asked(), 2, 'in the cooldown');
  await sleep(410);
  await askedOf(auth, tokens[0] as string);
  t.equal(issuer.asked(), 3);
});

const ILL: Readonly<Record<string, Parameters<Issuer['behave']>[0]>> = {
  'closes the connection': (message) => void message.socket.destroy(),
  hangs: () => undefined,
  'hangs in its body': (_, reply) => void reply.writeHead(200).write('{"keys":['),
  'answers 500': (_, reply) => void reply.writeHead(500).end('{"keys":[]}'),
  'answers 404': (_, reply) => void reply.writeHead(404).end(),
  'sends elsewhere': (_, reply) => void reply.writeHead(302, { location: '/evil.json' }).end(),
  'says garbage': (_, reply) => void reply.end('<html>'),
  'says null': (_, reply) => void reply.end('null'),
  'has no keys': (_, reply) => void reply.end('{"keys":[]}'),
  'has keys that are none': (_, reply) =>
    void reply.end('{"keys":[null,1,{"kty":"oct","k":"AAAA"},{"kty":"RSA","use":"enc"}]}'),
  'is endless': (_, reply) => {
    const more = (): void => {
      while (!reply.destroyed && reply.write('x'.repeat(65_536)));
      if (!reply.destroyed) reply.once('drain', more);
    };
    more();
  },
};

for (const [says, behaviour] of Object.entries(ILL)) {
  t.test(`an issuer that ${says}: after the start its last keys serve, at the start nobody is let in`, async (t) => {
    const issuer = await withIssuer(t, one);
    const auth = authOf(t, issuer, { refresh: '50ms', cooldown: '20ms', timeout: '150ms' });
    t.equal(await askedOf(auth, await issuer.token(one)), 'ok');
    issuer.behave(behaviour);
    await until('noted', () => auth.state().note !== undefined);
    t.equal(auth.state().problem, undefined, 'ready all the same');
    t.equal(await askedOf(auth, await issuer.token(one, { sub: 'u-2' })), 'ok');
    t.equal(await askedOf(auth, await issuer.token(two)), 'key');

    const late = authOf(t, issuer, { cooldown: '20ms', timeout: '150ms' });
    const token = await issuer.token(one);
    const began = performance.now();
    t.equal(await askedOf(late, token), 'unavailable');
    t.ok(performance.now() - began < 2_000, 'nobody waits for long');
    t.match(late.state().problem, /cannot be had/);
    issuer.publish(one);
    await until('well again', async () => (await askedOf(late, token)) === 'ok');
    await until('no note', () => auth.state().note === undefined && late.state().problem === undefined);
  });
}

t.test('keys that nobody confirms serve for a bounded time', async (t) => {
  const issuer = await withIssuer(t, one);
  const auth = authOf(t, issuer, { refresh: '50ms', cooldown: '20ms', keep: '400ms' });
  const token = await issuer.token(one);
  t.equal(await askedOf(auth, token), 'ok');
  issuer.behave((_, reply) => void reply.writeHead(500).end());
  await until('too old', async () => (await askedOf(auth, token)) === 'unavailable');
  t.match(auth.state().problem, /too old/);
  issuer.publish(one);
  await until('well again', async () => (await askedOf(auth, token)) === 'ok');
});

t.test('a hundred requests before there are keys wait for one fetch', async (t) => {
  const issuer = await withIssuer(t);
  let answer = (): void => undefined;
  issuer.behave((_, reply) => {
    answer = () => void reply.end(JSON.stringify({ keys: [one.jwk] }));
  });
  const auth = authOf(t, issuer);
  const token = await issuer.token(one);
  const all = Array.from({ length: 100 }, () => askedOf(auth, token));
  await until('asked', () => issuer.asked() === 1);
  answer();
  t.ok((await Promise.all(all)).every((said) => said === 'ok'));
  t.equal(issuer.asked(), 1);
});

t.test('keys in a file beside the bindings, read again', async (t) => {
  const folder = t.testdir({ 'jwks.json': JSON.stringify({ keys: [one.jwk] }) });
  const issuer = await withIssuer(t);
  const spec: JwtAuth = {
    ...{ mode: 'jwt', jwks: 'jwks.json', issuer: issuer.name, audience: AUDIENCE },
    ...{ algorithms: ['RS256'], cooldown: '10ms' },
  };
  const auth = createAuth(spec, { file: join(folder, 'api.bindings.ts'), secrets: [] });
  t.teardown(() => auth.close());
  t.equal(await askedOf(auth, await issuer.token(one)), 'ok');
  await writeFile(join(folder, 'jwks.json'), JSON.stringify({ keys: [two.jwk] }));
  await sleep(15);
  t.equal(await askedOf(auth, await issuer.token(two)), 'ok');
  t.equal(await askedOf(auth, await issuer.token(one)), 'key');
  t.equal(issuer.asked(), 0);
});

t.test('a port where nobody listens', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  const issuer = await withIssuer(t, one);
  const auth = authOf(t, { ...issuer, url: `http://127.0.0.1:${port}/jwks.json` });
  t.equal(await askedOf(auth, await issuer.token(one)), 'unavailable');
});
