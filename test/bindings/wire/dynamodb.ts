import { inspect, isDeepStrictEqual } from 'node:util';
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { NumberValue } from '@aws-sdk/lib-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { test } from 'tap';
import { compileDynamoDb } from '../../../src/bindings/wire/dynamodb.ts';
import { programOf } from '../../../src/bindings/wire/plan.ts';
import { Room } from '../../../src/bindings/wire/room.ts';
import { decodeItem, viewItem } from '../../../src/drivers/dynamodb/decode.ts';
import { framed } from '../../../src/drivers/dynamodb/frame.ts';
import { Marker } from '../../../src/drivers/dynamodb/marker.ts';
import { exactDouble } from '../../../src/model/number.ts';
import type { WireItem } from '../../../src/model/wire.ts';
import { Chance, fitting, itemShape, optionsOf, PAGE, plainRenderer, type Value } from '../../support/wire-fuzz.ts';

/** Items of one run; `WIRE_FUZZ_ITEMS` and `WIRE_FUZZ_SEED` make another. */
const ITEMS = Number(process.env.WIRE_FUZZ_ITEMS ?? 20_000);
const SEED = Number(process.env.WIRE_FUZZ_SEED ?? 20_260_105);

/** As DynamoDB writes a value; maps now and then with a name twice. */
function written(chance: Chance, value: Value): string {
  switch (value.kind) {
    case 'text':
      return `{"S":${quoted(chance, value.text)}}`;
    case 'number':
      return `{"N":"${value.text}"}`;
    case 'boolean':
      return `{"BOOL":${value.value}}`;
    case 'null':
      return '{"NULL":true}';
    case 'binary':
      return `{"B":"${value.bytes.toString('base64')}"}`;
    case 'texts':
      return `{"SS":[${value.texts.map((text) => quoted(chance, text)).join(',')}]}`;
    case 'numbers':
      return `{"NS":[${value.texts.map((text) => `"${text}"`).join(',')}]}`;
    case 'list':
      return `{"L":[${value.items.map((item) => written(chance, item)).join(',')}]}`;
    default:
      return `{"M":${mapText(chance, value)}}`;
  }
}

function mapText(chance: Chance, { entries }: Value & { readonly kind: 'map' }): string {
  const all = chance.in(60) ? [...entries, ...entries.slice(0, 1)] : entries;
  return `{${all.map(([name, value]) => `${quoted(chance, name)}:${written(chance, value)}`).join(',')}}`;
}

/** JSON has several ways to write one text. */
function quoted(chance: Chance, text: string): string {
  const usual = JSON.stringify(text);
  if (!chance.in(30)) return usual;
  return usual.replaceAll('/', '\\/').replaceAll('a', '\\u0061').replaceAll('\\n', '\\u000a');
}

const wrapNumbers = (text: string) => exactDouble(text) ?? NumberValue.from(text);

/** By the SDK, which has decoded binaries before. */
function decodedByAws(text: string): unknown {
  const binary = (_key: string, value: unknown) =>
    typeof value === 'object' &&
    value !== null &&
    'B' in value &&
    typeof value.B === 'string' &&
    Object.keys(value).length === 1
      ? { B: new Uint8Array(Buffer.from(value.B, 'base64')) }
      : value;
  return unmarshall(JSON.parse(text, binary) as Record<string, AttributeValue>, { wrapNumbers: wrapNumbers as never });
}

test(`what the renderer writes of ${ITEMS} items is what the plain one writes of them, decoded`, async (t) => {
  const chance = new Chance(SEED);
  // As those of an API do, whose operations are asked by turns.
  const room = new Room();
  // As a reader does, which remembers the names of all its replies.
  const marker = new Marker();
  const seen = { plans: 0, unplanned: 0, bodies: 0, same: 0, unmarked: 0, plainly: 0, wrong: 0 };
  for (let items = 0; items < ITEMS; ) {
    const options = optionsOf(chance, 'dynamodb');
    const program = programOf(options);
    if (program === undefined) {
      seen.unplanned += 1;
      continue;
    }
    seen.plans += 1;
    const render = compileDynamoDb(program, room.dynamodb);
    const plain = plainRenderer(options);
    const shape = itemShape(options);
    for (let round = 0; round < 20; round += 1) {
      const count = options.items === undefined ? 1 : chance.next(4);
      const texts = Array.from({ length: count }, () => {
        const value = fitting(chance, shape, 3);
        return mapText(chance, value.kind === 'map' ? value : { kind: 'map', entries: [['a', value]] });
      });
      items += Math.max(1, count);
      const wire = framed(Buffer.from(`{"Count":${count},"Items":[${texts.join(',')}]}`), marker).items;
      for (const item of wire) if (item.marks === undefined) seen.unmarked += 1;
      const got = render({ items: wire, request: {} as never, page: PAGE, decode: viewItem });
      const decoded = wire.map(decodeItem);
      if (items % 7 === 0 && !texts.some((text) => text.includes('__proto__')))
        if (!isDeepStrictEqual(decoded, texts.map(decodedByAws))) t.fail(`decoded otherwise than by the SDK: ${texts}`);
      const want = plain(decoded);
      seen.bodies += 1;
      // What is not written as DynamoDB writes has no marks.
      const bare = wire.map(({ bytes, start, end }): WireItem => ({ bytes, start, end }));
      const gotBare = render({ items: bare, request: {} as never, page: PAGE, decode: decodeItem });
      if (String(gotBare) !== String(got)) t.fail(`otherwise with marks: ${got} ${gotBare} ${texts.join(',')}`);
      if (got === undefined) seen.plainly += want === undefined ? 0 : 1;
      else if (want?.equals(got) === true) seen.same += 1;
      else {
        seen.wrong += 1;
        if (seen.wrong < 4)
          t.equal(
            String(got),
            String(want),
            `${texts.join(',')} with ${JSON.stringify(options.sources)} ${inspect(options.shape, { depth: 6 })}`,
          );
      }
    }
  }
  t.comment(seen);
  t.equal(seen.wrong, 0);
  t.equal(seen.unmarked, 0, 'rendered from the marks, as in production');
  t.ok(seen.same > seen.plainly, 'what can be written is most often written without the plain one');
});
