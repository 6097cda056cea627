import t from 'tap';
import { accessOf, hashOf, isToken, newToken, tokenEntry } from '../src/access.ts';
import type { Problem } from '../src/errors.ts';

const of = (given: Record<string, string>) => {
  const problems: Problem[] = [];
  return { access: accessOf(given, '/', problems), problems };
};

t.test('a token is 256 random bits, and of it only a hash is kept', async (t) => {
  const token = newToken();
  t.ok(isToken(token));
  t.equal(Buffer.from(token.slice('crossfade_'.length), 'base64url').length, 32);
  t.not(token, newToken());
  const { access } = of({ ADMIN_TOKENS: tokenEntry('ci', 'operator', token) });
  t.match(access.tokens, [{ name: 'ci', role: 'operator', hash: hashOf(token) }]);
  t.notMatch(JSON.stringify(access), new RegExp(token));
});

t.test('without tokens one is made, of an operator', async (t) => {
  const { access } = of({});
  t.match(access.tokens, [{ role: 'operator', hash: hashOf(access.tokenMade as string) }]);
  t.equal(of({ ADMIN_TOKENS: tokenEntry('a', 'viewer', newToken()) }).access.tokenMade, undefined);
});

const HASH = hashOf('x').toString('hex');
const OIDC = {
  OIDC_ISSUER: 'https://id.example',
  OIDC_CLIENT_ID: 'c',
  OIDC_OPERATORS: 'ops',
  ADMIN_URL: 'https://a.example',
};
const wrong: [string, Record<string, string>, string, RegExp][] = [
  ['a token itself', { ADMIN_TOKENS: newToken() }, 'ADMIN_TOKENS', /entry 1 is not `name:role:sha256`/],
  ['a token for its hash', { ADMIN_TOKENS: `a:viewer:${newToken()}` }, 'ADMIN_TOKENS', /entry 1 has no SHA-256/],
  ['another role', { ADMIN_TOKENS: `a:viewer:${HASH},b:root:${HASH}` }, 'ADMIN_TOKENS', /entry 2 has a role/],
  ['a name with a space', { ADMIN_TOKENS: `a b:viewer:${HASH}` }, 'ADMIN_TOKENS', /has a name that must be/],
  ['two of one name', { ADMIN_TOKENS: `a:viewer:${HASH},a:operator:${HASH}` }, 'ADMIN_TOKENS', /second called `a`/],
  ['a short secret', { ADMIN_SESSION_SECRETS: 'short' }, 'ADMIN_SESSION_SECRETS', /16 characters/],
  ['a host with a port', { ADMIN_HOSTS: 'a.example:80' }, 'ADMIN_HOSTS', /without port/],
  ['any host', { ADMIN_HOSTS: '*' }, 'ADMIN_HOSTS', /must be a name/],
  ['a URL with a path', { ADMIN_URL: 'https://a.example/admin' }, 'ADMIN_URL', /has no prefix/],
  ['no client', { ...OIDC, OIDC_CLIENT_ID: '' }, 'OIDC_CLIENT_ID', /is missing/],
  ['no way back', { ...OIDC, ADMIN_URL: '' }, 'ADMIN_URL', /way back/],
  ['nobody who may', { ...OIDC, OIDC_OPERATORS: ' , ' }, 'OIDC_OPERATORS', /nobody who logs in/],
  ['a provider in clear', { ...OIDC, OIDC_ISSUER: 'http://id.example' }, 'OIDC_ISSUER', /must begin with https/],
  [
    'two secrets',
    { ...OIDC, OIDC_CLIENT_SECRET: 'a', OIDC_CLIENT_SECRET_FILE: import.meta.filename },
    'OIDC_CLIENT_SECRET_FILE',
    /one of them/,
  ],
  [
    'a secret that is not there',
    { ...OIDC, OIDC_CLIENT_SECRET_FILE: '/nowhere' },
    'OIDC_CLIENT_SECRET_FILE',
    /cannot be read/,
  ],
];
for (const [name, given, where, message] of wrong) {
  t.test(`refused: ${name}`, async (t) => {
    const filled = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== ''));
    const { problems } = of(filled);
    t.match(problems, [{ where, message }]);
    t.equal(problems.length, 1);
    t.notMatch(problems[0]?.message, /crossfade_[\w-]{43}/);
  });
}

t.test('a provider on this machine may speak plain HTTP', async (t) => {
  for (const issuer of ['http://localhost:1', 'http://127.0.0.1:1/a', 'http://[::1]:1'])
    t.strictSame(of({ ...OIDC, OIDC_ISSUER: issuer }).problems, []);
});
