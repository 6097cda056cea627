import t, { type Test } from 'tap';
import { withEcho } from '../support/echo.ts';
import { AUDIENCE, bearer, signingKey, withIssuer } from '../support/issuer.ts';
import { note, withNotes } from '../support/shadow.ts';

const APP = 'https://app.example';
const key = await signingKey('one');

async function withCors(t: Test, cors: string, env: Readonly<Record<string, string>> = {}, stage = 'complete') {
  const issuer = await withIssuer(t, key);
  const notes = await withNotes(t, {
    stage,
    env,
    more: `
      auth: { mode: 'jwt', jwks: '${issuer.url}', issuer: '${issuer.name}', audience: '${AUDIENCE}', algorithms: ['RS256'], tenantClaim: 'tid' },
      ${cors}`,
  });
  await notes.put([note('one')]);
  const good = { 'x-tenant-id': 'acme', ...bearer(await issuer.token(key)) };
  return { notes, facade: notes.facade, good };
}

const access = (headers: object) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => /^(access-control-|vary$|allow$)/.test(name)));

const preflight = (origin: string, more: object = {}) => ({
  ...{ origin, 'access-control-request-method': 'GET', 'access-control-request-headers': 'authorization,x-tenant-id' },
  ...more,
});

t.test('without legacy OPTIONS says what a path has, and a preflight what it may', async (t) => {
  const { facade, good } = await withCors(
    t,
    `cors: { origins: ['${APP}'], credentials: true, maxAge: 600, expose: ['X-Request-Id'] },`,
  );
  const plain = await facade.send('OPTIONS', '/notes/one');
  t.match(plain, { status: 204, text: '' });
  t.same(access(plain.headers), { allow: 'GET, HEAD, OPTIONS', vary: 'Origin' });
  t.equal((await facade.send('OPTIONS', '/nowhere')).status, 404);
  t.equal((await facade.send('OPTIONS', '/notes/one/two')).status, 404);
  t.equal((await facade.send('OPTIONS', '*')).status, 404);

  const asked = await facade.send('OPTIONS', '/notes?shelf=a', preflight(APP));
  t.equal(asked.status, 204, 'without credentials: a browser sends none');
  t.same(access(asked.headers), {
    allow: 'GET, HEAD, OPTIONS',
    vary: 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers',
    'access-control-allow-origin': APP,
    'access-control-allow-credentials': 'true',
    'access-control-allow-methods': 'GET, HEAD, OPTIONS',
    'access-control-allow-headers': 'authorization,x-tenant-id',
    'access-control-max-age': '600',
    'access-control-expose-headers': 'X-Request-Id',
  });
  for (const origin of [
    'https://evil.example',
    `${APP}.evil.example`,
    'null',
    'http://app.example',
    `${APP}:8443`,
    `${APP}/`,
  ]) {
    const refused = await facade.send('OPTIONS', '/notes/one', preflight(origin));
    t.equal(refused.status, 204);
    t.notOk('access-control-allow-origin' in refused.headers, origin);
    const answer = await facade.get('/notes/one', { ...good, origin });
    t.same(access(answer.headers), { vary: 'Origin' }, origin);
  }
  const strange = await facade.send(
    'OPTIONS',
    '/notes/one',
    preflight(APP, { 'access-control-request-headers': '<x>' }),
  );
  t.notOk('access-control-allow-headers' in strange.headers);

  const allowed = {
    vary: 'Origin',
    'access-control-allow-origin': APP,
    'access-control-allow-credentials': 'true',
    'access-control-expose-headers': 'X-Request-Id',
  };
  for (const [status, method, path, headers] of [
    [200, 'GET', '/notes/one', good],
    [200, 'HEAD', '/notes/one', good],
    [401, 'GET', '/notes/one', {}],
    [401, 'HEAD', '/notes/one', {}],
    [403, 'GET', '/notes/one', { ...good, 'x-tenant-id': 'globex' }],
    [404, 'GET', '/notes/none', good],
    [404, 'GET', '/nowhere', good],
    [400, 'GET', '/notes', good],
  ] as const) {
    const reply = await facade.send(method, path, { ...headers, origin: APP });
    t.equal(reply.status, status);
    t.same(access(reply.headers), allowed, `${method} ${path} ${status}`);
  }
});

t.test('any origin, without credentials; and what the bindings say of Vary stays', async (t) => {
  const { facade, good } = await withCors(
    t,
    `cors: { origins: ['*'], methods: ['GET'], headers: ['Authorization'] }, headers: () => ({ vary: 'Accept' }),`,
  );
  const asked = await facade.send('OPTIONS', '/notes/one', preflight('https://any.example'));
  t.same(access(asked.headers), {
    allow: 'GET, HEAD, OPTIONS',
    vary: 'Access-Control-Request-Method, Access-Control-Request-Headers',
    'access-control-allow-origin': '*',
    'access-control-allow-methods': 'GET',
    'access-control-allow-headers': 'Authorization',
  });
  const answer = await facade.get('/notes/one', { ...good, origin: 'https://any.example' });
  t.same(access(answer.headers), { vary: 'Accept', 'access-control-allow-origin': '*' });
});

t.test('nothing is declared: nothing is said', async (t) => {
  const { facade, good } = await withCors(t, '');
  t.same(access((await facade.get('/notes/one', { ...good, origin: APP })).headers), {});
  t.same(access((await facade.send('OPTIONS', '/notes/one', preflight(APP))).headers), { allow: 'GET, HEAD, OPTIONS' });
});

t.test('where there is legacy a preflight is its own, and what a store answers is as declared', async (t) => {
  const legacy = await withEcho(t, (message, reply) => {
    reply.setHeader('access-control-allow-origin', 'https://legacy.example');
    reply.end(message.method);
  });
  const { facade, good, notes } = await withCors(
    t,
    `cors: { origins: ['${APP}'] },`,
    { LEGACY_URL: legacy.url },
    'shadow',
  );
  const asked = await facade.send('OPTIONS', '/notes/one', preflight(APP));
  t.match(asked, { status: 200, text: 'OPTIONS' });
  t.same(access(asked.headers), { 'access-control-allow-origin': 'https://legacy.example' });
  const answer = await facade.get('/notes/one', { ...good, origin: APP });
  t.same(access(answer.headers), { vary: 'Origin', 'access-control-allow-origin': APP });
  const { summary } = await notes.settled();
  t.same(summary.findings, [], 'and compared alike');
  await facade.stages('operations: { getNote: { stage: legacy } }\n');
  const passed = await facade.get('/notes/one', { ...good, origin: APP });
  t.same(access(passed.headers), { 'access-control-allow-origin': 'https://legacy.example' }, 'as legacy said it');
});
