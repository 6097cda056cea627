import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import t from 'tap';
import { createMetrics, type Metrics, risesTo } from '../src/metrics.ts';

/** What a façade of so many operations has after a day of everything. */
function busy(operations: number): Metrics {
  const metrics = createMetrics();
  for (let n = 0; n < operations; n += 1) {
    const operation = `operation${n}`;
    for (const status of ['200', '404'])
      for (const origin of ['dynamodb', 'mongodb'])
        metrics.requestDuration.observe(
          {
            ...{ http_request_method: 'GET', http_route: `/things/{id}/${n}` },
            ...{ http_response_status_code: status, origin },
          },
          n / 100,
        );
    for (const [origin, role] of [
      ['dynamodb', 'control'],
      ['mongodb', 'candidate'],
      ['legacy', 'control'],
    ] as const)
      metrics.originDuration.observe({ operation, origin, role }, 0.004);
    for (const stage of ['shadow', 'live']) metrics.stageRequests.inc({ operation, stage }, n);
    for (const outcome of ['match', 'mismatch'])
      metrics.comparisons.inc({ operation, stage: 'shadow', pair: 'dynamodb-mongodb', outcome, reason: '' });
    metrics.breakerOpen.set({ origin: 'mongodb', operation }, n % 2);
  }
  return metrics;
}

t.test('what is written in slices is what prom-client writes, also of odd names', async (t) => {
  const metrics = busy(150);
  for (const operation of ['quo"te', 'back\\slash', 'line\nend'])
    metrics.stageRequests.inc({ operation, stage: 'live' });
  const text = (await buffer(Readable.from(metrics.chunks()))).toString();
  t.equal(text, await metrics.registry.metrics());
  t.match(text, 'quo\\"te');
  t.equal((await buffer(Readable.from(createMetrics().chunks()))).toString(), await createMetrics().registry.metrics());
});

t.test('a scrape of 1,000 operations holds the event loop far shorter than prom-client does', async (t) => {
  const metrics = busy(1_000);
  const blocked: number[] = [];
  for (let round = 0; round < 5; round += 1) {
    let [longest, bytes, last, over] = [0, 0, performance.now(), false];
    const turn = () => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
      if (!over) setImmediate(turn);
    };
    setImmediate(turn);
    for await (const chunk of metrics.chunks()) bytes += chunk.length;
    over = true;
    t.ok(bytes > 10_000_000);
    blocked.push(longest);
  }
  const whole: number[] = [];
  for (let round = 0; round < 5; round += 1) {
    const began = performance.now();
    await metrics.registry.metrics();
    whole.push(performance.now() - began);
  }
  const [ours, theirs] = [Math.min(...blocked), Math.min(...whole)];
  t.comment(`${ours.toFixed(1)} ms, in one go ${theirs.toFixed(1)} ms`);
  t.ok(ours < theirs / 3, 'far shorter than all in one go');
});

t.test('a counter that is read off another one rises with it', async (t) => {
  const { logDropped } = createMetrics();
  let total = 3;
  const read = risesTo(logDropped, () => total);
  read();
  total = 10;
  read();
  t.equal((await logDropped.get()).values[0]?.value, 10);
});
