import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import t from 'tap';
import { openResults, type ResultsStore } from '../../src/drivers/results.ts';
import { readResults } from '../../src/results/reader.ts';
import type { ReplicaRow } from '../../src/results/rows.ts';
import { createWriter, MAX_FINGERPRINTS } from '../../src/results/writer.ts';
import { finding, result } from '../support/results.ts';
import { withMongo } from '../support/stores.ts';

const NAMES = { api: 'notes', evidence: 'e', version: '0.0.0' };
const total = (results: Awaited<ReturnType<typeof readResults>>) => results.counts.reduce((sum, { n }) => sum + n, 0);

async function withStore(t: Test) {
  const { uri } = await withMongo(t);
  const store = openResults({ uri });
  t.teardown(() => store.close());
  return { uri, store, read: () => readResults(store, { api: 'notes', evidence: 'e' }) };
}

type Test = Parameters<typeof withMongo>[0];

t.test('what was recorded is what is read, added up', async (t) => {
  const { store, read } = await withStore(t);
  const writer = createWriter({ store, ...NAMES });
  for (let n = 0; n < 100; n += 1)
    writer.record(result({ control: n < 50 ? 2 : 200, strata: ['status:200', `param:p.${n % 2}`] }));
  writer.record(result({ outcome: 'shed', reason: 'queue', strata: [] }));
  writer.record(result({ outcome: 'mismatch', verdict: 'persistent', findings: [finding('f1')] }));
  writer.record(
    result({
      outcome: 'mismatch',
      verdict: 'transient',
      lag: 120,
      tenant: 'globex',
      findings: [finding('f1', { verdict: 'transient' })],
    }),
  );
  await writer.flush();
  const results = await read();
  t.equal(total(results), 103);
  t.match(
    results.counts.find(({ outcome }) => outcome === 'shed'),
    { n: 1, reason: 'queue' },
  );
  t.equal(results.strata.find(({ name }) => name === 'param:p.1')?.n, 50);
  t.same(results.tenants, [{ operation: 'getNote', pair: 'dynamodb-mongodb', n: 2 }]);
  t.match(results.findings, [{ fingerprint: 'f1', n: 2, persistent: 1, transient: 1, tenants: ['acme', 'globex'] }]);
  const control = results.durations.find(({ side }) => side === 'control');
  t.equal(
    Object.values(control?.buckets ?? {}).reduce((sum, n) => sum + n, 0),
    103,
  );
  await writer.close(1_000);
});

t.test('a write whose reply is lost is sent again, and counts once', async (t) => {
  const { store, read } = await withStore(t);
  let calls = 0;
  const flaky: ResultsStore = {
    ...store,
    replaceAll: async (collection, rows) => {
      await store.replaceAll(collection, rows);
      calls += 1;
      if (calls % 2 === 1) throw new Error('the reply is lost');
    },
  };
  const errors: Error[] = [];
  const writer = createWriter({ store: flaky, ...NAMES, every: 10, onError: (error) => errors.push(error) });
  for (let n = 0; n < 500; n += 1) {
    writer.record(result({ operation: `op${n % 3}`, findings: [finding(`f${n % 3}`)] }));
    if (n % 50 === 0) await writer.flush();
  }
  await writer.close(5_000);
  const results = await read();
  t.equal(total(results), 500);
  t.equal(
    results.findings.reduce((sum, { n }) => sum + n, 0),
    500,
  );
  t.ok(errors.length > 3);
  t.equal(writer.dropped(), 0);
});

t.test('while MongoDB is away results are kept up to the bound, then dropped and counted', async (t) => {
  const { store, read } = await withStore(t);
  let away = true;
  const gone: ResultsStore = {
    ...store,
    ensureIndexes: async () => {
      if (away) throw new Error('away');
    },
  };
  let told = 0;
  const writer = createWriter({
    store: gone,
    ...NAMES,
    every: 10,
    maxRows: 20,
    onDropped: (count) => {
      told += count;
    },
  });
  for (let n = 0; n < 100; n += 1) writer.record(result({ tenant: `t${n % 50}` }));
  await writer.flush();
  t.equal(writer.dropped(), 60, '20 rows hold 40 results');
  t.equal(told, 60);
  away = false;
  await writer.close(5_000);
  t.equal(total(await read()), 40);
});

t.test('what cannot be written in the end counts as dropped', async (t) => {
  const { store } = await withStore(t);
  const never: ResultsStore = { ...store, replaceAll: () => Promise.reject(new Error('away')) };
  const writer = createWriter({ store: never, ...NAMES });
  for (let n = 0; n < 7; n += 1) writer.record(result());
  await writer.close(200);
  t.equal(writer.dropped(), 7);
});

t.test('findings of one operation are bounded; the rest count as one', async (t) => {
  const { store, read } = await withStore(t);
  const writer = createWriter({ store, ...NAMES });
  for (let n = 0; n < MAX_FINGERPRINTS + 50; n += 1)
    writer.record(result({ outcome: 'mismatch', findings: [finding(`f${n}`)] }));
  await writer.close(5_000);
  const { findings } = await read();
  t.equal(findings.length, MAX_FINGERPRINTS + 1);
  t.match(
    findings.find(({ fingerprint }) => fingerprint === 'getNote-dynamodb-mongodb-more'),
    { n: 50, path: '(more)' },
  );
});

t.test('an exposure is told however much else was found, and whatever there is no room for', async (t) => {
  const { store, read } = await withStore(t);
  const exposed = (fingerprint: string) =>
    result({ outcome: 'mismatch', findings: [finding(fingerprint, { kind: 'exposure', path: '' })] });
  const writer = createWriter({ store, ...NAMES });
  for (let n = 0; n < MAX_FINGERPRINTS + 50; n += 1)
    writer.record(result({ outcome: 'mismatch', findings: [finding(`f${n}`)] }));
  writer.record(exposed('leak'));
  await writer.close(5_000);
  const full = createWriter({ store, ...NAMES, maxRows: 3 });
  for (const tenant of ['a', 'b', 'c']) full.record(result({ tenant }));
  full.record({ ...exposed('other'), tenant: 'd' });
  await full.close(5_000);
  t.equal(full.dropped(), 1);
  const { findings } = await read();
  t.same(
    findings.filter(({ kind }) => kind === 'exposure').map(({ fingerprint, n }) => [fingerprint, n]),
    [
      ['leak', 1],
      ['other', 1],
    ],
  );
});

t.test('two replicas, one killed in the middle of a batch: what was done is counted, and nothing twice', async (t) => {
  const { uri, store, read } = await withStore(t);
  const script = join(import.meta.dirname, '../support/writer-child.ts');
  const start = () => {
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script, uri, '200000'], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^_?TAP|NODE_OPTIONS/.test(name))),
    });
    const said = { replica: '', written: 0, recorded: 0 };
    createInterface({ input: child.stdout }).on('line', (line) => Object.assign(said, JSON.parse(line)));
    const ended = new Promise((done) => child.on('close', done));
    return { child, said, ended };
  };
  const [killed, survivor] = [start(), start()];
  t.teardown(() => {
    for (const { child } of [killed, survivor]) child.kill('SIGKILL');
  });
  const deadline = Date.now() + 20_000;
  while (Math.min(killed.said.written, survivor.said.written) < 500 && Date.now() < deadline)
    await new Promise((done) => setTimeout(done, 10));
  killed.child.kill('SIGKILL');
  await killed.ended;
  survivor.child.stdin.write('end\n');
  await survivor.ended;

  const rows = await store.find<{ replica: string; n: number }>('crossfade_counts', {});
  const sum = (replica: string) => rows.reduce((all, row) => all + (row.replica === replica ? row.n : 0), 0);
  t.equal(sum(survivor.said.replica), survivor.said.recorded);
  const counted = sum(killed.said.replica);
  t.ok(counted >= killed.said.written, `${counted} counted, ${killed.said.written} were confirmed`);
  t.equal(total(await read()), counted + survivor.said.recorded);
  const replicas = await store.find<ReplicaRow>('crossfade_replicas', {});
  t.equal(replicas.length, 2);
});
