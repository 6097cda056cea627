import fc from 'fast-check';
import t from 'tap';
import { compileErrors } from '../../src/bindings/errors.ts';
import { CAUSES, type Cause, RequestError } from '../../src/errors.ts';
import type { ErrorRequest } from '../../src/model/binding.ts';

const request: ErrorRequest = {
  operation: 'getUser',
  method: 'GET',
  url: '/users/1?a=b',
  tenant: 'acme',
  headers: {},
  path: { userId: '1' },
  query: {},
};
const json = (body: Buffer) => JSON.parse(body.toString('utf8'));

t.test('without error functions: problem+json', async (t) => {
  const errors = compileErrors(undefined, undefined);
  for (const kind of Object.keys(CAUSES) as Cause[]) {
    const answer = errors(new RequestError(kind, 'the message'), request);
    t.equal(answer.status, CAUSES[kind].status);
    t.equal(answer.headers['content-type'], 'application/problem+json');
    t.equal(answer.headers['cache-control'], 'private, no-store');
    const { type, title, status } = json(answer.body);
    t.same([type, title, status], ['about:blank', CAUSES[kind].title, CAUSES[kind].status]);
  }
  const answer = errors(new RequestError('invalidParameter', 'no\u0000 "integer"\n', { parameter: 'limit' }), request);
  t.same(json(answer.body), {
    type: 'about:blank',
    title: 'Invalid parameter',
    status: 400,
    detail: 'no\u0000 "integer"\n',
    parameter: 'limit',
  });
  t.notOk('parameter' in json(errors(new RequestError('notFound', 'x'), request).body));
});

t.test('never says why it is our fault', async (t) => {
  const error = new RequestError('internal', 'password=hunter2', { cause: new Error('hunter2') });
  t.notMatch(compileErrors(undefined, undefined)(error, request).body.toString(), 'hunter2');
  const own = compileErrors({ internal: ({ message }) => ({ body: { message } }) }, undefined);
  t.notMatch(own(error, request).body.toString(), 'hunter2');
});

t.test('the operation speaks before the API', async (t) => {
  const errors = compileErrors(
    { notFound: () => ({ body: { from: 'api' } }), timeout: () => ({ body: { from: 'api' } }) },
    { notFound: ({ message, request: { path } }) => ({ status: 410, body: { message, id: path.userId } }) },
  );
  const answer = errors(new RequestError('notFound', 'gone'), request);
  t.equal(answer.status, 410);
  t.same(json(answer.body), { message: 'gone', id: '1' });
  t.equal(answer.headers['content-type'], 'application/json');
  t.same(json(errors(new RequestError('timeout', 'late'), request).body), { from: 'api' });
});

t.test('bodies: none, text, JSON, and headers that say otherwise', async (t) => {
  const answer = (reply: object) =>
    compileErrors({ notFound: () => reply }, undefined)(new RequestError('notFound', 'x'), request);
  t.equal(answer({}).body.length, 0);
  t.notOk('content-type' in answer({}).headers);
  t.equal(answer({}).status, 404);
  t.equal(answer({ body: 'gone' }).body.toString(), 'gone');
  t.equal(answer({ body: 'gone' }).headers['content-type'], 'text/plain; charset=utf-8');
  const xml = answer({ body: '<e/>', headers: { 'Content-Type': 'application/xml', 'X-A': 'b' } });
  t.match(xml.headers, { 'content-type': 'application/xml', 'x-a': 'b' });
  t.equal(answer({ body: null }).body.toString(), 'null');
  t.equal(answer({ headers: { 'Cache-Control': 'max-age=5' } }).headers['cache-control'], 'max-age=5');
});

t.test('an error function that fails is answered as internal', async (t) => {
  const failing = [
    () => {
      throw new Error('hunter2');
    },
    () => ({ status: 99 }),
    () => ({ status: 1000 }),
    () => ({ headers: { 'x-a': 'b\r\nset-cookie: c' } }),
    () => ({ body: { big: 1n } }),
    () => undefined as unknown as object,
  ];
  for (const notFound of failing) {
    const answer = compileErrors({ notFound }, undefined)(new RequestError('notFound', 'x'), request);
    t.equal(answer.status, 500);
    t.same(json(answer.body).title, 'Internal error');
    t.notMatch(answer.body.toString(), 'hunter2');
  }
});

t.test('any message gives a reply that can be parsed', async () => {
  const errors = compileErrors(undefined, undefined);
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (message) => {
      const { body } = errors(new RequestError('invalidParameter', message, { parameter: message }), request);
      return json(body).detail === message.toWellFormed();
    }),
  );
});
