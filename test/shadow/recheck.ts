import t from 'tap';
import { compare } from '../../src/compare/compare.ts';
import { compileRules } from '../../src/compare/rules.ts';
import type { Observation } from '../../src/model/answer.ts';
import type { OriginName } from '../../src/model/stage.ts';
import { recheck } from '../../src/shadow/recheck.ts';

const plan = {
  shape: undefined,
  list: undefined,
  token: undefined,
  rules: compileRules(undefined, undefined, 'x'),
  headers: [],
};
/** One for each millisecond in the stories below: long enough that a busy machine tells them the same. */
const SCALE = 4;
const FRESHNESS = 100 * SCALE;

/** The waiting between looks keeps no process alive: the test does. */
const alive = setInterval(() => {}, 1_000);
t.teardown(() => clearInterval(alive));

type State = Readonly<Record<string, unknown>> | undefined;

function seen(origin: OriginName, state: State): Observation {
  const headers = { 'content-type': 'application/json' };
  const body = Buffer.from(JSON.stringify(state ?? {}));
  return { origin, ok: true, duration: 1, answer: { status: state === undefined ? 404 : 200, headers, body } };
}

/** What each side says so many milliseconds after the first look. */
async function judged(
  older: (ms: number) => State,
  newer: (ms: number) => State,
  signal = new AbortController().signal,
  mayLookClosely: () => (() => void) | undefined = () => () => {},
) {
  const began = performance.now();
  const hold = async (one: Observation, other: Observation) => compare(one, other, plan, 0);
  const first = await hold(seen('dynamodb', older(0)), seen('mongodb', newer(0)));
  const result = await recheck(first, {
    again: async (origin) => {
      const passed = (performance.now() - began) / SCALE;
      return seen(origin, (origin === 'dynamodb' ? older : newer)(passed));
    },
    compare: hold,
    freshness: FRESHNESS,
    mayLookClosely,
    signal,
  });
  return {
    ...result,
    verdicts: Object.fromEntries(result.judged.map(({ difference, verdict }) => [difference.path, verdict])),
  };
}

t.test('a write that is on its way is transient, and says how far behind the store is', async (t) => {
  const { verdicts, lag } = await judged(
    () => ({ a: 2 }),
    (ms) => ({ a: ms > 20 ? 2 : 1 }),
  );
  t.same(verdicts, { '/a': 'transient' });
  t.ok(lag !== undefined && lag >= 20 * SCALE && lag < FRESHNESS, `${lag} ms`);
});

t.test('a wrong value is persistent, and so is one that moves along', async (t) => {
  t.same(
    (
      await judged(
        () => ({ a: 2 }),
        () => ({ a: 1 }),
      )
    ).verdicts,
    { '/a': 'persistent' },
  );
  const tick = (ms: number) => Math.floor(ms / 30);
  const { verdicts } = await judged(
    (ms) => ({ a: tick(ms) }),
    (ms) => ({ a: tick(ms) + 0.5 }),
  );
  t.same(verdicts, { '/a': 'persistent' }, 'off by a half, whatever it is');
});

t.test('an item that is written faster than it is looked at is moving, never persistent', async (t) => {
  const written = (ms: number) => Math.floor(ms / 7);
  const { verdicts } = await judged(
    (ms) => ({ a: written(ms) }),
    (ms) => ({ a: written(ms - 25) }),
  );
  t.same(verdicts, { '/a': 'moving' });
});

t.test('what another race hides at the last look is looked at closely too', async (t) => {
  const written = (ms: number) => ({ a: { n: Math.floor(ms / 50) } });
  const { verdicts } = await judged(written, (ms) => {
    if (ms < 20) return { a: { n: -1 } };
    return ms > 205 && ms < 260 ? { a: 'of another kind' } : written(ms - 20);
  });
  t.same(verdicts, { '/a/*': 'transient' });
});

t.test('where others are looked at closely, one waits for its turn, and says so if it does not come', async (t) => {
  const tick = (ms: number) => Math.floor(ms / 40);
  const never = await judged(
    (ms) => ({ a: tick(ms) }),
    (ms) => ({ a: tick(ms) + 0.5 }),
    undefined,
    () => undefined,
  );
  t.same(never.verdicts, { '/a': 'moving' }, 'nobody could say that it is wrong');
  const ended: number[] = [];
  let busy = 3;
  const late = await judged(
    (ms) => ({ a: tick(ms) }),
    (ms) => ({ a: tick(ms) + 0.5 }),
    undefined,
    () => (busy-- > 0 ? undefined : () => ended.push(performance.now())),
  );
  t.same(late.verdicts, { '/a': 'persistent' }, 'its turn came');
  t.equal(ended.length, 1, 'and was given back');
});

t.test('one of two differences passes', async (t) => {
  const { verdicts, lag } = await judged(
    () => ({ a: 2, b: 2 }),
    (ms) => ({ a: 1, b: ms > 20 ? 2 : 1 }),
  );
  t.same(verdicts, { '/a': 'persistent', '/b': 'transient' });
  t.equal(lag, undefined);
});

t.test('a deletion that arrives late is transient; an item that is gone before anybody knew is moving', async (t) => {
  t.same(
    (
      await judged(
        () => undefined,
        (ms) => (ms > 50 ? undefined : { a: 1 }),
      )
    ).verdicts,
    { '': 'transient' },
  );
  const gone = await judged(
    (ms) => (ms > 50 ? undefined : { a: 1 }),
    (ms) => (ms > 60 ? undefined : { a: 2 }),
  );
  t.same(gone.verdicts, { '/a': 'moving' });
});

t.test('a difference is not gone because the whole answer, or the type at its place, differs instead', async (t) => {
  for (const later of [undefined, { a: 'text' }, {}, { a: { b: 1 } }]) {
    const { verdicts } = await judged(
      () => ({ a: 2 }),
      (ms) => (ms < 5 ? { a: 1 } : later),
    );
    t.same(verdicts, { '/a': 'moving' }, JSON.stringify(later));
  }
});

t.test('a difference that comes and goes is moving', async (t) => {
  const { verdicts } = await judged(
    () => ({ a: 1 }),
    (ms) => ({ a: 1, ...(ms < 5 || ms > 140 ? { b: 1 } : ms > 100 ? { c: 1 } : { b: 1 }) }),
  );
  t.match(verdicts, { '/b': /moving|transient/ });
});

t.test('a process that closes leaves it unverified', async (t) => {
  const closing = new AbortController();
  setTimeout(() => closing.abort(), 5);
  const began = performance.now();
  const { verdicts } = await judged(
    () => ({ a: 2 }),
    () => ({ a: 1 }),
    closing.signal,
  );
  t.same(verdicts, { '/a': 'unverified' });
  t.ok(performance.now() - began < FRESHNESS);
});
