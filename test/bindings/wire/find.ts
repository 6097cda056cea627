import t from 'tap';
import { find, findMarked, wantedOf } from '../../../src/bindings/wire/find.ts';
import type { Wants } from '../../../src/bindings/wire/program.ts';
import { framed } from '../../../src/drivers/dynamodb/frame.ts';
import { Marker } from '../../../src/drivers/dynamodb/marker.ts';
import { PLAINLY } from '../../../src/model/attributes.ts';

const wants = (slot: number, children: Readonly<Record<string, Wants>> = {}): Wants => ({
  slot,
  children: new Map(Object.entries(children)),
});

/** `a` and `b`, of `c` a `d` inside and itself, of the list `e` its first and third. */
const WANTED = wants(-1, {
  a: wants(0),
  b: wants(1),
  c: wants(2, { d: wants(3) }),
  e: wants(-1, { 0: wants(4), 2: wants(5, { f: wants(6) }) }),
});
const SLOTS = 7;
const BASE = 2;

/** What stands at each place that was noted, up to the end of its value; `undefined` where the plain renderer is to do it. */
function found(text: string, wanted = wantedOf(WANTED)): readonly (string | undefined)[] | undefined {
  const before = 'x'.repeat(5);
  const bytes = Buffer.from(`${before}${text},{"a":{"S":"of another"}}`);
  const places = new Int32Array(BASE + SLOTS + 1);
  try {
    const end = find(bytes, before.length, wanted, places, BASE);
    if (end !== before.length + Buffer.byteLength(text)) return [`it ends at ${end}`];
  } catch (error) {
    if (error === PLAINLY) return undefined;
    throw error;
  }
  if (places[0] !== 0 || places[1] !== 0 || places[BASE + SLOTS] !== 0) return ['beyond its slots'];
  return Array.from({ length: SLOTS }, (_, slot) => {
    const at = places[BASE + slot] as number;
    return at === 0 ? undefined : /^\{"\w+":[^,}\]]*/.exec(bytes.toString('utf8', at))?.[0];
  });
}

const none = undefined;
const rows: [what: string, text: string, found: readonly (string | undefined)[] | undefined][] = [
  ['nothing', '{}', [none, none, none, none, none, none, none]],
  ['none of them', '{"x":{"S":"a"},"y":{"N":"7"}}', [none, none, none, none, none, none, none]],
  ['one', '{"a":{"S":"A"}}', ['{"S":"A"', none, none, none, none, none, none]],
  [
    'some among others, in whatever order',
    '{"x":{"M":{"a":{"S":"no"}}},"b":{"N":"7"},"y":{"L":[{"S":"a"}]},"a":{"BOOL":true}}',
    ['{"BOOL":true', '{"N":"7"', none, none, none, none, none],
  ],
  [
    'one inside, and what it is in',
    '{"c":{"M":{"x":{"S":"x"},"d":{"S":"D"}}}}',
    [none, none, '{"M":{"x":{"S":"x"', '{"S":"D"', none, none, none],
  ],
  ['an inside that is none', '{"c":{"S":"text"}}', [none, none, '{"S":"text"', none, none, none, none]],
  ['null instead of an inside', '{"c":{"NULL":true}}', [none, none, '{"NULL":true', none, none, none, none]],
  ['a truth instead of an inside', '{"c":{"BOOL":false}}', [none, none, '{"BOOL":false', none, none, none, none]],
  ['an empty inside', '{"c":{"M":{}}}', [none, none, '{"M":{', none, none, none, none]],
  ['an empty list', '{"e":{"L":[]}}', [none, none, none, none, none, none, none]],
  [
    'elements of a list',
    '{"e":{"L":[{"S":"0"},{"S":"1"},{"M":{"f":{"S":"F"}}},{"S":"3"}]}}',
    [none, none, none, none, '{"S":"0"', '{"M":{"f":{"S":"F"', '{"S":"F"'],
  ],
  ['a list that is shorter', '{"e":{"L":[{"S":"0"}]}}', [none, none, none, none, '{"S":"0"', none, none]],
  ['elements of a list that is a map', '{"e":{"M":{"0":{"S":"0"}}}}', [none, none, none, none, '{"S":"0"', none, none]],
  ['a list where a map is wanted', '{"c":{"L":[]}}', none],
  ['a number where a map is wanted', '{"c":{"N":"7"}}', none],
  ['a set where a map is wanted', '{"c":{"SS":["d"]}}', none],
  ['the same name twice', '{"a":{"S":"A"},"a":{"S":"B"}}', none],
  ['the same name twice, inside', '{"c":{"M":{"d":{"S":"A"},"d":{"S":"B"}}}}', none],
  ['another name twice', '{"x":{"S":"A"},"x":{"S":"B"}}', [none, none, none, none, none, none, none]],
  ['a name with an escape', '{"\\u0061":{"S":"A"}}', none],
  ['another name with an escape', '{"x\\n":{"S":"A"}}', none],
  ['what is no name of a map', '{"__proto__":{"S":"A"}}', none],
  ['a type that there is not', '{"a":{"X":"A"}}', none],
  ['no map', '[{"a":{"S":"A"}}]', none],
  ['no comma', '{"a":{"S":"A"}"b":{"S":"B"}}', none],
  ['no colon', '{"a"={"S":"A"}}', none],
];
for (const [what, text, wanted] of rows)
  t.test(`found: ${what}`, async (t) => {
    t.strictSame(found(text), wanted);
    // A reader remembers where names stood.
    const remembering = wantedOf(WANTED);
    found('{"a":{"S":"1"},"x":{"S":"2"},"c":{"M":{"d":{"S":"3"}}},"b":{"S":"4"}}', remembering);
    for (let n = 0; n < 3; n += 1) t.strictSame(found(text, remembering), wanted);
  });

t.test('names that stand where others stood, and a hundred of them', async (t) => {
  const wanted = wantedOf(WANTED);
  const texts = (names: readonly string[]) => `{${names.map((name) => `"${name}":{"S":"${name}"}`).join(',')}}`;
  const many = Array.from({ length: 100 }, (_, n) => `name-${n}`);
  const both = ['{"S":"a"', '{"S":"b"', none, none, none, none, none];
  for (const names of [
    ['a', 'b'],
    ['b', 'a'],
    ['x', 'a', 'b'],
    [...many, 'a', 'b'],
    ['a', 'x'.repeat(100), 'b'],
  ]) {
    t.strictSame(found(texts(names), wanted), both);
    t.strictSame(found(texts(names), wanted), both);
  }
  t.strictSame(found(texts(['ab', 'b', 'aa']), wanted), [none, '{"S":"b"', none, none, none, none, none]);
});

t.test('a name of a list that is no index is for the plain renderer', async (t) => {
  for (const name of ['x', '01', '-1', '1.5', '']) {
    const wanted = wantedOf(wants(-1, { e: wants(-1, { [name]: wants(0) }) }));
    t.equal(found('{"e":{"L":[{"S":"0"},{"S":"1"}]}}', wanted), undefined, name);
  }
  const tenth = wantedOf(wants(-1, { e: wants(-1, { 10: wants(0) }) }));
  const list = Array.from({ length: 12 }, (_, n) => `{"S":"${n}"}`).join(',');
  t.equal(found(`{"e":{"L":[${list}]}}`, tenth)?.[0], '{"S":"10"');
});

/** The same by the marks that a reply is read with, and where texts and numbers end that have no escapes. */
function marked(marker: Marker, item: string) {
  const [wire] = framed(Buffer.from(`{"Count":1,"Items":[${item}]}`), marker).items;
  if (wire?.marks === undefined) throw new Error('there are no marks');
  const places = new Int32Array(BASE + SLOTS);
  const ends = new Int32Array(BASE + SLOTS).fill(-1);
  findMarked(wire.bytes, wire.marks, WITH_MARKS, places, ends, BASE);
  const at = (slot: number) => places[BASE + slot] as number;
  return [0, 1].map((slot) => {
    const end = ends[BASE + slot] as number;
    if (at(slot) === 0) return undefined;
    return end <= 0
      ? `${wire.bytes.toString('utf8', at(slot), at(slot) + 5)}…`
      : wire.bytes.toString('utf8', at(slot), end);
  });
}
const WITH_MARKS = wantedOf(WANTED);

t.test('by marks: the same, with the ends of what has no escapes', async (t) => {
  const marker = new Marker();
  for (let n = 0; n < 3; n += 1) {
    t.strictSame(marked(marker, '{"x":{"S":"X"},"a":{"S":"A"},"b":{"S":"B"}}'), ['{"S":"A"}', '{"S":"B"}']);
    t.strictSame(marked(marker, '{"b":{"S":"B\\n"},"a":{"N":"7"}}'), ['{"N":"7"}', '{"S":…']);
    t.strictSame(marked(new Marker(), '{"b":{"S":"B"}}'), [undefined, '{"S":"B"}'], 'of another reader');
  }
});

t.test('by marks: names that no reader remembers, and what is no name', async (t) => {
  const long = 'x'.repeat(100);
  const wanted = wantedOf(wants(-1, { a: wants(0), [long]: wants(1), c: wants(-1, { d: wants(2) }) }));
  const places = (item: string) => {
    const [wire] = framed(Buffer.from(`{"Count":1,"Items":[${item}]}`), new Marker()).items;
    if (wire?.marks === undefined) throw new Error('there are no marks');
    const [at, ends] = [new Int32Array(SLOTS), new Int32Array(SLOTS).fill(-1)];
    try {
      findMarked(wire.bytes, wire.marks, wanted, at, ends, 0);
    } catch (error) {
      if (error === PLAINLY) return 'plainly';
      throw error;
    }
    return Array.from({ length: 3 }, (_, slot) => {
      const from = at[slot] as number;
      return from === 0 ? '-' : `${wire.bytes.toString('utf8', from, from + 7)} ${(ends[slot] as number) > 0}`;
    });
  };
  t.strictSame(places(`{"a":{"S":"1"},"${long}":{"S":"2"}}`), ['{"S":"1 true', '{"S":"2 false', '-']);
  t.strictSame(places(`{"${long}y":{"S":"1"},"a":{"S":"2"}}`), ['{"S":"2 true', '-', '-']);
  t.strictSame(places('{"c":{"M":{"d":{"S":"3"}}}}'), ['-', '-', '{"S":"3 false']);
  t.equal(places('{"\\u0061":{"S":"1"}}'), 'plainly');
  t.equal(places('{"__proto__":{"S":"1"}}'), 'plainly');
  t.equal(places(`{"a":{"S":"1"},"a":{"S":"2"}}`), 'plainly');
});

t.test(
  'names are remembered by their place, as long as there are not too many of them or of their letters',
  async (t) => {
    const wanted = wantedOf(WANTED);
    const texts = (names: readonly string[]) => `{${names.map((name) => `"${name}":{"S":"x"}`).join(',')}}`;
    found(texts(['a', 'x'.repeat(61), 'y'.repeat(62), 'b']), wanted);
    t.strictSame(
      Array.from(wanted.met, (met) => met?.text.length),
      [4, 64, undefined, 4],
    );
    t.equal(wanted.met[0]?.wanted, wanted.names.get('a'));
    found(texts(['b', 'q']), wanted);
    t.equal(wanted.met[0]?.wanted, wanted.names.get('b'), 'the last that was met there');
    found(texts(Array.from({ length: 70 }, (_, n) => `n${n}`)), wanted);
    t.equal(wanted.met.length, 64);
    const [first] = wanted.met;
    found(texts(['n0']), wanted);
    t.equal(wanted.met[0], first, 'what is known is not looked up');
  },
);
