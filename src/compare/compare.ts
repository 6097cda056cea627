import { StoreError, type StoreFailure } from '../errors.ts';
import type { Answer, Observation } from '../model/answer.ts';
import { type Comparison, type Difference, MAX_DIFFERENCES, pairOf, type RuleUse } from '../model/comparison.ts';
import { JsonError, parseJson, skipSpace, skipValue } from '../model/json.ts';
import { type BodyPlan, type BodyWalk, type Report, TooLarge, walkBodies } from './body.ts';
import type { Rule, Rules } from './rules.ts';

/** What the answers of one operation are compared by. */
export interface ComparePlan extends BodyPlan {
  readonly rules: Rules;
  /** Lower-case names of the headers that the contract has. */
  readonly headers: readonly string[];
  /** A header's value without what may differ for reasons of ours: page tokens in a `Link`. */
  readonly headerValue?: (name: string, value: string) => string;
  /** Bodies beyond so many bytes are compared for equal bytes only. */
  readonly maxBytes?: number;
}

/** Compared whether or not the contract names them (design section 6). */
const ALWAYS = ['cache-control', 'content-type', 'etag', 'last-modified', 'link', 'location', 'set-cookie', 'vary'];
const CORS = 'access-control-';

const MAX_BYTES = 1024 * 1024;

/** What a store gave and could not be used: a mismatch. The other failures are no evidence of anything. */
const UNANSWERABLE: ReadonlySet<StoreFailure> = new Set(['refused', 'undecodable', 'tooMany']);

/** Answers that somebody gave, and that we cannot look at: nothing is wrong with them. */
const NOT_LOOKED_AT: Readonly<Partial<Record<StoreFailure, string>>> = { tooLarge: 'too_large', coding: 'coding' };

/** A comparison that is under way. */
export interface Comparing {
  /** Goes on for about so many milliseconds and gives the comparison when it is done. Never throws. */
  step(milliseconds: number): Comparison | undefined;
}

/** Two observations, held together at once. `now` is milliseconds since 1970, for rules that end. */
export function compare(one: Observation, other: Observation, plan: ComparePlan, now: number): Comparison {
  const comparing = startComparing(one, other, plan, now);
  for (;;) {
    const done = comparing.step(Number.POSITIVE_INFINITY);
    if (done !== undefined) return done;
  }
}

/** The same in slices, so that large bodies do not hold up the process. */
export function startComparing(one: Observation, other: Observation, plan: ComparePlan, now: number): Comparing {
  const { pair, left, right } = pairOf(one, other);
  const sums = tally(plan.rules.of(pair, now));
  const done = (outcome?: 'error' | 'skipped', reason?: string): Comparison =>
    Object.freeze({
      pair,
      left,
      right,
      outcome: outcome ?? (sums.differences.length > 0 ? 'mismatch' : sums.uses.size > 0 ? 'ignored' : 'match'),
      reason,
      differences: Object.freeze(sums.differences),
      rules:
        sums.uses.size === 0
          ? NO_USES
          : Object.freeze([...sums.uses].map(([rule, uses]) => Object.freeze({ rule, uses }))),
      keyOrder: walk?.keyOrder ?? false,
      complete: reason === undefined && !cut && sums.differences.length < MAX_DIFFERENCES,
    });
  let walk: BodyWalk | undefined;
  let begun = false;
  let cut = false;
  return {
    step(milliseconds) {
      try {
        if (!begun) {
          begun = true;
          const reason = failed(left) ?? failed(right);
          if (reason === undefined) walk = begin(left, right, plan, sums.report);
          else if (reason in NOT_LOOKED_AT) return done('skipped', NOT_LOOKED_AT[reason]);
          else return done('error', reason);
        }
        return walk?.step(milliseconds) === true ? undefined : done();
      } catch (error) {
        // What was found so far stands: not to have seen the rest makes no match of it.
        if (error instanceof TooLarge) cut = true;
        if (error instanceof TooLarge) return sums.differences.length > 0 ? done() : done('skipped', 'too_large');
        if (!(error instanceof JsonError) || !left.ok || !right.ok) throw error;
        // What was found on the way is not worth much: what is no JSON means nothing.
        sums.differences.length = 0;
        sums.uses.clear();
        reportBroken(left.answer, right.answer, sums.report);
        return done();
      }
    },
  };
}

const NO_USES: readonly RuleUse[] = Object.freeze([]);

function tally(rules: readonly Rule[]) {
  const differences: Difference[] = [];
  const uses = new Map<string, number>();
  const report: Report = (difference) => {
    const rule = rules.length === 0 ? undefined : rules.find(({ covers }) => covers(difference));
    if (rule !== undefined) uses.set(rule.id, (uses.get(rule.id) ?? 0) + 1);
    else if (differences.length < MAX_DIFFERENCES) differences.push(Object.freeze(difference));
    return rule === undefined;
  };
  return { differences, uses, report };
}

/** Why an observation is none: the failure of one that says nothing about the data. */
function failed(observation: Observation): StoreFailure | undefined {
  if (observation.ok || !(observation.error instanceof StoreError)) return undefined;
  const { failure } = observation.error;
  return UNANSWERABLE.has(failure) ? undefined : failure;
}

/** Status, headers and what needs no walk; gives the walk of the bodies where there is one to be made. */
function begin(left: Observation, right: Observation, plan: ComparePlan, report: Report): BodyWalk | undefined {
  if (!left.ok || !right.ok) {
    report(whole('unanswerable', stateOf(left), stateOf(right)));
    return undefined;
  }
  const [ours, theirs] = [left.answer, right.answer];
  if (ours.status !== theirs.status) {
    const exposed = left.origin === 'legacy' && REFUSALS.has(ours.status) && theirs.status < 300;
    report(whole(exposed ? 'exposure' : 'status', String(ours.status), String(theirs.status)));
    return undefined;
  }
  compareHeaders(ours, theirs, plan, report);
  if (ours.body.equals(theirs.body)) return undefined;
  const { length } = ours.body.length > theirs.body.length ? ours.body : theirs.body;
  if (length > (plan.maxBytes ?? MAX_BYTES)) throw new TooLarge(`${length} bytes`);
  if (ours.body.length === 0 || theirs.body.length === 0 || !isJson(ours) || !isJson(theirs)) {
    report(bytes(ours.body, theirs.body));
    return undefined;
  }
  return walkBodies(ours.body, theirs.body, ours.status < 300 ? plan : { ...plan, shape: undefined }, report);
}

const REFUSALS: ReadonlySet<number> = new Set([401, 403, 404]);

const stateOf = (observation: Observation): string => {
  if (observation.ok) return String(observation.answer.status);
  return observation.error instanceof StoreError ? observation.error.failure : 'failed';
};

const whole = (kind: Difference['kind'], leftType: string, rightType: string): Difference => ({
  kind,
  path: '',
  at: '',
  leftType,
  rightType,
  left: undefined,
  right: undefined,
});

/** Of bodies that are no JSON, or not there. */
function bytes(left: Buffer, right: Buffer): Difference {
  const kind = left.length === 0 ? 'extra' : right.length === 0 ? 'missing' : 'value';
  const type = (body: Buffer) => (body.length === 0 ? 'absent' : 'bytes');
  return { ...whole(kind, type(left), type(right)), left, right };
}

/** One of the bodies is no JSON: which, its own parse says. */
function reportBroken(left: Answer, right: Answer, report: Report): void {
  const state = ({ body, status }: Answer) => (isParsable(body) ? String(status) : 'no JSON');
  report(whole('unanswerable', state(left), state(right)));
}

/** A large one by its grammar alone: to look for duplicate keys in it would take too long. */
const LARGE = 131_072;

function isParsable(body: Buffer): boolean {
  try {
    if (body.length <= LARGE) parseJson(body);
    return skipSpace(body, skipValue(body, skipSpace(body, 0))) === body.length;
  } catch {
    return false;
  }
}

const isJson = ({ headers }: Answer): boolean =>
  /^application\/([^;]+\+)?json\b/i.test(textOf(headers['content-type']));

function compareHeaders(left: Answer, right: Answer, plan: ComparePlan, report: Report): void {
  if (sameHeaders(left.headers, right.headers)) return;
  for (const name of namesOf(left, right, plan.headers)) {
    const value = ({ headers }: Answer) => {
      const text = textOf(headers[name]);
      return plan.headerValue?.(name, text) ?? text;
    };
    const [ours, theirs] = [value(left), value(right)];
    if (ours === theirs) continue;
    report({
      kind: 'header',
      path: `header:${name}`,
      at: `header:${name}`,
      leftType: ours === '' ? 'absent' : 'string',
      rightType: theirs === '' ? 'absent' : 'string',
      left: ours === '' ? undefined : Buffer.from(JSON.stringify(ours)),
      right: theirs === '' ? undefined : Buffer.from(JSON.stringify(theirs)),
    });
  }
}

/** The same names and values altogether: the common case, and a quick one. */
function sameHeaders(left: Answer['headers'], right: Answer['headers']): boolean {
  if (left === right) return true;
  let count = 0;
  for (const name in left) {
    count += 1;
    if (left[name] !== right[name] || typeof left[name] !== 'string') return false;
  }
  for (const _ in right) count -= 1;
  return count === 0;
}

function namesOf(left: Answer, right: Answer, own: readonly string[]): ReadonlySet<string> {
  const cors = [...Object.keys(left.headers), ...Object.keys(right.headers)].filter((name) => name.startsWith(CORS));
  return new Set([...ALWAYS, ...own, ...cors]);
}

const textOf = (value: string | readonly string[] | undefined): string =>
  typeof value === 'string' ? value : (value ?? []).join(', ');
