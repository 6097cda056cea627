import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import t, { type Test } from 'tap';
import { createCursors, hashParameters } from '../../src/bindings/cursor.ts';
import { loadBindings } from '../../src/bindings/load.ts';
import { AuthError, StoreError } from '../../src/errors.ts';
import type { Answer, Observation } from '../../src/model/answer.ts';
import type { PageSpec } from '../../src/model/binding.ts';
import { NO_CREDENTIALS } from '../../src/replay/credentials.ts';
import { dressed, tenantHeader } from '../../src/replay/dress.ts';
import type { Holding } from '../../src/replay/holding.ts';
import type { Sent } from '../../src/replay/legacy.ts';
import { createReservoir } from '../../src/replay/negative.ts';
import { createPace } from '../../src/replay/pace.ts';
import { collect, followed, nextToken } from '../../src/replay/pages.ts';
import { replay } from '../../src/replay/run.ts';
import { openSource } from '../../src/replay/source.ts';
import { createSubjects, type Subject } from '../../src/replay/subject.ts';
import { createTally } from '../../src/replay/tally.ts';
import type { Offer } from '../../src/shadow/offer.ts';

const PAGE =
  '{ type: object, properties: { things: { type: array, items: { type: object, properties: { id: { type: string } } } }, next: { type: string } } }';
const OK = `{ '200': { description: A page, content: { application/json: { schema: ${PAGE} } } } }`;
const CONTRACT = `
openapi: 3.1.0
info: { title: Things, version: '1' }
paths:
  /plain:
    get:
      operationId: plain
      parameters: [{ name: q, in: query, schema: { type: string } }, { name: token, in: query, schema: { type: string, minLength: 3 } }]
      responses: ${OK}
  /deep:
    get:
      operationId: deep
      parameters: [{ name: page, in: query, style: deepObject, explode: true, schema: { type: object, properties: { size: { type: integer }, after: { type: string } } } }]
      responses: ${OK}
  /linked:
    get:
      operationId: linked
      parameters: [{ name: q, in: query, schema: { type: string } }, { name: after, in: query, schema: { type: string } }]
      responses: ${OK}
  /search:
    post:
      operationId: search
      requestBody: { content: { application/json: { schema: { type: object, properties: { q: { type: string }, cursor: { type: string } } } } } }
      responses: ${OK}
    put:
      operationId: write
      responses: { '204': { description: Done } }
`;

const BINDINGS = `
import { bind } from ${JSON.stringify(pathToFileURL(join(import.meta.dirname, '../../src/index.ts')).href)};
const list = (cursor, page) => ({
  mongodb: ({ tenant, page }) => ({ find: { collection: 'things', filter: { tenant }, sort: { id: 1 }, after: page.after } }),
  items: '/things',
  page: { position: ['id'], cursor, ...page },
});
export default bind({
  contract: './contract.yaml',
  name: 'things',
  tenant: ({ headers }) => headers['x-tenant'],
  operations: {
    plain: {
      ...list(({ query }) => query.token, { next: '/next' }),
      dynamodb: ({ tenant }) => ({ Query: { TableName: 't', KeyConditionExpression: 'pk = :t', ExpressionAttributeValues: { ':t': tenant } } }),
    },
    deep: list(({ query }) => query.page?.after, { next: '/next' }),
    linked: list(({ query }) => query.after, { links: 'after' }),
    search: { ...list(({ body }) => body.cursor, { next: '/next' }), kind: 'read' },
  },
});
`;

async function things(t: Test) {
  const folder = t.testdir({ 'contract.yaml': CONTRACT });
  await writeFile(join(folder, 'things.bindings.ts'), BINDINGS);
  const bindings = await loadBindings(join(folder, 'things.bindings.ts'), { legacy: true });
  const observe = () => Promise.reject(new Error('nobody is asked'));
  const cursors = createCursors(['a secret that is long enough']);
  const subjects = createSubjects({
    ...{ bindings, cursors, observe, legacy: observe, secrets: new Set(['x-proof']) },
    auth: {
      authenticate: ({ headers }) => {
        if (headers['x-proof'] === 'wrong') throw new AuthError('unauthorized', 'proof', 'who is this?');
        return {};
      },
      agree: (tenant) => {
        if (tenant === 'globex') throw new AuthError('forbidden', 'tenant', 'not theirs');
      },
    },
  });
  const subject = async (some: Partial<Sent>): Promise<Subject> => {
    const made = await subjects({ method: 'GET', url: '/', headers: { 'x-tenant': 'acme' }, ...some }, 'page');
    if (typeof made === 'string') throw new Error(made);
    return made;
  };
  return { bindings, subjects, subject };
}

const answer = (body: string, headers: Answer['headers'] = {}, status = 200): Answer => ({
  status,
  headers,
  body: Buffer.from(body),
});

t.test('a token goes where the bindings read it: a parameter, one inside another, or the body', async (t) => {
  const { subject } = await things(t);
  const at = async (some: Partial<Sent>, token: string) => followed(await subject(some), token);
  t.equal((await at({ url: '/plain?q=a%2Fb&token=old&q2=' }, 'a+b/c='))?.url, '/plain?q=a%2Fb&q2=&token=a%2Bb%2Fc%3D');
  t.equal((await at({ url: '/plain' }, 'abc'))?.url, '/plain?token=abc');
  t.equal(await at({ url: '/plain' }, 'x'), undefined, 'one that the contract refuses cannot be sent');
  t.equal(
    (await at({ url: '/deep?page[size]=5&page%5Bafter%5D=1' }, '2'))?.url,
    '/deep?page[size]=5&page%5Bafter%5D=2',
  );
  t.equal((await at({ url: '/linked?q=1' }, '9'))?.url, '/linked?q=1&after=9');
  const body = Buffer.from('{"q":"x"}');
  const headers = { 'x-tenant': 'acme', 'content-type': 'application/json' };
  const next = await at({ method: 'POST', url: '/search', headers, body }, 'T');
  t.same(JSON.parse(String(next?.body)), { q: 'x', cursor: 'T' });
});

t.test('where a page says how to go on', async (t) => {
  const { subject } = await things(t);
  const plain = (await subject({ url: '/plain' })).operation;
  const linked = (await subject({ url: '/linked' })).operation;
  t.equal(nextToken(plain, answer('{"next":"a\\u002fb"}')), 'a/b');
  t.equal(nextToken(plain, answer('{"next":12345678901234567890}')), '12345678901234567890');
  for (const last of [
    '{}',
    '{"next":null}',
    '{"next":""}',
    '{"next":{}}',
    '{"next":0}',
    '{"next":-1}',
    '[]',
    '{"x":{"next":"a"}}',
  ])
    t.equal(nextToken(plain, answer(last)), undefined, last);
  t.equal(nextToken(plain, answer('{"next":"a"}', {}, 404)), undefined);
  const spec = plain.spec as NonNullable<typeof plain.spec>;
  const saying = { ...plain, spec: { ...spec, page: { ...(spec.page as PageSpec), more: '/more' } } };
  for (const [more, token] of [
    ['false', undefined],
    ['true', 'a'],
    ['null', 'a'],
  ] as const)
    t.equal(nextToken(saying, answer(`{"next":"a","more":${more}}`)), token, `more: ${more}`);
  t.throws(() => nextToken(plain, answer('{"next":')), { name: 'JsonError' });
  const link = (value: string | string[]) => nextToken(linked, answer('{}', { link: value }));
  t.equal(link('<https://x/linked?q=1&after=a%2Fb>; rel="next"'), 'a/b');
  t.equal(link('</l?after=p>; rel=prev, </l?after=n>; title="a, b"; rel="last next"'), 'n');
  t.equal(link(['</l?after=p>; rel=prev', '</l?after=n>; rel=next']), 'n');
  for (const none of ['', '</l?after=p>; rel="nextpage"', '</l>; rel=next', 'nonsense'])
    t.equal(link(none), undefined, none);
});

t.test('the pages of one origin are one list, to the byte; what breaks the walk is what it has to say', async (t) => {
  const { subject } = await things(t);
  const plain = await subject({ url: '/plain' });
  const walk = async (bodies: readonly string[], more: object = {}) => {
    const pages = bodies.map(
      (body): Observation => ({ origin: 'legacy', ok: true, answer: answer(body), duration: 1 }),
    );
    const rest = pages.slice(1);
    const page = async () => rest.shift();
    return await collect({
      subject: plain,
      origin: 'legacy',
      first: pages[0] as Observation,
      page,
      maxPages: 9,
      maxBytes: 999,
      ...more,
    });
  };
  const whole = await walk([
    '{"x":[9],"things":[ {"id":1.50} , 2],"next":"abc"}',
    '{"things":[],"next":"def"}',
    '{"things":[[3]]}',
  ]);
  t.match(whole, { pages: 3, cut: undefined, observation: { ok: true, duration: 3, answer: { items: 3 } } });
  t.same(whole.observation.ok && whole.observation.answer.body.toString(), '{"things":[{"id":1.50} , 2,[3]]}');
  const broken = async (...bodies: string[]) => {
    const { observation } = await walk(bodies);
    return observation.ok ? observation.answer.body.toString() : observation.error;
  };
  t.match(await broken('{"things":[1],"next":"abc"}', '{"things":[1],"next":"abc"}'), {
    failure: 'undecodable',
    message: /go round in a loop/,
  });
  t.match(await broken('{"things":[1],"next":"abc"}', '<html>'), { failure: 'undecodable', message: /^page 2: / });
  t.match(await broken('{"things":7}'), { failure: 'undecodable' });
  t.match(await walk(['{"things":[1],"next":"abc"}'], { page: async () => undefined }), {
    cut: 'shutdown',
    observation: { ok: false },
  });
  t.match(await walk(['{"things":[1],"next":"abc"}'], { maxPages: 1 }), { cut: 'max_pages' });
  t.match(await walk([`{"things":[${'1,'.repeat(999)}1],"next":"abc"}`]), { cut: 'too_large' });
  const refused: Observation = { origin: 'legacy', ok: true, answer: answer('no', {}, 500), duration: 1 };
  t.match((await walk(['{"things":[],"next":"abc"}'], { page: async () => refused })).observation, {
    answer: { status: 500 },
  });
  const failed: Observation = {
    origin: 'legacy',
    ok: false,
    error: new StoreError('legacy', 'timeout', 'late'),
    duration: 1,
  };
  t.match((await walk(['{"things":[],"next":"abc"}'], { page: async () => failed })).observation, {
    error: { failure: 'timeout' },
  });
});

t.test('a store whose cursor leads to where it came from cannot answer the list', async (t) => {
  const { bindings } = await things(t);
  const cursors = createCursors(['a secret that is long enough']);
  const parameters = hashParameters({ path: {}, query: {} });
  const observe = async (origin: 'dynamodb' | 'mongodb'): Promise<Observation> => {
    const next = cursors.seal({ operation: 'plain', tenant: 'acme', parameters, position: { id: 'a' } });
    return { origin, ok: true, answer: answer(JSON.stringify({ things: [{ id: 'a' }], next })), duration: 1 };
  };
  const offers: Offer[] = [];
  const { signal } = new AbortController();
  const parts = { bindings, cursors, observe, legacy: undefined, secrets: new Set<string>() };
  const source = await openSource('-', {
    cwd: '/',
    stdin: Readable.from([Buffer.from('{"path":"/plain","headers":{"x-tenant":"acme"}}')]),
  });
  await replay({
    ...{ source, signal, origins: undefined, operations: undefined, tenants: undefined, limit: 9, strict: true },
    ...{
      subjects: createSubjects({ ...parts, auth: undefined }),
      tally: createTally(),
      pace: createPace(1_000, signal),
    },
    ...{ concurrency: 2, maxPages: 50, heldBy: () => undefined, onJob: () => undefined },
    dress: { headers: {}, credentials: NO_CREDENTIALS, keepCredentials: false, tenants: undefined, run: 'r' },
    holding: {
      hold: async (offer: Offer) => {
        offers.push(offer);
        for (const one of offer.candidates) await offer.again(one, false);
      },
      report: () => undefined,
      room: async () => true,
    } as unknown as Holding,
  });
  t.equal(offers.length, 3, 'page one, page two, and the loop');
  const loop = offers[2] as Offer;
  t.match(loop, { requestId: 'r-1.3', control: { origin: 'dynamodb', ok: false, error: { failure: 'undecodable' } } });
  t.equal(loop.plain, undefined);
  t.match(await loop.again('dynamodb', true), { ok: false }, 'nor does it look well when it is looked at again');
  t.match(await loop.again('mongodb', true), { ok: true });
});

t.test('what cannot be replayed says why', async (t) => {
  const { subjects, subject, bindings } = await things(t);
  const why = async (some: Partial<Sent>) =>
    await subjects({ method: 'GET', url: '/plain', headers: { 'x-tenant': 'acme' }, ...some });
  t.equal(await why({ method: 'PUT', url: '/search' }), 'not a read');
  t.equal(await why({ method: 'OPTIONS' }), 'not a read');
  t.equal(await why({ url: '/nothing' }), 'unknown path');
  t.equal(await why({ method: 'POST', url: '/search' }), 'no body');
  t.equal(await why({ headers: {} }), 'no tenant');
  t.equal(await why({ url: '/plain?token=theirs' }), 'later page');
  t.equal(await why({ headers: { 'x-tenant': 'acme', 'x-proof': 'wrong' } }), 'not let in');
  t.equal(await why({ headers: { 'x-tenant': 'globex' } }), 'not let in');
  t.equal(await why({ headers: { 'x-tenant': 'acme', accept: 'text/html' } }), 'not JSON');
  t.match(await why({ url: '/plain?token=x' }), {
    refused: true,
    tenant: 'acme',
    origins: ['legacy', 'dynamodb', 'mongodb'],
  });
  const proved = await subject({ url: '/plain', headers: { 'x-tenant': 'acme', 'x-proof': 'right' } });
  const control: Observation = { origin: 'legacy', ok: true, answer: answer('{}'), duration: 1 };
  t.same(proved.offer(control, ['mongodb'], 'r').request.headers, { 'x-tenant': 'acme' }, 'no sample keeps a proof');
  t.equal(tenantHeader(bindings.spec.tenant), 'x-tenant');
  t.equal(
    tenantHeader(({ path }) => String(path.tenant)),
    undefined,
  );
  t.equal(
    tenantHeader(() => 'all'),
    undefined,
  );
});

t.test('a line stands for each tenant, and a sample of many is fair', async (t) => {
  const options = { headers: { accept: 'a' }, credentials: NO_CREDENTIALS, keepCredentials: false, run: 'r' };
  const line = { line: 4, method: 'GET', url: '/', headers: { accept: 'b', cookie: 'c' } };
  t.same(
    dressed(line, { ...options, tenants: { header: 'x-tenant', names: ['acme', 'globex'] } }).map(
      ({ headers }) => headers,
    ),
    [
      { accept: 'a', 'x-request-id': 'r-4', 'x-tenant': 'acme' },
      { accept: 'a', 'x-request-id': 'r-4', 'x-tenant': 'globex' },
    ],
  );
  const recorded = { 'x-api-key': '1', 'x-session-token': '2', 'x-user': '3', 'x-tenant': 'acme', 'x-trace': '4' };
  const credentials = { ...NO_CREDENTIALS, names: new Set(['x-user']) };
  const sent = (keepCredentials: boolean) =>
    dressed({ ...line, headers: recorded }, { ...options, credentials, keepCredentials, tenants: undefined })[0]
      ?.headers;
  t.same(sent(false), { accept: 'a', 'x-request-id': 'r-4', 'x-tenant': 'acme', 'x-trace': '4' }, 'nobody else’s key');
  t.same(sent(true), { accept: 'a', 'x-request-id': 'r-4', ...recorded });
  const counts = new Map<number, number>();
  for (let round = 0; round < 2_000; round += 1) {
    const reservoir = createReservoir<number>(10);
    for (let one = 0; one < 40; one += 1) reservoir.add(one);
    for (const one of reservoir.kept()) counts.set(one, (counts.get(one) ?? 0) + 1);
  }
  // 500 each; nine standard deviations of it.
  t.ok(
    [...Array(40).keys()].every((one) => Math.abs((counts.get(one) ?? 0) - 500) < 180),
    JSON.stringify([...counts]),
  );
});
