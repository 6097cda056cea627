import type { ObjectShape, Property, Shape } from '../model/shape.ts';

type Json = Readonly<Record<string, unknown>>;

/** Follows a local `$ref`: gives the schema it points at. Throws where there is none. */
export type Resolve = (ref: string) => unknown;

type Draft = { -readonly [K in keyof ObjectShape]: ObjectShape[K] };

/**
 * A response schema → its Shape. References to one component give one node, so that a recursive schema is a cyclic
 * graph; `allOf` is merged, `nullable` of 3.0 and type arrays of 3.1 are the same.
 */
export function createShapes(resolve: Resolve): (schema: unknown) => Shape {
  const known = new Map<string, Shape>();

  const shapeOf = (schema: unknown, name?: string): Shape => {
    if (!isObject(schema)) return any(name);
    if (typeof schema.$ref === 'string') return referred(schema.$ref, schema.nullable === true);
    return build(schema, name, {});
  };

  const referred = (ref: string, nullable: boolean): Shape => {
    const seen = known.get(ref);
    if (seen !== undefined && !nullable) return seen;
    const node = {} as Shape;
    if (!nullable) known.set(ref, node);
    const name = /^#\/components\/schemas\/([^/]+)$/.exec(ref)?.[1];
    const target = resolve(ref);
    const built = isObject(target) && typeof target.$ref === 'string' ? shapeOf(target) : build(target, name, node);
    return Object.assign(node, built, nullable ? { nullable: true } : {});
  };

  const build = (schema: unknown, name: string | undefined, node: object): Shape => {
    if (!isObject(schema)) return any(name);
    const flat = Array.isArray(schema.allOf) ? merge(schema, resolve) : schema;
    const parts = Array.isArray(schema.allOf) ? partsOf(schema, resolve) : [];
    const types = typesOf(flat);
    const nullable = flat.nullable === true || types.includes('null');
    const kinds = types.filter((type) => type !== 'null');
    const branches = [flat.oneOf, flat.anyOf].find(Array.isArray) as unknown[] | undefined;
    if (branches !== undefined && !isObject(flat.properties)) return union(flat, branches, name, nullable);
    if (kinds.length > 1)
      return union(
        flat,
        kinds.map((type) => ({ ...flat, type })),
        name,
        nullable,
      );
    const [kind] = kinds;
    if (kind === 'array') return { kind, name, nullable, items: shapeOf(flat.items) };
    if (kind === 'object' || isObject(flat.properties))
      return Object.assign(object(flat, name, nullable, node), parts.length > 0 ? { parts } : {});
    if (kind === 'string' || kind === 'number' || kind === 'integer' || kind === 'boolean') {
      return { kind, name, nullable, format: text(flat.format), constant: constantOf(flat) };
    }
    if (kind === undefined && types.includes('null'))
      return { kind: 'null', name, nullable, format: undefined, constant: undefined };
    const constant = constantOf(flat);
    if (constant !== undefined) return { kind: 'string', name, nullable, format: undefined, constant };
    return any(name, nullable);
  };

  const object = (schema: Json, name: string | undefined, nullable: boolean, node: object): Shape => {
    const required = new Set(Array.isArray(schema.required) ? schema.required : []);
    const draft = Object.assign(node, { kind: 'object', name, nullable }) as Draft;
    const properties: Property[] = Object.entries(isObject(schema.properties) ? schema.properties : {}).map(
      ([property, inner]) =>
        Object.freeze({
          name: property,
          required: required.has(property),
          writeOnly: isObject(inner) && inner.writeOnly === true,
          shape: shapeOf(inner),
        }),
    );
    draft.properties = Object.freeze(properties);
    draft.values = isObject(schema.additionalProperties) ? shapeOf(schema.additionalProperties) : undefined;
    draft.free = properties.length === 0 && draft.values === undefined && schema.additionalProperties !== false;
    return draft;
  };

  const union = (schema: Json, list: readonly unknown[], name: string | undefined, nullable: boolean): Shape => {
    const all = list.map((inner) => shapeOf(inner));
    const branches = all.filter(({ kind }) => kind !== 'null');
    const orNull = nullable || branches.length < all.length;
    const [only] = branches;
    // A branch that is still being built (a recursive schema) cannot be copied.
    if (
      branches.length === 1 &&
      only?.kind !== undefined &&
      (only.kind !== 'object' || only.properties !== undefined)
    ) {
      return { ...only, nullable: orNull || only.nullable };
    }
    let merged: ObjectShape | undefined;
    return {
      kind: 'union',
      name,
      nullable: orNull,
      branches: Object.freeze(branches),
      discriminator: discriminatorOf(schema, branches),
      get merged() {
        const objects = branches.filter((branch) => branch.kind === 'object');
        if (objects.length > 0) merged ??= mergedOf(objects);
        return merged;
      },
    };
  };

  return (schema) => shapeOf(schema);
}

const any = (name: string | undefined, nullable = true): Shape => ({ kind: 'any', name, nullable });

function mergedOf(objects: readonly ObjectShape[]): ObjectShape {
  const properties = new Map<string, Property>();
  for (const object of objects) {
    for (const property of object.properties) {
      const other = properties.get(property.name);
      const everywhere = objects.every((one) =>
        one.properties.some(({ name, required }) => name === property.name && required),
      );
      if (other === undefined) properties.set(property.name, Object.freeze({ ...property, required: everywhere }));
    }
  }
  return {
    kind: 'object',
    name: undefined,
    nullable: false,
    properties: Object.freeze([...properties.values()]),
    values: objects.find(({ values }) => values !== undefined)?.values,
    free: objects.every(({ free }) => free),
    parts: Object.freeze(objects.flatMap(({ name, parts = [] }) => (name === undefined ? parts : [name, ...parts]))),
  };
}

function discriminatorOf(schema: Json, branches: readonly Shape[]) {
  const given = schema.discriminator;
  if (!isObject(given) || typeof given.propertyName !== 'string') return undefined;
  const byName = new Map(
    branches.flatMap((branch) => (branch.name === undefined ? [] : [[branch.name, branch] as const])),
  );
  const mapping = isObject(given.mapping) ? Object.entries(given.mapping) : [];
  const mapped = mapping.flatMap(([value, ref]) => {
    const branch = byName.get(String(ref).split('/').at(-1) as string);
    return branch === undefined ? [] : [[value, branch] as const];
  });
  return Object.freeze({ property: given.propertyName, branches: new Map([...byName, ...mapped]) });
}

/** Names of the component schemas that `allOf` refers to, through all levels. */
function partsOf(schema: Json, resolve: Resolve): string[] {
  return (Array.isArray(schema.allOf) ? schema.allOf : []).filter(isObject).flatMap((part) => {
    const name = typeof part.$ref === 'string' ? /^#\/components\/schemas\/([^/]+)$/.exec(part.$ref)?.[1] : undefined;
    const target = typeof part.$ref === 'string' ? resolve(part.$ref) : part;
    return [...(name === undefined ? [] : [name]), ...(isObject(target) ? partsOf(target, resolve) : [])];
  });
}

/** `allOf` and the schema around it as one: properties in order, required together, the rest by the last that says it. */
function merge(schema: Json, resolve: Resolve): Json {
  const parts = (schema.allOf as unknown[]).map((part) => {
    const target = isObject(part) && typeof part.$ref === 'string' ? resolve(part.$ref) : part;
    return isObject(target) && Array.isArray(target.allOf) ? merge(target, resolve) : target;
  });
  const { allOf: _, ...own } = schema;
  const all = [...parts, own].filter(isObject);
  const properties = Object.assign({}, ...all.map((part) => part.properties ?? {}));
  const required = all.flatMap((part) => (Array.isArray(part.required) ? part.required : []));
  const joined = Object.assign({}, ...all);
  return {
    ...joined,
    ...(Object.keys(properties).length > 0 ? { properties } : {}),
    ...(required.length > 0 ? { required } : {}),
  };
}

function typesOf({ type }: Json): readonly string[] {
  if (Array.isArray(type)) return type;
  return typeof type === 'string' ? [type] : [];
}

function constantOf(schema: Json): { readonly value: unknown } | undefined {
  if ('const' in schema) return Object.freeze({ value: schema.const });
  const values = schema.enum;
  return Array.isArray(values) && values.length === 1 ? Object.freeze({ value: values[0] }) : undefined;
}

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
