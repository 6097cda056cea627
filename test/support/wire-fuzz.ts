import { compileRenderer } from '../../src/bindings/render.ts';
import type { RendererOptions } from '../../src/bindings/sources.ts';
import { createShapes } from '../../src/contract/shape.ts';
import type { Source, Sources } from '../../src/model/binding.ts';
import type { Item } from '../../src/model/call.ts';
import type { StoreName } from '../../src/model/stage.ts';

/** Reproducible chance (mulberry32). */
export class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 on, less than `below`. */
  next(below: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % below;
  }

  one<T>(list: readonly T[]): T {
    return list[this.next(list.length)] as T;
  }

  in(many: number): boolean {
    return this.next(many) === 0;
  }

  shuffled<T>(list: readonly T[]): T[] {
    const left = [...list];
    for (let i = left.length - 1; i > 0; i -= 1) {
      const j = this.next(i + 1);
      [left[i], left[j]] = [left[j] as T, left[i] as T];
    }
    return left;
  }
}

const NAMES = ['a', 'b', 'c', 'at', 'name', 'ünï', 'x"y', '0', '1', 'é.f'];

export type Schema = Readonly<Record<string, unknown>>;

const COMPONENTS: Readonly<Record<string, Schema>> = {
  Person: object({
    a: { type: 'string' },
    name: { type: ['string', 'null'] },
    at: { type: 'string', format: 'date-time' },
  }),
  Tree: object({ name: { type: 'string' }, b: { type: 'array', items: ref('Tree') }, c: ref('Tree') }),
  Either: { oneOf: [ref('Person'), ref('Tree')], discriminator: { propertyName: 'name' } },
};

function ref(name: string): Schema {
  return { $ref: `#/components/schemas/${name}` };
}

function object(properties: Readonly<Record<string, Schema>>, more: Schema = {}): Schema {
  return { type: 'object', properties, ...more };
}

function scalarSchema(chance: Chance): Schema {
  const type = chance.one(['string', 'string', 'string', 'number', 'integer', 'boolean']);
  const format =
    type === 'string' ? chance.one([undefined, undefined, 'date-time', 'date', 'uuid', 'byte']) : undefined;
  return { type: chance.in(4) ? [type, 'null'] : type, ...(format && { format }) };
}

function schemaOf(chance: Chance, depth: number): Schema {
  if (depth === 0) return scalarSchema(chance);
  switch (chance.next(14)) {
    case 0:
      return { type: 'array', items: schemaOf(chance, depth - 1), ...(chance.in(3) && { nullable: true }) };
    case 1:
      return objectSchema(chance, depth - 1);
    case 2:
      return { type: 'object', additionalProperties: schemaOf(chance, depth - 1) };
    case 3:
      return chance.one([{ type: 'object' }, {}]);
    case 4:
      return ref(chance.one(Object.keys(COMPONENTS)));
    case 5:
      return { oneOf: [scalarSchema(chance), schemaOf(chance, depth - 1)] };
    case 6:
      return { const: chance.one(['x', 7, true]) };
    default:
      return scalarSchema(chance);
  }
}

function objectSchema(chance: Chance, depth: number): Schema {
  const names = chance.shuffled(NAMES).slice(0, 1 + chance.next(6));
  const properties = Object.fromEntries(names.map((name) => [name, schemaOf(chance, depth)]));
  return object(properties, {
    ...(chance.in(2) && { required: names.slice(0, 2) }),
    ...(chance.in(6) && { additionalProperties: scalarSchema(chance) }),
  });
}

const CODECS = [
  'date',
  'iso8601-seconds',
  'iso8601-millis',
  'epoch-seconds',
  'epoch-millis',
  'epoch-millis',
  'decimal(2)',
  'decimal-string',
  'number',
  'string',
  'uuid',
  'hex',
  'json',
] as const;

function sourceOf(chance: Chance): Source {
  const path = chance.one(['a', 'b', 'name', 'c.a', 'b.0', 'b.1.a', 'at.name', 'c.b.a', 'nowhere', 'é.f']);
  const as = chance.in(2) ? { as: chance.one(CODECS) } : {};
  const absent = chance.in(3) ? { absent: chance.one([null, [], 'none', 0]) } : {};
  switch (chance.next(9)) {
    case 0:
    case 1:
      return path;
    case 2:
      return (element: Readonly<Record<string, unknown>> | undefined) => element?.a as string;
    case 3:
      return { ...absent, ...as };
    default:
      return { from: path, ...as, ...absent };
  }
}

const pointerOf = (tokens: readonly string[]): string =>
  tokens.map((token) => `/${token.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

/** Some places of a schema, with sources. */
function sourcesIn(chance: Chance, schema: Schema, tokens: readonly string[], sources: Record<string, Source>): void {
  const properties = (schema.properties ?? {}) as Readonly<Record<string, Schema>>;
  for (const [name, inner] of Object.entries(properties)) {
    if (chance.in(4)) sources[pointerOf([...tokens, name])] = sourceOf(chance);
    sourcesIn(chance, inner, [...tokens, name], sources);
  }
  if (schema.type === 'array') {
    if (chance.in(12)) sources[pointerOf([...tokens, '*'])] = chance.one(['a', 'c.a']);
    sourcesIn(chance, schema.items as Schema, [...tokens, '*'], sources);
  }
}

/** A renderer's options, at random. `violations` counts. */
export function optionsOf(
  chance: Chance,
  store: StoreName,
): RendererOptions & { readonly violations: { count: number } } {
  const item = chance.in(6) ? ref(chance.one(Object.keys(COMPONENTS))) : objectSchema(chance, 2);
  const list = { type: 'array', items: item };
  const kind = chance.one(['one', 'one', 'list', 'page', 'deep'] as const);
  const schema =
    kind === 'one'
      ? item
      : kind === 'list'
        ? list
        : kind === 'page'
          ? object({ items: list, next: { type: 'string' }, kind: { const: 'page' } }, { required: ['kind'] })
          : object({ data: object({ items: list, more: { type: 'boolean' } }), total: { type: 'integer' } });
  const sources: Record<string, Source> = {};
  const at = kind === 'one' ? [] : kind === 'list' ? ['*'] : kind === 'page' ? ['items', '*'] : ['data', 'items', '*'];
  sourcesIn(chance, item, at, sources);
  const shapes: Record<string, Sources> = {};
  if (chance.in(3)) shapes.Person = { '/a': 'c.a', '/at': { from: 'at', as: 'epoch-millis' } };
  const violations = { count: 0 };
  const shape = createShapes((name) => COMPONENTS[name.split('/').at(-1) as string])(schema);
  return {
    where: 'fuzz',
    shape,
    store,
    sources,
    shapes,
    items: kind === 'one' ? undefined : kind === 'list' ? '' : kind === 'page' ? '/items' : '/data/items',
    page: kind === 'page' ? { next: '/next' } : kind === 'deep' ? { more: '/data/more', total: '/total' } : {},
    ...(chance.in(4) && { absentAs: 'null' }),
    ...(chance.in(8) && { open: true }),
    onViolation: () => {
      violations.count += 1;
    },
    violations,
  };
}

const TEXTS = [
  '',
  'plain',
  'with "quotes" and \\',
  'line\nbreak\ttab\u0000\u001f\u007f',
  'Jarosław 写真 🚢',
  '\u2028\u2029',
  '2026-01-05T08:00:00.123Z',
  '2026-01-05T08:00:00+02:00',
  '2026-02-31',
  '2026-02-03',
  '1767600000123',
  '12.50',
  '{"x":[1e2,{"y":null}]}',
  '123E4567-e89b-12d3-a456-426614174000',
  'a longer text that no short loop copies, since it has more than forty bytes in it',
  '/slash/',
];

/** Numbers as text: whatever a store may hold. */
export const NUMBERS = [
  ...['0', '-0', '1', '-1', '42', '8.3', '8.30', '0.1', '-0.5', '007', '1e3', '1E+30', '1e-7', '0.0000001', '0.000001'],
  ...[
    '1767600000123',
    '1767600000',
    '-1',
    '253402300799999',
    '253402300800000',
    '9007199254740993',
    '123456789012345678',
  ],
  ...[
    '0.1234567890123456789',
    '99999999999999999999999999999999999999',
    '1.5e10',
    '1e21',
    '1e-130',
    '12345678901234.5',
  ],
  ...['-99.75', '100', '1000000000000000', '999999999999999', '0.00', '.5', '5.'],
];

/** What an item may hold, of no store's types. */
export type Value =
  | { readonly kind: 'text' | 'number'; readonly text: string }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'null' }
  | { readonly kind: 'binary'; readonly bytes: Buffer }
  | { readonly kind: 'texts' | 'numbers'; readonly texts: readonly string[] }
  | { readonly kind: 'list'; readonly items: readonly Value[] }
  | { readonly kind: 'map'; readonly entries: readonly (readonly [string, Value])[] };

export function valueBy(chance: Chance, depth: number): Value {
  switch (chance.next(depth === 0 ? 12 : 18)) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
      return { kind: 'text', text: chance.one(TEXTS) };
    case 5:
    case 6:
    case 7:
      return { kind: 'number', text: chance.one(NUMBERS) };
    case 8:
      return { kind: 'boolean', value: chance.in(2) };
    case 9:
      return { kind: 'null' };
    case 10:
      return { kind: 'binary', bytes: Buffer.from(chance.one(['', 'x', 'binary', '\u0000\u00ff'])) };
    case 11:
      return chance.in(2)
        ? { kind: 'texts', texts: chance.shuffled(TEXTS.slice(1)).slice(0, 1 + chance.next(4)) }
        : {
            kind: 'numbers',
            texts: chance.shuffled(['1', '10', '2', '-3.5', '1e30', '0.25']).slice(0, 1 + chance.next(4)),
          };
    case 12:
    case 13:
    case 14:
      return { kind: 'list', items: Array.from({ length: chance.next(4) }, () => valueBy(chance, depth - 1)) };
    default:
      return mapOf(chance, depth - 1);
  }
}

export function mapOf(chance: Chance, depth: number): Value & { readonly kind: 'map' } {
  const names = chance.shuffled([...NAMES, 'unknown', '__proto__', 'constructor']).slice(0, chance.next(11));
  const kept = names.filter((name) => name !== '__proto__' || chance.in(20));
  return { kind: 'map', entries: kept.map((name) => [name, valueBy(chance, depth)] as const) };
}

/** The value that a schema asks for, most often; so that most items are as the contract has them. */
export function fitting(chance: Chance, shape: RendererOptions['shape'], depth: number): Value {
  if (shape === undefined || depth < 0 || chance.in(40)) return valueBy(chance, Math.max(0, depth));
  switch (shape.kind) {
    case 'string':
      return chance.in(4) ? { kind: 'number', text: chance.one(NUMBERS) } : { kind: 'text', text: chance.one(TEXTS) };
    case 'number':
      return { kind: 'number', text: chance.one(NUMBERS) };
    case 'integer':
      return { kind: 'number', text: chance.one(['0', '1', '42', '-7', '1767600000123', '1e3', '9007199254740993']) };
    case 'boolean':
      return { kind: 'boolean', value: chance.in(2) };
    case 'null':
      return { kind: 'null' };
    case 'array':
      return {
        kind: 'list',
        items: Array.from({ length: chance.next(4) }, () => fitting(chance, shape.items, depth - 1)),
      };
    case 'object': {
      const named = shape.properties.filter(() => !chance.in(6));
      const entries = chance
        .shuffled(named)
        .map((property) => [property.name, fitting(chance, property.shape, depth - 1)] as const);
      const further = mapOf(chance, 0).entries.filter(([name]) => !entries.some(([other]) => other === name));
      return { kind: 'map', entries: chance.in(2) ? entries : [...entries, ...further] };
    }
    case 'union':
      return fitting(chance, chance.one(shape.branches), depth - 1);
    default:
      return valueBy(chance, depth);
  }
}

/** The shape of an item within the options' body. */
export function itemShape({ shape, items }: RendererOptions): RendererOptions['shape'] {
  const list = (items ?? '')
    .split('/')
    .slice(1)
    .reduce<RendererOptions['shape']>(
      (at, name) =>
        at?.kind === 'object' ? at.properties.find((property) => property.name === name)?.shape : undefined,
      shape,
    );
  return items === undefined ? shape : list?.kind === 'array' ? list.items : undefined;
}

export const PAGE = Object.freeze({ limit: 3, count: 3, more: true, next: 'a "cursor"', total: 9, pages: 3 });

/** What the plain renderer makes of items: the body, or nothing where it cannot or where it counted a violation. */
export function plainRenderer(
  options: RendererOptions & { readonly violations: { count: number } },
): (items: readonly Item[]) => Buffer | undefined {
  const render = compileRenderer(options);
  return (items) => {
    options.violations.count = 0;
    const one = options.items === undefined;
    try {
      const input = {
        item: one ? items[0] : undefined,
        items: one ? undefined : items,
        request: {} as never,
        page: PAGE,
      };
      const body = Buffer.from(render(input));
      return options.violations.count > 0 ? undefined : body;
    } catch {
      return undefined;
    }
  };
}
