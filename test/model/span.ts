import t from 'tap';
import type { Observation } from '../../src/model/answer.ts';
import { type Facts, failureOf, observed, type Span } from '../../src/model/span.ts';

/** A span that writes down what is asked of it. */
function span(said: unknown[]): Span {
  const one: Span = {
    ref: { traceId: '', spanId: '', sampled: true, epoch: 0 },
    child: (...given) => {
      said.push(['child', ...given]);
      return one;
    },
    rename: (name) => void said.push(['rename', name]),
    set: (facts: Facts) => void said.push(['set', facts]),
    fail: (type) => void said.push(['fail', type]),
    end: () => void said.push(['end']),
    headers: () => ({}),
  };
  return one;
}

const asking = { origin: 'dynamodb', operation: 'getUser', role: 'control' } as const;
const facts = {
  ...{ 'db.system.name': 'aws.dynamodb', 'crossfade.operation': 'getUser' },
  ...{ 'crossfade.origin': 'dynamodb', 'crossfade.role': 'control' },
};
const good: Observation = {
  origin: 'dynamodb',
  ok: true,
  duration: 1,
  answer: { status: 200, headers: {}, body: Buffer.alloc(0), items: 3 },
};
const bad: Observation = {
  origin: 'dynamodb',
  ok: false,
  duration: 1,
  error: Object.assign(new Error('x'), { failure: 'timeout' }),
};

t.test('an answer has a span around it', async (t) => {
  const said: unknown[] = [];
  t.equal(await observed(span(said), asking, async () => good), good);
  t.same(said, [
    ['child', 'dynamodb getUser', 'client', facts],
    ['set', { 'crossfade.answer.status': 200, 'crossfade.answer.items': 3 }],
    ['end'],
  ]);
});

t.test('a failure is named', async (t) => {
  const said: unknown[] = [];
  t.equal(await observed(span(said), asking, async () => bad), bad);
  t.same(said.slice(1), [['fail', 'timeout'], ['end']]);
  t.equal(failureOf(new TypeError('secret')), 'TypeError');
});

t.test('each store by its name, legacy by none', async (t) => {
  for (const [origin, name] of [
    ['mongodb', 'mongodb'],
    ['legacy', undefined],
  ] as const) {
    const said: unknown[] = [];
    await observed(span(said), { ...asking, origin }, async () => good);
    t.match(said[0], ['child', `${origin} getUser`, 'client', { 'db.system.name': name }]);
  }
});

t.test('without a span the answer is just asked for', async (t) => {
  t.equal(await observed(undefined, asking, async (own) => (own === undefined ? good : bad)), good);
});
