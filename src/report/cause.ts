import type { Kind, Pair, ValueType } from '../model/comparison.ts';
import { type Alone, MAX_SUBJECTS } from '../results/rows.ts';

/** What is the matter, as far as three answers and how many have it can tell. */
export type Cause = 'access' | 'binding' | 'data' | 'legacy' | 'several';

/** What a cause is told from. */
export interface Evidence {
  readonly kind: Kind;
  /** The origin that the other two agree against; `undefined` where there were no three answers. */
  readonly alone: Alone | undefined;
  /** Both sides refuse: what ours says then comes from the bindings alone. */
  readonly refusal: boolean;
  /** Distinct items or requests that have it, counted to `MAX_SUBJECTS`. */
  readonly subjects: number;
  /** Places that have it, in distinct requests, and places that could have had it. */
  readonly places: number;
  readonly possible: number;
  /** What legacy sends there is not what the contract has, and what the stores send is. */
  readonly againstContract: boolean;
}

/** So many items, if they are such a share of what could have it, are no matter of single ones: the more, the less. */
const MANY: readonly (readonly [subjects: number, share: number])[] = Object.freeze([
  [2, 0.5],
  [5, 0.05],
]);

/** Whether it is a matter of every item, or every item of a sort, and not of a few. */
export const isSystematic = ({ subjects, places, possible }: Evidence): boolean =>
  MANY.some(([least, share]) => subjects >= least && places >= share * possible);

interface Row {
  readonly kind?: Kind;
  readonly refusal?: boolean;
  readonly alone: Alone;
  readonly systematic?: boolean;
  readonly againstContract?: boolean;
  readonly cause: Cause;
}

/**
 * Who stands alone, and with how many → the cause; the first row that fits. Legacy reads the items that the DynamoDB
 * binding reads, so that DynamoDB alone is never wrong data.
 */
export const CAUSES: readonly Row[] = Object.freeze([
  { alone: 'legacy', kind: 'exposure', cause: 'access' },
  { alone: 'legacy', refusal: true, cause: 'binding' },
  { alone: 'legacy', againstContract: true, cause: 'legacy' },
  { alone: 'legacy', systematic: true, cause: 'binding' },
  { alone: 'legacy', cause: 'legacy' },
  { alone: 'dynamodb', cause: 'binding' },
  { alone: 'mongodb', systematic: true, cause: 'binding' },
  { alone: 'mongodb', cause: 'data' },
  { alone: 'all', cause: 'several' },
] as const);

/** The likely cause; `undefined` where there were no three answers. */
export function causeOf(evidence: Evidence): Cause | undefined {
  const systematic = isSystematic(evidence);
  return CAUSES.find(
    (row) =>
      row.alone === evidence.alone &&
      (row.kind === undefined || row.kind === evidence.kind) &&
      (row.refusal === undefined || row.refusal === evidence.refusal) &&
      (row.systematic === undefined || row.systematic === systematic) &&
      (row.againstContract === undefined || row.againstContract === evidence.againstContract),
  )?.cause;
}

/** In two or three words. */
export const CAUSE_NAMES: Readonly<Record<Cause, string>> = Object.freeze({
  access: 'missing access check',
  binding: 'wrong binding',
  data: 'wrong data',
  legacy: 'legacy’s own',
  several: 'more than one cause',
});

/** Who agrees, who stands alone, and what that says. */
export function causeSentence(evidence: Evidence): string | undefined {
  const cause = causeOf(evidence);
  if (cause === undefined || evidence.alone === undefined) return undefined;
  const { places, possible, subjects, againstContract } = evidence;
  const cases = subjects === 1 ? 'one case' : `${subjects} cases${subjects >= MAX_SUBJECTS ? ' or more' : ''}`;
  const where = isSystematic(evidence)
    ? `in ${subjects >= MAX_SUBJECTS ? 'many cases' : cases}, ${percentOf(places, possible)} of those that could have it`
    : `in ${cases}`;
  if (cause === 'binding' && evidence.alone === 'legacy' && evidence.refusal)
    return `Both stores’ refusals are the same and legacy’s is another, ${where}: \`errors\` in the bindings.`;
  if (cause === 'legacy' && againstContract)
    return `Both stores agree, and what legacy sends, ${where}, is not what the contract has: legacy’s own.`;
  return SENTENCES[cause][evidence.alone]?.(where);
}

const percentOf = (n: number, of: number): string => `${Math.min(100, Math.round((100 * n) / Math.max(of, 1)))} %`;

type Sentence = (where: string) => string;

const SENTENCES: Readonly<Record<Cause, { readonly [alone in Alone]?: Sentence }>> = Object.freeze({
  access: {
    legacy: () =>
      'Both stores answer what legacy refuses: a check that legacy makes is missing here (`allow`, or the tenant).',
  },
  binding: {
    legacy: (where) =>
      `Both stores agree against legacy, ${where}: the bindings, or a rule of legacy’s that they do not have.`,
    dynamodb: (where) =>
      `Legacy and MongoDB agree, DynamoDB stands alone, ${where}: its binding, since legacy reads the same items.`,
    mongodb: (where) =>
      `Legacy and DynamoDB agree, MongoDB stands alone, ${where}: its binding, or the way its data was carried over.`,
  },
  data: {
    mongodb: (where) => `Legacy and DynamoDB agree, MongoDB stands alone, ${where}: its data.`,
  },
  legacy: {
    legacy: (where) =>
      `Both stores agree against legacy, ${where}: legacy’s own, or a case that the bindings do not know.`,
  },
  several: { all: (where) => `No two of the three agree, ${where}: more than one cause.` },
});

/** What is the same finding in two pairs: the same place, the same origin alone, the same two states. */
export function twinKey(finding: {
  readonly operation: string;
  readonly pair: Pair;
  readonly kind: Kind;
  readonly path: string;
  readonly leftType: ValueType;
  readonly rightType: ValueType;
  readonly alone: Alone | undefined;
}): string | undefined {
  const { operation, pair, kind, path, leftType, rightType, alone } = finding;
  if (alone === undefined || alone === 'all' || !pair.split('-').includes(alone)) return undefined;
  const [own, others] = pair.startsWith(`${alone}-`) ? [leftType, rightType] : [rightType, leftType];
  return JSON.stringify([operation, alone, FAMILIES[kind] ?? kind, path, own, others]);
}

/** Kinds that say which side has what, seen from the other side, or with legacy in the pair. */
const FAMILIES: Readonly<Partial<Record<Kind, string>>> = Object.freeze({
  missing: 'presence',
  extra: 'presence',
  exposure: 'status',
  status: 'status',
});
