import fc from 'fast-check';
import type { Json } from './target.ts';

/** One change; its numbers choose among what there is to choose from, whatever that is. */
interface Step {
  readonly place: number;
  readonly kind: number;
  readonly from: number;
  readonly length: number;
  readonly text: string;
}

type Change = (value: never, step: Step, other: Json | undefined) => Json;

interface Place {
  readonly path: readonly (string | number)[];
  readonly value: Json;
  /** Below a property `free`. */
  readonly free: boolean;
}

const NUMBERS = [
  ...[0, -0, 1, -1, 2, 100, 127, 128, 255, 256, 65_535, 2 ** 31 - 1, 2 ** 31, 2 ** 32],
  ...[2 ** 53, -(2 ** 53), 1e21, 1e-7, 0.1, 1e308, 5e-324],
];
const SCALARS: readonly Json[] = [null, true, false, 0, -1, 1e21, '', '\u0000', [], {}, [[]], { __proto__: null }];
const LONGEST = 200_000;

/** Inputs of a corpus, each changed in some places. The corpus may grow meanwhile. */
export function mutated(corpus: readonly Json[], words: readonly string[]): fc.Arbitrary<Json> {
  const step = fc.record({
    place: fc.nat(),
    kind: fc.nat(),
    from: fc.nat(),
    length: fc.nat({ max: 40 }),
    text: fc.oneof(fc.constantFrom('', ...words), fc.string({ unit: 'binary', maxLength: 4 })),
  });
  return fc
    .record({ at: fc.nat(), other: fc.nat(), steps: fc.array(step, { minLength: 1, maxLength: 5 }) })
    .map(({ at, other, steps }) => {
      const beside = corpus[other % corpus.length] as Json;
      return steps.reduce((value, one) => changed(value, one, beside), corpus[at % corpus.length] as Json);
    });
}

function changed(root: Json, step: Step, beside: Json): Json {
  const places = placesOf(root);
  const place = places[step.place % places.length] as Place;
  const same = placesOf(beside).filter((one) => alike(one, place));
  const other = same[step.from % Math.max(same.length, 1)]?.value;
  return replaced(root, place.path, changeOf(place, step)(place.value as never, step, other));
}

function changeOf({ value, free }: Place, step: Step): Change {
  const own = changesOf(value, free);
  const all: readonly Change[] = free ? [...own, swap, scalar] : [...own, swap];
  return all[step.kind % all.length] as Change;
}

function changesOf(value: Json, free: boolean): readonly Change[] {
  if (typeof value === 'string') return TEXT;
  if (typeof value === 'number') return NUMBER;
  if (typeof value === 'boolean') return [(one: boolean) => !one];
  if (Array.isArray(value)) return LIST;
  return typeof value === 'object' && value !== null && free ? RECORD : [];
}

const cut = (length: number, { from, length: wanted }: Step) => {
  const start = length === 0 ? 0 : from % (length + 1);
  return [start, Math.min(length, start + wanted)] as const;
};

const TEXT: readonly Change[] = [
  (text: string, step) => text.slice(0, cut(text.length, step)[0]) + step.text + text.slice(cut(text.length, step)[0]),
  (text: string, step) => text.slice(0, cut(text.length, step)[0]) + text.slice(cut(text.length, step)[1]),
  (text: string, step) => text.slice(0, cut(text.length, step)[0]),
  (text: string, step) => {
    const [start, end] = cut(text.length, step);
    return text.slice(0, end) + text.slice(start);
  },
  (text: string, step) => {
    const [start] = cut(Math.max(text.length - 1, 0), step);
    const code = (text.charCodeAt(start) || 0) ^ (1 << (step.length % 8));
    return text.slice(0, start) + String.fromCharCode(code) + text.slice(start + 1);
  },
  (text: string, step) => (text.length * step.length > LONGEST ? text : text.repeat(step.length)),
  (text: string, step, other) => {
    const [start, end] = cut(text.length, step);
    return text.slice(0, start) + (typeof other === 'string' ? other.slice(start) : '') + text.slice(end);
  },
  (_text: string, step) => step.text,
];

const NUMBER: readonly Change[] = [
  (_one: number, step) => NUMBERS[step.from % NUMBERS.length] as number,
  (one: number, step) => one + (step.length - 20),
  (one: number) => -one,
];

const LIST: readonly Change[] = [
  (list: readonly Json[], step) => list.toSpliced(step.from % Math.max(list.length, 1), 1),
  (list: readonly Json[], step) => {
    const at = step.from % Math.max(list.length, 1);
    return list.length === 0 ? list : list.toSpliced(at, 0, list[at] as Json);
  },
  (list: readonly Json[]) => list.toReversed(),
  (list: readonly Json[], _step, other) => (Array.isArray(other) ? [...list, ...other].slice(0, 200) : list),
];

type Fields = Readonly<Record<string, Json>>;

const RECORD: readonly Change[] = [
  (record: Fields, step) => {
    const names = Object.keys(record);
    const gone = names[step.from % Math.max(names.length, 1)];
    return Object.fromEntries(Object.entries(record).filter(([name]) => name !== gone));
  },
  (record: Fields, step) => {
    const entries = Object.entries(record);
    const at = step.from % Math.max(entries.length, 1);
    return Object.fromEntries(entries.map(([name, value], n) => [n === at ? step.text : name, value]));
  },
  (record: Fields, step) => {
    const values = Object.values(record);
    return { ...record, [step.text]: values[step.from % Math.max(values.length, 1)] ?? null };
  },
];

const swap: Change = (value: Json, _step, other) => other ?? value;
const scalar: Change = (_value: Json, step) => SCALARS[step.length % SCALARS.length] as Json;

/** Of the same kind at the same place; what is free may come from anywhere that is. */
function alike(one: Place, other: Place): boolean {
  if (one.free || other.free) return one.free && other.free;
  return kindOf(one.value) === kindOf(other.value) && generic(one.path) === generic(other.path);
}

const kindOf = (value: Json): string => (Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value);
const generic = (path: Place['path']): string => path.map((one) => (typeof one === 'number' ? '*' : one)).join('/');

function placesOf(value: Json, path: Place['path'] = [], free = false): readonly Place[] {
  const here = { path, value, free };
  if (Array.isArray(value)) return [here, ...value.flatMap((one, at) => placesOf(one as Json, [...path, at], free))];
  if (typeof value !== 'object' || value === null) return [here];
  const inner = Object.entries(value).flatMap(([name, one]) => placesOf(one, [...path, name], free || name === 'free'));
  return [here, ...inner];
}

function replaced(root: Json, [first, ...rest]: Place['path'], value: Json): Json {
  if (first === undefined) return value;
  if (Array.isArray(root)) return root.map((one, at) => (at === first ? replaced(one as Json, rest, value) : one));
  const entries = Object.entries(root as Fields);
  return Object.fromEntries(entries.map(([name, one]) => [name, name === first ? replaced(one, rest, value) : one]));
}
