import t from 'tap';
import type { Observation } from '../../src/model/answer.ts';
import { type Candidates, openLazily } from '../../src/thread/candidates.ts';

const ANSWER: Observation = Object.freeze({
  ...{ origin: 'mongodb', ok: true, duration: 1 },
  answer: Object.freeze({ status: 200, headers: {}, body: Buffer.from('{}') }),
} as const);

/** Counts what is opened and closed; an answer comes when `answer` is called. */
function counted() {
  const seen = { opened: 0, closed: 0 };
  const waiting: (() => void)[] = [];
  const open = (): Candidates => {
    seen.opened += 1;
    return {
      observe: () => new Promise((done) => waiting.push(() => done(ANSWER))),
      connections: () => ({ mongodb: { used: 1, idle: 0, waiting: 0 } }),
      close: async () => {
        seen.closed += 1;
      },
    };
  };
  const answer = async () => {
    for (const done of waiting.splice(0)) done();
    await new Promise(setImmediate);
  };
  return { seen, lazy: openLazily(open), answer };
}

const ASKED = ['mongodb', {} as never, {} as never] as const;

t.test('connected once somebody asks, and closed when nobody does any more', async (t) => {
  const { seen, lazy, answer } = counted();
  t.same(lazy.connections(), {});
  const asking = [lazy.observe(...ASKED), lazy.observe(...ASKED)];
  t.same(seen, { opened: 1, closed: 0 });
  t.same(lazy.connections(), { mongodb: { used: 1, idle: 0, waiting: 0 } });
  lazy.rest();
  t.equal(seen.closed, 0, 'not under those who wait');
  await answer();
  t.same(await Promise.all(asking), [ANSWER, ANSWER]);
  t.same(seen, { opened: 1, closed: 1 });
  void lazy.observe(...ASKED);
  t.equal(seen.opened, 2, 'and again');
  await lazy.close();
  t.equal(seen.closed, 2);
});

t.test('whoever asks once all ends opens nothing', async (t) => {
  const { seen, lazy } = counted();
  await lazy.close();
  t.match(await lazy.observe(...ASKED), { origin: 'mongodb', ok: false, error: { failure: 'unavailable' } });
  t.same(seen, { opened: 0, closed: 0 });
});
