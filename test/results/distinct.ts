import t from 'tap';
import { MAX_DISTINCT } from '../../src/model/gate.ts';
import { createDistinct, hash48, unpacked } from '../../src/results/distinct.ts';
import type { Result } from '../../src/results/rows.ts';
import { result } from '../support/results.ts';

const base = { api: 'notes', evidence: 'e', replica: 'r', source: 'traffic' } as const;
const distinct = () => createDistinct(base, (parts) => parts.join(' '));
const asked = (hash: number, some: Partial<Result> = {}, full = true): Result =>
  result({ subject: { hash, items: 3, full }, ...some });

t.test('each request once, by operation, pair and tenant', async (t) => {
  const requests = distinct();
  t.same(
    [asked(1), asked(2), asked(1), asked(1, { tenant: 'globex' }), asked(1, { pair: 'legacy-mongodb' })].map(
      requests.note,
    ),
    [true, true, false, true, true],
  );
  t.equal(requests.note(result()), false, 'what was not compared is no request');
  const rows = [...requests.rows.values()].map(requests.image);
  t.match(rows, [
    { operation: 'getNote', tenant: 'acme', n: 2, items: 6, replica: 'r', source: 'traffic' },
    { tenant: 'globex', n: 1, items: 3 },
    { pair: 'legacy-mongodb', n: 1, items: 3 },
  ]);
  t.same(
    rows.map(({ seen }) => unpacked(seen)),
    [[1, 2], [1], [1]],
  );
});

t.test('a request with nothing in its answers counts once there is something', async (t) => {
  const requests = distinct();
  requests.note(asked(7, {}, false));
  const [one] = requests.rows.values();
  t.ok(one);
  if (one === undefined) return;
  const before = one.changes;
  t.same(unpacked(requests.image(one).seen), []);
  t.equal(requests.note(asked(7)), false);
  t.same(unpacked(requests.image(one).seen), [7]);
  t.ok(one.changes > before, 'it is to be written');
  requests.note(asked(7, {}, false));
  t.same(unpacked(requests.image(one).seen), [7], 'and stays');
  t.equal(one.row.n, 1);
});

t.test('bounded, but a new tenant still has its own', async (t) => {
  const requests = distinct();
  for (let hash = 0; hash < MAX_DISTINCT + 2_000; hash += 1) requests.note(asked(hash));
  const [acme] = requests.rows.values();
  t.equal(acme?.row.n, MAX_DISTINCT);
  for (let hash = 0; hash < 2_000; hash += 1) requests.note(asked(hash, { tenant: 'globex' }));
  t.equal([...requests.rows.values()][1]?.row.n, 1_000);
});

t.test('six bytes each, whatever the hash', async (t) => {
  const hashes = [0, 1, 2 ** 48 - 1, hash48(['a']), hash48(['b'])];
  const requests = distinct();
  for (const hash of hashes) requests.note(asked(hash));
  const [one] = requests.rows.values();
  const { seen } = requests.image(one as NonNullable<typeof one>);
  t.equal(seen.length, 6 * hashes.length);
  t.same(unpacked(new Uint8Array(seen)), hashes);
});
