import { NumberValueImpl as NumberValue } from '@aws-sdk/util-dynamodb';
import fc from 'fast-check';
import { Decimal128, Double, Int32, Long, ObjectId, UUID } from 'mongodb';
import t from 'tap';
import { type CursorContent, createCursors, hashParameters, plainPosition, revive } from '../../src/bindings/cursor.ts';
import { ConfigError, RequestError } from '../../src/errors.ts';

const content: CursorContent = {
  operation: 'listMessages',
  tenant: 'acme',
  parameters: 'h',
  position: plainPosition({ sk: 'a#1', at: 5, none: null }),
};
const secret = 'a secret of some length';

t.test('what was sealed opens', async (t) => {
  const cursors = createCursors([secret]);
  const text = cursors.seal(content);
  t.ok(text.startsWith(cursors.prefix));
  t.match(text, /^[A-Za-z0-9_-]+$/, 'safe in a URL');
  t.same(cursors.open(text), { ours: true, content });
  t.notMatch(Buffer.from(text.slice(cursors.prefix.length), 'base64url').toString('latin1'), 'acme', 'cannot be read');
  t.same(cursors.open(cursors.seal({ ...content, store: 'mongodb' })), {
    ours: true,
    content: { ...content, store: 'mongodb' },
  });
});

t.test('the first secret seals, all open', async (t) => {
  const old = createCursors(['the old secret, long']).seal(content);
  t.same(createCursors([secret, 'the old secret, long']).open(old), { ours: true, content });
  t.throws(() => createCursors([secret]).open(old), RequestError);
  t.throws(() => createCursors([]), ConfigError);
});

t.test('what legacy issued is not ours', async (t) => {
  const cursors = createCursors([secret]);
  for (const text of ['', 'abc', 'XF1_abc', ' xf1_abc']) t.same(cursors.open(text), { ours: false }, text);
});

t.test('what begins like ours and does not verify is refused', async (t) => {
  const cursors = createCursors([secret]);
  const text = cursors.seal(content);
  const refused = (changed: string) => {
    try {
      cursors.open(changed);
    } catch (error) {
      return error instanceof RequestError && error.kind === 'invalidCursor';
    }
    return false;
  };
  for (const changed of [cursors.prefix, `${text}=`, `${text} `, `${text}!`, `${text}A`])
    t.ok(refused(changed), changed);
  fc.assert(
    fc.property(fc.nat({ max: text.length - 5 }), fc.constantFrom('A', 'b', '7', '_', '-', '+', ' '), (at, letter) => {
      const place = at + 4;
      const changed = text.slice(0, place) + letter + text.slice(place + 1);
      return changed === text || refused(changed);
    }),
  );
  fc.assert(fc.property(fc.nat({ max: text.length - 1 }), (length) => length < 4 || refused(text.slice(0, length))));
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (rest) => refused(cursors.prefix + rest)));
});

t.test('positions come back without loss, and alike from either store', async (t) => {
  const big = '9007199254740993';
  const precise = '0.12345678901234567890123';
  const oid = new ObjectId();
  const uuid = new UUID();
  const at = new Date(1_700_000_000_123);
  t.same(
    plainPosition({ n: NumberValue.from(big), d: NumberValue.from('1E2'), i: 3, f: 1.5 }),
    plainPosition({
      n: Long.fromString(big),
      d: Decimal128.fromString('100.0'),
      i: new Int32(3),
      f: new Double(1.5),
    }),
  );
  const plain = JSON.parse(
    JSON.stringify(
      plainPosition({ big: BigInt(big), precise: NumberValue.from(precise), oid, uuid, at, no: undefined }),
    ),
  );
  const wrapped: string[] = [];
  const wrap = (kind: string, text: string, store: string) => {
    wrapped.push(`${kind} ${store}`);
    return kind === 'objectId' ? new ObjectId(text) : kind === 'uuid' ? new UUID(text) : Decimal128.fromString(text);
  };
  const mongodb = revive(plain, 'mongodb', wrap);
  t.same(Object.keys(mongodb), ['big', 'precise', 'oid', 'uuid', 'at', 'no']);
  t.equal(mongodb.big, BigInt(big));
  t.equal(String(mongodb.precise), precise);
  t.ok(oid.equals(mongodb.oid as ObjectId));
  t.equal(String(mongodb.uuid), uuid.toString());
  t.same(mongodb.at, at);
  t.equal(mongodb.no, null);
  t.same(wrapped, ['number mongodb', 'objectId mongodb', 'uuid mongodb']);
  t.equal(revive(plain, 'dynamodb', wrap).oid, oid.toHexString());
  const rating = plainPosition({ rating: Decimal128.fromString('8.30') });
  t.equal(revive(rating, 'dynamodb', wrap).rating, 8.3);
  t.same(revive(rating, 'mongodb', wrap).rating, Decimal128.fromString('8.3'), 'as a double it would be more');
  t.throws(() => plainPosition({ a: { b: 1 } }), TypeError);
  t.throws(() => plainPosition({ a: Number.NaN }), TypeError);
  fc.assert(
    fc.property(
      fc.oneof(fc.string({ unit: 'binary' }), fc.boolean(), fc.double({ noNaN: true, noDefaultInfinity: true })),
      (value) => {
        const [back] = Object.values(revive(JSON.parse(JSON.stringify(plainPosition({ value }))), 'mongodb'));
        return back === (value === 0 ? 0 : value);
      },
    ),
  );
});

t.test('the hash of parameters knows values, not their order', async (t) => {
  t.equal(hashParameters({ a: 1, b: 'x', c: undefined }), hashParameters({ b: 'x', a: 1 }));
  t.not(hashParameters({ a: 1 }), hashParameters({ a: '1' }));
  t.not(hashParameters({ a: ['x', 'y'] }), hashParameters({ a: ['y', 'x'] }));
  t.not(hashParameters({ a: ['x,y'] }), hashParameters({ a: ['x', 'y'] }));
  t.not(hashParameters({ a: null }), hashParameters({ a: 'null' }));
  t.match(hashParameters({}), /^[\w-]{22}$/);
});
