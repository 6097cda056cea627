import t from 'tap';
import { createMetrics, SECONDS } from '../src/metrics.ts';
import { createAccounts, createOriginAccounts } from '../src/request/accounts.ts';
import type { Trace } from '../src/request/trace.ts';

const trace = (fields: Partial<Trace>): Trace => ({
  ...{ began: 0, operation: 'getUser', route: '/users/{id}', tenant: undefined, stage: 'dynamodb', origin: 'dynamodb' },
  ...{ failure: undefined, done: false, span: undefined, ...fields },
});

const SEEN: readonly (readonly [Trace, method: string, status: number | undefined, label: string])[] = [
  [trace({}), 'GET', 200, '200'],
  [trace({}), 'HEAD', 200, '200'],
  [trace({}), 'GET', 404, '404'],
  [trace({ origin: 'mongodb', stage: 'live' }), 'GET', 200, '200'],
  [trace({ stage: 'live' }), 'GET', 200, '200'],
  [trace({ operation: 'listUsers', route: '/users' }), 'GET', 200, '200'],
  [trace({ stage: undefined, origin: undefined }), 'GET', undefined, '499'],
  [trace({ operation: undefined, route: '', stage: undefined, origin: 'legacy' }), 'PURGE', 299, '2xx'],
  [trace({ operation: undefined, route: '', stage: undefined, origin: 'legacy' }), 'OTHER', 298, '2xx'],
];

t.test('what is added to a series is what prom-client adds by its labels', async (t) => {
  const [ours, theirs] = [createMetrics(), createMetrics()];
  const accounts = createAccounts(ours);
  const note = createOriginAccounts(ours, 'control');
  // At each bound, between all, beyond the last.
  const seconds = [0, ...SECONDS.flatMap((bound) => [bound, bound * 1.01]), 60];
  for (const value of seconds)
    for (const [one, method, status, label] of SEEN) {
      accounts.note(one, method, status, value * 1_000);
      const known = method === 'GET' || method === 'HEAD' ? method : 'OTHER';
      const labels = { http_request_method: known, http_route: one.route, http_response_status_code: label };
      theirs.requestDuration.observe({ ...labels, origin: one.origin ?? 'none' }, (value * 1_000) / 1_000);
      const { operation, stage } = one;
      if (operation !== undefined && stage !== undefined) theirs.stageRequests.inc({ operation, stage });
      if (operation === undefined || one.origin === undefined) continue;
      note(operation, one.origin, value);
      theirs.originDuration.observe({ operation, origin: one.origin, role: 'control' }, value);
    }
  t.equal(await ours.registry.metrics(), await theirs.registry.metrics());
});

t.test('a series that prom-client has already goes on', async (t) => {
  const metrics = createMetrics();
  metrics.originDuration.observe({ operation: 'getUser', origin: 'dynamodb', role: 'control' }, 1);
  createOriginAccounts(metrics, 'control')('getUser', 'dynamodb', 2);
  const [{ values }] = [await metrics.originDuration.get()];
  t.equal(values.find(({ metricName }) => metricName?.endsWith('_count'))?.value, 2);
  t.equal(values.find(({ metricName }) => metricName?.endsWith('_sum'))?.value, 3);
});
