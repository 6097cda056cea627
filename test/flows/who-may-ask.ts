import t, { type Test } from 'tap';
import { run as diff } from '../../src/commands/diff.ts';
import { type Echo, withEcho } from '../support/echo.ts';
import { AUDIENCE, bearer, signingKey, withIssuer } from '../support/issuer.ts';
import { note, withNotes } from '../support/shadow.ts';

const SECRETS = ['the-first-secret-of-all', 'the-second-secret-of-all'];
const tenant = { 'x-tenant-id': 'acme' };

const legacyOf = (t: Test): Promise<Echo> =>
  withEcho(t, (message, reply) => {
    const known = message.headers.authorization !== undefined;
    reply.writeHead(known ? 200 : 401, { 'content-type': 'application/json' });
    reply.end(JSON.stringify({ from: 'legacy', known }));
  });

const at = (stage: string, more = '') =>
  `operations: { getNote: { stage: ${stage}${more} }, listNotes: { stage: ${stage}${more} } } # ${Math.random()}\n`;

t.test('a gateway shows one of the secrets; samples and results never hold it', async (t) => {
  const legacy = await legacyOf(t);
  const notes = await withNotes(t, {
    stage: 'shadow',
    more: `auth: { mode: 'gateway', proof: { header: 'X-Edge-Proof' }, claims: { 'X-User-Id': 'sub' } },`,
    noteMore: `allow: ({ claims }) => claims.sub === 'u-1' ? true : 'forbidden',`,
    env: { GATEWAY_SECRETS: SECRETS.join(', '), LEGACY_URL: legacy.url, SAMPLE_SECRET: 'a-secret-for-the-samples' },
  });
  const { facade, db } = notes;
  await notes.put([note('one')]);
  await db.collection('notes').updateOne({ id: 'one' }, { $set: { text: 'other' } });
  const user = { ...tenant, 'x-user-id': 'u-1' };
  const ask = (headers: object) => facade.get('/notes/one', { ...user, ...headers });
  for (const secret of SECRETS) t.equal((await ask({ 'x-edge-proof': secret })).status, 200, 'while they are rotated');
  t.equal(
    (await ask({ 'x-edge-proof': SECRETS[0] as string, 'x-user-id': 'u-2' })).status,
    403,
    'claims reach bindings',
  );
  t.equal((await ask({ 'x-edge-proof': SECRETS[0] as string, 'x-user-id': ['u-1', 'u-1'] })).status, 403);
  for (const headers of [
    {},
    { 'x-edge-proof': '' },
    { 'x-edge-proof': SECRETS.join(', ') },
    { 'x-edge-proof': [...SECRETS] },
    { 'x-edge-proof': `${SECRETS[0]}x` },
    { 'x-edge-proof': (SECRETS[0] as string).slice(0, -1) },
    { 'x-edge-proof': (SECRETS[0] as string).toUpperCase() },
    { 'x-edge-proof': SECRETS[0] as string, connection: 'close, x-edge-proof' },
  ]) {
    const reply = await ask(headers);
    t.match(reply, { status: 401, json: { title: 'Unauthorized' } }, JSON.stringify(headers));
  }
  await notes.settled();
  const kept = JSON.stringify([
    await db.collection('crossfade_mismatches').find().toArray(),
    await db.collection('crossfade_rules').find().toArray(),
  ]);
  t.match(kept, /"request"/, 'a sample is kept');
  const { createSampling } = await import('../../src/results/sample.ts');
  const sampling = createSampling('a-secret-for-the-samples', []);
  const sealed = [...kept.matchAll(/"request":"([^"]+)"/g)].map(([, text]) => sampling.open(text as string));
  t.ok(sealed.length > 0 && sealed.every((one) => one?.headers['x-user-id'] === 'u-1'));
  t.notMatch(JSON.stringify(sealed), /edge-proof|secret-of-all/);

  await facade.stages(at('legacy'));
  const before = legacy.seen.length;
  t.equal((await ask({})).status, 401, 'legacy’s own');
  t.equal((await ask({ 'x-edge-proof': 'anything', authorization: 'x' })).status, 200);
  t.equal(legacy.seen[before + 1]?.headers['x-edge-proof'], 'anything', 'as it came');
});

t.test('where legacy answers nobody is authenticated here', async (t) => {
  const key = await signingKey('one');
  const [legacy, issuer] = [await legacyOf(t), await withIssuer(t, key)];
  const notes = await withNotes(t, {
    stage: 'legacy',
    more: `auth: {
      mode: 'jwt', jwks: '${issuer.url}', issuer: '${issuer.name}', audience: '${AUDIENCE}', algorithms: ['RS256'],
      tenantClaim: 'tid',
    },`,
    env: { LEGACY_URL: legacy.url },
  });
  const { facade } = notes;
  await notes.put([note('one'), note('two')]);
  const good = bearer(await issuer.token(key));
  const from = async (headers: object, path = '/notes/one') => {
    const { status, json } = await facade.get(path, { ...tenant, ...headers });
    return [status, json?.from ?? json?.id ?? json?.title];
  };
  t.same(await from({}), [401, 'legacy']);
  t.same(await from({ authorization: 'Bearer nonsense' }), [200, 'legacy'], 'legacy knows better');
  t.same(await from({ 'x-tenant-id': 'globex', ...good }), [200, 'legacy'], 'nor is a tenant held against a claim');
  await facade.stages(at('dynamodb'));
  t.same(await from({}), [401, 'Unauthorized']);
  t.same(await from({ authorization: 'Bearer nonsense' }), [401, 'Unauthorized']);
  t.same(await from({ 'x-tenant-id': 'globex', ...good }), [403, 'Forbidden']);
  t.same(await from(good), [200, 'one']);
  const page = await facade.get('/notes?shelf=o&limit=1', { ...tenant, ...good });
  t.equal(page.status, 200);
  t.equal((await facade.send('POST', '/notes/one', tenant)).status, 401, 'a write is legacy’s');
  t.match((await facade.send('OPTIONS', '/notes/one', tenant)).json, { from: 'legacy' }, 'and so is a preflight');
  const whole = await facade.get('/notes?shelf=&limit=1', { ...tenant, ...good });
  const cursor = encodeURIComponent(whole.json.next);
  await facade.stages(at('legacy'));
  t.same(
    await from({}, `/notes?shelf=&limit=1&cursor=${cursor}`),
    [401, 'Unauthorized'],
    'a cursor of ours is a store’s',
  );
  t.equal((await facade.get(`/notes?shelf=&limit=1&cursor=${cursor}`, { ...tenant, ...good })).json.notes[0].id, 'two');
});

t.test('a tenant that is a claim: who is refused stands where those stand who name none', async (t) => {
  const key = await signingKey('one');
  const [legacy, issuer] = [await legacyOf(t), await withIssuer(t, key)];
  const notes = await withNotes(t, {
    stage: 'legacy',
    more: `
      tenant: ({ claims }) => claims.tid,
      auth: { mode: 'jwt', jwks: '${issuer.url}', issuer: '${issuer.name}', audience: '${AUDIENCE}', algorithms: ['RS256'], cooldown: '1ms' },`,
    env: { LEGACY_URL: legacy.url },
  });
  const { facade } = notes;
  await notes.put([note('one'), note('one', { pk: 'globex', text: 'of globex' })]);
  const [acme, globex] = [bearer(await issuer.token(key)), bearer(await issuer.token(key, { tid: 'globex' }))];
  const from = async (headers: object) => {
    const { status, json } = await facade.get('/notes/one', headers as Record<string, string>);
    return [status, json?.from ?? json?.text ?? json?.title];
  };
  issuer.behave(() => undefined);
  const began = performance.now();
  t.same(await from({ authorization: 'Bearer x' }), [200, 'legacy']);
  t.same(await from(acme), [200, 'legacy']);
  t.ok(performance.now() - began < 1_000, 'while everybody is at legacy nobody waits for keys');
  issuer.publish(key);

  await facade.stages(at('legacy', ', tenants: { acme: complete }'));
  t.same(await from(globex), [200, 'legacy']);
  t.same(await from(acme), [200, 'Text of one']);
  t.same(await from({ authorization: 'Bearer x' }), [200, 'legacy'], 'legacy guards itself');
  t.same(await from({}), [401, 'legacy']);
  await facade.stages(at('dynamodb', ', tenants: { acme: complete }'));
  t.same(await from(globex), [200, 'of globex']);
  t.same(await from({ authorization: 'Bearer x' }), [401, 'Unauthorized']);
  t.same(await from({}), [401, 'Unauthorized']);
  t.same(await from(bearer(await issuer.token(key, { tid: undefined }))), [400, 'Missing parameter']);
});

t.test('without keys a replica is not ready where a store answers, and lets nobody in', async (t) => {
  const key = await signingKey('one');
  const [legacy, issuer] = [await legacyOf(t), await withIssuer(t, key)];
  issuer.behave((_, reply) => void reply.writeHead(500).end());
  const notes = await withNotes(t, {
    stage: 'legacy',
    more: `auth: {
      mode: 'jwt', jwks: '${issuer.url}', issuer: '${issuer.name}', audience: '${AUDIENCE}', algorithms: ['RS256'],
      tenantClaim: 'tid', cooldown: '20ms',
    },`,
    env: { LEGACY_URL: legacy.url },
  });
  const { facade } = notes;
  await notes.put([note('one')]);
  const ready = async () => {
    const reply = await fetch(`${facade.app.adminUrl}/readyz`);
    const { parts } = (await reply.json()) as { parts: { part: string; problem?: string }[] };
    return { status: reply.status, auth: parts.find(({ part }) => part === 'auth') };
  };
  t.equal((await ready()).status, 200, 'legacy needs none');
  await facade.stages(at('dynamodb'));
  t.match(await ready(), { status: 503, auth: { problem: /jwks\.json cannot be had: status 500/ } });
  const good = { ...tenant, ...bearer(await issuer.token(key)) };
  t.match(await facade.get('/notes/one', good), { status: 503, json: { title: 'Unavailable' } });
  t.equal((await facade.get('/notes/one', tenant)).status, 401);
  issuer.publish(key);
  const deadline = Date.now() + 5_000;
  while ((await ready()).status !== 200 && Date.now() < deadline) await new Promise((done) => setTimeout(done, 20));
  t.match(await ready(), { status: 200 });
  t.equal((await facade.get('/notes/one', good)).status, 200);
});

t.test('an endpoint is asked, once for all who ask alike', async (t) => {
  const door = await withEcho(t, (message, reply) => {
    const [, user] = /^Bearer (u-\d+)$/.exec(message.headers.authorization ?? '') ?? [];
    if (user === undefined)
      return void reply.writeHead(401, { 'www-authenticate': 'Bearer realm="door"' }).end('secret words');
    if (user === 'u-9') return void reply.writeHead(403).end();
    reply.writeHead(204, { 'x-user-id': user, 'x-tenant': 'acme' }).end();
  });
  const notes = await withNotes(t, {
    stage: 'complete',
    more: `auth: {
      mode: 'forward', url: '${door.url}/check?a=b', headers: ['Authorization', 'Cookie'],
      claims: { 'X-User-Id': 'sub', 'X-Tenant': 'tid' }, tenantClaim: 'tid', cache: '2s', timeout: '1s',
    },`,
    noteMore: `allow: ({ claims }) => claims.sub === 'u-1' ? true : 'notFound',`,
  });
  const { facade } = notes;
  await notes.put([note('one'), note('two')]);
  const of = (user: string, more: object = {}) => ({ ...tenant, authorization: `Bearer ${user}`, ...more });
  const ask = async (headers: object, path = '/notes/one') => (await facade.get(path, headers as never)).status;

  const many = await Promise.all(Array.from({ length: 50 }, () => ask(of('u-1'))));
  t.ok(many.every((status) => status === 200));
  t.equal(door.seen.length, 1);
  t.match(door.seen[0], {
    method: 'GET',
    url: '/check?a=b',
    headers: { authorization: 'Bearer u-1', 'x-original-method': 'GET', 'x-original-uri': '/notes/one' },
  });
  t.notOk('x-tenant-id' in (door.seen[0]?.headers ?? {}), 'what is not on the list is not sent');
  await ask(of('u-1', { 'x-original-uri': '/public' }), '/notes/two');
  t.equal(
    door.seen[1]?.headers['x-original-uri'],
    '/notes/two',
    'another path is another question, which no client words',
  );
  await new Promise((done) => setTimeout(done, 2_020));
  await ask(of('u-1'));
  t.equal(door.seen.length, 3, 'a yes is forgotten');

  t.equal(await ask(of('u-2')), 404, 'claims reach the bindings');
  t.equal(await ask(of('u-1', { 'x-tenant-id': 'globex' })), 403);
  const refused = await facade.get('/notes/one', tenant);
  t.match(refused, {
    status: 401,
    headers: { 'www-authenticate': 'Bearer realm="door"' },
    json: { title: 'Unauthorized' },
  });
  t.notMatch(refused.text, /secret words/);
  t.equal(await ask(of('u-9')), 403);
  const asked = door.seen.length;
  t.equal(await ask(of('u-9')), 403);
  t.equal(door.seen.length, asked + 1, 'a no is not remembered');

  const ill: Record<string, Parameters<Echo['answer']>[0]> = {
    500: (_, reply) => void reply.writeHead(500).end(),
    302: (_, reply) => void reply.writeHead(302, { location: '/' }).end(),
    404: (_, reply) => void reply.writeHead(404).end(),
    429: (_, reply) => void reply.writeHead(429).end(),
    silence: () => undefined,
    'a cut line': (message) => void message.socket.destroy(),
  };
  for (const [says, listener] of Object.entries(ill)) {
    door.answer(listener);
    const began = performance.now();
    t.equal(await ask(of('u-5', { cookie: says })), 503, says);
    t.ok(performance.now() - began < 4_000, `${says}: nobody waits for long`);
  }
  door.answer(
    (_, reply) =>
      void reply
        .writeHead(
          200,
          [
            ['X-Tenant', 'acme'],
            ['X-Tenant', 'globex'],
          ].flat(),
        )
        .end(),
  );
  t.equal(await ask(of('u-6')), 403, 'a claim that is said twice is none');
});

t.test('an operation that anybody may ask', async (t) => {
  const key = await signingKey('one');
  const issuer = await withIssuer(t, key);
  const notes = await withNotes(t, {
    stage: 'complete',
    more: `auth: {
      mode: 'jwt', jwks: '${issuer.url}', issuer: '${issuer.name}', audience: '${AUDIENCE}', algorithms: ['RS256'],
      tenantClaim: 'tid',
    },`,
    noteMore: `auth: { none: 'notes are published' },`,
  });
  await notes.put([note('one')]);
  t.equal((await notes.facade.get('/notes/one', tenant)).status, 200);
  t.equal((await notes.facade.get('/notes/one', { ...tenant, ...bearer('x') })).status, 200);
  t.equal((await notes.facade.get('/notes?shelf=o', tenant)).status, 401, 'that one alone');
});

t.test('at validate legacy’s reply waits for nobody, and what we would have refused is compared', async (t) => {
  const key = await signingKey('one');
  const [legacy, issuer] = [await legacyOf(t), await withIssuer(t, key)];
  issuer.behave(() => undefined);
  const notes = await withNotes(t, {
    stage: 'legacy',
    more: `auth: {
      mode: 'jwt', jwks: '${issuer.url}', issuer: '${issuer.name}', audience: '${AUDIENCE}', algorithms: ['RS256'],
      tenantClaim: 'tid', cooldown: '20ms', timeout: '300ms',
    },`,
    env: { LEGACY_URL: legacy.url },
  });
  const { facade } = notes;
  await notes.put([note('one')]);
  await facade.stages(at('validate'));
  const compared = async (labels: RegExp, least: number): Promise<void> => {
    const deadline = Date.now() + 10_000;
    for (;;) {
      const text = await (await fetch(`${facade.app.adminUrl}/metrics`)).text();
      const lines = text
        .split('\n')
        .filter((line) => line.startsWith('crossfade_comparisons_total') && labels.test(line));
      if (lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0) >= least)
        return t.pass(String(labels)) as never;
      if (Date.now() > deadline)
        throw new Error(`not compared as ${labels}: ${text.match(/^crossfade_comp.*$/gm)?.join('\n')}`);
      await new Promise((done) => setTimeout(done, 50));
    }
  };
  const good = { ...tenant, ...bearer(await issuer.token(key)) };
  const began = performance.now();
  t.match(await facade.get('/notes/one', good), { status: 200, json: { from: 'legacy' } });
  t.ok(performance.now() - began < 250, 'while nobody knows the keys');
  await compared(/outcome="skipped",reason="auth"/, 1);
  issuer.publish(key);
  t.match(await facade.get('/notes/one', tenant), { status: 401, json: { from: 'legacy' } });
  t.match(await facade.get('/notes/one', { ...tenant, ...bearer('x') }), { status: 200, json: { from: 'legacy' } });
  await compared(/pair="legacy-mongodb",outcome="mismatch"/, 1);
  const text = await (await fetch(`${facade.app.adminUrl}/metrics`)).text();
  t.notMatch(text, /^crossfade_auth_refused_total\{.*[1-9]$/m, 'nobody was refused');
});

t.test('diff lets in whom the façade would, and says which credentials are missing', async (t) => {
  const key = await signingKey('one');
  const issuer = await withIssuer(t, key);
  const notes = await withNotes(t, {
    more: `auth: {
      mode: 'jwt', jwks: '${issuer.url}', issuer: '${issuer.name}', audience: '${AUDIENCE}', algorithms: ['RS256'],
      tenantClaim: 'tid',
    },`,
    noteMore: `allow: ({ claims }) => claims.sub === 'u-1' ? true : 'forbidden',`,
  });
  await notes.put([note('one')]);
  const ask = async (...header: string[]) => {
    const lines: string[] = [];
    const out = (text: string) => void lines.push(text);
    const io = { out, err: out, env: notes.env, cwd: '/', color: false };
    const code = await diff(io, 'get', '/notes/one', {
      bindings: notes.facade.app.bindings.file,
      header: ['X-Tenant-Id: acme', ...header],
      json: true,
    });
    return { code, ...JSON.parse(lines.join('')) };
  };
  const with200 = await ask(`Authorization: Bearer ${await issuer.token(key)}`);
  t.match(with200, { code: 0, origins: [{ status: 200 }, { status: 200 }] });
  const with403 = await ask(`Authorization: Bearer ${await issuer.token(key, { sub: 'u-2' })}`);
  t.match(with403, { code: 0, origins: [{ status: 403 }, { status: 403 }] });
  await t.rejects(ask(), { name: 'UsageError', message: /a bearer token is missing: .* give -H 'Authorization: …'/ });
  const old = await issuer.token(key, { exp: 1 });
  await t.rejects(ask(`Authorization: Bearer ${old}`), { name: 'UsageError', message: /the token has expired/ });
});
