import t from 'tap';
import type { BoundOperation } from '../../src/bindings/load.ts';
import { StoreError, type StoreFailure } from '../../src/errors.ts';
import { type Observation, TextAnswer } from '../../src/model/answer.ts';
import { askMessage, readAsk, readTell, tellMessages } from '../../src/thread/messages.ts';
import { createRing, readFrom, writeTo } from '../../src/thread/ring.ts';
import { type Case, questionOf, withKinds } from '../support/kinds.ts';

const CURSOR = {
  ...{ operation: 'listKinds', tenant: 'acme', parameters: 'abc' },
  position: { id: 'x', n: { n: '12345678901234567890' }, t: { n: '1.50', t: 'decimal' as const }, none: null },
};

const questions: readonly Case[] = [
  { of: 'one item', url: '/kinds/plain' },
  { of: 'parameters of every place', url: '/kinds/a%2Fb?n=12&tag=x&tag=y%26', headers: { 'x-mark': 'ü, "q"' } },
  { of: 'headers twice', url: '/kinds/plain', headers: { accept: 'a', 'set-cookie': ['a=1', 'b=2'], none: undefined } },
  { of: 'a header called __proto__', url: '/kinds/plain', headers: JSON.parse('{ "__proto__": "x" }') },
  { of: 'an odd tenant', url: '/kinds/plain', tenant: 'a\u0000"\\ 𝒳 \ud800 \n#' },
  { of: 'consistently', url: '/kinds/plain', consistent: true },
  { of: 'HEAD', url: '/kinds/plain', method: 'HEAD' },
  { of: 'claims', url: '/kinds/plain', claims: Object.freeze({ sub: 'u', roles: ['a', { b: [1.5, null, true] }] }) },
  { of: 'a body', url: '/search', method: 'POST', body: { id: 'x', list: [1e300, '', null, { deep: {} }] } },
  { of: 'a page', url: '/kinds?limit=7' },
  { of: 'a page further on', url: '/kinds?limit=7&cursor=xf1_abc', cursor: CURSOR },
];

t.test('a question is the same on the other side', async (t) => {
  const { bindings } = await withKinds(t);
  for (const one of questions) {
    const { question, error } = questionOf(bindings, one);
    const sent = structuredClone(askMessage(7, 'mongodb', question, error(), one.consistent === true));
    const read = readAsk(sent, bindings.operations);
    t.equal(sent[0], 7);
    t.equal(read.store, 'mongodb');
    t.strictSame(read.how, { consistent: one.consistent === true });
    t.equal(read.question.operation, question.operation, one.of);
    for (const key of ['request', 'url', 'cursor', 'parameters'] as const)
      t.strictSame(read.question[key], question[key], `${one.of}: ${key}`);
    t.strictSame(read.error(), error(), `${one.of}: what an error may know`);
    t.ok(Object.isFrozen(read.question.request) && Object.isFrozen(read.error()), 'and frozen');
    if (one.claims !== undefined)
      t.ok(Object.isFrozen((read.question.request.claims as { roles: object }).roles), 'claims to their depth');
  }
});

const FAILURES: Readonly<Record<StoreFailure, true>> = {
  ...{ unavailable: true, timeout: true, throttled: true, refused: true, undecodable: true },
  ...{ tooMany: true, tooLarge: true, coding: true },
};

const answer = (size: number, more: object = {}): Observation => ({
  ...{ origin: 'mongodb', ok: true, duration: size / 3 },
  answer: {
    status: 200,
    headers: { 'content-type': 'text/plain', vary: ['a', 'b'] },
    body: filled(size),
    items: undefined,
    ...more,
  },
});

const filled = (size: number): Buffer => Buffer.from(Array.from({ length: size }, (_, at) => at % 251));

const failure = (error: Error): Observation => ({ origin: 'mongodb', ok: false, error, duration: 0.25 });

/** What is told. The class of an error that is not a store's is not, its name is. */
function plain(seen: Observation) {
  const { origin, duration } = seen;
  if (seen.ok) {
    const { status, headers, items, body } = seen.answer;
    return { origin, duration, status, headers, items, body: body.toString('base64') };
  }
  const { name, message } = seen.error;
  return { origin, duration, name, message, failure: seen.error instanceof StoreError ? seen.error.failure : '' };
}

t.test('an observation is the same on the other side, alone and among others', async (t) => {
  const { bindings } = await withKinds(t);
  const operation = bindings.operations[0] as BoundOperation;
  const all: readonly Observation[] = [
    ...[0, 1, 1_000, 16_384, 16_385, 3_000_000].map((size) => answer(size)),
    answer(12, { items: 0 }),
    answer(12, { items: 5, status: 404 }),
    answer(12, { headers: operation.usualHeaders }),
    answer(0, { headers: {}, status: 304 }),
    { origin: 'mongodb', ok: true, duration: 1, answer: new TextAnswer(200, {}, '{"ü":"写真 \\ud83d\\ude00"}', 3) },
    ...Object.keys(FAILURES).map((word) => failure(new StoreError('mongodb', word as StoreFailure, `it was ${word}`))),
    failure(new TypeError('a binding that throws')),
    failure(Object.assign(new Error(''), { name: 'Odd' })),
  ];
  const batches = [all, all.toReversed(), ...all.map((one) => [one])];
  for (const size of [2 * 1024 * 1024, 20_000, 0])
    for (const batch of batches) {
      const ring = createRing(size);
      const told = batch.map((observation, id) => ({ id, operation, observation }));
      const { transfer, ...tells } = tellMessages(told, writeTo(ring));
      const sent = structuredClone(tells, { transfer });
      const reader = readFrom(ring);
      for (const [at, message] of sent.tells.entries()) {
        const one = batch[at] as Observation;
        t.equal(message[0], at);
        for (const like of [undefined, Buffer.from('other'), one.ok ? Buffer.from(one.answer.body) : undefined]) {
          const read = readTell(message, reader, { store: 'mongodb', operation, like });
          t.strictSame(plain(read), plain(one));
          t.ok(Object.isFrozen(read) && (!read.ok || Object.isFrozen(read.answer)));
          if (!read.ok || typeof message[5] !== 'number') continue;
          t.equal(read.answer.body === like, like?.equals(read.answer.body) === true, 'the same bytes are kept once');
          t.not(read.answer.body.buffer, ring.bytes, 'nothing that is kept stands in the ring');
        }
      }
    }
});

t.test('nothing of the thread’s own buffers goes away with a message', async (t) => {
  const { bindings } = await withKinds(t);
  const operation = bindings.operations[0] as BoundOperation;
  const kept = [Buffer.from('short'), filled(20_000)];
  const before = kept.map((body) => body.toString('base64'));
  const told = kept.map((body, id) => ({ id, operation, observation: answer(0, { body }) }));
  for (const size of [0, 100_000]) {
    const { transfer, ...tells } = tellMessages(told, writeTo(createRing(size)));
    structuredClone(tells, { transfer });
  }
  t.strictSame(
    kept.map((body) => body.toString('base64')),
    before,
  );
});
