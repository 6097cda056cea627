import { isDeepStrictEqual } from 'node:util';
import t from 'tap';
import { compare } from '../../src/compare/compare.ts';
import { compileRules } from '../../src/compare/rules.ts';
import type { Observation } from '../../src/model/answer.ts';

/** Cases of each run; a run is told by its seed. */
const CASES = Number(process.env.CASES ?? 20_000);

type Value = null | string | number | boolean | Value[] | { [name: string]: Value };
type Item = { id?: Value; v?: Value; w?: Value };
type Body = { items: Item[]; meta?: Value; tail: number };

const headers = Object.freeze({ 'content-type': 'application/json' });
const seen = (origin: 'dynamodb' | 'mongodb', body: string): Observation => ({
  ...{ origin, ok: true, duration: 1 },
  answer: { status: 200, headers, body: Buffer.from(body) },
});

t.test('two bodies match where they are deeply equal, and nowhere else', async (t) => {
  for (const seed of [1, 20_261_121]) {
    const make = generator(seed);
    let equal = 0;
    for (let n = 0; n < CASES; n += 1) {
      const left = make.body();
      const right = make.changed(left);
      const [a, b] = [make.text(left), make.text(right)];
      const plan = make.plan();
      const { outcome, differences } = compare(seen('dynamodb', a), seen('mongodb', b), plan, 0);
      const same = isDeepStrictEqual(left, right);
      if (same) equal += 1;
      if ((outcome === 'match') === same) continue;
      t.same(differences, [], `seed ${seed}, case ${n}: ${outcome}\n${a}\n${b}\n${JSON.stringify(plan.list)}`);
      return;
    }
    t.ok(equal > CASES / 5 && equal < (CASES * 4) / 5, `${equal} of ${CASES} pairs are equal`);
  }
});

/** Lists with ids that repeat, change or lack, pages of any size, nested values, keys and escapes in any order. */
function generator(seed: number) {
  let state = seed;
  const random = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return state / 0x7fff_ffff;
  };
  const below = (n: number) => Math.floor(random() * n);
  const scalars: (() => Value)[] = [
    () => null,
    () => below(3),
    () => `s${below(3)}`,
    () => below(2) === 0,
    () => `ké"${below(2)}`,
  ];
  const nested: (() => Value)[] = [
    () => Array.from({ length: below(3) }, () => value(false)),
    () => ({ a: value(false), ...(below(2) ? { b: value(false) } : {}) }),
    () => [{ id: `i${below(2)}`, x: below(2) }],
  ];
  const value = (deep = true): Value => {
    const all = deep ? [...scalars, ...nested] : scalars;
    return (all[below(all.length)] as () => Value)();
  };
  const item = (): Item => ({
    ...(below(9) ? { id: below(12) ? `i${below(5)}` : below(3) } : {}),
    ...(below(2) ? { v: value() } : {}),
    ...(below(3) ? {} : { w: value() }),
  });
  const changes: ((body: Body, at: number) => void)[] = [
    ({ items }, at) => items.splice(at, 1),
    ({ items }, at) => items.splice(at, 0, item()),
    ({ items }, at) => items.splice(at, 2, ...items.slice(at, at + 2).reverse()),
    ({ items }, at) => Object.assign(items[at] ?? {}, { v: value() }),
    ({ items }, at) => Object.assign(items[at] ?? {}, { id: `i${below(5)}` }),
    ({ items }, at) => items.splice(below(items.length + 1), 0, ...structuredClone(items.slice(at, at + 1))),
    (body) => Object.assign(body, { meta: value() }),
    ({ items }, at) => void delete items[at]?.w,
  ];
  const shuffled = (given: unknown): unknown => {
    if (Array.isArray(given)) return given.map(shuffled);
    if (typeof given !== 'object' || given === null) return given;
    const entries = Object.entries(given).map(([name, inner]) => [name, shuffled(inner)] as const);
    return Object.fromEntries(entries.sort(() => random() - 0.5));
  };
  return {
    body: (): Body => ({
      items: Array.from({ length: below(6) }, item),
      ...(below(2) ? { meta: value() } : {}),
      tail: below(3),
    }),
    changed: (body: Body): Body => {
      if (below(3) === 0) return body;
      const copy = structuredClone(body);
      for (let n = 0; n <= below(2); n += 1)
        changes[below(changes.length)]?.(copy, below(Math.max(copy.items.length, 1)));
      return copy;
    },
    text: (body: Body): string => {
      const written = JSON.stringify(below(3) ? body : shuffled(body), undefined, below(6) ? undefined : 1);
      return below(5) ? written : written.replaceAll('é', '\\u00e9');
    },
    plan: () => ({
      shape: undefined,
      list: below(5)
        ? { path: '/items', key: below(2) ? [['id']] : [['id'], ['v', 'a']], limit: below(3) ? undefined : below(6) }
        : undefined,
      token: undefined,
      rules: compileRules(undefined, undefined, 'x'),
      headers: [],
    }),
  };
}
