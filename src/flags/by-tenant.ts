/** Tenant → one of a few values, remembered. Exact: the text is held and compared, never its hash alone. */
export interface ByTenant<Value> {
  readonly size: number;
  get(tenant: string): Value | undefined;
  /** A tenant that is there keeps what it has. */
  add(tenant: string, value: Value): void;
}

/** Slots looked at for one tenant; what finds no place in them is held in a Map, so that nobody can choose names that cost. */
const PROBES = 64;

/** Slots a text may take: a full table is looked through for long. */
const LOAD = 0.75;

const FIRST = 64;

/** Up to as many a Map is faster: it fits into what is near the processor. */
const FEW = 4_000;

/** Characters of a text that goes into the table; each must be a byte. */
const LONGEST = 255;

/** Up to as many values; each stands in the table as one byte. */
const MOST_VALUES = 256;

const NO_SLOTS = new Int32Array(0);
const NO_BYTES = new Uint8Array(0);

/**
 * Up to some thousand a Map; beyond, a table of numbers beside one of bytes. A Map of a hundred thousand texts looks into its bucket, its entry and the text
 * that it holds, each elsewhere in memory; here a slot has hash and place side by side, and texts lie packed.
 */
export function createByTenant<Value>(): ByTenant<Value> {
  const values: Value[] = [];
  const others = new Map<string, Value>();
  const seed = (Math.random() * 2 ** 32) | 0;
  /** Hash and place in `bytes` of each slot; no place: empty. */
  let slots = NO_SLOTS;
  let mask = 0;
  let used = 0;
  /** Of each text: its length, its value's number, its characters. */
  let bytes = NO_BYTES;
  let top = 1;

  /** Of a text whose characters are bytes; 0 for any other. */
  const hashOf = (text: string): number => {
    const { length } = text;
    let hash = seed ^ length;
    let seen = 0;
    for (let at = 0; at < length; at += 1) {
      const code = text.charCodeAt(at);
      seen |= code;
      hash = Math.imul(hash ^ code, 0x01000193);
    }
    if (seen > 255 || length > LONGEST) return 0;
    hash ^= hash >>> 15;
    hash = Math.imul(hash, 0x85ebca6b);
    return hash ^ (hash >>> 13) || 1;
  };
  const isAt = (from: number, text: string): boolean => {
    const { length } = text;
    if (bytes[from] !== length) return false;
    for (let at = 0; at < length; at += 1) if (bytes[from + 2 + at] !== text.charCodeAt(at)) return false;
    return true;
  };
  /** The first free slot for a hash in a table; -1 where none is near enough. */
  const freeSlot = (table: Int32Array, last: number, hash: number): number => {
    for (let n = 0, at = hash & last; n < PROBES; n += 1, at = (at + 1) & last) if (table[at * 2 + 1] === 0) return at;
    return -1;
  };
  const text = (from: number): string => Buffer.from(bytes.buffer, from + 2, bytes[from] as number).toString('latin1');
  const widen = (): void => {
    const last = Math.max(FIRST, (mask + 1) * 2) - 1;
    const table = new Int32Array((last + 1) * 2);
    for (let at = 0; at < slots.length; at += 2) {
      const [hash, from] = [slots[at] as number, slots[at + 1] as number];
      if (from === 0) continue;
      const free = freeSlot(table, last, hash);
      if (free === -1) {
        others.set(text(from), values[bytes[from + 1] as number] as Value);
        used -= 1;
        continue;
      }
      table[free * 2] = hash;
      table[free * 2 + 1] = from;
    }
    slots = table;
    mask = last;
  };
  const numberOf = (value: Value): number => {
    const known = values.indexOf(value);
    return known === -1 ? values.push(value) - 1 : known;
  };
  const get = (tenant: string): Value | undefined => {
    if (used === 0) return others.get(tenant);
    const hash = hashOf(tenant);
    if (hash !== 0)
      for (let n = 0, at = hash & mask; n < PROBES; n += 1, at = (at + 1) & mask) {
        const from = slots[at * 2 + 1] as number;
        if (from === 0) return others.size === 0 ? undefined : others.get(tenant);
        if (slots[at * 2] === hash && isAt(from, tenant)) return values[bytes[from + 1] as number];
      }
    return others.get(tenant);
  };
  const keep = (tenant: string, value: Value): void => {
    const hash = hashOf(tenant);
    if (hash !== 0 && used + 1 > (mask + 1) * LOAD) widen();
    const free = hash === 0 || mask === 0 ? -1 : freeSlot(slots, mask, hash);
    const number = numberOf(value);
    if (free === -1 || number >= MOST_VALUES) {
      others.set(tenant, value);
      return;
    }
    const end = top + 2 + tenant.length;
    if (end > bytes.length) {
      const more = new Uint8Array(Math.max(FIRST * 16, end * 2));
      more.set(bytes);
      bytes = more;
    }
    bytes[top] = tenant.length;
    bytes[top + 1] = number;
    for (let at = 0; at < tenant.length; at += 1) bytes[top + 2 + at] = tenant.charCodeAt(at);
    slots[free * 2] = hash;
    slots[free * 2 + 1] = top;
    top = end;
    used += 1;
  };
  return {
    get size() {
      return used + others.size;
    },
    get,
    add(tenant, value) {
      if (get(tenant) !== undefined) return;
      if (used === 0 && others.size < FEW) {
        others.set(tenant, value);
        return;
      }
      const before = used;
      keep(tenant, value);
      if (before > 0 || used === 0) return;
      // The first of many: those before it move too.
      const few = [...others];
      others.clear();
      for (const [one, its] of few) keep(one, its);
    },
  };
}
