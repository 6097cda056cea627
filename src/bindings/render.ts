import type { Codec, Source } from '../model/binding.ts';
import type { ArrayShape, ObjectShape, Shape, UnionShape } from '../model/shape.ts';
import { bytesOf, compileEncode, fromJsonText, Undecodable } from './codecs.ts';
import { isContainer, listOf, natural, projected, sorted } from './natural.ts';
import { plainOf } from './scalar.ts';
import {
  absentText,
  codecOf,
  get,
  LIST,
  layered,
  NO_RULES,
  namesOf,
  type RendererOptions,
  type RenderInput,
  type Rules,
  rulesOf,
  type Scope,
  shapeRulesOf,
  sourceOf,
  take,
} from './sources.ts';

/** Items → the body as text. Throws Undecodable, naming the pointer, where a value cannot be written. */
export type Render = (input: RenderInput) => string;

export type Write = (value: unknown, scope: Scope) => string;

/** Compiles a response shape and its sources, for one store, to a function that writes the body. */
export function compileRenderer(options: RendererOptions): Render {
  const { shape } = options;
  if (shape === undefined) return () => '';
  const rules = rulesOf(options);
  const write = compiler(options).compile(shape, rules, '');
  const root = rules.own === undefined ? undefined : sourceOf(rules.own, options.store, '');
  return (input) => {
    const value = options.items === undefined ? input.item : options.items === '' ? input.items : undefined;
    const scope: Scope = { input, element: value, parent: undefined, item: input.item, chain: [] };
    return write(root === undefined ? value : take(root, value, value, scope), scope);
  };
}

/** How one place of the body is written; for a renderer that does the others in another way. */
export const compileField = (options: RendererOptions): Compiler['field'] => compiler(options).field;

interface Compiler {
  readonly compile: (shape: Shape, rules: Rules, pointer: string) => Write;
  readonly field: (shape: Shape, source: Source | undefined, rules: Rules, at: string) => Write;
}

/** A writer per shape, made once; recursive shapes are made when first met at run time. */
function compiler(options: RendererOptions): Compiler {
  const plain = new Map<Shape, Write>();
  const shapeRules = shapeRulesOf(options.shapes);

  const compile = (shape: Shape, rules: Rules, pointer: string): Write => {
    const bare = rules.children.size === 0;
    const known = bare ? plain.get(shape) : undefined;
    if (known !== undefined) return known;
    let made: Write | undefined;
    // Sources of a component's shape are relative to the value that is written with it.
    const entered = namesOf(shape).some((name) => shapeRules.has(name));
    const lazy: Write = (value, given) => {
      const scope =
        entered && value !== undefined && value !== given.element
          ? { ...given, element: value, parent: given.element }
          : given;
      made ??= build(
        shape,
        namesOf(shape).reduce((upper, name) => layered(upper, shapeRules.get(name) ?? NO_RULES), rules),
        pointer,
      );
      return made(value, scope);
    };
    if (bare) plain.set(shape, lazy);
    return lazy;
  };

  const build = (shape: Shape, rules: Rules, pointer: string): Write => {
    switch (shape.kind) {
      case 'object':
        return objectWriter(shape, rules, pointer);
      case 'array':
        return arrayWriter(shape, rules, pointer);
      case 'union':
        return unionWriter(shape, rules, pointer);
      case 'any':
        return (value) => natural(value, pointer);
      default:
        return scalarWriter(shape, undefined, pointer, options);
    }
  };

  const objectWriter = (shape: ObjectShape, rules: Rules, pointer: string): Write => {
    if (shape.free && rules.children.size === 0) return (value) => natural(value, pointer);
    const fields = shape.properties
      .filter(({ writeOnly }) => !writeOnly)
      .map((property) => {
        const inner = rules.children.get(property.name) ?? NO_RULES;
        const ownRules = property.shape.name === undefined ? undefined : shapeRules.get(property.shape.name)?.own;
        const source = inner.own ?? ownRules;
        const at = `${pointer}/${property.name}`;
        const isList = at === options.items;
        return {
          name: property.name,
          shape: property.shape,
          key: `${JSON.stringify(property.name)}:`,
          taken: isList ? LIST : source === undefined ? undefined : sourceOf(source, options.store, at),
          write: fieldWriter(property.shape, source, inner, at),
          constant: property.required ? constantText(property.shape) : undefined,
          absent:
            absentText(source, options.store) ??
            (options.absentAs === 'null' && property.shape.nullable ? 'null' : undefined),
        };
      });
    const declared = new Set(shape.properties.map(({ name }) => name));
    const values =
      shape.values === undefined
        ? undefined
        : compile(shape.values, rules.children.get('*') ?? NO_RULES, `${pointer}/*`);
    const open = options.open === true;
    const write: Write = (value, scope) => {
      const bare = isBare(value);
      const named = bare ? undefined : plainOf(value);
      if (value !== undefined && named !== undefined) return violation(value, shape, pointer);
      const several = bare ? undefined : listOf(value);
      if (several !== undefined) {
        options.onViolation?.(pointer);
        return `[${several.map((one) => write(one, { ...scope, element: one, parent: scope.element })).join(',')}]`;
      }
      let text = '';
      for (const field of fields) {
        const inner =
          field.taken === undefined ? get(value, field.name) : take(field.taken, value, scope.element, scope);
        let written: string | undefined;
        if (inner !== undefined) written = field.write(inner, scope);
        else if (field.constant !== undefined) written = field.constant;
        else if (field.absent !== undefined) written = field.absent;
        if (written === undefined && inner === undefined && hasSources(field.name)) written = assembled(field, scope);
        if (written !== undefined) text += `${text === '' ? '' : ','}${field.key}${written}`;
      }
      const rest = values ?? (open ? openWrite : undefined);
      if (rest !== undefined && value !== undefined) {
        for (const [name, inner] of sorted(value as object)) {
          if (declared.has(name) || inner === undefined) continue;
          text += `${text === '' ? '' : ','}${JSON.stringify(name)}:${rest(inner, { ...scope, element: inner, parent: scope.element })}`;
        }
      }
      return `{${text}}`;
    };
    return write;

    function hasSources(name: string): boolean {
      return (rules.children.get(name)?.children.size ?? 0) > 0;
    }
    function assembled(field: { readonly write: Write; readonly shape: Shape }, scope: Scope): string | undefined {
      if (scope.chain.includes(field.shape)) return undefined;
      const written = field.write(undefined, { ...scope, chain: [...scope.chain, field.shape] });
      return written === '{}' ? undefined : written;
    }
    function openWrite(inner: unknown): string {
      return natural(inner, pointer);
    }
  };

  const fieldWriter = (shape: Shape, source: Source | undefined, rules: Rules, at: string): Write => {
    const codec = codecOf(source, options.store);
    if (codec === undefined) return compile(shape, rules, at);
    if (codec === 'json') {
      const inner = compile(shape, rules, at);
      return (value, scope) => inner(fromJsonText(value, at), scope);
    }
    const scalar = scalarWriter(shape, codec, at, options);
    return shape.kind === 'array'
      ? arrayOf(shape, () => scalarWriter(shape.items, codec, `${at}/*`, options), rules, at)
      : scalar;
  };

  const arrayWriter = (shape: ArrayShape, rules: Rules, pointer: string): Write =>
    arrayOf(shape, (own) => fieldWriter(shape.items, own.own, own, `${pointer}/*`), rules, pointer);

  const arrayOf = (shape: Shape, element: (own: Rules) => Write, rules: Rules, pointer: string): Write => {
    const star = rules.children.get('*') ?? NO_RULES;
    const writerOf = (own: Rules) => ({
      taken: own.own === undefined ? undefined : sourceOf(own.own, options.store, `${pointer}/*`),
      write: element(own),
    });
    const every = writerOf(star);
    const single = new Map(
      [...rules.children]
        .filter(([token]) => token !== '*')
        .map(([token, own]) => [Number(token), writerOf(layered(own, star))] as const),
    );
    const isRoot = pointer === options.items;
    return (value, scope) => {
      const list = listOf(value);
      if (list === undefined) return violation(value, shape, pointer);
      const texts = list.map((given, index) => {
        const { taken, write } = single.get(index) ?? every;
        const inner: Scope = { ...scope, element: given, parent: scope.element, item: isRoot ? given : scope.item };
        const one = taken === undefined ? given : take(taken, given, given, inner);
        return one === undefined ? 'null' : write(one, inner);
      });
      return `[${texts.join(',')}]`;
    };
  };

  const unionWriter = (shape: UnionShape, rules: Rules, pointer: string): Write => {
    const writers = new Map(shape.branches.map((branch) => [branch, compile(branch, rules, pointer)]));
    const merged = shape.merged === undefined ? undefined : compile(shape.merged, rules, pointer);
    const objects = shape.branches.filter(({ kind }) => kind === 'object');
    const arrays = shape.branches.find(({ kind }) => kind === 'array');
    const scalars = shape.branches.filter(({ kind }) => kind !== 'object' && kind !== 'array');
    const branchOf = (value: unknown, scope: Scope): Shape | undefined => {
      const tag = shape.discriminator === undefined ? undefined : get(value, shape.discriminator.property);
      const named = tag === undefined ? undefined : shape.discriminator?.branches.get(String(tag));
      if (named !== undefined) return named;
      const variant = options.variant?.(value ?? scope.item);
      const chosen = variant === undefined ? undefined : shape.branches.find(({ name }) => name === variant);
      return chosen ?? (objects.length === 1 ? objects[0] : undefined);
    };
    return (value, scope) => {
      if (value === null) return 'null';
      if (plainOf(value) !== undefined && value !== undefined) {
        const [only] = scalars;
        return scalars.length === 1 && only !== undefined
          ? (writers.get(only) as Write)(value, scope)
          : natural(value, pointer);
      }
      if (listOf(value) !== undefined && arrays !== undefined) return (writers.get(arrays) as Write)(value, scope);
      const branch = branchOf(value, scope);
      const write = branch === undefined ? merged : writers.get(branch);
      return write === undefined ? violation(value, shape, pointer) : write(value, scope);
    };
  };

  const violation = (value: unknown, { nullable }: Shape, pointer: string): string => {
    if (value !== null || !nullable) options.onViolation?.(pointer);
    return projected(value);
  };

  return { compile, field: fieldWriter };
}

/** An object of no class: neither a scalar of a store nor a list. */
const isBare = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;

const KINDS: Readonly<Record<string, string>> = Object.freeze({
  string: 'string',
  number: 'number',
  integer: 'number',
  boolean: 'boolean',
});

/** A number as we print them that is no integer: `1.5` and `1e-7`, not `1.5e+30`. */
const FRACTION = /^-?\d+(\.\d+(?!\d*e\+)|e-)/;

export function scalarWriter(shape: Shape, codec: Codec | undefined, pointer: string, options: RendererOptions): Write {
  const encode = compileEncode(shape, codec);
  const want = KINDS[shape.kind];
  return (value) => {
    // What there is most of is written as by what follows.
    if (codec === undefined && typeof value === 'string') {
      if (want !== undefined && want !== 'string') options.onViolation?.(pointer);
      return JSON.stringify(value);
    }
    if (value === null) {
      if (!shape.nullable && shape.kind !== 'null') options.onViolation?.(pointer);
      return 'null';
    }
    try {
      if (codec === undefined && plainOf(value) === undefined && bytesOf(value) === undefined) {
        if (!isContainer(value)) throw new Undecodable('a value of no JSON kind');
        options.onViolation?.(pointer);
        return projected(value);
      }
      const text = encode(value);
      const kind = text[0] === '"' ? 'string' : text === 'true' || text === 'false' ? 'boolean' : 'number';
      if ((want !== undefined && kind !== want) || (shape.kind === 'integer' && FRACTION.test(text))) {
        options.onViolation?.(pointer);
      }
      return text;
    } catch (error) {
      if (error instanceof Undecodable && !error.message.startsWith('/'))
        throw new Undecodable(`${pointer || '/'}: ${error.message}`);
      throw error;
    }
  };
}

export function constantText(shape: Shape): string | undefined {
  return 'constant' in shape && shape.constant !== undefined ? JSON.stringify(shape.constant.value) : undefined;
}
