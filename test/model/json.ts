import fc from 'fast-check';
import t from 'tap';
import { JsonError, parseJson, printJson, skipValue } from '../../src/model/json.ts';

t.test('any JSON text comes back as it was', async () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 6 }), (text) => {
      const compact = JSON.stringify(JSON.parse(text));
      // JSON.parse keeps the last of duplicate keys; fast-check makes none, but orders integer keys first.
      return JSON.stringify(JSON.parse(printJson(parseJson(Buffer.from(text))))) === compact;
    }),
    { numRuns: 1000 },
  );
});

t.test('no digit is lost', async (t) => {
  for (const text of ['9007199254740993', '1.10', '1E+30', '-0', '0.1000000000000000055', '1e400']) {
    t.equal(printJson(parseJson(Buffer.from(`[${text}]`))), `[${text}]`);
  }
});

t.test('what is no JSON is refused, where JSON.parse refuses it', async (t) => {
  const wrong = ['', ' ', '{', '[1,]', '{"a":1,}', '{"a" 1}', '{a:1}', '01', '1.', '.5', '-', '+1', '1e', '"\\x"'];
  const more = ['"\\u12g4"', '"\t"', '"', 'tru', 'nulll', '[1 2]', '{} {}', '\ufeff1', "'a'", 'NaN', '[1', '{"a":[}'];
  for (const text of [...wrong, ...more]) {
    t.throws(() => parseJson(Buffer.from(text)), JsonError, text);
    t.throws(() => JSON.parse(text), text);
  }
});

t.test('what means different things to different parsers is refused', async (t) => {
  t.throws(() => parseJson(Buffer.from('{"a":1,"a":2}')), /duplicate key at byte 7/);
  t.throws(() => parseJson(Buffer.from('{"a":1,"\\u0061":2}')), /duplicate key/);
  t.throws(() => parseJson(Buffer.from([0x22, 0xff, 0x22])), /not UTF-8/);
});

t.test('skipping and parsing refuse the same texts, and deep ones never break the stack', async (t) => {
  const nasty = fc
    .array(fc.constantFrom('{', '}', '[', ']', '"a"', ':', ',', '1', '-', 'true', ' ', '\\', '"'), { maxLength: 12 })
    .map((parts) => parts.join(''));
  fc.assert(
    fc.property(nasty, (text) => {
      const bytes = Buffer.from(text.trim());
      const native = succeeds(() => JSON.parse(bytes.toString()));
      const ours = succeeds(() => parseJson(bytes));
      const duplicates = native && !ours; // the only thing that JSON.parse takes and we do not
      return (ours || !native || duplicates) && (native || !ours) && (!ours || skipValue(bytes, 0) === bytes.length);
    }),
    { numRuns: 2000 },
  );
  t.throws(() => parseJson(Buffer.from('['.repeat(100_000))), /nested deeper/);
  t.throws(() => skipValue(Buffer.from('{"a":'.repeat(100_000)), 0), /nested deeper/);
});

t.test('an error says what is wrong, and at which byte', async (t) => {
  for (const [text, message] of [
    ['"a', 'the text ends within a string at byte 2'],
    ['"a\n"', 'a control character at byte 2'],
    ['"\\x"', 'a wrong escape at byte 1'],
    ['"\\u00/0"', 'a wrong escape at byte 1'],
    ['"\\u00g0"', 'a wrong escape at byte 1'],
    ['"\\u00G0"', 'a wrong escape at byte 1'],
    ['"\\u00@0"', 'a wrong escape at byte 1'],
    ['"\\u00`0"', 'a wrong escape at byte 1'],
    ['"\\u00:0"', 'a wrong escape at byte 1'],
    ['-', 'no value at byte 0'],
    ['1.', 'a digit is missing at byte 2'],
    ['1e', 'a digit is missing at byte 2'],
    ['1e*1', 'a digit is missing at byte 2'],
    ['tru', 'no value at byte 0'],
    ['{a":1}', 'a key is missing at byte 1'],
    ['{"a"1}', '":" is missing at byte 4'],
    ['{"a":1 "b":2}', '"," is missing at byte 7'],
    ['[1 2]', '"," is missing at byte 3'],
    ['1 2', 'text behind the value at byte 2'],
  ] as const)
    t.throws(() => parseJson(Buffer.from(text)), {
      name: 'JsonError',
      message,
      offset: Number(message.split(' ').at(-1)),
    });
  t.throws(() => skipValue(Buffer.from('{a":1}'), 0), { message: 'a key is missing at byte 1' });
});

t.test('escapes and white space, whichever', async (t) => {
  const text = '[ "\\u00aF09\\u00Fa",\r\n\t"\\"\\\\\\/\\b\\f\\n\\r\\t" , null,true , false ]';
  t.equal(printJson(parseJson(Buffer.from(text))), JSON.stringify(JSON.parse(text)));
  t.equal(skipValue(Buffer.from(text), 0), text.length);
});

t.test('500 levels are read, and not one more', async (t) => {
  const lists = (depth: number) => Buffer.from('['.repeat(depth) + ']'.repeat(depth));
  const objects = (depth: number) => Buffer.from(`${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`);
  for (const nested of [lists, objects]) {
    for (const read of [parseJson, (bytes: Buffer) => skipValue(bytes, 0)]) {
      t.doesNotThrow(() => read(nested(501)), 'the outermost is at level 0');
      t.throws(() => read(nested(502)), /^nested deeper than 500 at byte \d+$/);
    }
  }
});

t.test('sorted: by code unit, on all levels', async (t) => {
  const json = parseJson(Buffer.from('{"b":[{"d":1,"c":2}],"a":{"f":1,"e":2,"é":3,"Z":4}}'));
  t.equal(printJson(json, { sorted: true }), '{"a":{"Z":4,"e":2,"f":1,"é":3},"b":[{"c":2,"d":1}]}');
  t.equal(printJson(json), '{"b":[{"d":1,"c":2}],"a":{"f":1,"e":2,"é":3,"Z":4}}');
});

function succeeds(work: () => unknown): boolean {
  try {
    return work() !== undefined;
  } catch {
    return false;
  }
}
