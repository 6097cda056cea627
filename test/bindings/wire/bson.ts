import { Binary, BSON, Decimal128, Double, Long, ObjectId, UUID } from 'mongodb';
import t from 'tap';
import { Undecodable } from '../../../src/bindings/codecs.ts';
import { loadBindings } from '../../../src/bindings/load.ts';
import { compileRenderer } from '../../../src/bindings/render.ts';
import type { RendererOptions } from '../../../src/bindings/sources.ts';
import { compileBson } from '../../../src/bindings/wire/bson.ts';
import { programOf } from '../../../src/bindings/wire/plan.ts';
import { Room } from '../../../src/bindings/wire/room.ts';
import { createShapes } from '../../../src/contract/shape.ts';
import type { PageFacts } from '../../../src/model/binding.ts';
import type { WireItem } from '../../../src/model/wire.ts';
import { randomOf, type WireCase, wireCase } from '../../support/wire-documents.ts';

/** All share it, as the operations of an API do. */
const ROOM = new Room();

type Given = Partial<Omit<WireCase, 'documents'>> & Pick<WireCase, 'schema'>;

const decode = ({ bytes, start, end }: WireItem) =>
  BSON.deserialize(bytes.subarray(start, end), { promoteLongs: false });

/** In the middle of other bytes, as in a reply. */
function asSent(documents: readonly Uint8Array[]): WireItem[] {
  const gap = Buffer.from([1, 2, 3]);
  const bytes = Buffer.concat(documents.flatMap((document) => [gap, document]));
  let at = 0;
  return documents.map(({ length }) => {
    const start = at + gap.length;
    at = start + length;
    return { bytes, start, end: at };
  });
}

/** Both renderers of one operation; `plain` throws where a value breaks the contract, or cannot be written. */
function renderers({ schema, components = {}, sources = {}, shapes = {}, items, page = {}, absentAs, open }: Given) {
  let violations = 0;
  const options: RendererOptions = {
    ...{ where: 'test', store: 'mongodb', sources, shapes, items, page },
    shape: createShapes((name) => components[name.split('/').at(-1) as string])(schema),
    ...(absentAs === undefined ? {} : { absentAs }),
    ...(open === undefined ? {} : { open }),
    onViolation: () => {
      violations += 1;
    },
  };
  const render = compileRenderer(options);
  const program = programOf(options);
  const wire = program === undefined ? undefined : compileBson(program, ROOM.mongodb);
  const given = { request: {} as never, page: { count: 1, more: true, next: 'n"', total: 7 } as PageFacts };
  const list = items !== undefined;
  return {
    planned: program !== undefined,
    plain(sent: readonly WireItem[]): string {
      const decoded = sent.map(decode);
      violations = 0;
      const body = render({ item: list ? undefined : decoded[0], items: list ? decoded : undefined, ...given });
      if (violations > 0) throw new Undecodable(`${violations} values break the contract`);
      return body.toString();
    },
    wire: (sent: readonly WireItem[]): string | undefined => wire?.({ items: sent, ...given, decode })?.toString(),
  };
}

const CASES = Number(process.env.WIRE_CASES ?? 400);
const FROM = Number(process.env.WIRE_FROM ?? 0);
const DOCUMENTS = 12;

t.test(
  `${CASES} contracts with ${DOCUMENTS} documents each: what is written is what the plain renderer writes`,
  async (t) => {
    const seen = { written: 0, left: 0, needlessly: 0, unplanned: 0 };
    for (let seed = FROM; seed < FROM + CASES; seed += 1) {
      const one = wireCase(seed);
      const { planned, plain, wire } = renderers(one);
      if (!planned) seen.unplanned += 1;
      const sent = asSent(
        one.documents(DOCUMENTS).map((document) => BSON.serialize(document, { ignoreUndefined: seed % 2 === 0 })),
      );
      for (const batch of one.items === undefined
        ? sent.map((item) => [item])
        : [sent, sent.slice(0, 3), [], ...sent.map((item) => [item])]) {
        const made = wire(batch);
        if (made === undefined) seen.left += 1;
        else seen.written += 1;
        let wanted: string;
        try {
          wanted = plain(batch);
        } catch (error) {
          if (made !== undefined)
            t.fail(`case ${seed}: ${made} was written, and the plain renderer said ${(error as Error).message}`);
          continue;
        }
        if (made === undefined) seen.needlessly += 1;
        if (made !== undefined && made !== wanted) t.fail(`case ${seed}`, { made, wanted });
      }
      if (!t.passing()) break;
    }
    t.comment(JSON.stringify(seen));
    t.ok(seen.written > seen.needlessly, 'most of what can be written is');
  },
);

const object = (properties: Readonly<Record<string, unknown>>, more: object = {}) => ({
  type: 'object',
  properties,
  ...more,
});
const text = { type: 'string' };

t.test('each type as the plain renderer writes it', async (t) => {
  const kinds = {
    ...{ text, id: text, uuid: text, bytes: text, at: { type: 'string', format: 'date-time' } },
    ...{ day: { type: 'string', format: 'date' }, int: { type: 'integer' }, long: { type: 'integer' } },
    ...{
      decimal: { type: 'number' },
      double: { type: 'number' },
      yes: { type: 'boolean' },
      none: { ...text, nullable: true },
    },
  };
  const { plain, wire } = renderers({ schema: object({ ...kinds, free: {}, list: { type: 'array', items: text } }) });
  const sent = asSent([
    BSON.serialize({
      ...{ text: 'a"b\n\u0001é😀', id: new ObjectId(), uuid: new UUID(), bytes: new Binary(Buffer.from('abcd')) },
      ...{
        at: new Date(1_767_600_000_123),
        day: new Date(1_767_600_000_123),
        int: 7,
        double: 8.3,
        yes: true,
        none: null,
      },
      ...{ long: Long.fromString('9007199254740993'), decimal: Decimal128.fromString('1.50'), list: ['a', 'b'] },
      free: { b: [1, { z: null, a: 'x' }], a: new Date(0) },
    }),
  ]);
  const body = wire(sent);
  t.equal(body, plain(sent));
  t.match(body, /"long":9007199254740993,"decimal":1.5,"double":8.3/);
});

t.test('what the plain renderer must see is left to it', async (t) => {
  const schema = object({ a: text, b: { type: 'integer' }, c: object({ d: text }), n: { type: 'number' } });
  const { wire } = renderers({ schema });
  const document = { a: 'text', b: 1, c: { d: 'deep' }, n: 1.5 };
  const sent = (change: (bytes: Buffer) => unknown, of: object = document) => {
    const bytes = Buffer.from(BSON.serialize(of));
    change(bytes);
    return wire(asSent([bytes]));
  };
  const at = (bytes: Buffer, what: string, by: number, byte: number) =>
    bytes.writeUInt8(byte, bytes.indexOf(what) + by);
  t.equal(
    sent(() => {}),
    '{"a":"text","b":1,"c":{"d":"deep"},"n":1.5}',
  );
  const changed = {
    'no UTF-8': (bytes: Buffer) => at(bytes, 'text', 0, 0xff),
    'half a pair': (bytes: Buffer) => bytes.write('eda080', bytes.indexOf('text'), 'hex'),
    'a longer form than needed': (bytes: Buffer) => bytes.write('c0af', bytes.indexOf('text'), 'hex'),
    'the same name twice': (bytes: Buffer) => at(bytes, 'b\0', 0, 0x61),
    'a type that there is not': (bytes: Buffer) => at(bytes, 'b\0', -1, 0x77),
    'a string without its end': (bytes: Buffer) => at(bytes, 'text', 4, 0x20),
    'a string beyond the document': (bytes: Buffer) => at(bytes, 'a\0', 2, 0xff),
    'an embedded document that is longer': (bytes: Buffer) => at(bytes, 'c\0', 2, 0x7f),
    'a name that a client of the store knows': (bytes: Buffer) => at(bytes, 'd\0', 0, 0x24),
  };
  for (const [name, change] of Object.entries(changed)) t.equal(sent(change), undefined, name);
  const values = {
    a: [7, null, ['x'], /x/],
    b: [1.5, 'x', Double.fromString('NaN'), Long.MAX_VALUE.div(2), true],
    c: ['x', []],
    n: [null],
  };
  for (const [name, all] of Object.entries(values))
    for (const value of all) {
      const made = sent(() => {}, { ...document, [name]: value });
      if (Long.isLong(value)) t.match(made, /4611686018427387903/);
      else t.equal(made, undefined, `${name}: ${String(value)}`);
    }
});

t.test('bytes that were changed give no broken JSON', async (t) => {
  const random = randomOf(7);
  for (let seed = 0; seed < 150; seed += 1) {
    const one = wireCase(seed);
    const { plain, wire } = renderers({ ...one, sources: {}, shapes: {} });
    for (const document of one.documents(4)) {
      const bytes = Buffer.from(BSON.serialize(document));
      for (let n = 0; n < 3; n += 1) bytes[4 + Math.floor(random() * (bytes.length - 4))] = Math.floor(random() * 256);
      const sent = asSent([bytes]);
      const made = wire(sent);
      if (made === undefined) continue;
      t.doesNotThrow(() => JSON.parse(made), `case ${seed}`);
      // What the client of the store refuses may lie where no reply looks.
      let wanted: string | undefined;
      try {
        wanted = plain(sent);
      } catch {}
      if (wanted !== undefined) t.equal(made, wanted, `case ${seed}`);
    }
  }
});

t.test('one renderer’s bodies do not share their bytes, and a large one leaves nothing behind', async (t) => {
  const options = { where: 'test', store: 'mongodb', sources: {}, shapes: {}, items: undefined, page: {} } as const;
  const shape = createShapes(() => undefined)(object({ a: text }));
  const program = programOf({ ...options, shape });
  if (program === undefined) throw new Error('there is no plan');
  const render = compileBson(program);
  const body = (a: string) => {
    const items = asSent([BSON.serialize({ a })]);
    return render({ items, request: {} as never, page: {} as never, decode });
  };
  const [first, large, last] = [body('first'), body('x'.repeat(3_000_000)), body('last')];
  t.strictSame([String(first), large?.length, String(last)], ['{"a":"first"}', 3_000_008, '{"a":"last"}']);
});

t.test('all reads of the sample API are written from what MongoDB sent', async (t) => {
  const { operations } = await loadBindings('openapi/photos.bindings.ts', { legacy: true });
  for (const { id, stores } of operations) if (stores.mongodb) t.type(stores.mongodb.renderWire, 'function', id);
});
