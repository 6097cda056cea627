import { fileURLToPath } from 'node:url';
import t from 'tap';
import { startLegacyReader } from '../../src/demo/legacy-reader.ts';
import { PLANTED } from '../../src/demo/planted.ts';
import { makeSeed, TENANTS } from '../../src/demo/seed.ts';
import { DEMO_AWS, fillDynamoDb, fillMongoDb } from '../../src/demo/stores.ts';
import { withFacade } from '../support/facade.ts';
import { withDynamo, withMongo } from '../support/stores.ts';

const file = fileURLToPath(new URL('../../openapi/photos.bindings.ts', import.meta.url));
const OPERATIONS = [
  'getUser',
  'listConversations',
  'getConversation',
  'listMessages',
  'getMessage',
  'listAttachments',
  'getAttachment',
];
const stages = (stage: string) => `operations:\n${OPERATIONS.map((id) => `  ${id}: { stage: ${stage} }\n`).join('')}`;

t.test('the sample API: all but the planted differences is the same bytes from legacy and both stores', async (t) => {
  const [mongo, dynamo] = await Promise.all([withMongo(t), withDynamo(t, 'dynalite')]);
  const seed = makeSeed();
  await Promise.all([fillMongoDb(mongo.uri, seed), fillDynamoDb(dynamo.endpoint, seed)]);
  const legacy = await startLegacyReader({ endpoint: dynamo.endpoint });
  t.teardown(legacy.stop);
  Object.assign(process.env, DEMO_AWS);
  const facade = await withFacade(t, {
    bindings: { file },
    env: {
      ...DEMO_AWS,
      AWS_ENDPOINT_URL_DYNAMODB: dynamo.endpoint,
      MONGODB_URI: mongo.uri,
      LEGACY_URL: legacy.url,
    },
  });

  const asked = requests();
  const answers: Record<string, Map<string, string>> = {};
  for (const [stage, origin] of [
    ['legacy', 'legacy'],
    ['dynamodb', 'dynamodb'],
    ['live', 'mongodb'],
  ] as const) {
    await facade.stages(stages(stage));
    answers[origin] = await askAll(asked, async ({ tenant, path }) => {
      const reply = await facade.get(path, { 'x-tenant-id': tenant });
      const answeredBy = String(reply.headers['server-timing']);
      if (reply.status !== 400 && !answeredBy.includes(`origin;desc=${origin}`)) return `not answered by ${origin}`;
      return `${reply.status} ${reply.text}`;
    });
  }

  const differing = (one: string, other: string) =>
    [...asked.keys()].filter((name) => answers[one]?.get(name) !== answers[other]?.get(name));
  t.same(differing('legacy', 'dynamodb'), [], 'legacy and DynamoDB');
  const planted = PLANTED.flatMap(({ tenant, path, also }) => [`${tenant} ${path}`, ...also]);
  t.same(differing('dynamodb', 'mongodb').sort(), planted.sort(), 'DynamoDB and MongoDB');

  for (const path of ['/conversations?limit=5', '/conversations/c-110/messages?kind=photo&limit=3']) {
    const ids: string[] = [];
    let cursor: string | undefined = '';
    for (let page = 0; cursor !== undefined; page++) {
      await facade.stages(stages(page % 2 === 0 ? 'dynamodb' : 'live'));
      const reply = await facade.get(`${path}&cursor=${cursor}`, { 'x-tenant-id': 'acme' });
      ids.push(...(reply.json.conversations ?? reply.json.messages).map(({ id }: { id: string }) => id));
      cursor = reply.json.nextCursor;
    }
    const whole = await facade.get(path.replace(/limit=\d/, 'limit=100'), { 'x-tenant-id': 'acme' });
    const all = (whole.json.conversations ?? whole.json.messages).map(({ id }: { id: string }) => id);
    t.same(ids, all, `each item once, in order, whichever store gives the page: ${path}`);
  }
});

interface Asked {
  readonly tenant: string;
  readonly path: string;
}

/** Every user, conversation and list of messages; of messages and attachments every seventh, and all that are planted. */
function requests(): Map<string, Asked> {
  const { items } = makeSeed({ planted: false });
  const paths = items.flatMap((item, index) => {
    if (item.message_id && index % 7 > 0) return [];
    const tenant = String(item.pk).split('#')[0] as string;
    if (item.sk === 'PROFILE') return [[tenant, `/users/${item.user_id}`]];
    if (item.attachment_id) return [[tenant, `/attachments/${item.attachment_id}`]];
    if (item.message_id) {
      const path = `/messages/${item.message_id}`;
      return [[tenant, path], ...(item.kind === 'photo' ? [[tenant, `${path}/attachments`]] : [])];
    }
    return ['', '/messages'].map((tail) => [tenant, `/conversations/${item.conversation_id}${tail}`]);
  });
  const own = TENANTS.flatMap((tenant) => [
    [tenant, '/conversations?limit=100'],
    [tenant, '/users/nobody'],
    [tenant, '/users/a%23b'],
    [tenant, '/messages/short'],
    [tenant, '/conversations?limit=0'],
    [tenant, '/conversations/none/messages'],
  ]);
  const planted = PLANTED.flatMap(({ tenant, path, also }) => [[tenant, path], ...also.map((one) => one.split(' '))]);
  return new Map(
    [...paths, ...own, ...planted].map(([tenant, path]) => [
      `${tenant} ${path}`,
      { tenant: tenant as string, path: path as string },
    ]),
  );
}

/** Page tokens are each origin's own: a list is held without its own. */
async function askAll(asked: Map<string, Asked>, ask: (one: Asked) => Promise<string>): Promise<Map<string, string>> {
  const answers = new Map<string, string>();
  const queue = [...asked];
  const worker = async () => {
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      answers.set(next[0], (await ask(next[1])).replace(/"nextCursor":"[^"]*"/, '"nextCursor":"…"'));
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  return answers;
}
