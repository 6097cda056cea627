import { parseDuration } from './duration.ts';

/** Distinct requests of one operation and pair that results keep apart; the gate cannot want more. */
export const MAX_DISTINCT = 20_000;
/** Of one tenant, beyond that. */
export const MAX_OF_TENANT = 1_000;
/** Results are kept for 30 days, the oldest of them for less than a whole one. */
const MAX_DAYS = 29;

/** Something that the gate need not see for now: a stratum (`status:404`, `param:kind`), or a tenant (`tenant:acme`). */
export interface Waiver {
  readonly stratum: string;
  readonly reason: string;
  /** A date; it holds to the end of that day (UTC). */
  readonly until: string;
}

export const WAIVER_KEYS: readonly string[] = Object.freeze(['stratum', 'reason', 'until'] satisfies (keyof Waiver)[]);

/** What a gate asks for, as bindings say it; what they do not say is the default. */
export interface GateSpec {
  readonly requests?: number;
  readonly perStratum?: number;
  readonly perTenant?: number;
  readonly perActiveTenant?: number;
  readonly ignored?: number;
  readonly notCompared?: number;
  readonly unsettled?: number;
  readonly days?: number;
  /** `1d`, `12h`, or a number of hours. */
  readonly newest?: string | number;
  readonly p99?: number;
  readonly waivers?: readonly Waiver[];
}

export interface GateFigures {
  /** Distinct requests that both sides answered with 2xx and something in it, of the operation. */
  readonly requests: number;
  /** Comparisons of each stratum. */
  readonly perStratum: number;
  /** Distinct requests of each tenant that is moved by name. */
  readonly perTenant: number;
  /** Comparisons of each active tenant that moves with a share or with everybody. */
  readonly perActiveTenant: number;
  /** Shares of what was compared, at most: covered by rules; neither confirmed nor gone. Of what was to be: not compared. */
  readonly ignored: number;
  readonly unsettled: number;
  readonly notCompared: number;
  /** Days from the first to the newest comparison of traffic, at least. */
  readonly days: number;
  /** Milliseconds since the newest, at most. */
  readonly newest: number;
  /** The newcomer's p99 against the other's, at most. */
  readonly p99: number;
  readonly waivers: readonly Waiver[];
}

/**
 * One corrupt document in a thousand shows itself in 3,500 distinct requests 97 times of 100 (0.999^3500 = 3.0 %); with
 * 3,000 it would be 95.03, too near the 95 that are promised.
 */
export const GATE_DEFAULTS: GateFigures = Object.freeze({
  requests: 3_500,
  perStratum: 30,
  perTenant: 300,
  perActiveTenant: 30,
  ignored: 0.05,
  unsettled: 0.001,
  notCompared: 0.01,
  days: 7,
  newest: 86_400_000,
  p99: 1.2,
  waivers: Object.freeze([]),
});

interface Bound {
  readonly wanted: string;
  readonly takes: (value: unknown) => boolean;
}

const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);
const count = (most: number): Bound => ({
  wanted: `a whole number from 0 to ${most.toLocaleString('en')}: results keep no more apart`,
  takes: (value) => Number.isInteger(value) && (value as number) >= 0 && (value as number) <= most,
});
const share: Bound = Object.freeze({
  wanted: 'a share from 0 to 1, such as 0.05 for 5 %',
  takes: (value: unknown) => isNumber(value) && value >= 0 && value <= 1,
});

/** What each figure may be. */
export const GATE_BOUNDS: Readonly<Record<Exclude<keyof GateFigures, 'waivers'>, Bound>> = Object.freeze({
  requests: {
    ...count(MAX_DISTINCT),
    wanted: `a whole number from 1 to ${MAX_DISTINCT.toLocaleString('en')}: results keep no more apart, and no traffic is not a pass`,
    takes: (value: unknown) => value !== 0 && count(MAX_DISTINCT).takes(value),
  },
  perStratum: count(MAX_DISTINCT),
  perTenant: count(MAX_OF_TENANT),
  perActiveTenant: count(MAX_OF_TENANT),
  ignored: share,
  unsettled: share,
  notCompared: share,
  days: {
    wanted: `a number of days from 0 to ${MAX_DAYS}: results are kept for 30`,
    takes: (value: unknown) => isNumber(value) && value >= 0 && value <= MAX_DAYS,
  },
  newest: {
    wanted: "a duration such as '1d' or '12h', or a number of hours, above 0",
    takes: (value: unknown) => (newestOf(value) ?? 0) > 0,
  },
  p99: {
    wanted: 'a factor of at least 1, such as 1.2',
    takes: (value: unknown) => isNumber(value) && value >= 1,
  },
});

/** Milliseconds of a duration or a number of hours; `undefined` where it is neither. */
function newestOf(value: unknown): number | undefined {
  if (isNumber(value)) return value * 3_600_000;
  return typeof value === 'string' ? parseDuration(value) : undefined;
}

/** What is there with nothing in it is not said. */
const known = (spec: GateSpec | undefined): GateSpec =>
  Object.fromEntries(Object.entries(spec ?? {}).filter(([, value]) => value !== undefined));

/** The figures of an operation: its own, else the API's, else the default. Waivers of both hold. */
export function gateFigures(api: GateSpec | undefined, own: GateSpec | undefined): GateFigures {
  const said = { ...known(api), ...known(own) };
  const { newest, waivers, ...rest } = said;
  return Object.freeze({
    ...GATE_DEFAULTS,
    ...rest,
    ...(newest === undefined ? {} : { newest: newestOf(newest) as number }),
    waivers: Object.freeze([...(own?.waivers ?? []), ...(api?.waivers ?? [])]),
  });
}
