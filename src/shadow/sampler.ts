/** Which plans with a candidate are carried out. */
export interface Sampler {
  /** `percent` of all, but always those of a stratum (operation, tenant, status class) with little evidence. */
  takes(operation: string, tenant: string, status: number, percent: number): boolean;
}

/** So many of each stratum are always taken (the gate wants 30 of each). */
const ALWAYS = 30;
/** Strata that are remembered; beyond it the count starts anew. */
const MOST = 50_000;

export function createSampler(random: () => number = Math.random): Sampler {
  const counts = new Map<string, number>();
  return Object.freeze({
    takes(operation: string, tenant: string, status: number, percent: number): boolean {
      const stratum = `${operation}\n${tenant}\n${Math.floor(status / 100)}`;
      const count = counts.get(stratum) ?? 0;
      if (count < ALWAYS) {
        if (counts.size >= MOST) counts.clear();
        counts.set(stratum, count + 1);
        return percent > 0;
      }
      return random() * 100 < percent;
    },
  });
}
