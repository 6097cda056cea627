import type { Shape } from '../model/shape.ts';

/** A member's place: its pointer with `*` for what is data, the name as it stands, and what the contract has there. */
export interface Place {
  readonly path: string;
  readonly name: string;
  readonly shape: Shape | undefined;
}

/** A name that an author would give, not one that is data. */
const DECLARED = /^[A-Za-z_$@][A-Za-z0-9_$.-]{0,63}$/;

/**
 * The member `name` of an object of this shape. A declared property keeps its name; keys of maps and of free-form
 * objects are data and become `*`; without any shape (error bodies) what looks like a name is one.
 */
export function child(shape: Shape | undefined, path: string, name: string): Place {
  const object = shape?.kind === 'union' ? shape.merged : shape;
  if (object?.kind === 'object') {
    const property = object.properties.find((one) => one.name === name);
    if (property !== undefined)
      return { path: `${path}/${escapeName(name)}`, name: escapeName(name), shape: property.shape };
    if (object.values !== undefined) return { path: `${path}/*`, name: escapeName(name), shape: object.values };
    if (object.free) return { path: `${path}/*`, name: escapeName(name), shape: ANY };
  }
  // Without a shape only the outermost names are an author's for sure.
  const data = object?.kind === 'any' || !DECLARED.test(name) || (shape === undefined && path !== '');
  return {
    path: data ? `${path}/*` : `${path}/${escapeName(name)}`,
    name: escapeName(name),
    shape: object?.kind === 'any' ? object : undefined,
  };
}

const ANY: Shape = Object.freeze({ kind: 'any', name: undefined, nullable: true });

/** Shape of the items of a list of this shape. */
export function itemsOf(shape: Shape | undefined): Shape | undefined {
  if (shape?.kind === 'array') return shape.items;
  if (shape?.kind === 'union') return itemsOf(shape.branches.find(({ kind }) => kind === 'array'));
  return shape?.kind === 'any' ? shape : undefined;
}

const escapeName = (name: string): string =>
  name.includes('/') || name.includes('~') ? name.replaceAll('~', '~0').replaceAll('/', '~1') : name;
