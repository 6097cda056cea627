import type { CompareRule } from '../model/binding.ts';
import type { Difference, Pair } from '../model/comparison.ts';
import { parseDuration } from '../model/duration.ts';
import { decimalDistance } from '../model/number.ts';

/** A rule, ready to be asked. */
export interface Rule {
  /** What it is counted under: scope, rule and path as they stand in the bindings. */
  readonly id: string;
  readonly spec: CompareRule;
  readonly covers: (difference: Difference) => boolean;
}

/** The rules of one operation: its own and the API's. */
export interface Rules {
  readonly all: readonly Rule[];
  /** Those that hold for a pair at a time (milliseconds since 1970): an expired rule no longer applies. */
  readonly of: (pair: Pair, now: number) => readonly Rule[];
}

/** What no rule hides: nobody may wave through that a store answers whom legacy refuses, or that one cannot answer. */
const NEVER_COVERED = new Set(['exposure', 'status', 'unanswerable']);

/** Rules of the API and of an operation → what they cover. The bindings' check has seen to their form. */
export function compileRules(
  api: readonly CompareRule[] | undefined,
  own: readonly CompareRule[] | undefined,
  operation: string,
): Rules {
  const all = Object.freeze([
    ...(api ?? []).map((spec) => compile(spec, '*')),
    ...(own ?? []).map((spec) => compile(spec, operation)),
  ]);
  const lasting = all.every(({ spec }) => spec.until === undefined && spec.pair === undefined);
  return Object.freeze({
    all,
    of: (pair: Pair, now: number) =>
      lasting
        ? all
        : all.filter(({ spec }) => (spec.pair === undefined || spec.pair === pair) && !isExpired(spec.until, now)),
  });
}

/** A rule holds to the end of its last day (UTC), or to the moment that it names. */
export function isExpired(until: string | undefined, now: number): boolean {
  if (until === undefined) return false;
  const end = Date.parse(until);
  return now >= (/^\d{4}-\d{2}-\d{2}$/.test(until) ? end + DAY : end);
}

const DAY = 86_400_000;

function compile(spec: CompareRule, scope: string): Rule {
  const covers = COVERS[spec.rule](spec as never);
  return Object.freeze({
    id: `${scope} ${spec.rule} ${spec.path}${spec.pair === undefined ? '' : ` ${spec.pair}`}`,
    spec,
    covers: (difference: Difference) => !NEVER_COVERED.has(difference.kind) && covers(difference),
  });
}

type Of<Name> = Extract<CompareRule, { readonly rule: Name }>;

/** What each rule covers; a test walks the rows. */
const COVERS: { readonly [Name in CompareRule['rule']]: (spec: Of<Name>) => (difference: Difference) => boolean } =
  Object.freeze({
    ignore:
      ({ path }) =>
      (difference) =>
        difference.path === path || difference.path.startsWith(`${path}/`),
    unordered:
      ({ path }) =>
      ({ kind, path: where }) =>
        kind === 'order' && where === path,
    within: ({ path, duration }) => {
      const most = parseDuration(duration) ?? 0;
      return (difference) => {
        if (difference.path !== path || difference.kind !== 'value') return false;
        const [left, right] = [dateOf(difference.left), dateOf(difference.right)];
        return left !== undefined && right !== undefined && Math.abs(left - right) <= most;
      };
    },
    absentEqualsNull:
      ({ path }) =>
      ({ kind, path: where, leftType, rightType }) =>
        where === path && (kind === 'missing' || kind === 'extra') && (leftType === 'null' || rightType === 'null'),
    tolerance: ({ path, tolerance }) => {
      return ({ kind, path: where, left, right, leftType, rightType }) => {
        if (where !== path || leftType !== 'number' || rightType !== 'number') return false;
        if (kind === 'notation') return true;
        const distance = decimalDistance(String(left), String(right));
        return distance !== undefined && distance <= tolerance;
      };
    },
  });

const RFC3339 = /^"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2}))?"$/i;

/** The moment that a JSON string names, in milliseconds; `undefined` where it is no RFC 3339 date. */
export function dateOf(text: Buffer | undefined): number | undefined {
  const raw = text === undefined || text.length > 64 ? '' : String(text);
  const time = RFC3339.test(raw) ? Date.parse(raw.slice(1, -1)) : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}
