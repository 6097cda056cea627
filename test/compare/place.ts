import t from 'tap';
import { child, itemsOf } from '../../src/compare/place.ts';
import { createShapes } from '../../src/contract/shape.ts';
import type { Shape } from '../../src/model/shape.ts';

const shapeOf = createShapes(() => undefined);
const string = { type: 'string' };
const array = { type: 'array', items: string };
const inner = shapeOf(string) as Shape;
const declared = shapeOf({ type: 'object', properties: { name: string, 'a/b~c': string } });
const map = shapeOf({ type: 'object', properties: { name: string }, additionalProperties: string });
const free = shapeOf({ type: 'object' });
const any = shapeOf({});
const union = shapeOf({ anyOf: [{ type: 'object', properties: { name: string } }, array] });

/** A shape, where an object of it stands, a member's name → its pointer, its name in the pointer, the kind of its shape. */
const ROWS: readonly (readonly [string, Shape | undefined, string, string, string, string, string | undefined])[] = [
  ['a declared property', declared, '/x', 'name', '/x/name', 'name', inner.kind],
  ['one whose name is escaped', declared, '/x', 'a/b~c', '/x/a~1b~0c', 'a~1b~0c', inner.kind],
  ['one that is not declared', declared, '/x', 'other', '/x/other', 'other', undefined],
  ['a declared property of a map', map, '/x', 'name', '/x/name', 'name', inner.kind],
  ['a key of a map', map, '/x', 'k/1', '/x/*', 'k~11', inner.kind],
  ['a key of a free-form object', free, '/x', 'k~1', '/x/*', 'k~01', 'any'],
  ['a key below it', any, '/x', 'name', '/x/*', 'name', 'any'],
  ['a property of one of several', union, '/x', 'name', '/x/name', 'name', inner.kind],
  ['without a shape: a name', undefined, '', 'message', '/message', 'message', undefined],
  ['without a shape: one letter', undefined, '', 'm', '/m', 'm', undefined],
  ['without a shape: 64 letters', undefined, '', 'm'.repeat(64), `/${'m'.repeat(64)}`, 'm'.repeat(64), undefined],
  ['without a shape: more', undefined, '', 'm'.repeat(65), '/*', 'm'.repeat(65), undefined],
  ['without a shape: no name', undefined, '', 'u 1', '/*', 'u 1', undefined],
  ['without a shape: a number', undefined, '', '17', '/*', '17', undefined],
  ['without a shape: below the outermost', undefined, '/error', 'code', '/error/*', 'code', undefined],
  ['what is no object in the contract', inner, '/x', 'name', '/x/name', 'name', undefined],
  ['what is no object in the contract: no name', inner, '/x', '17', '/x/*', '17', undefined],
];

for (const [name, shape, path, member, pointer, escaped, kind] of ROWS)
  t.test(name, async (t) => {
    const place = child(shape, path, member);
    t.equal(place.path, pointer);
    t.equal(place.name, escaped);
    t.equal(place.shape?.kind, kind);
  });

t.test('items of a list', async (t) => {
  t.equal(itemsOf(shapeOf(array))?.kind, inner.kind);
  t.equal(itemsOf(union)?.kind, inner.kind, 'of the one among several that is a list');
  t.equal(itemsOf(shapeOf({ anyOf: [string, { type: 'number' }] })), undefined);
  t.equal(itemsOf(any), any);
  t.equal(itemsOf(inner), undefined);
  t.equal(itemsOf(undefined), undefined);
});
