/** Which plans with a candidate are carried out. */
export interface Sampler {
  /**
   * Why one is left out: `sampling` where it is not among `percent` of all, `load` where it is, and not among `spare` percent
   * of those. `undefined`: it is carried out, as is always one of a stratum (operation, tenant, status class) with little evidence.
   */
  leaves(
    operation: string,
    tenant: string,
    status: number,
    percent: number,
    spare: number,
  ): 'sampling' | 'load' | undefined;
}

/** So many of each stratum are always taken (the gate wants 30 of each). */
const ALWAYS = 30;
/** Strata that are remembered; beyond it the count starts anew. */
const MOST = 50_000;

export function createSampler(random: () => number = Math.random): Sampler {
  const counts = new Map<string, number>();
  return Object.freeze({
    leaves(operation: string, tenant: string, status: number, percent: number, spare: number) {
      const stratum = `${operation}\n${tenant}\n${Math.floor(status / 100)}`;
      const count = counts.get(stratum) ?? 0;
      if (count < ALWAYS) {
        if (counts.size >= MOST) counts.clear();
        counts.set(stratum, count + 1);
        return percent > 0 ? undefined : 'sampling';
      }
      const drawn = random() * 100;
      if (drawn >= percent) return 'sampling';
      return drawn >= (percent * spare) / 100 ? 'load' : undefined;
    },
  });
}
