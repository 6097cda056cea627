/** What a function of the bindings threw, or what it gave broke the contract: the plain renderer says so. */
const MADE = Symbol('made');
export const isMade = (error: unknown): boolean => typeof error === 'object' && error !== null && MADE in error;

/** What `make` gives; what it throws is known by `isMade`. */
export function made(make: () => string | undefined): string | undefined {
  try {
    return make();
  } catch (cause) {
    throw { [MADE]: cause };
  }
}
