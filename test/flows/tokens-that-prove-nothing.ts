import { createHmac, createPrivateKey, generateKeyPairSync, sign } from 'node:crypto';
import { connect } from 'node:net';
import { exportSPKI } from 'jose';
import t from 'tap';
import { AUDIENCE, bearer, type SigningKey, signingKey, withIssuer } from '../support/issuer.ts';
import { note, withNotes } from '../support/shadow.ts';

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const now = (): number => Math.floor(Date.now() / 1000);
const flip = (text: string): string => (text.startsWith('A') ? 'B' : 'A') + text.slice(1);

const rsa = await signingKey('rsa-1');
const ec = await signingKey('ec-1', 'ES256');
const stranger = await signingKey('rsa-1');
const small = generateKeyPairSync('rsa', { modulusLength: 1024 });
const issuer = await withIssuer(t, rsa, ec, {
  ...stranger,
  kid: 'small',
  jwk: { ...small.publicKey.export({ format: 'jwk' }), kid: 'small', alg: 'RS256' },
} as SigningKey);

const notes = await withNotes(t, {
  stage: 'complete',
  more: `
    auth: {
      mode: 'jwt', jwks: '${issuer.url}', issuer: '${issuer.name}', audience: '${AUDIENCE}',
      algorithms: ['RS256', 'ES256'], typ: 'at+jwt', tenantClaim: 'tid', cooldown: '100ms',
    },
    errors: { unauthorized: ({ message }) => ({ body: { error: { code: 'UNAUTHORIZED', message } } }) },`,
});
await notes.put([note('one')]);
const { facade } = notes;

const good = (claims: object = {}, header: object = {}, key = rsa) =>
  issuer.token(key, claims as never, { typ: 'at+jwt', ...header });

const payload = (): object => ({
  ...{ iss: issuer.name, aud: AUDIENCE, sub: 'u-1', tid: 'acme' },
  ...{ iat: now(), exp: now() + 3600 },
});

const rsaPrivate = await crypto.subtle.exportKey('jwk', rsa.privateKey);
const ecPrivate = await crypto.subtle.exportKey('jwk', ec.privateKey);

/** Signed by the right key over what `SignJWT` would not write. */
const rawText = (text: string, header: object = {}): string => {
  const first = encode({ alg: 'RS256', kid: 'rsa-1', typ: 'at+jwt', ...header });
  const signed = `${first}.${Buffer.from(text).toString('base64url')}`;
  const key = createPrivateKey({ key: rsaPrivate as never, format: 'jwk' });
  return `${signed}.${sign('sha256', Buffer.from(signed), key).toString('base64url')}`;
};
const raw = (claims: object, header: object = {}) => rawText(JSON.stringify({ ...payload(), ...claims }), header);

/** Signed with the bytes of the public key, as a library would check that takes the token's word for its algorithm. */
const confused = (alg: string, secret: string | Buffer): string => {
  const text = `${encode({ alg, kid: 'rsa-1', typ: 'at+jwt' })}.${encode(payload())}`;
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
};

const ecdsa = (dsaEncoding: 'der' | 'ieee-p1363'): string => {
  const text = `${encode({ alg: 'ES256', kid: 'ec-1', typ: 'at+jwt' })}.${encode(payload())}`;
  const key = createPrivateKey({ key: ecPrivate as never, format: 'jwk' });
  return `${text}.${sign('sha256', Buffer.from(text), { key, dsaEncoding }).toString('base64url')}`;
};

const spki = await exportSPKI(rsa.publicKey);
const base = await good();
const [head = '', body = '', signature = ''] = base.split('.');
const unsigned = (alg: unknown) => `${encode({ alg, typ: 'at+jwt' })}.${encode(payload())}.`;

const kids = ['../../../dev/null', '/etc/passwd', "' OR 1=1 --", '__proto__', 'constructor', 'rsa-1\u0000', ''];
const byKid = await Promise.all(
  kids.map(async (kid) => [`kid ${JSON.stringify(kid)}`, bearer(await good({}, { kid })), 'key'] as const),
);

const rows: (readonly [says: string, headers: Record<string, string | string[]>, reason: string])[] = [
  ['nothing at all', {}, 'missing'],
  ['Basic', { authorization: `Basic ${Buffer.from('a:b').toString('base64')}` }, 'missing'],
  ['an empty header', { authorization: '' }, 'missing'],
  ['the scheme alone', { authorization: 'Bearer' }, 'missing'],
  ['no scheme', { authorization: base }, 'missing'],
  ['twice the same', { Authorization: [`Bearer ${base}`, `Bearer ${base}`] }, 'missing'],
  ['a good and a bad one', { Authorization: [`Bearer ${base}`, 'Bearer x'] }, 'missing'],
  ['nominated by Connection', { ...bearer(base), Connection: 'close, Authorization' }, 'missing'],
  ['two tokens', { authorization: `Bearer ${base}, Bearer ${base}` }, 'malformed'],
  ['no token', bearer('x'), 'malformed'],
  ['cut in its payload', bearer(`${head}.${body.slice(0, 20)}.${signature}`), 'signature'],
  ['cut in its signature', bearer(base.slice(0, -20)), 'signature'],
  ['without a signature', bearer(`${head}.${body}.`), 'malformed'],
  ['without its third part', bearer(`${head}.${body}`), 'malformed'],
  ['of five parts', bearer(`${base}.a.b`), 'malformed'],
  ['a header that is no JSON', bearer(`${flip(head)}.${body}.${signature}`), 'malformed'],
  ['another payload', bearer(`${head}.${encode({ ...payload(), sub: 'u-2' })}.${signature}`), 'signature'],
  ['another signature', bearer(`${head}.${body}.${flip(signature)}`), 'signature'],
  ['too long', bearer(`${head}.${body}.${'A'.repeat(9_000)}`), 'too_large'],
  ...['none', 'None', 'NONE', 'nOnE'].map((alg) => [alg, bearer(`${unsigned(alg)}AA`), 'algorithm'] as const),
  ['none, with the signature of another', bearer(`${unsigned('none')}${signature}`), 'algorithm'],
  ['no algorithm', bearer(`${unsigned(undefined)}AA`), 'malformed'],
  ['HS256 by the PEM of the public key', bearer(confused('HS256', spki)), 'algorithm'],
  ['HS256 by the PEM without its last line end', bearer(confused('HS256', spki.trimEnd())), 'algorithm'],
  ['HS256 by the modulus', bearer(confused('HS256', Buffer.from(String(rsa.jwk.n), 'base64url'))), 'algorithm'],
  ['RS256 that is a MAC', bearer(confused('RS256', spki)), 'signature'],
  [
    'an algorithm of the issuer that is not taken',
    bearer(await good({}, { alg: 'PS256' }, { ...rsa, privateKey: (await signingKey('x', 'PS256')).privateKey })),
    'algorithm',
  ],
  ['ES256 by the name of an RSA key', bearer(await good({}, { kid: 'rsa-1' }, ec)), 'key'],
  ['RS256 by the name of an EC key', bearer(await good({}, { kid: 'ec-1' })), 'key'],
  ['a key of another under the right name', bearer(await good({}, {}, stranger)), 'signature'],
  ['an unknown key', bearer(await good({}, { kid: 'nobody' }, stranger)), 'key'],
  ['a key that is too small', bearer(await good({}, { kid: 'small' })), 'key'],
  ...byKid,
  ['its own key in the header', bearer(await good({}, { kid: 'x', jwk: stranger.jwk }, stranger)), 'key'],
  ['its own key under the right name', bearer(await good({}, { jwk: stranger.jwk }, stranger)), 'signature'],
  ['jku', bearer(await good({}, { jku: 'http://127.0.0.1:9/jwks.json' }, stranger)), 'signature'],
  ['x5u', bearer(await good({}, { x5u: 'http://127.0.0.1:9/x.pem' }, stranger)), 'signature'],
  ['x5c', bearer(await good({}, { x5c: ['MIIB'] }, stranger)), 'signature'],
  ['an extension that must be understood', bearer(raw({}, { crit: ['exp'], exp: 1 })), 'malformed'],
  [
    'an unencoded payload',
    bearer(`${encode({ alg: 'RS256', kid: 'rsa-1', typ: 'at+jwt', b64: false, crit: ['b64'] })}.${body}.${signature}`),
    'signature',
  ],
  ['expired', bearer(await good({ exp: now() - 1 })), 'expired'],
  ['expired long ago', bearer(await good({ exp: 1 })), 'expired'],
  ['no end', bearer(await good({ exp: undefined })), 'claims'],
  ['an end that is a text', bearer(raw({ exp: String(now() + 60) })), 'claims'],
  ['an end that is no time', bearer(raw({ exp: null })), 'claims'],
  ['not yet', bearer(await good({ nbf: now() + 60 })), 'not_yet'],
  ['another audience', bearer(await good({ aud: 'billing-api' })), 'audience'],
  ['an audience in other case', bearer(await good({ aud: AUDIENCE.toUpperCase() })), 'audience'],
  ['no audience', bearer(await good({ aud: undefined })), 'audience'],
  ['another issuer', bearer(await good({ iss: 'https://issuer.example' })), 'issuer'],
  ['the issuer with a slash', bearer(await good({ iss: `${issuer.name}/` })), 'issuer'],
  ['no issuer', bearer(await good({ iss: undefined })), 'issuer'],
  ['an id token', bearer(await good({}, { typ: 'JWT' })), 'type'],
  ['no kind', bearer(await good({}, { typ: undefined })), 'type'],
  ['a payload that is a list', bearer(rawText('[]')), 'malformed'],
  ['a payload that is no JSON', bearer(rawText('{')), 'malformed'],
  ['ES256 in DER', bearer(ecdsa('der')), 'signature'],
  [
    'ES256 of nothing but zeros',
    bearer(`${ecdsa('ieee-p1363').split('.').slice(0, 2).join('.')}.${'A'.repeat(86)}`),
    'signature',
  ],
];

/** What stores were asked, and who was refused, by the façade's own count. */
async function counts(): Promise<{ asked: number; refused: Record<string, number> }> {
  const text = await (await fetch(`${facade.app.adminUrl}/metrics`)).text();
  const lines = text.split('\n');
  const numbers = (pattern: RegExp) =>
    lines.flatMap((line) => {
      const found = pattern.exec(line);
      return found === null ? [] : [[found[1] ?? '', Number(line.split(' ').at(-1))] as const];
    });
  return {
    asked: numbers(/^crossfade_origin_duration_seconds_count/).reduce((sum, [, value]) => sum + value, 0),
    refused: Object.fromEntries(numbers(/^crossfade_auth_refused_total\{reason="(\w+)"\}/)),
  };
}

const tenant = { 'x-tenant-id': 'acme' };

t.test('a good token is let in', async (t) => {
  const { asked } = await counts();
  for (const headers of [
    bearer(base),
    { authorization: `bearer ${base}` },
    { authorization: `BEARER   ${base}` },
    bearer(await good({ aud: ['others', AUDIENCE] })),
    bearer(await good({}, {}, ec)),
    bearer(ecdsa('ieee-p1363')),
    bearer(await good({ tid: ['globex', 'acme'] })),
    bearer(await good({}, { typ: 'application/at+jwt' })),
  ])
    t.equal((await facade.get('/notes/one', { ...tenant, ...headers })).status, 200);
  t.equal((await counts()).asked, asked + 8);
});

t.test('what proves nothing is refused in the shape of the API, and no store is asked', async (t) => {
  const before = await counts();
  for (const [says, headers, reason] of rows) {
    await t.test(says, async (t) => {
      const { refused } = await counts();
      for (const method of ['GET', 'HEAD']) {
        const reply = await facade.send(method, '/notes/one', { ...tenant, ...headers });
        t.equal(reply.status, 401);
        t.match(reply.headers['www-authenticate'], reason === 'missing' ? /^Bearer$/ : /^Bearer error="invalid_token"/);
        if (method === 'GET') t.match(reply.json, { error: { code: 'UNAUTHORIZED', message: String } });
        t.notMatch(reply.text + JSON.stringify(reply.headers), /Text of one/);
      }
      t.equal((await counts()).refused[reason], (refused[reason] ?? 0) + 2, reason);
    });
  }
  t.equal((await counts()).asked, before.asked);
});

t.test('a token in the query, a cookie or a body is none', async (t) => {
  for (const [path, headers] of [
    [`/notes/one?access_token=${base}`, {}],
    ['/notes/one', { cookie: `access_token=${base}` }],
    ['/notes/one', { 'proxy-authorization': `Bearer ${base}` }],
  ] as const)
    t.equal((await facade.get(path, { ...tenant, ...headers })).status, 401);
});

t.test('a token of another tenant is forbidden', async (t) => {
  const { asked } = await counts();
  for (const tid of ['globex', '', 'Acme', ['globex'], [], {}, 7, null, undefined, 'acme ', { acme: true }]) {
    const reply = await facade.get('/notes/one', { ...tenant, ...bearer(raw({ tid })) });
    t.match(reply, { status: 403, json: { title: 'Forbidden' } }, JSON.stringify(tid));
  }
  t.equal((await facade.get('/notes/one', { 'x-tenant-id': 'globex', ...bearer(base) })).status, 403);
  t.equal((await facade.get('/notes/one', bearer(base))).status, 400, 'a tenant must be named all the same');
  t.equal((await facade.get('/notes/one')).status, 401, 'but not before somebody is known');
  t.equal((await counts()).asked, asked);
});

t.test('a megabyte of a token ends at the parser', async (t) => {
  const { hostname, port } = new URL(facade.url);
  const socket = connect(Number(port), hostname);
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
  });
  socket.on('error', () => undefined);
  socket.write(
    `GET /notes/one HTTP/1.1\r\nHost: x\r\nX-Tenant-Id: acme\r\nAuthorization: Bearer ${'A'.repeat(1_048_576)}\r\n\r\n`,
  );
  await new Promise((done) => socket.once('close', done));
  t.match(text, /^HTTP\/1.1 431 /);
  t.equal((await facade.get('/notes/one', { ...tenant, ...bearer(base) })).status, 200, 'others go on');
});

t.test('keys are not fetched for each of them', async (t) => {
  t.ok(issuer.asked() < 60, `${issuer.asked()} times`);
});
