import type fc from 'fast-check';
import type { Test } from 'tap';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/**
 * What is fuzzed, and how. An input is plain JSON, so that it can be kept, mutated and read. Mutations keep the type of
 * each value, but for what lies below a property `free`: anything may stand there.
 */
export interface Target<Input extends Json = Json> {
  readonly name: string;
  /** One line: what is thrown at what. */
  readonly about: string;
  /** Inputs made by structure. */
  readonly inputs: fc.Arbitrary<Input>;
  /** Sound ones, that mutation begins with. */
  readonly examples: readonly Input[];
  /** Texts that mutation puts into texts. */
  readonly words: readonly string[];
  /** Milliseconds that one input may take; default 1,000. */
  readonly patience?: number;
  /** Starts what is thrown at; closed with the test. */
  readonly open: (t: Test) => Promise<Run<Input>>;
}

/**
 * Throws one input. Gives in a word what came of it: inputs with a new outcome join the corpus. Throws a `Violation`, or
 * anything else, where a promise was broken.
 */
export type Run<Input> = (input: Input) => Promise<string>;

/** A promise that did not hold. `message` says which; `detail` what was seen. */
export class Violation extends Error {
  constructor(message: string, detail: unknown = '') {
    super(detail === '' ? message : `${message}: ${short(detail)}`);
    this.name = 'Violation';
  }
}

const short = (detail: unknown): string => {
  const text = typeof detail === 'string' ? detail : (JSON.stringify(detail) ?? String(detail));
  return text.length > 600 ? `${text.slice(0, 600)}…` : text;
};

/** Throws a Violation unless it holds. */
export function must(holds: unknown, message: string, detail?: unknown): asserts holds {
  if (!holds) throw new Violation(message, detail);
}
