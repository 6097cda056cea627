import fc from 'fast-check';
import t from 'tap';
import {
  afterKey,
  createRun,
  firstOf,
  isName,
  itemsFrom,
  keyAt,
  nextOf,
  refuseDuplicates,
  restOf,
  type Span,
  sameBytes,
  sameKey,
  sameNumber,
  skipFast,
  typeAt,
} from '../../src/compare/scan.ts';
import { CLOSE_LIST, CLOSE_OBJECT, COMMA, JsonError, skipValue } from '../../src/model/json.ts';

const bytesOf = (text: string) => Buffer.from(text);
const whole = (bytes: Buffer): Span => ({ start: 0, end: bytes.length, index: 0 });
const members = (text: string) => restOf(bytesOf(text), firstOf(bytesOf(text), 0, CLOSE_OBJECT)).members;

/** Long strings with many quotes and backslashes, which is what quick ways get wrong. */
const strings = fc.string({ unit: fc.constantFrom('\\', '"', 'a', '{', ']', ','), maxLength: 70 });
const { json } = fc.letrec<{ json: unknown }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 3 },
    strings,
    fc.constantFrom(1, -12.5, true, null),
    fc.array(tie('json'), { maxLength: 4 }),
    fc.dictionary(strings, tie('json'), { maxKeys: 4 }),
  ),
}));

t.test('a value is passed over quickly to where its grammar says that it ends', async () => {
  fc.assert(
    fc.property(json, fc.constantFrom('', ',', ' ,', ']', '}', '\n]'), (value, behind) => {
      const bytes = bytesOf(`[${JSON.stringify(value)}${behind}`);
      return skipFast(bytes, 1) === skipValue(bytes, 1);
    }),
    { numRuns: 500 },
  );
});

t.test('it gives up at its limit, and at the end of what is cut off', async (t) => {
  for (const text of ['{"a":[1,2]}', '"abc"', '123', `"${'x'.repeat(60)}"`]) {
    const bytes = bytesOf(text);
    for (let limit = 0; limit < bytes.length; limit += 1) {
      t.ok(skipFast(bytes, 0, limit) >= limit, `${text}, limit ${limit}`);
      t.equal(skipFast(bytes.subarray(0, limit), 0), limit, `${text}, cut at ${limit}`);
    }
  }
});

t.test('a key says its name, however it is written', async (t) => {
  const names = ['id', 'i', 'idx', '', 'é', 'a\\b', 'a\b', 'x"y', 'ab', '\u{1f600}', 'i\u0000'];
  for (const name of names)
    for (const other of names) {
      const escaped = [...other]
        .map((char) =>
          [...Array(char.length).keys()]
            .map((at) => `\\u${char.charCodeAt(at).toString(16).padStart(4, '0')}`)
            .join(''),
        )
        .join('');
      for (const text of [JSON.stringify(other), `"${escaped}"`])
        t.equal(
          isName(bytesOf(text), whole(bytesOf(text)), name),
          name === other,
          `${text} and ${JSON.stringify(name)}`,
        );
    }
});

t.test('bytes are the same where all are, however many', async (t) => {
  for (const length of [0, 1, 95, 96, 97, 300]) {
    const a = Buffer.alloc(length, 'x');
    t.ok(sameBytes(a, whole(a), Buffer.alloc(length, 'x'), whole(a)), `${length}`);
    t.notOk(sameBytes(a, whole(a), Buffer.alloc(length + 1, 'x'), { start: 0, end: length + 1 }), 'more');
    for (const at of [0, length >> 1, length - 1].filter((at) => at >= 0 && at < length)) {
      const b = Buffer.alloc(length, 'x');
      b[at] = 0x79;
      t.notOk(sameBytes(a, whole(a), b, whole(b)), `${length}, but for ${at}`);
      t.notOk(sameKey(a, whole(a), b, 0), `a key of ${length}, but for ${at}`);
    }
    const shifted = Buffer.from(`ab${a}`);
    t.ok(sameBytes(a, whole(a), shifted, { start: 2, end: length + 2 }), 'further on');
    t.ok(sameKey(a, whole(a), shifted, 2), 'a key further on');
  }
});

t.test('a run says what is the same, and where it no longer is', async () => {
  const size = 3_000;
  const places = fc.array(fc.nat(size - 1), { maxLength: 3 });
  const asked = fc.array(fc.tuple(fc.nat(size), fc.integer({ min: -3, max: 3 }), fc.nat(1_200)), { maxLength: 8 });
  fc.assert(
    fc.property(places, fc.constantFrom(0, 0, 0, 1, 2), asked, (different, longer, questions) => {
      const a = Buffer.alloc(size, 'x');
      const b = Buffer.alloc(size + longer, 'x');
      for (const at of different) b[at] = 0x79;
      const run = createRun(a, b);
      return questions.every(([i, shift, length]) => {
        const j = Math.max(i + shift, 0);
        const first = differsFrom(a, i, b, j);
        const limit = run.limit(i, j);
        // Beyond the nearest bytes a difference need not be known, nor that one ends.
        const near = first - i < 96 && first < a.length && first - i + j < b.length;
        const known = limit === first || (!near && limit > a.length);
        return known && run.same(i, j, i + length) === i + length <= first;
      });
    }),
    { numRuns: 300 },
  );
});

/** The first place from `i` on where `a` is not what `b` is from `j` on. */
function differsFrom(a: Buffer, i: number, b: Buffer, j: number): number {
  let at = i;
  while (at < a.length && at - i + j < b.length && a[at] === b[at - i + j]) at += 1;
  return at;
}

t.test('duplicate keys are refused: few or many, escaped or not, on both sides of where it stands', async (t) => {
  const many = Array.from({ length: 30 }, (_, n) => `"k${n}":1`).join();
  const rows: [string, string, boolean][] = [
    ['{"a":1}', '{"b":1}', false],
    ['{"a":1,"b":1}', '{}', false],
    ['{"a":1,"b":1,"a":1}', '{}', true],
    ['{"a":1}', '{"b":1,"a":1}', true],
    ['{}', '{"a":1,"b":1,"a":1}', true],
    ['{"a":1,"b":1}', '{"c":1,"b":1}', true],
    ['{"a":1,"\\u0061":1}', '{}', true],
    ['{"a":1}', '{"\\u0061":1}', true],
    ['{"\\u0061":1}', '{"a":1}', true],
    ['{"\\u0061":1}', '{"b":1}', false],
    [`{${many}}`, '{"a":1}', false],
    [`{${many}}`, '{"k7":1}', true],
    ['{"k7":1}', `{${many}}`, true],
    ['{"a":1}', `{${many}}`, false],
  ];
  for (const [seen, more, twice] of rows) {
    const keys = members(seen).map(({ key }) => key);
    const refuse = () => refuseDuplicates(bytesOf(seen), keys, bytesOf(more), members(more));
    if (twice) t.throws(refuse, /^a duplicate key at byte \d+$/, `${seen} ${more}`);
    else t.doesNotThrow(refuse, `${seen} ${more}`);
  }
});

t.test('members and items, with spaces wherever they may be', async (t) => {
  const object = bytesOf(' { "a" : 1 , "b" : [ ] } ');
  const { members: both, end } = restOf(object, firstOf(object, 1, CLOSE_OBJECT));
  t.equal(end, object.length - 1);
  const text = ({ start, end }: Span) => object.toString('utf8', start, end);
  t.same(
    both.map(({ key, value }) => [text(key), text(value)]),
    [
      ['"a"', '1'],
      ['"b"', '[ ]'],
    ],
  );
  const list = bytesOf('[ 1 , 22 ,3 ]');
  const spans: Span[] = [];
  t.same(itemsFrom(list, firstOf(list, 0, CLOSE_LIST), 5, spans), { count: 8, end: list.length });
  t.same(
    spans.map(({ start, end, index }) => [list.toString('utf8', start, end), index]),
    [
      ['1', 5],
      ['22', 6],
      ['3', 7],
    ],
  );
  t.equal(firstOf(bytesOf('[ ]'), 0, CLOSE_LIST), ~3);
  t.equal(nextOf(bytesOf('1 ]'), 1, CLOSE_LIST), ~3);
  t.same(itemsFrom(bytesOf('[]'), ~2, 0, []), { count: 0, end: 2 });
});

t.test('what is no JSON is refused where it is met', async (t) => {
  t.throws(() => keyAt(bytesOf('{a'), 1), new JsonError('a key is missing', 1));
  t.throws(() => afterKey(bytesOf('"a" 1'), 3), new JsonError('":" is missing', 4));
  t.throws(() => nextOf(bytesOf('1 2'), 1, CLOSE_LIST), new JsonError(`"${String.fromCharCode(COMMA)}" is missing`, 2));
});

t.test('types, and numbers however they are written', async (t) => {
  for (const [text, type] of [
    ['{}', 'object'],
    ['[]', 'array'],
    ['""', 'string'],
    ['true', 'boolean'],
    ['false', 'boolean'],
    ['null', 'null'],
    ['-1', 'number'],
    ['1', 'number'],
  ] as const)
    t.equal(typeAt(bytesOf(text), 0), type, text);
  const same = (a: string, b: string) => sameNumber(bytesOf(a), whole(bytesOf(a)), bytesOf(b), whole(bytesOf(b)));
  t.ok(same('1.50', '15e-1'));
  t.notOk(same('1.5', '1.6'));
  t.notOk(same('1e99999999999999999999', '2e99999999999999999999'), 'beyond all use');
});
