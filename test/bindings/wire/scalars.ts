import t from 'tap';
import { codedWriter } from '../../../src/bindings/wire/coded.ts';
import { Out } from '../../../src/bindings/wire/out.ts';
import type { Node, ScalarNode, UnionNode } from '../../../src/bindings/wire/program.ts';
import { branchOfType, isOf, NATURAL, NATURAL_LIST, writePlain } from '../../../src/bindings/wire/scalars.ts';
import { B, BOOL, endOfValue, L, M, N, NULL, PLAINLY, S, typeAt } from '../../../src/model/attributes.ts';

/** Tells which moments were written without a text of them, and which texts were made. */
class Watched extends Out {
  moments = 0;
  texts = 0;

  override date(time: number, dayOnly: boolean, seconds?: boolean): boolean {
    this.moments += 1;
    return super.date(time, dayOnly, seconds);
  }

  override text(text: string): void {
    this.texts += 1;
    super.text(text);
  }
}

const out = new Watched();

/** What is written of a value between others; `undefined` where the plain renderer is to do it. */
function written(value: string, write: (bytes: Buffer, at: number, type: number) => unknown): string | undefined {
  const before = '{"a":{"N":"99"},"b":';
  const bytes = Buffer.from(`${before}${value},"c":{"S":"x"}}`);
  out.clear();
  try {
    write(bytes, before.length, typeAt(bytes, before.length));
    return out.take().toString();
  } catch (error) {
    if (error === PLAINLY) return undefined;
    throw error;
  }
}

function refused(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}

const values: [value: string, written: string | undefined, noFraction?: boolean][] = [
  ['{"S":""}', '""', true],
  ['{"S":"a text"}', '"a text"', true],
  ['{"S":"写真 é😀"}', '"写真 é😀"', true],
  ['{"S":"a\\"b"}', '"a\\"b"', true],
  ['{"S":"\\u0061\\/\\u000a"}', '"a/\\n"', true],
  ['{"S":"x\\\\"}', '"x\\\\"', true],
  ['{"N":"7"}', '7', true],
  ['{"N":"-1.50"}', '-1.5', false],
  ['{"N":"1e30"}', '1e+30', true],
  ['{"N":"x"}', undefined],
  ['{"BOOL":true}', 'true', true],
  ['{"BOOL":false}', 'false', true],
  ['{"NULL":true}', 'null', true],
  ['{"B":""}', '""', true],
  ['{"B":"YQ=="}', '"YQ=="', true],
  ['{"B":"YR=="}', undefined],
  ['{"B":"a"}', undefined],
];
for (const [value, wanted, noFraction] of values)
  t.test(`${value} by its own nature`, async (t) => {
    const said: boolean[] = [];
    t.equal(
      written(value, (bytes, at, type) => said.push(writePlain(out, bytes, at, type, 0))),
      wanted,
    );
    if (wanted !== undefined) t.strictSame(said, [noFraction]);
    if (wanted === undefined || value.includes('\\')) return;
    // Where its end is known: the same, without a look.
    const end = Buffer.from(value).length;
    t.equal(
      written(value, (bytes, at, type) => said.push(writePlain(out, bytes, at, type, at + end))),
      wanted,
    );
    t.strictSame(said, [noFraction, noFraction]);
  });

t.test('a text without an end is for the plain renderer', async (t) => {
  const bytes = Buffer.from('{"S":"abc');
  t.equal(
    refused(() => writePlain(out, bytes, 0, S, 0)),
    PLAINLY,
  );
});

const types = { S, N, BOOL, NULL, B };
const wanted: [type: ScalarNode['type'], fits: readonly (keyof typeof types)[]][] = [
  ['string', ['S', 'B']],
  ['number', ['N']],
  ['integer', ['N']],
  ['boolean', ['BOOL']],
  ['null', ['S', 'N', 'BOOL', 'NULL', 'B']],
  ['any', ['S', 'N', 'BOOL', 'NULL', 'B']],
];
for (const [type, fits] of wanted)
  t.test(`where the contract wants ${type}`, async (t) => {
    const found = Object.entries(types).filter(([, one]) => isOf(type, one));
    t.strictSame(
      found.map(([name]) => name),
      fits,
    );
  });

t.test('a union by what the value is', async (t) => {
  const text: Node = { kind: 'scalar', type: 'string', format: undefined, codec: undefined, nullable: false };
  const union: UnionNode = {
    kind: 'union',
    scalar: text,
    list: NATURAL_LIST,
    discriminator: undefined,
    object: undefined,
  };
  for (const type of [S, N, BOOL]) t.equal(branchOfType(union, type), text);
  t.equal(branchOfType(union, NULL), NATURAL);
  t.equal(
    refused(() => branchOfType(union, B)),
    PLAINLY,
  );
  t.equal(branchOfType(union, L), NATURAL_LIST);
  t.equal(
    refused(() => branchOfType({ ...union, list: undefined }, M)),
    PLAINLY,
  );
});

const scalar = (type: ScalarNode['type'], codec: ScalarNode['codec'], format?: string): ScalarNode => ({
  ...{ kind: 'scalar', type, format, codec, nullable: true },
});
const at = (codec: ScalarNode['codec'], format = 'date-time') => scalar('string', codec, format);

t.test('texts and numbers that are as we write them are not made anew', async (t) => {
  const made = (value: string) => {
    const before = out.texts;
    written(value, (bytes, at, type) => writePlain(out, bytes, at, type, 0));
    return out.texts - before;
  };
  t.strictSame(['{"S":"é"}', '{"N":"7"}', '{"B":"YQ=="}', '{"BOOL":true}'].map(made), [0, 0, 0, 0]);
  t.strictSame(['{"S":"\\n"}', '{"N":"7.0"}'].map(made), [1, 1]);
});

/** Whole numbers of up to thirteen digits, where the year has four. */
const QUICK = new Set([
  'milliseconds',
  'seconds',
  'the day of milliseconds',
  'the day of seconds',
  'the first',
  'of nines',
  'the last',
]);

const coded: [what: string, node: ScalarNode, value: string, written: string | undefined][] = [
  ['milliseconds', at('epoch-millis'), '{"N":"1767600000123"}', '"2026-01-05T08:00:00.123Z"'],
  ['seconds', at('epoch-seconds'), '{"N":"1767600000"}', '"2026-01-05T08:00:00.000Z"'],
  ['the day of milliseconds', at('epoch-millis', 'date'), '{"N":"1767600000123"}', '"2026-01-05"'],
  ['the day of seconds', at('epoch-seconds', 'date'), '{"N":"1767600000"}', '"2026-01-05"'],
  ['the first', at('epoch-millis'), '{"N":"0"}', '"1970-01-01T00:00:00.000Z"'],
  ['before it', at('epoch-millis'), '{"N":"-1"}', '"1969-12-31T23:59:59.999Z"'],
  ['of nines', at('epoch-millis'), '{"N":"9999999999999"}', '"2286-11-20T17:46:39.999Z"'],
  ['of one digit more', at('epoch-millis'), '{"N":"10000000000000"}', '"2286-11-20T17:46:40.000Z"'],
  ['the last', at('epoch-seconds'), '{"N":"253402300799"}', '"9999-12-31T23:59:59.000Z"'],
  ['beyond the last', at('epoch-seconds'), '{"N":"253402300800"}', '"+010000-01-01T00:00:00.000Z"'],
  ['with an exponent', at('epoch-millis'), '{"N":"1e3"}', '"1970-01-01T00:00:01.000Z"'],
  ['a number where it is one', scalar('integer', 'epoch-millis'), '{"N":"1767600000123"}', '1767600000123'],
  ['no number', at('epoch-millis'), '{"N":"x"}', undefined],
  ['an empty number', at('epoch-millis'), '{"N":""}', undefined],
  ['nothing, where it may be', at('epoch-millis'), '{"NULL":true}', 'null'],
  ['digits of a text', at('decimal(2)'), '{"S":"12.50"}', '"12.50"'],
  ['a decimal', scalar('string', 'decimal(2)'), '{"N":"12.5"}', '"12.50"'],
  [
    'a decimal beyond a double',
    scalar('string', 'decimal-string'),
    '{"N":"12345678901234567890.5"}',
    '"12345678901234567890.5"',
  ],
  ['a number as text', scalar('string', 'string'), '{"N":"7"}', '"7"'],
  ['a text as number', scalar('number', 'number'), '{"S":"7.50"}', '7.5'],
  ['bytes as hex', scalar('string', 'hex'), '{"B":"YWI="}', '"6162"'],
  ['bytes that are written otherwise', scalar('string', 'hex'), '{"B":"YWJ="}', undefined],
  ['a truth', scalar('string', 'string'), '{"BOOL":true}', '"true"'],
  ['the other truth', scalar('string', 'string'), '{"BOOL":false}', '"false"'],
  ['a map', scalar('string', 'string'), '{"M":{}}', undefined],
  ['a set', scalar('string', 'string'), '{"SS":["a"]}', undefined],
];
for (const [what, node, value, text] of coded)
  t.test(`by a codec: ${what}`, async (t) => {
    t.equal(endOfValue(Buffer.from(value), 0), value.length, 'it is written as DynamoDB writes');
    const write = codedWriter(node);
    const before = out.moments;
    t.equal(
      written(value, (bytes, start, type) => write(out, bytes, start, type)),
      text,
    );
    t.equal(out.moments > before, QUICK.has(what), 'without a text of it');
  });

t.test('a text that is none of what is wanted is for the plain renderer', async (t) => {
  const by = (node: ScalarNode, value: string) =>
    written(value, (bytes, start, type) => codedWriter(node)(out, bytes, start, type));
  t.equal(by(scalar('number', 'string'), '{"BOOL":true}'), undefined);
  t.equal(by(scalar('string', 'number'), '{"S":"x"}'), undefined);
});
