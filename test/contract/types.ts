import t from 'tap';
import { createShapes } from '../../src/contract/shape.ts';
import { typesAt } from '../../src/contract/types.ts';

const shape = createShapes(() => undefined)({
  type: 'object',
  required: ['id', 'list'],
  properties: {
    id: { type: 'integer' },
    note: { type: ['string', 'null'] },
    'a/b': { type: 'boolean' },
    list: { type: 'array', items: { type: 'object', required: ['x'], properties: { x: { type: 'number' } } } },
    map: { type: 'object', additionalProperties: { type: 'string' } },
    either: { oneOf: [{ type: 'string' }, { type: 'number' }] },
  },
});

const CASES: readonly (readonly [string, readonly string[] | undefined])[] = [
  ['/id', ['number']],
  ['/note', ['absent', 'null', 'string']],
  ['/a~1b', ['absent', 'boolean']],
  ['/list', ['array']],
  ['/list/*', ['object']],
  ['/list/*/x', ['number']],
  ['/map/*', ['absent', 'string']],
  ['/either', undefined],
  ['/none', undefined],
  ['/id/deeper', undefined],
  ['', ['object']],
];

for (const [path, types] of CASES)
  t.test(path, async (t) => {
    const found = typesAt(shape, path);
    t.same(found && [...found].sort(), types);
  });
