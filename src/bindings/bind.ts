import type { BindingsSpec } from '../model/binding.ts';

/**
 * States which store call answers each operation of a contract. A bindings module exports what this gives as its
 * default. Nothing is checked here: `loadBindings` does, with the file at hand, so that a mistake names its place.
 */
export function bind(spec: BindingsSpec): BindingsSpec {
  return Object.freeze({ ...spec });
}
