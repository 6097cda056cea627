import { Binary, BSON, Decimal128, type Document, Double, Int32, Long, ObjectId } from 'mongodb';
import t from 'tap';
import { COMMA, close, eachOf, entriesOf, natural, tagOf, written } from '../../../src/bindings/wire/bson-document.ts';
import { BAIL, fill, lastOf, levelOf, nameAt, type Slots, WIDTH } from '../../../src/bindings/wire/bson-walk.ts';
import { JsonOut } from '../../../src/bindings/wire/json-out.ts';
import type { Wants } from '../../../src/bindings/wire/program.ts';
import { ARRAY, BOOLEAN, DOCUMENT, INT32, NULL, STRING } from '../../../src/model/bson.ts';

const wants = (slot: number, children: Readonly<Record<string, Wants>> = {}): Wants => ({
  slot,
  children: new Map(Object.entries(children)),
});
const WANTED = wants(-1, {
  a: wants(0),
  b: wants(1),
  c: wants(2, { d: wants(3) }),
  e: wants(-1, { 0: wants(4), 2: wants(5, { f: wants(6) }) }),
});
const SLOTS = 7;
const BASE = 6;

/** A document in the middle of other bytes. */
function sent(document: Document, change: (bytes: Buffer) => unknown = () => {}) {
  const bytes = Buffer.from(BSON.serialize(document));
  change(bytes);
  return {
    bytes: Buffer.concat([Buffer.from([7, 7, 7]), bytes, Buffer.from([7, 0])]),
    start: 3,
    end: 3 + bytes.length,
  };
}

type Sent = ReturnType<typeof sent>;

/** `undefined` where the plain renderer is to do it. */
function orPlainly<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error === BAIL) return undefined;
    throw error;
  }
}

/** What is in each slot: its type, and its bytes as hex; `-` where there is nothing. */
const found = ({ bytes, start, end }: Sent, level = levelOf(WANTED)) =>
  orPlainly(() => {
    const slots: Slots = {
      table: new Int32Array(BASE + (SLOTS + 1) * WIDTH),
      top: 0,
      view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length),
    };
    fill(level, slots, BASE, bytes, DOCUMENT, start, end);
    const others = [...slots.table.slice(0, BASE), ...slots.table.slice(BASE + SLOTS * WIDTH)];
    if (others.some((one) => one !== 0)) return 'beyond its slots';
    return Array.from({ length: SLOTS }, (_, slot) => {
      const [type, from = 0, behind = 0] = slots.table.slice(BASE + slot * WIDTH);
      return type === 0 ? '-' : `${type} ${bytes.toString('hex', from, behind)}`;
    }).join(', ');
  });

const int = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return `${INT32} ${bytes.toString('hex')}`;
};
const doc = (document: Document) => `${DOCUMENT} ${Buffer.from(BSON.serialize(document)).toString('hex')}`;
const one = new Int32(1);
const two = new Int32(2);
const ID = '-, -, -, -, 7 0123456789abcdef01234567, -, -';

const rows: [what: string, document: Document, found: string | undefined][] = [
  ['nothing', {}, '-, -, -, -, -, -, -'],
  ['none of them', { x: one, y: 'a' }, '-, -, -, -, -, -, -'],
  ['some, in whatever order', { x: { a: two }, b: true, y: [one], a: one }, `${int(1)}, ${BOOLEAN} 01, -, -, -, -, -`],
  ['one inside, and what it is in', { c: { x: two, d: one } }, `-, -, ${doc({ x: two, d: one })}, ${int(1)}, -, -, -`],
  ['a text instead of an inside', { c: 'x' }, `-, -, ${STRING} 020000007800, -, -, -, -`],
  ['nothing instead of an inside', { c: null }, `-, -, ${NULL} , -, -, -, -`],
  ['elements of a list', { e: [one, two, { f: one }, two] }, `-, -, -, -, ${int(1)}, ${doc({ f: one })}, ${int(1)}`],
  ['a list that is shorter', { e: [one] }, `-, -, -, -, ${int(1)}, -, -`],
  ['an empty list', { e: [] }, '-, -, -, -, -, -, -'],
  ['elements of a list that is a document', { e: { 0: one } }, `-, -, -, -, ${int(1)}, -, -`],
  ['a list where a document is wanted', { c: [one] }, undefined],
  ['an id where a document is wanted', { c: new ObjectId() }, undefined],
  ['bytes where a document is wanted', { c: new Binary(Buffer.from('a')) }, undefined],
  ['a long where a document is wanted', { c: Long.fromNumber(1) }, undefined],
  ['a decimal where a document is wanted', { c: Decimal128.fromString('1') }, undefined],
  ['a double where a document is wanted', { c: new Double(1.5) }, '-, -, 1 000000000000f83f, -, -, -, -'],
  ['a name that a driver takes for a command', { $a: one }, undefined],
  ['a name of all objects', { constructor: one }, undefined],
  ['names that only have these in them', { a$: one, xconstructor: two, __proto__x: two }, '-, -, -, -, -, -, -'],
  ['an id as an element of a list', { e: [new ObjectId('0123456789abcdef01234567')] }, ID],
  ['names that only begin so', { constructors: one, _bsontypes: one, a: one }, `${int(1)}, -, -, -, -, -, -`],
];
for (const [what, document, wanted] of rows)
  t.test(`found: ${what}`, async (t) => {
    const given = sent(document);
    t.strictSame(found(given), wanted);
    // The next document most likely has the same names.
    const level = levelOf(WANTED);
    found(sent({ a: two, x: one, c: { d: two }, b: one, e: [two] }), level);
    for (let n = 0; n < 3; n += 1) t.strictSame(found(given, level), wanted);
  });

t.test('names that stand where others stood, and three hundred of them', async (t) => {
  const level = levelOf(WANTED);
  const many = Array.from({ length: 300 }, (_, n) => [`name-${n}`, one] as const);
  const both = `${int(1)}, ${int(2)}, -, -, -, -, -`;
  for (const names of [
    [],
    [['x', one]],
    many,
    [
      ['aa', one],
      ['', one],
    ],
  ] as const)
    for (let n = 0; n < 2; n += 1) {
      t.equal(found(sent(Object.fromEntries([...names, ['a', one], ['b', two]])), level), both);
      t.equal(found(sent(Object.fromEntries([['b', two], ...names, ['a', one]])), level), both);
    }
  t.equal(level.seen.size, 256, 'so many names are remembered');
  t.equal(level.guess.length, 256);
});

t.test('a name that is like the one that stood there', async (t) => {
  const names = ['', 'a', 'ab', 'abc', 'abcd', 'abcdb', 'abcde', 'abcdefgh', 'abcdefghijklm', 'b', 'abcc'];
  for (const was of names)
    for (const is of names) {
      const level = levelOf(wants(-1, { [was]: wants(0) }));
      const first = sent({ [was]: one });
      t.match(found(first, level), int(1), was);
      // Zeros behind a name are its value.
      for (const value of [new Int32(0), new Int32(0x62626262)]) {
        const next = sent({ [is]: value });
        // Nothing stands behind the last document of a reply.
        const last = { ...next, bytes: next.bytes.subarray(0, next.end) };
        const wanted = was === is ? int(value.value) : '-';
        for (const given of [next, last])
          t.equal(found(given, level)?.split(',')[0], wanted, `${is} where ${was} stood`);
      }
    }
});

t.test('what is thrown is always the same one, and looks for no stack', async (t) => {
  const { bytes, start, end } = sent({ a: one });
  t.equal(
    orPlainly(() => lastOf(bytes, start, end - 1)),
    undefined,
  );
  t.equal(BAIL.stack, undefined);
  t.match(BAIL.message, /plain renderer/);
});

const at = (bytes: Buffer, what: string) => bytes.indexOf(what);
const damaged: [what: string, document: Document, change: (bytes: Buffer) => unknown][] = [
  ['the same name twice', { a: one, q: two }, (bytes) => bytes.write('a', at(bytes, 'q\0'))],
  ['a name of its types', { _bsontypx: one }, (bytes) => bytes.write('e', at(bytes, 'x\0'))],
  ['a name that is no UTF-8', { q: one }, (bytes) => bytes.writeUInt8(0xff, at(bytes, 'q\0'))],
  ['a type that there is not', { a: one }, (bytes) => bytes.writeUInt8(0x77, 4)],
  ['longer than it says', { a: one }, (bytes) => bytes.writeInt32LE(bytes.length - 1)],
  ['shorter than it says', { a: one }, (bytes) => bytes.writeInt32LE(bytes.length + 1)],
  ['no zero in the end', { a: one }, (bytes) => bytes.writeUInt8(1, bytes.length - 1)],
  ['a name without an end', { a: one }, (bytes) => bytes.fill(0x61, 5, bytes.length - 1)],
  ['an element that is longer', { a: 'text' }, (bytes) => bytes.writeInt32LE(99, 7)],
  ['an inside that is longer', { c: { d: one } }, (bytes) => bytes.writeInt32LE(99, 7)],
  ['an inside that is shorter', { c: { d: one } }, (bytes) => bytes.writeInt32LE(5, 7)],
  ['a list of what there is not', { e: [one] }, (bytes) => bytes.writeUInt8(0x77, 4 + 3 + 4)],
  ['a list whose element has no name', { e: [one] }, (bytes) => bytes.fill(0x30, 12, bytes.length - 2)],
];
for (const [what, document, change] of damaged)
  t.test(`for the plain renderer: ${what}`, async (t) => {
    t.equal(found(sent(document, change)), undefined);
  });

t.test('a list is looked into by index alone', async (t) => {
  for (const name of ['x', '01', '-1', '1.5', '1000', '']) {
    const level = levelOf(wants(-1, { e: wants(-1, { [name]: wants(0) }) }));
    t.equal(found(sent({ e: [one, two] }), level), undefined, name);
  }
  for (const name of ['x', '01', '1000', '1e1']) {
    const level = levelOf(wants(-1, { e: wants(-1, { 0: wants(0), [name]: wants(1) }) }));
    t.equal(found(sent({ e: [one, two] }), level), undefined, `0 and ${name}`);
  }
  const last = levelOf(wants(-1, { e: wants(-1, { 999: wants(0) }) }));
  t.equal(found(sent({ e: Array.from({ length: 1_000 }, (_, n) => new Int32(n)) }), last)?.split(',')[0], int(999));
});

t.test('an element itself has a slot too', async (t) => {
  const { bytes, start, end } = sent({ a: one });
  const slots: Slots = {
    table: new Int32Array(2 * WIDTH),
    top: 0,
    view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length),
  };
  fill(levelOf(wants(1)), slots, 0, bytes, DOCUMENT, start, end);
  t.strictSame([...slots.table], [0, 0, 0, DOCUMENT, start, end]);
  t.equal(
    orPlainly(() => fill(levelOf(wants(1)), slots, 0, bytes, DOCUMENT, start, end)),
    undefined,
    'once',
  );
  t.equal(lastOf(bytes, start, end), end - 1);
  t.equal(nameAt(Buffer.from('xab'), 1, 3), 'ab');
});

const out = new JsonOut();
const made = (write: () => unknown) =>
  orPlainly(() => {
    out.clear();
    write();
    return out.take().toString();
  });
/** Without its first zero, as `natural` is given it. */
const naturally = ({ bytes, start, end }: Sent, type = DOCUMENT) => made(() => natural(out, bytes, type, start, end));

t.test('any value by its own nature: documents by the code units of their names, lists as they are', async (t) => {
  const document = { b: [one, { z: null, a: 'x' }, []], a: {}, 'é"': true, B: new Double(1.5) };
  t.equal(naturally(sent(document)), '{"B":1.5,"a":{},"b":[1,{"a":"x","z":null},[]],"é\\"":true}');
  t.equal(naturally(sent({ 0: one, 1: two }), ARRAY), '[1,2]');
  t.equal(naturally(sent({}), ARRAY), '[]');
  for (const [what, given, change] of damaged)
    if (!what.includes('element has no name') || given.e === undefined)
      t.equal(naturally(sent(given, change)), undefined, what);
  t.equal(naturally(sent({ a: { b: one, c: one } }, (bytes) => bytes.write('b', at(bytes, 'c\0')))), undefined);
});

t.test('each of a list, up to its end', async (t) => {
  const seen: number[] = [];
  const each = ({ bytes, start, end }: Sent) =>
    made(() => eachOf(out, bytes, start, end, (_bytes, type) => seen.push(type)));
  t.equal(each(sent({ 0: one, 1: 'x', 2: true })), '[,,]');
  t.strictSame(seen, [INT32, STRING, BOOLEAN]);
  t.equal(each(sent({ 0: 'x' }, (bytes) => bytes.writeInt32LE(99, 7))), undefined);
  t.equal(each(sent({ 0: one }, (bytes) => bytes.fill(0x30, 5, bytes.length - 1))), undefined);
});

t.test('attributes by name, and the text that says which branch', async (t) => {
  const { bytes, start, end } = sent({ b: one, a: 'x', '': two });
  t.strictSame(
    entriesOf(bytes, start, end).map(({ name, type }) => [name, type]),
    [
      ['', INT32],
      ['a', STRING],
      ['b', INT32],
    ],
  );
  const tag = (name: string) => orPlainly(() => [tagOf(bytes, start, end, name)]);
  t.strictSame(tag('a'), ['x']);
  t.strictSame(tag('c'), [undefined]);
  t.equal(tag('b'), undefined);
});

t.test('an object begins where its first field would have had its comma', async (t) => {
  const said: boolean[] = [];
  const field = () => {
    out.byte(COMMA);
    out.text('"a":1');
  };
  t.equal(
    made(() => said.push(written(out, field))),
    '{"a":1}',
  );
  t.equal(
    made(() => said.push(written(out, () => {}))),
    '{}',
  );
  t.strictSame(said, [true, false]);
  t.equal(
    made(() => {
      out.text('[');
      const open = out.length;
      field();
      close(out, open);
    }),
    '[{"a":1}',
  );
});
