import Fastify from 'fastify';
import t from 'tap';
import { newToken } from '../../src/access.ts';
import { requireRoles } from '../../src/admin/access.ts';
import { asker, ownPage, signIn, withAdmin } from '../support/admin.ts';

t.test('a token opens what its role may, and nothing else does', async (t) => {
  const { ask, operator, viewer } = await withAdmin(t);
  t.match((await ask('GET', '/admin/v1/session', { token: operator })).json, {
    name: 'olga',
    role: 'operator',
    by: 'token',
  });
  t.match((await ask('GET', '/admin/v1/session', { token: viewer })).json, { name: 'vera', role: 'viewer' });
  const none = await ask('GET', '/admin/v1/session');
  t.match(none, {
    status: 401,
    headers: { 'www-authenticate': 'Bearer realm="crossfade"', 'cache-control': 'no-store' },
  });
  t.match(none.json, { status: 401, title: 'Unauthorized' });
  t.equal(none.headers['content-type'], 'application/problem+json; charset=utf-8');
  const body = { kill: true, dryRun: true };
  t.match(await ask('POST', '/admin/v1/changes', { token: viewer, body }), { status: 403 });
  t.match(await ask('POST', '/admin/v1/changes', { token: operator, body }), { status: 200 });
});

t.test('every route of the document refuses a stranger, but for those that are open', async (t) => {
  const { ask } = await withAdmin(t);
  const { paths } = (await ask('GET', '/admin/v1/openapi.json')).json;
  const open = new Set(['/admin/v1/logins', '/admin/v1/login', '/admin/v1/login/callback']);
  let asked = 0;
  for (const [path, methods] of Object.entries(paths as Record<string, Record<string, { 'x-role': string }>>))
    for (const [method, { 'x-role': role }] of Object.entries(methods)) {
      const isOpen = open.has(path) || (path === '/admin/v1/session' && method === 'post');
      t.equal(role === 'anyone', isOpen, `${method} ${path} is for ${role}`);
      const { status } = await ask(
        method.toUpperCase(),
        path.replace(/{\w+}/g, 'x'),
        method === 'get' ? {} : { body: {} },
      );
      if (!isOpen) t.equal(status, 401, `${method} ${path}`);
      asked += 1;
    }
  t.ok(asked > 6);
});

t.test('a route that does not say its role does not start', async (t) => {
  const app = Fastify();
  t.teardown(() => app.close());
  await app.register(async (api) => {
    requireRoles(api);
    t.throws(() => api.get('/open', () => 'x'), /does not say which role/);
  });
  await app.ready();
});

const wrongTokens: [string, string][] = [
  ['unknown', newToken()],
  ['empty', ''],
  ['of another form', 'hunter2'],
  ['with a byte more', `${newToken()}A`],
];
for (const [name, wrong] of wrongTokens) {
  t.test(`a token that is ${name} is none`, async (t) => {
    const { ask, operator } = await withAdmin(t);
    const { status, headers } = await ask('GET', '/admin/v1/session', { token: wrong });
    t.equal(status, 401);
    t.match(headers['www-authenticate'], /error="invalid_token"/);
    t.equal((await ask('GET', '/admin/v1/session', { headers: { authorization: `Basic ${operator}` } })).status, 401);
  });
}

t.test('a weak token is none, even where someone wrote down its hash', async (t) => {
  const hash = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'; // of `test`
  const { ask } = await withAdmin(t, { ADMIN_TOKENS: `weak:operator:${hash}` });
  t.equal((await ask('GET', '/admin/v1/session', { token: 'test' })).status, 401);
});

t.test(
  'guessing is slowed, counted and told without what was guessed; who has a token is let in all the same',
  async (t) => {
    const lines: string[] = [];
    const first = await withAdmin(t);
    const { ask, url } = await first.again({}, (...said) => void lines.push(JSON.stringify(said)));
    const guesses = Array.from({ length: 14 }, newToken);
    const statuses: number[] = [];
    for (const token of guesses) {
      const { status, headers } = await ask('GET', '/admin/v1/session', { token });
      statuses.push(status);
      if (status === 429) t.match(headers['retry-after'], /^[1-9]\d?$/);
    }
    t.strictSame(statuses, [...Array(10).fill(401), ...Array(4).fill(429)]);
    t.equal((await ask('GET', '/admin/v1/session', { token: first.operator })).status, 200);
    t.equal((await ask('GET', '/admin/v1/session')).status, 401, 'to ask who one is is no guess');
    const told = lines.filter((line) => line.includes('admin: refused'));
    t.equal(told.length, 11, 'the first that is too many is told, and no more');
    for (const token of guesses) t.notOk(lines.some((line) => line.includes(token.slice(10))));
    const metrics = await (await fetch(`${url}/metrics`)).text();
    t.match(metrics, /crossfade_admin_refused_total\{reason="token"\} 14/);
    t.match(metrics, /crossfade_admin_refused_total\{reason="missing"\} 1/);
  },
);

t.test('a page whose session is over learns that, however often it asks', async (t) => {
  const { ask } = await withAdmin(t);
  const statuses = new Set<number>();
  for (let at = 0; at < 15; at += 1)
    statuses.add((await ask('GET', '/admin/v1/session', { cookie: `crossfade=${at}` })).status);
  t.strictSame([...statuses], [401]);
});

const forgeries: [string, Record<string, string | undefined>, number][] = [
  ['a page of another site', { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }, 403],
  ['another port of this machine', { origin: 'http://127.0.0.1:1', 'sec-fetch-site': 'same-site' }, 403],
  ['a sandboxed frame', { origin: 'null', 'sec-fetch-site': undefined }, 403],
  [
    'an old browser that says only the origin of another',
    { origin: 'https://evil.example', 'sec-fetch-site': undefined },
    403,
  ],
  ['one that says our origin and another site', { 'sec-fetch-site': 'cross-site' }, 403],
  ['one that says nothing', { origin: undefined, 'sec-fetch-site': undefined }, 403],
  ['a form', { 'content-type': 'application/x-www-form-urlencoded' }, 415],
  ['a form that calls itself text', { 'content-type': 'text/plain' }, 415],
  ['a type that only begins alike', { 'content-type': 'application/jsonp' }, 415],
  ['no type', { 'content-type': undefined }, 415],
  ['our own page', {}, 200],
  ['our own page in an old browser', { 'sec-fetch-site': undefined }, 200],
  ['our own page, with a charset', { 'content-type': 'application/json; charset=utf-8' }, 200],
];
for (const [name, changed, status] of forgeries) {
  t.test(`with a session ${name} gets ${status}`, async (t) => {
    const { ask, url, operator } = await withAdmin(t);
    const page = ownPage(url, await signIn(url, operator));
    const headers = Object.fromEntries(
      Object.entries({ ...page.headers, ...changed }).filter((one): one is [string, string] => one[1] !== undefined),
    );
    const body = JSON.stringify({ kill: true, dryRun: true });
    // What has no type is sent as bytes.
    const reply = await ask('POST', '/admin/v1/changes', {
      cookie: page.cookie,
      headers: { ...headers, ...('content-type' in headers ? {} : { 'content-type': '' }) },
      body,
    });
    t.equal(reply.status, status, reply.text);
    if (status !== 200) return;
    t.equal(reply.json.dryRun, true);
  });
}

t.test('a program with a token needs no Origin; a page of another site that signs people in is refused', async (t) => {
  const { ask, operator, url } = await withAdmin(t);
  t.equal(
    (await ask('POST', '/admin/v1/changes', { token: operator, body: { kill: true, dryRun: true } })).status,
    200,
  );
  const headers = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' };
  const login = await ask('POST', '/admin/v1/session', { body: { token: operator }, headers });
  t.equal(login.status, 403);
  t.strictSame(login.cookies, []);
  t.equal(
    (await ask('POST', '/admin/v1/session', { body: { token: newToken() }, headers: ownPage(url, '').headers })).status,
    401,
  );
});

t.test('GET changes nothing, whatever it carries', async (t) => {
  const { ask, url, operator } = await withAdmin(t);
  const cookie = await signIn(url, operator);
  for (const path of ['/admin/v1/changes', '/admin/v1/changes?kill=true', '/admin/v1/changes/x/undo'])
    t.equal((await ask('GET', path, { cookie })).status, 404, path);
  t.equal(
    (await ask('GET', '/admin/v1/session', { cookie, headers: { 'x-http-method-override': 'DELETE' } })).status,
    200,
  );
  t.equal((await ask('GET', '/admin/v1/session', { cookie })).status, 200);
});

t.test('by another name than its own it does not answer (DNS rebinding)', async (t) => {
  const { ask, url, operator } = await withAdmin(t, {
    ADMIN_HOSTS: 'ops.example,[fd00::1]',
    ADMIN_URL: 'http://admin.example',
  });
  const { port } = new URL(url);
  const by = (host: string, path = '/admin/v1/session') => ask('GET', path, { token: operator, headers: { host } });
  for (const host of [
    `127.0.0.1:${port}`,
    'localhost',
    `ops.example:${port}`,
    'OPS.example',
    'admin.example',
    '[fd00::1]:1',
  ])
    t.equal((await by(host)).status, 200, host);
  for (const host of [
    'evil.example',
    `evil.example:${port}`,
    '127.0.0.1.evil.example',
    'ops.example.evil',
    '127.0.0.1@evil',
  ])
    for (const path of ['/admin/v1/session', '/', '/docs/', '/contract', '/console', '/admin/v1/openapi.json'])
      t.not((await by(host, path)).status, 200, `${host} ${path}`);
  t.equal((await by('evil.example')).status, 421);
  for (const path of ['/livez', '/readyz', '/metrics']) t.equal((await by('10.0.0.7:9090', path)).status, 200, path);
});

t.test('no reply can be framed, sniffed, cached or read by another site', async (t) => {
  const { ask, operator } = await withAdmin(t);
  const origin = 'https://evil.example';
  for (const path of [
    '/admin/v1/session',
    '/admin/v1/nothing',
    '/livez',
    '/docs/',
    '/contract',
    '/nothing',
    '/admin/v1/openapi.json',
  ]) {
    const { headers } = await ask('GET', path, { token: operator, headers: { origin } });
    t.match(headers['content-security-policy'], /frame-ancestors 'none'/, path);
    t.match(headers, {
      'x-frame-options': 'DENY',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
    });
    t.equal(headers['access-control-allow-origin'], undefined, path);
    if (path.startsWith('/admin')) {
      t.equal(headers['cache-control'], 'no-store', path);
      t.match(headers['content-security-policy'], /^default-src 'none';script-src 'self';style-src 'self'/);
      t.notMatch(headers['content-security-policy'], /unsafe/);
    }
  }
  const preflight = await ask('OPTIONS', '/admin/v1/changes', {
    headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' },
  });
  t.equal(preflight.status, 404);
  t.equal(preflight.headers['access-control-allow-origin'], undefined);
});

t.test('only JSON, not too much of it, and nothing that the schema does not know', async (t) => {
  const { ask, operator: token, url } = await withAdmin(t);
  const post = (body: unknown, headers = {}) => ask('POST', '/admin/v1/changes', { token, body, headers });
  t.equal((await post('kill=true', { 'content-type': 'application/x-www-form-urlencoded' })).status, 415);
  t.equal((await post('{')).status, 400);
  t.equal((await post('{"kill":true,"__proto__":{"dryRun":true}}')).status, 400);
  t.equal((await post({ kill: true, reason: 'x'.repeat(600_000) })).status, 413);
  t.equal((await post({ kill: true, dryrun: true })).status, 400, 'a misspelt dryRun is no change');
  t.equal((await post({ kill: 'true', dryRun: true })).status, 400, 'nothing is guessed of types');
  t.equal((await asker(url)('POST', '/admin/v1/changes', { token, body: '' })).status, 400);
});
