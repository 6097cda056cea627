import t from 'tap';
import { errorTold, redacted, textTold, withoutCredentials } from '../../src/model/redacted.ts';

const cases = [
  ['connect mongodb://ann:p%40ss@db:27017/x failed', 'connect mongodb://***@db:27017/x failed'],
  ['mongodb+srv://ann:p@ss/w@db/x', 'mongodb+srv://***@db/x'],
  ['http://only-user@host/', 'http://***@host/'],
  ['Authorization: Bearer abc.def', 'Authorization: ***'],
  ['{"authorization":"Basic YTpi","x":1}', '{"authorization": ***'],
  ['with Bearer abc.def, and more', 'with Bearer ***, and more'],
  ['Cookie: sid=1; other=2\nnext', 'Cookie: ***\nnext'],
  ['x-amz-security-token:IQoJb3JpZ2lu', 'x-amz-security-token: ***'],
  ['Credential=AKIA/2026/x, SignedHeaders=host, Signature=0a1b', 'Credential=***, SignedHeaders=host, Signature=***'],
  ['password=hunter2&x', 'password=***&x'],
  ['GET /users/u-1?email=ann@example.org HTTP/1.1', 'GET /users/u-1?*** HTTP/1.1'],
  ['https://host/a?b=c', 'https://host/a?***'],
  ['there is nothing in here: 12 of 13', 'there is nothing in here: 12 of 13'],
  ['at file:///app/node_modules/@fastify/x/index.js:3:7', 'at file:///app/node_modules/@fastify/x/index.js:3:7'],
  ['profile://ann:p@host/', 'profile://***@host/'],
  ['grant_type=x&client_secret=hunter2&y=1', 'grant_type=x&client_secret=***&y=1'],
  ['{"accessToken":"hunter2","expires":1}', '{"accessToken":***,"expires":1}'],
  ['AWS_SECRET_ACCESS_KEY=hunter2 AWS_SESSION_TOKEN: hunter2', 'AWS_SECRET_ACCESS_KEY=*** AWS_SESSION_TOKEN: ***'],
  ['no such token crossfade_L9DnS4Bv3SZ_Jql8QhY_zozWUiFGwXOHRbh7Kckrt70', 'no such token crossfade_***'],
  ['crossfade_flags_last_update_timestamp_seconds', 'crossfade_flags_last_update_timestamp_seconds'],
  [
    'Unleash: *:development.ab12ab12ab12ab12ab12ab12ab12ab12ab12ab12ab12ab12ab12ab12 is not known',
    'Unleash: *** is not known',
  ],
  ['with Negotiate   abc.def', 'with Negotiate ***'],
  ['proxy-authorization : hunter2', 'proxy-authorization : ***'],
  ['apikey=hunter2', 'apikey=***'],
  ['password  :  hunter2', 'password  :  ***'],
  ['half a token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4ifQ', 'half a token ***'],
  ['default:production.ab12ab12ab12ab12ab12ab12ab12ab12ab12ab12ab12ab12ab12ab12', '***'],
  ['the claims of eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJl', 'the claims of ***'],
] as const;

for (const [given, left] of cases)
  t.test(`what is left of ${given.slice(0, 40)}`, async (t) => {
    t.equal(redacted(given), left);
  });

t.test('of an error: words and causes, none of what drivers hang onto it', async (t) => {
  const inner = Object.assign(new Error('no route to mongodb://ann:hunter2@db'), { code: 'ECONNREFUSED' });
  const outer = Object.assign(new Error('cannot connect', { cause: inner }), {
    $response: { headers: { authorization: 'hunter2' } },
    request: { headers: { cookie: 'hunter2' } },
    failure: 'unavailable',
  });
  const told = errorTold(outer);
  t.match(told, { type: 'Error', message: 'cannot connect', failure: 'unavailable' });
  t.match(told.cause, { message: 'no route to mongodb://***@db', code: 'ECONNREFUSED' });
  t.notMatch(JSON.stringify(told), 'hunter2');
  const circle = new Error('round');
  circle.cause = circle;
  t.ok(JSON.stringify(errorTold(circle)).length < 20_000, 'causes in a circle end');
  t.equal(told.failure, 'unavailable');
  t.match(told.stack, /^Error: cannot connect\n/);
  t.equal(errorTold(Object.assign(new Error('x'), { code: 'mongodb://ann:hunter2@db' })).code, 'mongodb://***@db');
  t.equal(errorTold(Object.assign(new Error('x'), { code: 11_000 })).code, 11_000);
  t.equal(errorTold(Object.assign(new Error('x'), { code: { deep: 1 }, failure: 1 })).code, undefined);
  t.equal(errorTold(Object.assign(new Error('x'), { failure: 1 })).failure, undefined);
  t.equal(errorTold(Object.assign(new Error('x'), { stack: undefined })).stack, undefined);
  const chain = [4, 3, 2, 1].reduce((cause, n) => new Error(`${n}`, { cause }), new Error('5'));
  t.equal(errorTold(chain).cause?.cause?.cause?.message, '4');
  t.equal(errorTold(chain).cause?.cause?.cause?.cause, undefined, 'four are told');
  t.match(errorTold('thrown by somebody'), { type: 'string', message: 'thrown by somebody' });
});

t.test('a text that is made to be slow is not', async (t) => {
  const texts = ['a'.repeat(100_000), 'a://'.repeat(25_000), '/'.repeat(100_000), 'token: '.repeat(20_000)];
  const began = process.cpuUsage();
  for (const text of texts) redacted(text);
  const { user } = process.cpuUsage(began);
  t.ok(user < 100_000, `${user} µs`);
});

t.test('whatever is thrown is told, and nothing is thrown by telling', async (t) => {
  const getter = Object.defineProperty(new Error('x'), 'message', {
    get: () => {
      throw new Error('hunter2');
    },
  });
  const odd = Object.assign(new Error('x'), {
    message: 17,
    name: null,
    stack: { deep: true },
    cause: Object.create(null),
  });
  for (const thrown of [undefined, null, Symbol('s'), Object.create(null), getter, odd, 10n, () => {}]) {
    const told = errorTold(thrown);
    t.type(told.message, 'string');
    t.type(JSON.stringify(told), 'string');
  }
  t.equal(errorTold(odd).message, '17');
  t.equal(textTold(Object.create(null)), 'it cannot be told');
  t.equal(textTold(17), '17');
  t.equal(textTold('password=hunter2'), 'password=***');
});

t.test('a long text is cut', async (t) => {
  t.equal(redacted('x'.repeat(2_048)), 'x'.repeat(2_048));
  t.equal(redacted('x'.repeat(2_049)), `${'x'.repeat(2_048)}…`);
});

t.test('a URL for whoever started the process lacks its credentials alone', async (t) => {
  t.equal(withoutCredentials('mongodb://ann:hunter2@db/x?token=1'), 'mongodb://***@db/x?token=1');
});
