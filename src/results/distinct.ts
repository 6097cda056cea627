import { hash } from 'node:crypto';
import { MAX_DISTINCT, MAX_OF_TENANT } from '../model/gate.ts';
import type { RequestsRow, Result } from './rows.ts';

/** Of all together, a row being worth as much as so many hashes: some 100 MB. */
const MAX_ALL = 800_000;
const ROW = 8;

/** A row that grows. */
export interface Asked {
  readonly row: RequestsRow;
  changes: number;
  written: number;
}

/** Which requests were compared, each once. */
export interface Distinct {
  /** Whether this compared request is a new one. What is beyond the bounds is not: it counts for nothing. */
  note(result: Result): boolean;
  readonly rows: ReadonlyMap<string, Asked>;
  /** The row as it is to be written. */
  image(asked: Asked): RequestsRow;
}

/** `_id` of a row from the result's operation, pair and tenant. */
export function createDistinct(
  base: Pick<RequestsRow, 'api' | 'evidence' | 'replica' | 'source'>,
  idOf: (parts: readonly string[]) => string,
): Distinct {
  const rows = new Map<string, Asked>();
  /** By row: each request, and whether there was something in its answers. */
  const known = new Map<string, Map<number, boolean>>();
  const totals = new Map<string, number>();
  let all = 0;

  const rowOf = (id: string, { operation, pair, tenant, at }: Result): Asked => {
    const found = rows.get(id);
    if (found !== undefined) return found;
    const row = {
      ...{ _id: id, ...base, operation, pair, tenant },
      ...{ last: new Date(at), n: 0, items: 0, seen: NOTHING },
    };
    const made = { row, changes: 0, written: 0 };
    rows.set(id, made);
    known.set(id, new Map());
    return made;
  };

  return Object.freeze({
    rows,
    note(result: Result): boolean {
      const { operation, pair, tenant, subject, at } = result;
      if (subject === undefined) return false;
      const { hash: own, items, full } = subject;
      const id = idOf([operation, pair, tenant]);
      const hashes = known.get(id);
      const before = hashes?.get(own);
      const total = totals.get(`${operation} ${pair}`) ?? 0;
      if (before === undefined && (all >= MAX_ALL || (total >= MAX_DISTINCT && (hashes?.size ?? 0) >= MAX_OF_TENANT)))
        return false;
      // Compared before with nothing in it, or while the stores were not in step, it may still come to count.
      if (before !== undefined && (before || !full)) return false;
      const asked = rowOf(id, result);
      known.get(id)?.set(own, full);
      asked.row.last = new Date(at);
      asked.changes += 1;
      if (before !== undefined) return false;
      totals.set(`${operation} ${pair}`, total + 1);
      all += hashes === undefined ? 1 + ROW : 1;
      asked.row.n += 1;
      asked.row.items += items;
      return true;
    },
    image: ({ row }: Asked): RequestsRow => ({ ...row, seen: packed(known.get(row._id) ?? new Map()) }),
  });
}

const NOTHING = Buffer.alloc(0);
const BYTES = 6;

function packed(hashes: ReadonlyMap<number, boolean>): Buffer {
  const full = [...hashes].filter(([, full]) => full);
  const buffer = Buffer.alloc(full.length * BYTES);
  for (const [at, [one]] of full.entries()) buffer.writeUIntBE(one, at * BYTES, BYTES);
  return buffer;
}

/** The hashes of a row. */
export function unpacked(seen: Uint8Array): readonly number[] {
  const buffer = Buffer.from(seen.buffer, seen.byteOffset, seen.byteLength);
  return Array.from({ length: Math.floor(buffer.length / BYTES) }, (_, at) => buffer.readUIntBE(at * BYTES, BYTES));
}

/** 48 bits of a hash: collisions among some ten thousand are unlikely, and a number holds it. */
export const hash48 = (parts: readonly unknown[]): number =>
  Number.parseInt(hash('sha256', JSON.stringify(parts)).slice(0, BYTES * 2), 16);
