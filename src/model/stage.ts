/** Who can answer an operation. */
export type OriginName = 'legacy' | 'dynamodb' | 'mongodb';

/** An origin that is a database. */
export type StoreName = 'dynamodb' | 'mongodb';

/** How far an operation has moved for a tenant, in order. */
export const STAGES = Object.freeze([
  'legacy',
  'validate',
  'dynamodb',
  'dualwrite',
  'shadow',
  'live',
  'rampdown',
  'complete',
] as const);

export type Stage = (typeof STAGES)[number];

/** What a stage means for one request: who answers reads, who is shadowed, where writes go in order. */
export interface Plan {
  readonly stage: Stage;
  readonly control: OriginName;
  readonly candidates: readonly OriginName[];
  readonly writes: readonly OriginName[];
}

const plan = (stage: Stage, control: OriginName, candidates: OriginName[], writes: OriginName[]): Plan =>
  Object.freeze({ stage, control, candidates: Object.freeze(candidates), writes: Object.freeze(writes) });

/** The whole migration in one table (design section 2). */
export const PLANS: Readonly<Record<Stage, Plan>> = Object.freeze({
  legacy: plan('legacy', 'legacy', [], ['legacy']),
  validate: plan('validate', 'legacy', ['dynamodb', 'mongodb'], ['legacy']),
  dynamodb: plan('dynamodb', 'dynamodb', [], ['dynamodb']),
  dualwrite: plan('dualwrite', 'dynamodb', [], ['dynamodb', 'mongodb']),
  shadow: plan('shadow', 'dynamodb', ['mongodb'], ['dynamodb', 'mongodb']),
  live: plan('live', 'mongodb', ['dynamodb'], ['mongodb', 'dynamodb']),
  rampdown: plan('rampdown', 'mongodb', [], ['mongodb', 'dynamodb']),
  complete: plan('complete', 'mongodb', [], ['mongodb']),
});

/** Stages that nobody can choose yet: they come with write bindings. */
const NOT_OFFERED: ReadonlySet<Stage> = new Set(['dualwrite', 'rampdown']);

export const isStage = (word: unknown): word is Stage => STAGES.includes(word as Stage);

/** -1, 0 or 1 as `a` comes before, is, or comes after `b`. */
export const compareStages = (a: Stage, b: Stage): number => Math.sign(STAGES.indexOf(a) - STAGES.indexOf(b));

/** The one that comes after the other. */
export const later = (a: Stage, b: Stage): Stage => (compareStages(a, b) < 0 ? b : a);

/** What an operation has: the origins that can answer it, and whether MongoDB is said to be kept in step. */
export interface Abilities {
  readonly legacy: boolean;
  readonly dynamodb: boolean;
  readonly mongodb: boolean;
  readonly freshness: boolean;
}

/**
 * The stages an operation can have, in order. A stage needs its control and its candidates, `validate` one of them:
 * with one store, two answers are held together instead of three. `live` and later need `freshness` where DynamoDB is
 * bound too, since writes still reach the old store (design section 2).
 */
export function offeredStages(can: Abilities): readonly Stage[] {
  return Object.freeze(
    STAGES.filter((stage) => {
      if (NOT_OFFERED.has(stage)) return false;
      const { control, candidates } = PLANS[stage];
      const bound = candidates.filter((origin) => can[origin]).length;
      if (!can[control] || bound < (stage === 'validate' ? 1 : candidates.length)) return false;
      return control !== 'mongodb' || !can.dynamodb || can.freshness;
    }),
  );
}

/**
 * The stage an operation runs at when a flag asks for `asked`: `asked` itself where it is offered and not below the
 * floor, else the nearest earlier offered stage, not below the floor; `undefined` where none is left, and then the
 * reply is 503.
 */
export function lower(asked: Stage, offered: readonly Stage[], floor: Stage): Stage | undefined {
  const allowed = offered.filter((stage) => compareStages(stage, floor) >= 0);
  return allowed.findLast((stage) => compareStages(stage, asked) <= 0) ?? allowed[0];
}
