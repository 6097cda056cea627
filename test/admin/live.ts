import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { createLive } from '../../src/admin/live.ts';
import { quantileOf } from '../../src/admin/quantile.ts';
import { createMetrics, SECONDS, seriesOf } from '../../src/metrics.ts';

const operationsOf = (n: number) =>
  Array.from({ length: n }, (_, at) => ({ id: `op${at}`, contract: { method: 'GET', path: `/things${at}/{id}` } }));

const labels = (at: number, status = '200', method = 'GET') => ({
  ...{ http_request_method: method, http_route: `/things${at}/{id}`, origin: 'dynamodb' },
  http_response_status_code: status,
});

function clock() {
  let time = 0;
  return {
    now: () => time,
    pass: (milliseconds: number) => {
      time += milliseconds;
    },
  };
}

t.test('what is read of the registry is what prom-client itself gives', async (t) => {
  const metrics = createMetrics();
  for (const seconds of [0.0005, 0.02, 0.02, 3, 60])
    metrics.originDuration.observe({ operation: 'op0', origin: 'mongodb', role: 'control' }, seconds);
  metrics.comparisons.inc({ operation: 'op0', stage: 'live', pair: 'x', outcome: 'match', reason: '' }, 7);
  const [histogram] = Object.values(seriesOf(metrics.originDuration));
  const { values } = await metrics.originDuration.get();
  let below = 0;
  for (const bound of SECONDS) {
    below += histogram?.bucketValues[String(bound)] as number;
    const said = values.find(
      ({ labels, metricName }) => (labels as { le?: unknown }).le === bound && metricName?.endsWith('_bucket'),
    );
    t.equal(below, said?.value, String(bound));
  }
  t.match(histogram, { count: 5, labels: { operation: 'op0', origin: 'mongodb', role: 'control' } });
  const [counter] = Object.values(seriesOf(metrics.comparisons));
  t.match(counter, (await metrics.comparisons.get()).values[0]);
});

t.test('rows are of the last seconds and the last minute', async (t) => {
  const metrics = createMetrics();
  const { now, pass } = clock();
  const live = createLive({ metrics, operations: operationsOf(2), now });
  t.teardown(live.close);
  const second = (requests: number, failing: number) => {
    for (let n = 0; n < requests; n += 1) {
      metrics.stageRequests.inc({ operation: 'op0', stage: n % 4 === 0 ? 'shadow' : 'dynamodb' });
      metrics.requestDuration.observe(labels(0, n < failing ? '503' : '200', n % 2 ? 'HEAD' : 'GET'), 0.01);
      metrics.originDuration.observe({ operation: 'op0', origin: 'dynamodb', role: 'control' }, n === 0 ? 0.4 : 0.004);
      metrics.originDuration.observe({ operation: 'op0', origin: 'mongodb', role: 'candidate' }, 4);
    }
    pass(1_000);
    live.touch();
  };
  for (let at = 0; at < 30; at += 1) second(40, 4);
  const [busy, idle] = live.rows();
  t.same(busy?.requests, [
    { stage: 'dynamodb', perSecond: 30 },
    { stage: 'shadow', perSecond: 10 },
  ]);
  t.match(busy, { perSecond: 40, replies: 1_200, errorShare: 0.1 });
  t.ok((busy?.p99 as number) > 250 && (busy?.p99 as number) < 500, 'the control’s: a fortieth is slow');
  t.match(idle, { requests: [], perSecond: 0, replies: 0, errorShare: 0, p99: undefined });
  for (let at = 0; at < 40; at += 1) second(4, 0);
  t.match(live.rows()[0]?.requests, [{ perSecond: 3 }, { perSecond: 1 }], 'ten seconds later the rush is over');
  t.ok((live.rows()[0]?.errorShare as number) > 0.05, 'and within the minute');
  for (let at = 0; at < 35; at += 1) second(0, 0);
  t.match(live.rows()[0], { requests: [], errorShare: 0 });
  const origins = live.origins();
  t.match(
    origins.map(({ origin, role }) => `${origin} ${role}`),
    ['dynamodb control', 'mongodb candidate'],
  );
  const first = origins[1]?.points[0];
  t.match([first?.perSecond, first?.p50], [40, 3750]);
  for (let at = 0; at < 1_000; at += 1) second(0, 0);
  t.equal(live.origins().length, 0, 'what was not asked for 15 minutes is not shown');
});

t.test('outcomes are added up over operations, stages and pairs', async (t) => {
  const metrics = createMetrics();
  const { now, pass } = clock();
  const live = createLive({ metrics, operations: operationsOf(2), now });
  t.teardown(live.close);
  for (let at = 0; at < 10; at += 1) {
    for (const operation of ['op0', 'op1']) {
      metrics.comparisons.inc({ operation, stage: 'live', pair: 'x', outcome: 'shed', reason: 'queue' }, 5);
      metrics.comparisons.inc({ operation, stage: 'shadow', pair: 'y', outcome: 'match', reason: '' });
    }
    pass(1_000);
    live.touch();
  }
  t.same(live.outcomes(), [
    { outcome: 'shed', reason: 'queue', n: 100, perSecond: 10 },
    { outcome: 'match', reason: '', n: 20, perSecond: 2 },
  ]);
});

t.test('a blocked event loop shows', async (t) => {
  const live = createLive({ metrics: createMetrics(), operations: [] });
  t.teardown(live.close);
  await sleep(100);
  const end = performance.now() + 200;
  while (performance.now() < end);
  await sleep(100);
  t.ok(live.eventLoopDelay() > 100, String(live.eventLoopDelay()));
});

t.test('a quantile is Prometheus’s', async (t) => {
  t.equal(quantileOf([0, 0, 0], [1, 2], 0.5), undefined);
  t.equal(quantileOf([10, 0, 0], [1, 2], 0.5), 500);
  t.equal(quantileOf([0, 4, 0], [1, 2], 0.25), 1_250);
  t.equal(quantileOf([0, 0, 3], [1, 2], 0.99), 2_000, 'beyond the last bound nobody knows');
});

t.test('sampling 1,000 operations costs next to nothing', async (t) => {
  const metrics = createMetrics();
  const operations = operationsOf(1_000);
  for (const [at, { id: operation }] of operations.entries()) {
    for (const status of ['200', '404', '503']) metrics.requestDuration.observe(labels(at, status), 0.01);
    for (const [origin, role] of [
      ['dynamodb', 'control'],
      ['mongodb', 'candidate'],
      ['legacy', 'control'],
    ] as const)
      metrics.originDuration.observe({ operation, origin, role }, 0.004);
    for (const stage of ['dynamodb', 'shadow', 'live']) metrics.stageRequests.inc({ operation, stage });
    for (const outcome of ['match', 'mismatch', 'shed', 'error'])
      metrics.comparisons.inc({ operation, stage: 'live', pair: 'dynamodb-mongodb', outcome, reason: 'x' });
  }
  const { now, pass } = clock();
  const live = createLive({ metrics, operations, now });
  t.teardown(live.close);
  const took = (work: () => void): number => {
    const began = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(began);
    return (user + system) / 1000;
  };
  const second = () => {
    pass(1_000);
    live.touch();
  };
  for (let at = 0; at < 100; at += 1) second();
  const samples = took(() => {
    for (let at = 0; at < 200; at += 1) second();
  });
  const rows = took(() => {
    for (let at = 0; at < 50; at += 1) live.rows();
  });
  const text = performance.now();
  await metrics.registry.metrics();
  t.comment(
    `a sample ${(samples / 200).toFixed(2)} ms of CPU, rows ${(rows / 50).toFixed(2)} ms; /metrics ${(performance.now() - text).toFixed(0)} ms`,
  );
  t.ok(samples / 200 < 10, 'less than a hundredth of a second of a second');
});
