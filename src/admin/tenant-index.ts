import type { FlagsState } from '../flags/decide.ts';
import type { KnownTenants } from './counting.ts';

/** Names of the tenants that are known or have a stage of their own, and where they have it. */
export interface TenantIndex {
  readonly names: readonly string[];
  /** Indexes of operations, by tenant. */
  readonly own: ReadonlyMap<string, readonly number[]>;
}

/** Keeps the index while neither the stages nor the tenants change. */
export function createTenantIndex(): (known: KnownTenants | undefined, state: FlagsState) => TenantIndex {
  let of: { known: readonly string[] | undefined; operations: FlagsState['operations'] } | undefined;
  let index: TenantIndex = { names: [], own: new Map() };
  return (known, { operations }) => {
    if (of !== undefined && of.known === known?.names && of.operations === operations) return index;
    const own = new Map<string, number[]>();
    for (const [at, { tenants }] of operations.entries())
      for (const tenant of tenants.keys()) own.set(tenant, [...(own.get(tenant) ?? []), at]);
    const names = known?.names ?? [];
    const set = new Set(names);
    const others = [...own.keys()].filter((tenant) => !set.has(tenant));
    index = { names: others.length === 0 ? names : [...names, ...others].sort(), own };
    of = { known: known?.names, operations };
    return index;
  };
}
