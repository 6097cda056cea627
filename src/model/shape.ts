/**
 * A response schema made walkable: references resolved, `allOf` merged, 3.0 and 3.1 alike. Recursive schemas are cyclic
 * graphs of these nodes. `name` is the component schema's, wherever the contract refers to it.
 */
export type Shape = ObjectShape | ArrayShape | ScalarShape | AnyShape | UnionShape;

interface Named {
  readonly name: string | undefined;
  readonly nullable: boolean;
}

export interface ObjectShape extends Named {
  readonly kind: 'object';
  /** In the contract's order. */
  readonly properties: readonly Property[];
  /** Shape of further properties where the contract gives one (`additionalProperties: {…}`): a map. */
  readonly values: Shape | undefined;
  /** `{ type: object }` with neither properties nor a map's schema: passes whole. */
  readonly free: boolean;
  /** Names of the component schemas that `allOf`, or the branches of a union, were merged from. */
  readonly parts?: readonly string[];
}

export interface Property {
  readonly name: string;
  readonly required: boolean;
  readonly writeOnly: boolean;
  readonly shape: Shape;
}

export interface ArrayShape extends Named {
  readonly kind: 'array';
  readonly items: Shape;
}

export interface ScalarShape extends Named {
  readonly kind: 'string' | 'number' | 'integer' | 'boolean' | 'null';
  readonly format: string | undefined;
  /** The single allowed value (`const`, or an `enum` of one). */
  readonly constant: { readonly value: unknown } | undefined;
}

/** No type said: any JSON passes, each value by its own nature. */
export interface AnyShape extends Named {
  readonly kind: 'any';
}

export interface UnionShape extends Named {
  readonly kind: 'union';
  readonly branches: readonly Shape[];
  readonly discriminator: { readonly property: string; readonly branches: ReadonlyMap<string, Shape> } | undefined;
  /** One object with the properties of all object branches; `undefined` where no branch is an object. */
  readonly merged: ObjectShape | undefined;
}
