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

function succeeds(work: () => unknown): boolean {
  try {
    return work() !== undefined;
  } catch {
    return false;
  }
}
