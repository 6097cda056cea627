import { setTimeout as sleep } from 'node:timers/promises';
import { EncryptJWT, jwtDecrypt, SignJWT } from 'jose';
import t from 'tap';
import { type AccessConfig, accessOf, hashOf, newToken, tokenEntry } from '../../src/access.ts';
import { createEnded } from '../../src/admin/ended.ts';
import { createSealing } from '../../src/admin/sealing.ts';
import { createSessions, SESSION_SECONDS } from '../../src/admin/sessions.ts';
import { openResults } from '../../src/drivers/results.ts';
import { ownPage, signIn, withAdmin } from '../support/admin.ts';
import { withMongo } from '../support/stores.ts';

const SECRET = 'the-secret-of-all-replicas';
const NEXT = 'the-secret-that-comes-next';

const statusOf = async (ask: Awaited<ReturnType<typeof withAdmin>>['ask'], cookie: string) =>
  (await ask('GET', '/admin/v1/session', { cookie })).status;

t.test('a cookie that no script and no other site can use, and that says nothing', async (t) => {
  const { url, operator, ask } = await withAdmin(t);
  const reply = await ask('POST', '/admin/v1/session', {
    body: { token: operator },
    headers: ownPage(url, '').headers,
  });
  t.match(reply.json, { name: 'olga', role: 'operator', by: 'session', until: /^\d{4}-/ });
  const cookie = (reply.headers['set-cookie'] as string[])[0] as string;
  t.match(cookie, /^crossfade=[^;]+; Max-Age=43200; Path=\/; HttpOnly; SameSite=Strict$/);
  t.notMatch(cookie, /olga|operator/);
  t.notMatch(Buffer.from(cookie.split('.')[0] as string, 'base64url').toString(), /olga/);
  const left = Date.parse(reply.json.until) - Date.now();
  t.ok(Math.abs(left - SESSION_SECONDS * 1000) < 5_000);
});

t.test('behind https the cookie is Secure and bound to this host', async (t) => {
  const { url, operator, ask } = await withAdmin(t, { ADMIN_URL: 'https://admin.example' });
  const headers = { ...ownPage(url, '').headers, origin: 'https://admin.example' };
  const { headers: told } = await ask('POST', '/admin/v1/session', { body: { token: operator }, headers });
  t.match(told['set-cookie'], [/^__Host-crossfade=[^;]+; Max-Age=43200; Path=\/; HttpOnly; Secure; SameSite=Strict$/]);
});

t.test(
  'a replica with the same secret knows it; one with another does not; a new first secret ends nothing',
  async (t) => {
    const first = await withAdmin(t, { ADMIN_SESSION_SECRETS: SECRET });
    const cookie = await signIn(first.url, first.operator);
    const same = await first.again({});
    t.equal(await statusOf(same.ask, cookie), 200);
    const rotated = await first.again({ ADMIN_SESSION_SECRETS: `${NEXT},${SECRET}` });
    t.equal(await statusOf(rotated.ask, cookie), 200);
    const newer = await signIn(rotated.url, first.operator);
    t.equal(await statusOf(first.ask, newer), 401, 'what the new secret seals the old one does not open');
    const over = await first.again({ ADMIN_SESSION_SECRETS: NEXT });
    t.equal(await statusOf(over.ask, cookie), 401, 'a secret that is gone opens nothing');
    t.equal(await statusOf(over.ask, newer), 200);
    const restarted = await first.again({ ADMIN_SESSION_SECRETS: '' });
    t.equal(await statusOf(restarted.ask, cookie), 401);
  },
);

t.test('what a proxy in front has asked for does not end it', async (t) => {
  const { url, operator, ask } = await withAdmin(t);
  const cookie = await signIn(url, operator);
  const headers = { authorization: `Basic ${Buffer.from('olga:secret').toString('base64')}` };
  t.equal((await ask('GET', '/admin/v1/session', { cookie, headers })).status, 200);
});

t.test('a stream of events ends with it', async (t) => {
  const { url, operator, ask } = await withAdmin(t);
  const cookie = await signIn(url, operator);
  const stream = await fetch(`${url}/admin/v1/events`, { headers: { cookie } });
  t.equal(stream.status, 200);
  let ended = false;
  const read = stream.text().then(() => {
    ended = true;
  });
  await sleep(1_500);
  t.notOk(ended, 'while it lasts');
  t.equal((await ask('DELETE', '/admin/v1/session', ownPage(url, cookie))).status, 204);
  await Promise.race([read, sleep(5_000, undefined, { ref: false })]);
  t.ok(ended, 'and no longer');
});

t.test('it ends with its token, and its role is that of the token now', async (t) => {
  const first = await withAdmin(t, { ADMIN_SESSION_SECRETS: SECRET });
  const cookie = await signIn(first.url, first.operator);
  const gone = await first.again({ ADMIN_TOKENS: tokenEntry('vera', 'viewer', first.viewer) });
  t.equal(await statusOf(gone.ask, cookie), 401);
  const replaced = await first.again({ ADMIN_TOKENS: tokenEntry('olga', 'operator', newToken()) });
  t.equal(await statusOf(replaced.ask, cookie), 401, 'another token of the same name is another token');
  const lowered = await first.again({ ADMIN_TOKENS: tokenEntry('olga', 'viewer', first.operator) });
  t.match((await lowered.ask('GET', '/admin/v1/session', { cookie })).json, { role: 'viewer' });
});

const config = (): AccessConfig => accessOf({ ADMIN_SESSION_SECRETS: SECRET }, '/', []);

t.test('forged cookies open nothing', async (t) => {
  const access = config();
  const sealing = createSealing([SECRET]);
  const sessions = createSessions(access, sealing, createEnded(undefined));
  const { cookie } = await sessions.ofToken(access.tokens[0] as AccessConfig['tokens'][number]);
  t.ok(await sessions.caller(cookie));
  const parts = cookie.split('.');
  const token = hashOf(access.tokenMade as string)
    .toString('hex')
    .slice(0, 32);
  const payload = { name: 'start', token, jti: 'x' };
  const key = (text: string) => Uint8Array.from(hashOf(text));
  const seal = (kid: string, secret: Uint8Array) =>
    new EncryptJWT(payload)
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid })
      .setAudience('session')
      .setExpirationTime('1h')
      .encrypt(secret);
  const { kid } = JSON.parse(Buffer.from(parts[0] as string, 'base64url').toString());
  const forged: [string, string][] = [
    ['nothing', ''],
    ['no token at all', 'crossfade'],
    ['a byte of what is sealed changed', flipped(parts, 3)],
    ['a byte of the tag changed', flipped(parts, 4)],
    ['a byte of the nonce changed', flipped(parts, 2)],
    ['sealed by another under our key id', await seal(kid, key('another'))],
    ['sealed under an id that is not there', await seal('other', key('another'))],
    [
      'signed instead',
      await new SignJWT(payload)
        .setProtectedHeader({ alg: 'HS256' })
        .setAudience('session')
        .setExpirationTime('1h')
        .sign(key(SECRET)),
    ],
    [
      'not signed',
      `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from(JSON.stringify(payload)).toString('base64url')}.`,
    ],
    ['sealed for a login', await sealing.seal('login', payload, 60)],
    ['over', await sealing.seal('session', payload, -1)],
    ['very long', 'a'.repeat(8_000)],
  ];
  for (const [name, text] of forged) t.equal(await sessions.caller(text), undefined, name);
  t.ok(await sessions.caller(await sealing.seal('session', payload, 60)), 'the same, sealed by us, is one');
  await t.rejects(jwtDecrypt(cookie, key(SECRET)), 'the secret itself is not the key');
});

function flipped(parts: readonly string[], at: number): string {
  const bytes = Buffer.from(parts[at] as string, 'base64url');
  bytes[0] = (bytes[0] as number) ^ 1;
  return parts.with(at, bytes.toString('base64url')).join('.');
}

t.test('who signs out is out, with a copy of the cookie too, on this replica and on the others', async (t) => {
  const { uri } = await withMongo(t);
  const first = await withAdmin(t, { ADMIN_SESSION_SECRETS: SECRET, RESULTS_URI: uri });
  const other = await first.again({});
  const alone = await first.again({ RESULTS_URI: '' });
  const cookie = await signIn(first.url, first.operator);
  const kept = await signIn(first.url, first.operator);
  t.equal(await statusOf(other.ask, cookie), 200);
  const out = await first.ask('DELETE', '/admin/v1/session', ownPage(first.url, cookie));
  t.equal(out.status, 204);
  t.match(out.headers['set-cookie'], [/^crossfade=; Max-Age=0; Path=\//]);
  t.equal(await statusOf(first.ask, cookie), 401);
  await new Promise((done) => setTimeout(done, 2_100));
  t.equal(await statusOf(other.ask, cookie), 401, 'known to the others within two seconds');
  t.equal(await statusOf(other.ask, kept), 200, 'another session of the same token goes on');
  t.equal(await statusOf(alone.ask, cookie), 200, 'without results nobody tells it: docs/operating.md says so');
});

t.test('while the results are away sessions go on, and nobody waits long', async (t) => {
  const store = openResults({ uri: 'mongodb://127.0.0.1:9/x', timeout: 3_000 });
  t.teardown(() => store.close());
  const ended = createEnded(store);
  const began = performance.now();
  t.equal(await ended.has('x'), false);
  t.ok(performance.now() - began < 1_500);
  await t.rejects(ended.end('x', Date.now() + 60_000), { name: 'StoreError' });
  t.equal(await ended.has('x'), true, 'here it is over all the same');
});
