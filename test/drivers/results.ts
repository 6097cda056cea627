import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import t from 'tap';
import { openResults } from '../../src/drivers/results.ts';
import { withMongo } from '../support/stores.ts';

t.test('a sum may take longer than a write, and a store that is away is told as fast as ever', async (t) => {
  const { uri } = await withMongo(t);
  const store = openResults({ uri, timeout: 200 });
  t.teardown(() => store.close());
  await store.replaceAll('crossfade_counts', [{ _id: 'a' }]);
  // So long in which nothing comes over the wire.
  const slow = { $function: { body: 'function() { sleep(1500); return 1; }', args: [], lang: 'js' } };
  const rows = await store.aggregate<{ n: number }>('crossfade_counts', [{ $project: { _id: 0, n: slow } }]);
  t.equal(rows.length, 1);
  const closed = createServer().listen(0, '127.0.0.1');
  await once(closed, 'listening');
  const { port } = closed.address() as AddressInfo;
  closed.close();
  const away = openResults({ uri: `mongodb://127.0.0.1:${port}/x`, timeout: 200 });
  t.teardown(() => away.close());
  const began = Date.now();
  await t.rejects(away.aggregate('crossfade_counts', []), { name: 'StoreError' });
  t.ok(Date.now() - began < 5_000);
});
