import t from 'tap';
import { framed } from '../../src/drivers/dynamodb/frame.ts';
import { Marker } from '../../src/drivers/dynamodb/marker.ts';
import { MARK } from '../../src/model/attributes.ts';

/** Name, value and whether it is known to be a string without escapes, of each attribute of each item. */
const marked = (marker: Marker, items: readonly string[]) =>
  framed(Buffer.from(`{"Items":[${items.join(',')}]}`), marker).items.map(({ bytes, marks }) => {
    if (marks === undefined) return undefined;
    const found: unknown[] = [];
    for (let mark = marks.from; mark < marks.to; mark += MARK) {
      const [name, value, end, which] = marks.tape.subarray(mark, mark + MARK) as unknown as number[] as [
        number,
        number,
        number,
        number,
      ];
      if (which !== -1) t.equal(`"${marks.names[which >> 1]}":`, bytes.toString('utf8', name, value));
      found.push([bytes.toString('utf8', name, value), bytes.toString('utf8', value, end), which !== -1 && which & 1]);
    }
    return found;
  });

const ITEMS: readonly (readonly [item: string, marked: unknown])[] = [
  ['{}', []],
  ['{"a":{"S":"x"}}', [['"a":', '{"S":"x"}', 1]]],
  ['{"a":{"S":""}}', [['"a":', '{"S":""}', 1]]],
  ['{"a":{"N":"1"}}', [['"a":', '{"N":"1"}', 1]]],
  ['{"a":{"S":"x\\"y"}}', [['"a":', '{"S":"x\\"y"}', 0]]],
  ['{"a":{"S":"写真, ünï, \u007f"}}', [['"a":', '{"S":"写真, ünï, \u007f"}', 1]]],
  ['{"":{"SS":["x"]}}', [['"":', '{"SS":["x"]}', 0]]],
  [
    '{"b":{"S":"1"},"a":{"S":"2"}}',
    [
      ['"b":', '{"S":"1"}', 1],
      ['"a":', '{"S":"2"}', 1],
    ],
  ],
  [
    '{"a":{"M":{"b":{"BOOL":true}}},"n":{"NULL":true}}',
    [
      ['"a":', '{"M":{"b":{"BOOL":true}}}', 0],
      ['"n":', '{"NULL":true}', 0],
    ],
  ],
  ['{"a\\u0062":{"S":"x"}}', [['"a\\u0062":', '{"S":"x"}', false]]],
  [`{"${'n'.repeat(200)}":{"S":"x"}}`, [[`"${'n'.repeat(200)}":`, '{"S":"x"}', false]]],
  ['{"a": {"S":"x"}}', undefined],
  ['{"a":{"S":"x","N":"1"}}', undefined],
  ['{"a":{"Q":"x"}}', undefined],
  ['{"a":{"S":1}}', undefined],
];

t.test('each item is marked the same, whatever came before it', (t) => {
  const marker = new Marker();
  for (const [first] of ITEMS)
    for (const [item, want] of ITEMS) {
      t.same(marked(new Marker(), [item]), [want], item);
      t.same(marked(marker, [first, item, item]).slice(1), [want, want], `${item} behind ${first}`);
    }
  t.end();
});

t.test('what is no JSON is refused behind any item', (t) => {
  const marker = new Marker();
  for (const wrong of [
    '{"a":{"S":"x\ny"}}',
    '{"a":{"S":"x\\q"}}',
    '{"a":{"S":"x"},}',
    '{"a":{"S":"x"',
    '{"a":{"S":"',
    '{"a',
  ])
    for (const [first] of ITEMS)
      t.throws(() => framed(Buffer.from(`{"Items":[${first},${wrong}]}`), marker), { message: /SyntaxError/ }, wrong);
  t.end();
});

t.test('names without end are marked, and not kept', (t) => {
  const marker = new Marker();
  for (let at = 0; at < 2_000; at += 1)
    t.match(marked(marker, [`{"name${at}":{"S":"x"}}`]), [[[`"name${at}":`, '{"S":"x"}', at < 512 ? 1 : false]]]);
  t.end();
});

t.test('marks of a reply stay while others are framed', (t) => {
  const marker = new Marker();
  const texts = Array.from({ length: 40 }, (_, at) => `{"a":{"S":"${'x'.repeat(at * 500)}"},"b":{"N":"${at}"}}`);
  const pages = texts.map((text) => framed(Buffer.from(`{"Items":[${text},${text}]}`), marker));
  pages.forEach(({ items }, at) => {
    for (const { bytes, marks } of items)
      t.equal(bytes.toString('utf8', marks?.tape[marks.to - 3], marks?.tape[marks.to - 2]), `{"N":"${at}"}`);
  });
  t.end();
});

t.test('marks are written upon once they are given back, and only then', (t) => {
  const marker = new Marker();
  const page = (text: string) => framed(Buffer.from(`{"Items":[{"a":{"S":"${text}"}}]}`), marker).items;
  const textOf = ([item]: ReturnType<typeof page>) =>
    item?.bytes.toString('utf8', item.marks?.tape[item.marks.from + 1], item.marks?.tape[item.marks.from + 2]);
  const first = page('first');
  const second = page('the second');
  marker.giveBack(first[0]?.bytes as Buffer);
  const third = page('a third');
  t.equal(textOf(first), '{"S":"first"}', 'another came behind it');
  t.equal(textOf(second), '{"S":"the second"}');
  marker.giveBack(third[0]?.bytes as Buffer);
  marker.giveBack(third[0]?.bytes as Buffer);
  const fourth = page('the fourth one');
  t.equal(fourth[0]?.marks?.from, third[0]?.marks?.from);
  marker.giveBack(third[0]?.bytes as Buffer);
  const fifth = page('5');
  t.same([first, second, fourth, fifth].map(textOf), [
    '{"S":"first"}',
    '{"S":"the second"}',
    '{"S":"the fourth one"}',
    '{"S":"5"}',
  ]);
  t.end();
});
