import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Configuration } from 'oidc-provider';
import t, { type Test } from 'tap';
import { createSealing } from '../../src/admin/sealing.ts';
import { ownPage, withAdmin } from '../support/admin.ts';
import { CLIENT, freePort, withProvider } from '../support/oidc.ts';

const SECRET = 'the-secret-of-all-replicas';
const GROUPS = { ann: ['ops', 'staff'], bob: ['staff'], eve: ['guests'], ulf: 'ops', 'ann (token)': ['ops'] };

/** An admin side that knows a real provider, and the way to log in there. */
async function bench(
  t: Test,
  { env = {}, provider = {} }: { env?: Record<string, string>; provider?: Configuration } = {},
) {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const way = `${url}/admin/v1/login/callback`;
  const identity = await withProvider(t, way, GROUPS, provider);
  const admin = await withAdmin(t, {
    ...{ ADMIN_PORT: String(port), ADMIN_URL: url, ADMIN_SESSION_SECRETS: SECRET },
    ...{ OIDC_ISSUER: identity.issuer, OIDC_CLIENT_ID: CLIENT.id, OIDC_CLIENT_SECRET: CLIENT.secret },
    ...{ OIDC_OPERATORS: 'ops', OIDC_VIEWERS: 'staff,readers' },
    ...env,
  });
  const begin = async () => {
    const { status, headers, cookies, text } = await admin.ask('GET', '/admin/v1/login');
    if (status !== 302) throw new Error(`${status} ${text}`);
    return {
      to: headers.location as string,
      cookie: cookies[0] as string,
      set: (headers['set-cookie'] as string[])[0],
    };
  };
  const back = (at: string, cookie: string) => admin.ask('GET', at.slice(url.length), { cookie });
  const logIn = async (login: string) => {
    const { to, cookie } = await begin();
    return await back(await identity.logIn(to, login), cookie);
  };
  return { ...admin, identity, begin, back, logIn };
}

const sessionIn = (cookies: readonly string[]) => cookies.find((one) => /^crossfade=./.test(one)) ?? '';

t.test('a person logs in at the provider and comes back to the console with the role of their group', async (t) => {
  const { ask, logIn, begin, url } = await bench(t);
  t.same((await ask('GET', '/admin/v1/logins')).json, { oidc: true });
  const { to, set } = await begin();
  t.match(set, /^crossfade-login=[^;]+; Max-Age=600; Path=\/admin\/v1\/login; HttpOnly; SameSite=Lax$/);
  const asked = new URL(to).searchParams;
  t.match(Object.fromEntries(asked), {
    response_type: 'code',
    code_challenge_method: 'S256',
    scope: 'openid profile email',
  });
  for (const key of ['state', 'nonce', 'code_challenge']) t.ok((asked.get(key) as string).length > 40, key);
  const reply = await logIn('ann');
  t.match(reply, { status: 302, headers: { location: '/console' } });
  const cookie = sessionIn(reply.cookies);
  t.match((await ask('GET', '/admin/v1/session', { cookie })).json, { name: 'ann', role: 'operator', by: 'login' });
  const changed = { ...ownPage(url, cookie), body: { kill: true, reason: 'by hand' } };
  t.equal((await ask('POST', '/admin/v1/changes', changed)).status, 200);
  t.match((await ask('GET', '/admin/v1/audit', { cookie })).json.entries, [{ who: 'ann (login, ann)', what: 'kill' }]);
  const viewer = sessionIn((await logIn('bob')).cookies);
  t.match((await ask('GET', '/admin/v1/session', { cookie: viewer })).json, { role: 'viewer' });
  t.equal((await ask('POST', '/admin/v1/changes', { ...ownPage(url, viewer), body: { kill: false } })).status, 403);
  t.match((await ask('GET', '/admin/v1/session', { cookie: sessionIn((await logIn('ulf')).cookies) })).json, {
    role: 'operator',
  });
});

t.test('who is in no group, or of whom the provider says none, is told which claim was looked at', async (t) => {
  const { logIn } = await bench(t);
  const outside = await logIn('eve');
  t.match(outside, { status: 403, json: { detail: /eve is known, but has none of the values of `groups`/ } });
  const nobody = await logIn('zoe');
  t.match(nobody, { status: 403, json: { detail: /the provider did not say `groups`.*OIDC_ROLES_CLAIM/ } });
  for (const { cookies } of [outside, nobody]) t.equal(sessionIn(cookies), '');
});

t.test('a session of a login ends when its group is no longer let in', async (t) => {
  const { logIn, again } = await bench(t);
  const cookie = sessionIn((await logIn('ann')).cookies);
  const statusWith = async (env: Record<string, string>) => {
    const { ask } = await again({ ADMIN_PORT: '0', ...env });
    const { status, json } = await ask('GET', '/admin/v1/session', { cookie });
    return status === 200 ? json.role : status;
  };
  t.equal(await statusWith({}), 'operator');
  t.equal(await statusWith({ OIDC_OPERATORS: 'others' }), 'viewer', 'she is one of the staff, too');
  t.equal(await statusWith({ OIDC_OPERATORS: 'others', OIDC_VIEWERS: 'readers' }), 401);
  t.equal(await statusWith({ OIDC_ISSUER: '' }), 401);
});

t.test('a login is finished once, by the browser that began it', async (t) => {
  const { begin, back, identity } = await bench(t);
  const mine = await begin();
  const theirs = await begin();
  const at = await identity.logIn(mine.to, 'ann');
  // Somebody is led to log in as somebody else: the link of one, the browser of the other.
  t.match(await back(at, theirs.cookie), { status: 403 });
  const again = await begin();
  const link = await identity.logIn(again.to, 'ann');
  t.match(await back(link, ''), { status: 400, json: { detail: /not begun here/ } });
  t.match(await back(link, 'crossfade-login=forged'), { status: 400 });
  t.match(await back(link, again.cookie), { status: 302 });
  t.match(await back(link, again.cookie), { status: 400 }, 'neither state nor code is used twice');
  const late = await createSealing([SECRET]).seal('login', { state: 's', nonce: 'n', verifier: 'v' }, -1);
  t.match(await back(link, `crossfade-login=${late}`), { status: 400 });
});

const tampered: [string, (url: URL) => void][] = [
  ['another state', (url) => url.searchParams.set('state', 'x'.repeat(43))],
  ['no state', (url) => url.searchParams.delete('state')],
  ['another code', (url) => url.searchParams.set('code', 'x'.repeat(43))],
  ['no code', (url) => url.searchParams.delete('code')],
  ['another issuer', (url) => url.searchParams.set('iss', 'https://evil.example')],
  ['a refusal', (url) => url.searchParams.set('error', 'access_denied')],
];
for (const [name, tamper] of tampered) {
  t.test(`what comes back with ${name} lets nobody in`, async (t) => {
    const { begin, back, identity } = await bench(t);
    const { to, cookie } = await begin();
    const url = new URL(await identity.logIn(to, 'ann'));
    tamper(url);
    const reply = await back(url.href, cookie);
    t.equal(reply.status, 403, reply.text);
    t.equal(sessionIn(reply.cookies), '');
  });
}

t.test('it leads nowhere but to the console (open redirect)', async (t) => {
  const { ask, begin, back, identity } = await bench(t);
  for (const query of [
    '?next=https://evil.example',
    '?redirect_uri=https://evil.example',
    '?returnTo=//evil.example',
  ]) {
    const { headers } = await ask('GET', `/admin/v1/login${query}`);
    t.equal(new URL(headers.location as string).origin, identity.issuer);
    t.notMatch(headers.location, /evil/);
  }
  const { to, cookie } = await begin();
  const at = await identity.logIn(to, 'ann');
  t.equal((await back(`${at}&next=https://evil.example`, cookie)).headers.location, '/console');
  t.equal((await ask('GET', '/admin/v1/login', { headers: { host: 'evil.example' } })).status, 421);
});

t.test('a provider that is away keeps nothing from starting, and is asked again at the next login', async (t) => {
  const { ask, begin, identity, again, operator } = await bench(t);
  await identity.stop();
  const { ask: late } = await again({ ADMIN_PORT: '0' });
  t.equal((await late('GET', '/readyz')).status, 200);
  t.match(await late('GET', '/admin/v1/login'), { status: 502, json: { detail: /cannot be asked/ } });
  t.equal((await late('GET', '/admin/v1/session', { token: operator })).status, 200);
  await identity.start();
  t.equal((await late('GET', '/admin/v1/login')).status, 302);
  // One that goes while somebody is at it.
  const { to, cookie } = await begin();
  const at = await identity.logIn(to, 'ann');
  await identity.stop();
  t.match(await ask('GET', new URL(at).pathname + new URL(at).search, { cookie }), { status: 502 });
});

t.test('without a provider there is no login', async (t) => {
  const { ask } = await withAdmin(t);
  t.same((await ask('GET', '/admin/v1/logins')).json, { oidc: false });
  t.equal((await ask('GET', '/admin/v1/login')).status, 404);
});

t.test('the secret may stand in a file, and is read again', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'crossfade-secret-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const file = join(folder, 'secret');
  await writeFile(file, 'not-yet-the-secret');
  const { logIn } = await bench(t, { env: { OIDC_CLIENT_SECRET: '', OIDC_CLIENT_SECRET_FILE: file } });
  t.match(await logIn('ann'), { status: 502, json: { detail: /OIDC_CLIENT_ID with its secret/ } });
  await writeFile(file, `${CLIENT.secret}\n`);
  t.equal((await logIn('ann')).status, 302);
});

t.test('groups in the ID token, and groups within a claim', async (t) => {
  const { logIn, ask } = await bench(t, { provider: { conformIdTokenClaims: false } });
  const { cookies } = await logIn('bob');
  t.match((await ask('GET', '/admin/v1/session', { cookie: sessionIn(cookies) })).json, { role: 'viewer' });
  const nested = await bench(t, {
    env: { OIDC_ROLES_CLAIM: 'realm_access.roles' },
    provider: {
      claims: { openid: ['sub', 'realm_access'] },
      findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id, realm_access: { roles: ['ops'] } }) }),
    },
  });
  const deep = await nested.logIn('ann');
  t.match((await nested.ask('GET', '/admin/v1/session', { cookie: sessionIn(deep.cookies) })).json, {
    role: 'operator',
  });
});
