import t from 'tap';
import { compare } from '../../src/compare/compare.ts';
import { compileRules } from '../../src/compare/rules.ts';
import type { Observation } from '../../src/model/answer.ts';
import { type Json, printJson } from '../../src/model/json.ts';

/**
 * Pairs that differ in one place are told apart, whatever the place and however little; pairs that differ in what JSON
 * does not mean are not. `PAIRS` says how many of each change are made; each run of a number is the same.
 */
const PAIRS = Number(process.env.PAIRS ?? 4_000);

const random = mulberry(20_261_121);
const below = (n: number): number => Math.floor(random() * n);
const pick = <T>(list: readonly T[]): T => list[below(list.length)] as T;

const plan = {
  shape: undefined,
  list: { path: '/items', key: [['id']], limit: undefined },
  token: undefined,
  rules: compileRules(undefined, undefined, 'x'),
  headers: [],
};

const text = (value: string) => ({ kind: 'string', text: value }) as const;
const number = (value: string) => ({ kind: 'number', text: value }) as const;
const object = (members: readonly (readonly [string, Json])[]): Json => ({ kind: 'object', members: new Map(members) });
const isNumber = (json: Json): boolean => json.kind === 'number';
const isText = (json: Json): boolean => json.kind === 'string' && json.text.length > 0;

type Change = (tree: Json) => Json | undefined;

function held(left: string | Buffer, right: string | Buffer) {
  return compare(seen('dynamodb', left), seen('mongodb', right), plan, 0);
}

const headers = Object.freeze({ 'content-type': 'application/json' });
const seen = (origin: 'dynamodb' | 'mongodb', body: string | Buffer): Observation => ({
  origin,
  ok: true,
  duration: 1,
  answer: { status: 200, headers, body: Buffer.from(body) },
});

/** A list of items with ids, as an API gives it, and around it whatever there may be. */
function document(): Json {
  const ids = new Set(Array.from({ length: below(6) }, () => text(`id${below(40)}`).text));
  const items = [...ids].map((id) => object([['id', text(id)], ...entries(1)]));
  return object([...entries(2), ['items', { kind: 'array', items }], ...(random() < 0.5 ? entries(1) : [])]);
}

function entries(depth: number): [string, Json][] {
  return Array.from({ length: below(5) }, (_, at) => [
    `${pick(['a', 'key', 'ü', 'k/1', '~', ''])}${at}${below(9)}`,
    any(depth),
  ]);
}

function any(depth: number): Json {
  const roll = depth === 0 ? below(4) : below(6);
  if (roll === 0)
    return text(
      pick(['', 'a', 'Zoë', '写真', '👨‍👩‍👧', 'line\nbreak', '"quoted"', 'back\\slash', 'x'.repeat(below(80))]),
    );
  if (roll === 1)
    return number(pick(['0', '1', '12', '-7', '1.5', '8.30', '1e21', '9007199254740993', '0.1000000000000000055']));
  if (roll === 2) return { kind: 'boolean', value: random() < 0.5 };
  if (roll === 3) return { kind: 'null' };
  if (roll === 4) return { kind: 'array', items: Array.from({ length: below(5) }, () => any(depth - 1)) };
  return object(entries(depth - 1));
}

/** The tree with one of its nodes changed: any that `wanted` takes, ids of the list's items left alone. */
function atNode(
  tree: Json,
  wanted: (json: Json) => boolean,
  change: (json: Json) => Json | undefined,
): Json | undefined {
  const places: Json[] = [];
  const visit = (json: Json, name: string): void => {
    if (wanted(json) && name !== 'id') places.push(json);
    if (json.kind === 'array') for (const item of json.items) visit(item, '');
    if (json.kind === 'object') for (const [key, value] of json.members) visit(value, key);
  };
  visit(tree, '');
  if (places.length === 0) return undefined;
  const place = pick(places);
  const changed = change(place);
  const copy = (json: Json): Json => {
    if (json === place) return changed as Json;
    if (json.kind === 'array') return { kind: 'array', items: json.items.map(copy) };
    return json.kind === 'object' ? object([...json.members].map(([key, value]) => [key, copy(value)])) : json;
  };
  return changed === undefined ? undefined : copy(tree);
}

const atLeaf: (tree: Json, wanted: (json: Json) => boolean, change: (json: Json) => Json) => Json | undefined = (
  tree,
  wanted,
  change,
) => atNode(tree, (json) => json.kind !== 'array' && json.kind !== 'object' && wanted(json), change);

const atObject = (tree: Json, change: (members: [string, Json][]) => [string, Json][] | undefined) =>
  atNode(
    tree,
    ({ kind }) => kind === 'object',
    (json) => {
      const changed = json.kind === 'object' ? change([...json.members]) : undefined;
      return changed === undefined ? undefined : object(changed);
    },
  );

const atList = (tree: Json, change: (items: readonly Json[]) => readonly Json[] | undefined) =>
  atNode(
    tree,
    ({ kind }) => kind === 'array',
    (json) => {
      const items = json.kind === 'array' ? change(json.items) : undefined;
      return items === undefined ? undefined : { kind: 'array', items };
    },
  );

function otherValue(json: Json): Json {
  if (json.kind === 'boolean') return { kind: 'boolean', value: !json.value };
  if (json.kind === 'string') return text(`${json.text}!`);
  return json.kind === 'number' ? number(`${Number(json.text) < 0 ? '' : '-'}17`) : text('null');
}

const otherDigit = (json: Json): Json => {
  const written = json.kind === 'number' ? json.text : '';
  const places = [...written].flatMap((one, at) => (/[1-9]/.test(one) ? [at] : []));
  if (places.length === 0) return number('1');
  const at = pick(places);
  return number(`${written.slice(0, at)}${written[at] === '9' ? 8 : Number(written[at]) + 1}${written.slice(at + 1)}`);
};

const otherCharacter = (json: Json): Json => {
  const characters = [...(json.kind === 'string' ? json.text : '')];
  const at = below(characters.length);
  return text(characters.with(at, characters[at] === 'z' ? 'y' : 'z').join(''));
};

const otherType = (json: Json): Json => {
  const written = json.kind === 'number' ? text(json.text) : undefined;
  return written ?? pick([number('5'), object([]), { kind: 'array', items: [] } as const]);
};

const otherNotation = (json: Json): Json => {
  const written = json.kind === 'number' ? json.text : '0';
  if (written.includes('e')) return number(written.replace('e', 'E'));
  return number(written.includes('.') ? `${written}0` : `${written}.0`);
};

const withoutKey = (members: [string, Json][]) => {
  const names = members.filter(([name]) => name !== 'id' && name !== 'items');
  const [gone] = names.length === 0 ? [] : pick(names);
  return gone === undefined ? undefined : members.filter(([name]) => name !== gone);
};
const withKey = (members: [string, Json][]): [string, Json][] =>
  members.toSpliced(below(members.length + 1), 0, ['one more', any(1)]);
const renamedKey = (members: [string, Json][]) => {
  const at = members.findIndex(([name]) => name !== 'id' && name !== 'items');
  return at === -1 ? undefined : members.with(at, ['renamed', members[at]?.[1] as Json]);
};
const withDuplicate = (items: readonly Json[]) =>
  items.length === 0 ? undefined : items.toSpliced(below(items.length), 0, pick(items));
const withoutItem = (items: readonly Json[]) =>
  items.length === 0 ? undefined : items.toSpliced(below(items.length), 1);
const swapped = (items: readonly Json[]) => {
  if (items.length < 2) return undefined;
  const at = below(items.length - 1);
  const [one, other] = [items[at] as Json, items[at + 1] as Json];
  if (printJson(one, { sorted: true }) === printJson(other, { sorted: true })) return undefined;
  return items.with(at, other).with(at + 1, one);
};

function shuffled(json: Json): Json {
  if (json.kind === 'array') return { kind: 'array', items: json.items.map(shuffled) };
  if (json.kind !== 'object') return json;
  const members = [...json.members].map(([key, value]) => [key, shuffled(value)] as const);
  return object(members.sort(() => random() - 0.5));
}

/** Without numbers that JSON.parse would spoil. */
function texted(json: Json): Json {
  if (json.kind === 'number') return number('12');
  if (json.kind === 'array') return { kind: 'array', items: json.items.map(texted) };
  return json.kind === 'object' ? object([...json.members].map(([key, value]) => [key, texted(value)])) : json;
}

const escaped = (written: string): string =>
  written.replace(/[a-zë写]/g, (one, at: number) =>
    at % 3 === 0 && insideText(written, at) ? `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}` : one,
  );

function insideText(written: string, at: number): boolean {
  let inside = false;
  for (let i = 0; i < at; i += 1) {
    if (written[i] === '\\') i += 1;
    else if (written[i] === '"') inside = !inside;
  }
  return inside && written[at - 1] !== '\\';
}

function mulberry(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** These can be two differences: a name gone and one more; an item more, before its twin. */
const TWICE = new Set(['one key renamed', 'one duplicate']);

const CHANGES: Readonly<Record<string, { readonly change: Change; readonly kinds: RegExp }>> = {
  'one leaf': { change: (tree) => atLeaf(tree, () => true, otherValue), kinds: /^(value|type)$/ },
  'one digit': { change: (tree) => atLeaf(tree, isNumber, otherDigit), kinds: /^value$/ },
  'one character': { change: (tree) => atLeaf(tree, isText, otherCharacter), kinds: /^value$/ },
  'one type': { change: (tree) => atLeaf(tree, () => true, otherType), kinds: /^type$/ },
  'one key gone': { change: (tree) => atObject(tree, withoutKey), kinds: /^missing$/ },
  'one key more': { change: (tree) => atObject(tree, withKey), kinds: /^extra$/ },
  'one key renamed': { change: (tree) => atObject(tree, renamedKey), kinds: /^(missing|extra)$/ },
  'one duplicate': { change: (tree) => atList(tree, withDuplicate), kinds: /^(length|extra|order)$/ },
  'one item gone': { change: (tree) => atList(tree, withoutItem), kinds: /^(length|missing)$/ },
  'one order': { change: (tree) => atList(tree, swapped), kinds: /^order$/ },
  'another notation': { change: (tree) => atLeaf(tree, isNumber, otherNotation), kinds: /^notation$/ },
};

for (const [name, { change, kinds }] of Object.entries(CHANGES)) {
  t.test(`${name} is told apart`, async (t) => {
    let made = 0;
    while (made < PAIRS) {
      const tree = document();
      const changed = change(tree);
      if (changed === undefined || printJson(changed) === printJson(tree)) continue;
      made += 1;
      const { outcome, differences } = held(printJson(tree), printJson(changed));
      const right = differences.length === 1 || TWICE.has(name);
      if (outcome !== 'mismatch' || !right || !differences.every(({ kind }) => kinds.test(kind))) {
        t.same(differences, kinds, `${outcome}\n${printJson(tree)}\n${printJson(changed)}`);
        return;
      }
    }
    t.equal(made, PAIRS);
  });
}

t.test('one byte is told apart, or the body is no JSON any more', async (t) => {
  for (let made = 0; made < PAIRS; made += 1) {
    const text = Buffer.from(printJson(document()));
    const changed = Buffer.from(text);
    const at = below(changed.length);
    changed[at] = (changed[at] as number) ^ (1 << below(8));
    const { outcome, differences } = held(text, changed);
    if (outcome === 'mismatch') continue;
    // What is left: a blank for a blank, 1e5 for 1E5 does not come up, so that nothing may be equal.
    t.same(differences, 'a mismatch', `${text}\n${changed}`);
    return;
  }
  t.pass();
});

t.test('what JSON does not mean is no difference', async (t) => {
  const same: Record<string, (tree: Json) => string> = {
    'the order of keys': (tree) => printJson(shuffled(tree)),
    'white space': (tree) => JSON.stringify(JSON.parse(printJson(texted(tree))), undefined, pick([1, 2, '\t'])),
    'escapes in texts and keys': (tree) => escaped(printJson(tree)),
  };
  for (const [name, write] of Object.entries(same)) {
    for (let made = 0; made < PAIRS; made += 1) {
      const tree = name === 'white space' ? texted(document()) : document();
      const other = write(tree);
      const { outcome, differences } = held(printJson(tree), other);
      if (outcome === 'match') continue;
      t.same(differences, [], `${name}\n${printJson(tree)}\n${other}`);
      return;
    }
    t.pass(name);
  }
});
