import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import t from 'tap';
import { makeSeed, TENANTS } from '../../src/demo/seed.ts';
import { fillDynamoDb, fillMongoDb } from '../../src/demo/stores.ts';
import { withFacade } from '../support/facade.ts';
import { withDynamo, withMongo } from '../support/stores.ts';

const openapi = join(import.meta.dirname, '../../openapi');
const PROOF = { 'x-edge': 'a-secret-of-the-gateway' };

/** Every bound operation of the sample, with access by a claim. */
const bindings = `
import photos from ${JSON.stringify(pathToFileURL(join(openapi, 'photos.bindings.ts')).href)};
const allow = ({ claims }) => claims.verdict ?? true;
export default bind({
  ...photos,
  contract: ${JSON.stringify(join(openapi, 'photos.yaml'))},
  auth: { mode: 'gateway', proof: { header: 'x-edge' }, claims: { 'x-verdict': 'verdict' } },
  headers: (request, { item, items }) => ({ etag: '"leak"', 'last-modified': 'leak', 'x-leak': JSON.stringify(item ?? items?.length) .replace(/[^ -~]/g, '') }),
  operations: Object.fromEntries(Object.entries(photos.operations).map(([id, own]) => [id, {
    ...own, allow, ...(own.page === undefined ? {} : { page: { ...own.page, links: 'cursor' } }),
  }])),
});
`;

/** What a refused reply may say beside its error. */
const HARMLESS = [
  'cache-control',
  'connection',
  'content-length',
  'content-type',
  'date',
  'keep-alive',
  'server-timing',
  'x-request-id',
];

t.test('every operation of the sample, at each store, on each page: refused before anything of it shows', async (t) => {
  const [mongo, dynamo] = [await withMongo(t), await withDynamo(t, 'dynalite')];
  const seed = makeSeed({ planted: false });
  await Promise.all([fillDynamoDb(dynamo.endpoint, seed), fillMongoDb(mongo.uri, seed)]);
  const facade = await withFacade(t, {
    bindings: { text: bindings, contract: '' },
    env: {
      AWS_REGION: dynamo.config.region,
      AWS_ENDPOINT_URL_DYNAMODB: dynamo.endpoint,
      MONGODB_URI: mongo.uri,
      GATEWAY_SECRETS: PROOF['x-edge'],
    },
  });
  const [tenant = ''] = TENANTS;
  const ask = (method: string, path: string, more: Record<string, string> = {}) =>
    facade.send(method, path, { 'x-tenant-id': tenant, ...PROOF, ...more });
  const base = facade.app.bindings.basePath;
  const listed = async (path: string, name: string): Promise<{ id: string }[]> => (await ask('GET', path)).json[name];

  const conversations = await listed(`${base}/conversations?limit=5`, 'conversations');
  const [conversation] = conversations;
  const messages = await listed(`${base}/conversations/${conversation?.id}/messages?limit=50`, 'messages');
  const withFiles = (messages as { id: string; attachmentIds?: string[] }[]).filter(
    ({ attachmentIds }) => attachmentIds?.length,
  );
  t.ok(conversations.length === 5 && messages.length > 20 && withFiles.length > 0, 'there is something to learn');

  const one = <T>(list: readonly T[]) => fc.constantFrom(...list);
  const ids = one(conversations.map(({ id }) => id));
  const paths: Readonly<Record<string, fc.Arbitrary<string>>> = {
    getUser: fc.integer({ min: 1001, max: 1110 }).map((n) => `/users/u-${n}`),
    listConversations: fc.integer({ min: 1, max: 6 }).map((n) => `/conversations?limit=${n}`),
    getConversation: ids.map((id) => `/conversations/${id}`),
    listMessages: fc
      .tuple(ids, fc.integer({ min: 1, max: 9 }))
      .map(([id, n]) => `/conversations/${id}/messages?limit=${n}`),
    getMessage: one(messages).map(({ id }) => `/messages/${id}`),
    listAttachments: one(withFiles).map(({ id }) => `/messages/${id}/attachments`),
    getAttachment: one(withFiles.flatMap(({ attachmentIds = [] }) => attachmentIds)).map((id) => `/attachments/${id}`),
  };
  const bound = facade.app.bindings.operations.filter(({ stores }) => Object.keys(stores).length > 0);
  t.same(bound.map(({ id }) => id).sort(), Object.keys(paths).sort(), 'all of them');

  const refusals = {
    forbidden: { status: 403, text: (await ask('GET', `${base}/users/u-1001`, { 'x-verdict': 'forbidden' })).text },
    notFound: { status: 404, text: (await ask('GET', `${base}/users/nobody`)).text },
  } as const;
  t.match(refusals.forbidden.text, /"Forbidden"/);
  t.match(refusals.notFound.text, /"NOT_FOUND"/);

  for (const stage of ['dynamodb', 'complete']) {
    const stages = bound.map(({ id }) => `${id}: { stage: ${stage} }`).join(', ');
    await facade.stages(`operations: { ${stages} } # ${stage}\n`);
    for (const { id, page } of bound) {
      await t.test(`${id} at ${stage}`, async (t) => {
        let later = 0;
        const property = fc.asyncProperty(
          paths[id] as fc.Arbitrary<string>,
          one(['forbidden', 'notFound'] as const),
          one(['GET', 'HEAD']),
          fc.integer({ min: 0, max: 2 }),
          async (path, verdict, method, turns) => {
            let url = base + path;
            let allowed = await ask('GET', url);
            for (let turn = 0; turn < turns && allowed.json?.nextCursor !== undefined; turn += 1) {
              later += 1;
              url = `${base}${path}&cursor=${encodeURIComponent(allowed.json.nextCursor)}`;
              allowed = await ask('GET', url);
            }
            if (allowed.status !== 200 || allowed.headers['x-leak'] === undefined)
              throw new Error(`${url}: ${allowed.text}`);
            const refused = await ask(method, url, { 'x-verdict': verdict });
            const expected = refusals[verdict];
            const strange = Object.keys(refused.headers).filter((name) => !HARMLESS.includes(name));
            if (strange.length > 0) throw new Error(`${url} says ${strange.join()}`);
            if (refused.status !== expected.status) throw new Error(`${url}: ${refused.status}`);
            if (refused.headers['content-length'] !== String(Buffer.byteLength(expected.text)))
              throw new Error(`${url}: its length differs`);
            if (refused.text !== (method === 'HEAD' ? '' : expected.text)) throw new Error(`${url}: ${refused.text}`);
          },
        );
        await fc.assert(property, { numRuns: 25, seed: 6 });
        if (page?.issues === true) t.ok(later > 0, 'later pages too');
        t.pass('nothing shows');
      });
    }
  }
});
