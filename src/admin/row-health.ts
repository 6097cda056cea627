/** What an operation's health is told from. */
export interface HealthFacts {
  /** There have been flags. */
  readonly ready: boolean;
  /** Known tenants of whom no stage is true: their replies are 503. */
  readonly without: number;
  /** Of the last minute, on this replica. */
  readonly replies: number;
  readonly errorShare: number;
  readonly exposures: number;
  /** Confirmed ones that are not marked as known. */
  readonly findings: number;
  /** Origins that shadows of it do not ask, since they do not answer. */
  readonly broken: readonly string[];
}

export type RowHealth = 'good' | 'idle' | 'differs' | 'failing';

interface Row {
  readonly health: RowHealth;
  readonly when: (facts: HealthFacts) => boolean;
  readonly why: (facts: HealthFacts) => string;
}

/** Fewer replies have no share worth a word: one that fails among three is chance. */
const REPLIES = 20;
const FAILING = 0.05;

const times = (n: number, one: string, more = `${one}s`): string => `${n.toLocaleString('en')} ${n === 1 ? one : more}`;
const percent = (share: number): string => `${Number((share * 100).toPrecision(2))} %`;

/** The first row that fits, worst first. */
export const ROW_HEALTH: readonly Row[] = Object.freeze([
  {
    health: 'failing',
    when: ({ ready }) => !ready,
    why: () => 'There were never any flags: every reply is 503.',
  },
  {
    health: 'failing',
    when: ({ exposures }) => exposures > 0,
    why: ({ exposures }) =>
      `${times(exposures, 'exposure')}: a store answers what legacy refuses. Open the findings, then lower the stage.`,
  },
  {
    health: 'failing',
    when: ({ without }) => without > 0,
    why: ({ without }) => `${times(without, 'tenant')} can have no stage: their replies are 503.`,
  },
  {
    health: 'failing',
    when: ({ replies, errorShare }) => replies >= REPLIES && errorShare >= FAILING,
    why: ({ errorShare }) => `${percent(errorShare)} of the last minute’s replies are 5xx.`,
  },
  {
    health: 'failing',
    when: ({ broken }) => broken.length > 0,
    why: ({ broken }) => `Not compared for now: ${broken.join(' and ')} did not answer several times in a row.`,
  },
  {
    health: 'differs',
    when: ({ findings }) => findings > 0,
    why: ({ findings }) => `${times(findings, 'finding')} confirmed and not marked as known.`,
  },
  {
    health: 'idle',
    when: ({ replies }) => replies === 0,
    why: () => 'No request in the last minute on this replica.',
  },
  { health: 'good', when: () => true, why: () => '' },
] as const satisfies readonly Row[]);

/** How an operation does, and what makes it so. */
export function rowHealth(facts: HealthFacts): { readonly health: RowHealth; readonly why: string } {
  const row = ROW_HEALTH.find(({ when }) => when(facts)) as Row;
  return { health: row.health, why: row.why(facts) };
}
