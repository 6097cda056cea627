import { createRequire } from 'node:module';
import { diff as jsondiffpatch } from 'jsondiffpatch';
import microdiff from 'microdiff';
import { walkBodies } from '../src/compare/body.ts';
import { compare, startComparing } from '../src/compare/compare.ts';
import { compileRules } from '../src/compare/rules.ts';
import { createShapes } from '../src/contract/shape.ts';
import type { Observation } from '../src/model/answer.ts';
import { interleaved, type Row, spread } from './support/measure.ts';

// CommonJS whose names Node's import does not see.
const fastJsonPatch = createRequire(import.meta.url)('fast-json-patch') as {
  compare(left: object, right: object): unknown[];
};

const string = { type: 'string' };
const item = {
  type: 'object',
  properties: {
    ...{ id: string, name: string, email: string, n: { type: 'number' }, tags: { type: 'array', items: string } },
    ...{ address: { type: 'object', properties: { street: string, city: string, zip: { type: 'integer' } } } },
    ...{ text: string, active: { type: 'boolean' }, last: { type: 'string', nullable: true } },
  },
};
const plan = {
  shape: createShapes(() => undefined)({
    type: 'object',
    properties: { items: { type: 'array', items: item }, next: string },
  }),
  list: { path: '/items', key: [['id']], limit: undefined },
  token: undefined,
  rules: compileRules(undefined, undefined, 'x'),
  headers: [],
};

const document = (count: number) => ({
  items: Array.from({ length: count }, (_, n) => ({
    ...{ id: `id-${n}`, name: `Name of ${n}`, email: `user${n}@example.com`, n: n * 1.5, tags: ['a', 'b', 'c'] },
    ...{ address: { street: `Some street ${n}`, city: 'Zürich', zip: 8000 + (n % 100) }, text: 'x'.repeat(300) },
    ...{ active: n % 2 === 0, last: null },
  })),
  next: 'abc',
});

type Doc = ReturnType<typeof document>;

const CHANGES: Readonly<Record<string, (doc: Doc) => unknown>> = {
  'equal bytes': (doc) => doc,
  'one leaf': (doc) => ({
    ...doc,
    items: doc.items.with(doc.items.length >> 1, {
      ...(doc.items[doc.items.length >> 1] as Doc['items'][number]),
      name: 'other',
    }),
  }),
  'first item gone': (doc) => ({ ...doc, items: doc.items.slice(1) }),
  'every item differs': (doc) => ({ ...doc, items: doc.items.map((one) => ({ ...one, name: `${one.name}!` })) }),
  'all keys reordered': reversed,
};

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, inner]) => [key, reversed(inner)]),
  );
}

const HEADERS = Object.freeze({ 'content-type': 'application/json' });
const seen = (origin: 'dynamodb' | 'mongodb', body: Buffer): Observation => ({
  ...{ origin, ok: true, duration: 1 },
  answer: { status: 200, headers: HEADERS, body },
});

const NOTHING = (): boolean => true;

const parse = (body: Buffer) => JSON.parse(body.toString('utf8')) as object;

/** Ours against JSON.parse and a diff library: how many times as fast, and the longest that one piece of work holds the loop. */
export function benchCompare(): readonly Row[] {
  const sizes = [
    ['1 kB', 2, 4_000],
    ['50 kB', 90, 150],
    ['1 MB', 1_900, 6],
  ] as const;
  return sizes.flatMap(([size, count, repeats]) =>
    Object.entries(CHANGES).map(([change, apply]): Row => {
      const left = Buffer.from(JSON.stringify(document(count)));
      const right = Buffer.from(JSON.stringify(apply(document(count))));
      const [one, other] = [seen('dynamodb', left), seen('mongodb', right)];
      const times = interleaved(
        {
          ours: () =>
            void (left.equals(right) || walkBodies(left, right, plan, NOTHING).step(Number.POSITIVE_INFINITY)),
          'with status, headers and rules': () => void compare(one, other, plan, 0),
          'fast-json-patch': () => void fastJsonPatch.compare(parse(left), parse(right)),
          jsondiffpatch: () => void jsondiffpatch(parse(left), parse(right)),
          microdiff: () => void microdiff(parse(left), parse(right), { cyclesFix: false }),
        },
        repeats,
      );
      return {
        size,
        change,
        ours: spread(times.ours),
        'with status, headers and rules': spread(times['with status, headers and rules']),
        'times fast-json-patch': ratio(times['fast-json-patch'], times.ours),
        'times jsondiffpatch': ratio(times.jsondiffpatch, times.ours),
        'times microdiff': ratio(times.microdiff, times.ours),
        'longest slice': `${longestSlice(one, other).toFixed(1)} ms`,
      };
    }),
  );
}

function ratio(peer: readonly number[], ours: readonly number[]): string {
  const ratios = peer.map((time, at) => time / (ours[at] as number)).sort((a, b) => a - b);
  const at = (share: number) => (ratios[Math.floor((ratios.length - 1) * share)] as number).toPrecision(2);
  return `${at(0.5)} (${at(0.1)} to ${at(0.9)})`;
}

function longestSlice(one: Observation, other: Observation): number {
  const comparing = startComparing(one, other, plan, 0);
  let longest = 0;
  for (;;) {
    const began = performance.now();
    const done = comparing.step(5);
    longest = Math.max(longest, performance.now() - began);
    if (done !== undefined) return longest;
  }
}
