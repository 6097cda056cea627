import type { Json } from '../model/json.ts';

/** A body with one thing changed, and what was changed. */
export interface Mutant {
  /** `value`, `type`, `missing`, `extra`, `order`, `length`. */
  readonly change: 'value' | 'type' | 'missing' | 'extra' | 'order' | 'length';
  readonly tree: Json;
}

/** Places that are tried of one body; further ones are like them. */
const MOST = 400;

/** Every leaf changed in value and type, every member left out, every object given one more, every list turned. */
export function* mutantsOf(tree: Json): Generator<Mutant> {
  let made = 0;
  for (const mutant of at(tree, (changed) => changed)) {
    yield mutant;
    made += 1;
    if (made >= MOST) return;
  }
}

type Put = (changed: Json) => Json;

function* at(json: Json, put: Put): Generator<Mutant> {
  const mutant = (change: Mutant['change'], changed: Json): Mutant => ({ change, tree: put(changed) });
  switch (json.kind) {
    case 'object': {
      yield mutant('extra', { kind: 'object', members: new Map([...json.members, ['crossfadeMutant', TEXT]]) });
      for (const [name, value] of json.members) {
        const others = [...json.members].filter(([other]) => other !== name);
        yield mutant('missing', { kind: 'object', members: new Map(others) });
        yield* at(value, (changed) => put({ kind: 'object', members: new Map(json.members).set(name, changed) }));
      }
      return;
    }
    case 'array': {
      if (json.items.length > 0) yield mutant('length', { kind: 'array', items: json.items.slice(1) });
      if (json.items.length > 1) yield mutant('order', { kind: 'array', items: json.items.toReversed() });
      // One item stands for all: their places have one path.
      const [first, ...rest] = json.items;
      if (first !== undefined) yield* at(first, (changed) => put({ kind: 'array', items: [changed, ...rest] }));
      return;
    }
    case 'number':
      yield mutant('value', {
        kind: 'number',
        text: `${Number.parseInt(json.text, 10) === 1 ? 2 : 1}${json.text.replace(/^-/, '')}`,
      });
      yield mutant('type', { kind: 'string', text: json.text });
      return;
    case 'string':
      yield mutant('value', { kind: 'string', text: `${json.text}~` });
      yield mutant('type', { kind: 'number', text: '0' });
      return;
    case 'boolean':
      yield mutant('value', { kind: 'boolean', value: !json.value });
      yield mutant('type', TEXT);
      return;
    default:
      yield mutant('type', TEXT);
  }
}

const TEXT: Json = Object.freeze({ kind: 'string', text: 'crossfade' });
