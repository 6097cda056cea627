import type { ValueType } from '../model/comparison.ts';
import type { Shape } from '../model/shape.ts';

/** What the contract allows at a path of a comparison; `undefined` where it says nothing about it. */
export function typesAt(shape: Shape | undefined, path: string): ReadonlySet<ValueType> | undefined {
  let here = shape;
  let optional = false;
  for (const token of path.split('/').slice(1)) {
    if (here?.kind === 'array') here = token === '*' ? here.items : undefined;
    else if (here?.kind === 'object') {
      const name = token.replaceAll('~1', '/').replaceAll('~0', '~');
      const property = here.properties.find((one) => one.name === name);
      optional = property?.required !== true;
      here = property?.shape ?? (token === '*' ? here.values : undefined);
    } else return undefined;
  }
  const types = here === undefined ? undefined : TYPES[here.kind];
  if (here === undefined || types === undefined) return undefined;
  return new Set([...types, ...(here.nullable ? ['null'] : []), ...(optional ? ['absent'] : [])]);
}

const TYPES: Readonly<Partial<Record<Shape['kind'], readonly ValueType[]>>> = Object.freeze({
  object: ['object'],
  array: ['array'],
  string: ['string'],
  number: ['number'],
  integer: ['number'],
  boolean: ['boolean'],
  null: ['null'],
});
