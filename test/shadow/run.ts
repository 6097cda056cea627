import t from 'tap';
import { compileRules } from '../../src/compare/rules.ts';
import type { Observation } from '../../src/model/answer.ts';
import type { OriginName } from '../../src/model/stage.ts';
import type { Result } from '../../src/results/rows.ts';
import { createSampling } from '../../src/results/sample.ts';
import { createBreakers } from '../../src/shadow/breaker.ts';
import type { Offer } from '../../src/shadow/offer.ts';
import { createQueue } from '../../src/shadow/queue.ts';
import { createShadow } from '../../src/shadow/run.ts';

const MIB = 1024 * 1024;
const big = (origin: OriginName, fill: string): Observation => {
  const body = Buffer.alloc(MIB, fill);
  const headers = { 'content-type': 'application/json', 'cache-control': fill };
  return { origin, ok: true, duration: 1, answer: { status: 200, headers, body } };
};

const endless = { take: () => true, throttled: () => undefined, perSecond: () => 1 };

t.test('answers that wait to be looked at again are bounded by their bytes, as they are unpacked', async (t) => {
  const results: Result[] = [];
  const shadow = createShadow({
    queue: createQueue({ maxCount: 100, maxBytes: 1_000 * MIB, concurrency: 4 }),
    breakers: createBreakers(),
    budgets: {},
    recheckBudget: endless,
    recheckBytes: 8 * MIB,
    pulse: { busy: () => false, utilization: () => 0 },
    sampler: { leaves: () => undefined },
    percent: () => 100,
    sampling: createSampling(undefined, []),
    record: (result) => void results.push(result),
    onCandidate: () => undefined,
    onError: (error) => t.fail(String(error)),
  });
  const offer = (): Offer => ({
    ...{ operation: 'getNote', tenant: 'acme', stage: 'validate', requestId: 'r', candidates: ['mongodb'] },
    ...{ request: { method: 'GET', url: '/', headers: {} }, repeatable: true, unfit: undefined, freshness: 100 },
    control: { origin: 'legacy', ok: true, duration: 1, answer: { status: 200, headers: {}, body: Buffer.alloc(9) } },
    plain: async () => big('legacy', 'a'),
    again: async (origin) => big(origin, origin === 'legacy' ? 'a' : 'b'),
    plan: { shape: undefined, list: undefined, token: undefined, rules: compileRules([], [], 'x'), headers: [] },
    strata: () => [],
    hash: () => 1,
  });
  const offered = async (count: number) => {
    results.length = 0;
    for (let n = 0; n < count; n += 1) {
      const one = offer();
      shadow.offer(one, () => one);
    }
    while (results.length < count) await new Promise((done) => setTimeout(done, 20));
    return ['persistent', 'unverified'].map((one) => results.filter(({ verdict }) => verdict === one).length);
  };
  t.same(await offered(10), [4, 6], 'two of a MiB each');
  t.same(await offered(3), [3, 0], 'what was looked at again makes room');
  await shadow.close();
  t.match(shadow.totals(), { offered: 13, mismatch: 13, pending: 0 });
});

t.test('nothing is made of what is left out, and its answer is not held', async (t) => {
  const results: Result[] = [];
  let utilization = 1;
  let made = 0;
  const shadow = createShadow({
    queue: createQueue({ maxCount: 10, maxBytes: MIB, concurrency: 1 }),
    breakers: createBreakers(),
    budgets: {},
    recheckBudget: endless,
    pulse: { busy: () => false, utilization: () => utilization },
    busyPercent: 25,
    sampler: { leaves: (_operation, _tenant, _status, _percent, spare) => (spare < 100 ? 'load' : undefined) },
    percent: () => 100,
    sampling: createSampling(undefined, []),
    record: (result) => void results.push(result),
    onCandidate: () => undefined,
    onError: () => undefined,
  });
  const control = big('dynamodb', 'a');
  const brief = { operation: 'getNote', tenant: 'acme', stage: 'shadow', control, candidates: ['mongodb'] } as const;
  const offer = () =>
    shadow.offer({ ...brief, unfit: undefined }, () => {
      made += 1;
      throw new Error('made');
    });
  t.equal(offer(), false);
  t.equal(made, 0);
  t.match(results, [{ outcome: 'skipped', reason: 'load', pair: 'dynamodb-mongodb', control: 1 }]);
  utilization = 0.2;
  t.equal(offer(), true, 'what went wrong in the making may hold it');
  t.equal(made, 1);
  t.match(results[1], { outcome: 'error', reason: 'internal' });
  await shadow.close();
});
