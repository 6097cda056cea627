import t from 'tap';
import { TextAnswer } from '../../src/model/answer.ts';
import { withFacade } from '../support/facade.ts';

const CONTRACT = `openapi: 3.0.3
info: { title: Texts, version: 1.0.0 }
servers: [{ url: / }]
paths:
  /texts/{id}:
    get:
      operationId: getText
      parameters: [{ name: id, in: path, required: true, schema: { type: string } }]
      responses:
        '200':
          description: A text
          content: { application/json: { schema: { type: object, properties: { text: { type: string } } } } }
`;

/** What an async binding gives is written as text; the rest of the way depends on what stands in it. */
const TEXTS: Readonly<Record<string, string>> = {
  short: 'What stands here is written once.',
  quoted: 'a "quote", a \\ and a \n',
  latin: 'Zürich',
  wide: '写真 📷',
  lone: 'a lone \ud800 half',
  long: 'x'.repeat(40_000),
  'long-wide': '写'.repeat(20_000),
};

const BINDINGS = `const TEXTS = ${JSON.stringify(TEXTS)};
const found = async ({ path }) => ({ text: TEXTS[path.id] });
export default bind({
  contract: './contract.yaml',
  tenant: () => 'all',
  cors: { origins: ['https://app.example'] },
  operations: {
    getText: { dynamodb: found, tenantScope: { none: 'one for all' } },
  },
});
`;

t.test('a body that is text arrives as its bytes, with their number', async (t) => {
  const facade = await withFacade(t, {
    bindings: { text: BINDINGS, contract: CONTRACT },
    env: { AWS_REGION: 'eu-west-1', AWS_ENDPOINT_URL_DYNAMODB: 'http://127.0.0.1:1', AWS_ACCESS_KEY_ID: 'x' },
  });
  for (const [id, text] of Object.entries(TEXTS)) {
    const want = Buffer.from(JSON.stringify({ text }));
    for (const headers of [{}, { origin: 'https://app.example' }]) {
      const reply = await fetch(`${facade.url}/texts/${id}`, { headers });
      t.equal(reply.status, 200, id);
      t.equal(reply.headers.get('content-length'), String(want.length), id);
      t.ok(Buffer.from(await reply.arrayBuffer()).equals(want), `${id}: byte for byte`);
    }
    const head = await fetch(`${facade.url}/texts/${id}`, { method: 'HEAD' });
    t.same([head.headers.get('content-length'), await head.text()], [String(want.length), ''], `${id} by HEAD`);
  }
});

t.test('an answer that is text: nobody changes it, and its bytes are made once', async (t) => {
  const answer = new TextAnswer(200, {}, 'Zürich', undefined);
  t.ok(Object.isFrozen(answer));
  t.ok(answer.body.equals(Buffer.from('Zürich')));
  t.equal(answer.body, answer.body);
});
