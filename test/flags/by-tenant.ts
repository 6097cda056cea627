import t from 'tap';
import { createByTenant } from '../../src/flags/by-tenant.ts';

const VALUES = ['a', 'b', 'c'] as const;

/** As a request brings it: a text that nobody has looked at. */
const fresh = (text: string): string => Buffer.from(text).toString();

t.test('it says what a Map says, of any text', (t) => {
  const table = createByTenant<string>();
  const twin = new Map<string, string>();
  let state = 7;
  const random = (below: number): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 4) % below;
  };
  const alphabets = ['ab', '0123456789abcdef-', 'é\u00ff\u0000 ', 'añ中😀'].map((one) => [...one]);
  const any = (): string => {
    const letters = alphabets[random(alphabets.length)] as string[];
    const length = random(20) === 0 ? 250 + random(12) : random(random(2) === 0 ? 4 : 40);
    return Array.from({ length }, () => letters[random(letters.length)]).join('');
  };
  let wrong = 0;
  for (let n = 0; n < 80_000; n += 1) {
    const text = any();
    if (table.get(fresh(text)) !== twin.get(text)) wrong += 1;
    if (random(2) === 0 || twin.has(text)) continue;
    const value = VALUES[random(VALUES.length)] as string;
    table.add(fresh(text), value);
    twin.set(text, value);
  }
  for (const [text, value] of twin) if (table.get(fresh(text)) !== value) wrong += 1;
  t.equal(wrong, 0);
  t.equal(table.size, twin.size);
  t.ok(twin.size > 10_000, 'and has grown often');
  t.end();
});

t.test('who is there keeps what it has', (t) => {
  const table = createByTenant<string>();
  table.add('acme', 'a');
  table.add('acme', 'b');
  t.equal(table.get('acme'), 'a');
  t.equal(table.size, 1);
  t.end();
});

t.test('names that all begin at one slot are found, and cost no more than a Map', (t) => {
  const { random, imul } = Math;
  t.teardown(() => Object.assign(Math, { random, imul }));
  // Every hash is the same now.
  Object.assign(Math, { random: () => 0, imul: () => 5 });
  const table = createByTenant<number>();
  for (let n = 0; n < 6_000; n += 1) table.add(`tenant-${n}`, n % 3);
  t.equal(table.size, 6_000);
  for (let n = 0; n < 6_000; n += 1) if (table.get(fresh(`tenant-${n}`)) !== n % 3) t.fail(`tenant-${n}`);
  t.equal(table.get('tenant-6000'), undefined);
  t.end();
});

t.test('more values than a byte counts', (t) => {
  const table = createByTenant<number>();
  for (let n = 0; n < 6_000; n += 1) table.add(String(n), n);
  t.same(
    Array.from({ length: 6_000 }, (_, n) => table.get(String(n))),
    Array.from({ length: 6_000 }, (_, n) => n),
  );
  t.end();
});

t.test('a few and many say the same, at each size around which one becomes the other', (t) => {
  for (const foreign of [0, 1, 3_998, 3_999, 4_000]) {
    const table = createByTenant<number>();
    const nameOf = (n: number) => (n < foreign ? `写${n}` : `tenant-${n}`);
    for (let n = 0; n < 4_100; n += 1) {
      if (table.get(fresh(nameOf(n))) !== undefined) t.fail(`${nameOf(n)} was there`);
      table.add(fresh(nameOf(n)), n % 5);
      if (table.get(fresh(nameOf(n))) !== n % 5) t.fail(`${nameOf(n)} was lost`);
    }
    t.equal(table.size, 4_100);
    let wrong = 0;
    for (let n = 0; n < 4_100; n += 1) if (table.get(fresh(nameOf(n))) !== n % 5) wrong += 1;
    t.equal(wrong, 0);
  }
  t.end();
});
