import { inspect } from 'node:util';
import { compare } from '../compare/compare.ts';
import type { Call } from '../model/call.ts';
import type { Comparison } from '../model/comparison.ts';
import { printable } from '../model/printable.ts';
import type { Enquiry } from './asking.ts';

export type Asked = Awaited<ReturnType<Enquiry['ask']>>;

/** What all origins say to one question, and what comes of holding any two together. */
export interface Diffed {
  readonly asked: readonly Asked[];
  readonly comparisons: readonly Comparison[];
}

/** Asks every origin at once. `now` is milliseconds since 1970, for rules that end. */
export async function askAll(enquiry: Enquiry, now: number): Promise<Diffed> {
  const asked = await Promise.all(enquiry.origins.map((origin) => enquiry.ask(origin)));
  const pairs = asked.flatMap((one, at) => asked.slice(at + 1).map((other) => [one, other] as const));
  return { asked, comparisons: pairs.map(([one, other]) => compare(one, other, enquiry.plan, now)) };
}

/** A call as an author would write it. */
export function callText(call: Call): string {
  const [[name, input]] = Object.entries(call) as [[string, unknown]];
  const said = Object.fromEntries(Object.entries(input as object).filter(([, value]) => value !== undefined));
  return `${name} ${printable(inspect(said, { depth: 12, breakLength: 100, compact: 3 }))}`;
}
