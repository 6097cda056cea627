import fc from 'fast-check';
import t from 'tap';
import { offsetIn, pointersAt } from '../../src/compare/pointers.ts';
import { skipValue } from '../../src/model/json.ts';

/** What a pointer leads to, by RFC 6901. */
function at(value: unknown, pointer: string): unknown {
  const tokens = pointer.split('/').slice(1);
  return tokens.reduce<unknown>(
    (inner, token) => (inner as Record<string, unknown>)[token.replaceAll('~1', '/').replaceAll('~0', '~')],
    value,
  );
}

const valuesIn = (value: unknown): number =>
  typeof value === 'object' && value !== null
    ? 1 + Object.values(value).reduce((sum: number, one) => sum + valuesIn(one), 0)
    : 1;

t.test('every value of a body has one pointer, by the byte where it begins', async () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 4 }), fc.boolean(), (json, spaced) => {
      const value = JSON.parse(json);
      const body = Buffer.from(JSON.stringify(value, null, spaced ? 2 : undefined));
      const all = pointersAt(
        body,
        Array.from({ length: body.length }, (_, offset) => offset),
      );
      if (all.size !== valuesIn(value)) return false;
      return [...all].every(([offset, pointer]) => {
        const found = JSON.parse(body.toString('utf8', offset, skipValue(body, offset)));
        return JSON.stringify(found) === JSON.stringify(at(value, pointer));
      });
    }),
    { numRuns: 300 },
  );
});

t.test('names are escaped, and bytes of another body are in none', async (t) => {
  const body = Buffer.from('{"a/b":{"~":[0,{"":1}]}}');
  t.same([...pointersAt(body, [body.indexOf('1')]).values()], ['/a~1b/~0/1/']);
  t.equal(pointersAt(body, []).size, 0);
  t.equal(offsetIn(body, body.subarray(7, 9)), 7);
  t.equal(offsetIn(body, Buffer.from('0')), -1);
  t.equal(offsetIn(body, undefined), -1);
});
