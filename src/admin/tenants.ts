import { createSlices } from '../operate/slices.ts';
import type { Reading } from './opened.ts';
import type { Tenants } from './schema.ts';

export interface TenantsQuery {
  readonly search?: string;
  readonly operation?: string;
  readonly after?: string;
  readonly limit: number;
}

/** Tenants by name. */
export async function tenantsOf(reading: Reading, query: TenantsQuery): Promise<Tenants> {
  const { parts, tenants, tenantIndex } = reading;
  const { flags, bindings } = parts;
  const known = await tenants.get();
  const state = flags.state();
  const { names, own } = tenantIndex(known.value, state);
  const search = query.search?.toLowerCase();
  const found = search === undefined ? names : names.filter((name) => name.toLowerCase().includes(search));
  const { after } = query;
  const rest = after === undefined ? found : found.slice(firstAfter(found, after));
  const page = rest.slice(0, query.limit);
  const asked = bindings.operations.findIndex(({ id }) => id === query.operation);
  const ramped = state.operations.flatMap(({ ramp, id }, at) =>
    ramp === undefined && !reading.odd().has(id) ? [] : [at],
  );
  const resting = new Map<number, string>();
  const restOf = (at: number): string => {
    const stage = resting.get(at) ?? flags.peek(at, '').stage ?? 'none';
    resting.set(at, stage);
    return stage;
  };
  const slices = createSlices();
  const rows: Tenants['tenants'][number][] = [];
  for (const tenant of page) {
    const named = new Set(own.get(tenant) ?? []);
    const looked = asked >= 0 ? [asked] : [...new Set([...named, ...ramped])].sort((a, b) => a - b);
    const stages: Tenants['tenants'][number]['stages'] = [];
    for (const at of looked) {
      const stage = flags.peek(at, tenant).stage ?? 'none';
      const operation = bindings.operations[at]?.id ?? '';
      if (asked >= 0 || named.has(at) || stage !== restOf(at)) stages.push({ operation, stage, own: named.has(at) });
      await slices.next();
    }
    const last = known.value?.last.get(tenant);
    rows.push({ tenant, ...(last === undefined ? {} : { last: last.toISOString() }), stages });
  }
  const next = rest.length > page.length ? page.at(-1) : undefined;
  return {
    total: found.length,
    ...(known.problem === undefined ? {} : { results: known.problem }),
    tenants: rows,
    ...(next === undefined ? {} : { next }),
  };
}

/** Names are sorted, and `after` need not be among them. */
function firstAfter(names: readonly string[], after: string): number {
  const at = names.findIndex((name) => name > after);
  return at === -1 ? names.length : at;
}
