import type { Kind, Pair, ValueType } from '../model/comparison.ts';
import type { Sample } from '../results/rows.ts';

/** What a finding is described by. */
export interface Described {
  readonly pair: Pair;
  readonly kind: Kind;
  readonly path: string;
  readonly leftType: ValueType;
  readonly rightType: ValueType;
  readonly samples: readonly Sample[];
}

const NAMES: Readonly<Record<string, string>> = Object.freeze({
  legacy: 'legacy',
  dynamodb: 'DynamoDB',
  mongodb: 'MongoDB',
});

/** The two origins of a pair, as people call them: the older one first. */
export function sidesOf(pair: Pair): readonly [string, string] {
  const [left = '', right = ''] = pair.split('-');
  return [NAMES[left] ?? left, NAMES[right] ?? right];
}

/** A finding in one plain sentence, without values. */
export function sentenceOf(finding: Described): string {
  const [left, right] = sidesOf(finding.pair);
  const facts = commonFacts(finding.samples);
  const sentence = SENTENCES[finding.kind](finding, left, right, facts.length === 0 ? '' : ` (${facts.join('; ')})`);
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
}

type Sentence = (finding: Described, left: string, right: string, facts: string) => string;

const SENTENCES: Readonly<Record<Kind, Sentence>> = Object.freeze({
  exposure: ({ leftType, rightType }, left, right) =>
    `${left} refuses with ${leftType} what ${right} answers with ${rightType}: ${right} would show it to someone who may not see it.`,
  status: ({ leftType, rightType }, left, right) =>
    `${left} answers ${leftType}, ${right} ${rightType}${whatStatusMeans(leftType, rightType, left, right)}.`,
  unanswerable: ({ leftType, rightType }, left, right) => {
    const broken = /^\d+$/.test(leftType) ? [right, rightType] : [left, leftType];
    return `${broken[0]} cannot answer: ${FAILURES[broken[1] as string] ?? 'its binding failed'}.`;
  },
  missing: ({ path, leftType }, left, right) =>
    isItem(path)
      ? `An item that ${left} lists is not in ${right}’s list ${listOf(path)}.`
      : `${right} has no ${path || 'body'}, where ${left} has ${leftType === 'null' ? 'null' : `a ${leftType}`}.`,
  extra: ({ path, rightType }, left, right) =>
    isItem(path)
      ? `${right}’s list ${listOf(path)} has an item that ${left}’s has not.`
      : `${right} has ${path || 'a body'} (${rightType}), where ${left} has none.`,
  type: ({ path, leftType, rightType }, left, right) =>
    `${path} is ${leftType} in ${left} and ${rightType} in ${right}.`,
  value: ({ path }, left, right, facts) => `${path || 'The body'} is not the same in ${left} and ${right}${facts}.`,
  order: ({ path }, left, right) =>
    `The items of ${path || 'the list'} come in another order from ${right} than from ${left}.`,
  length: ({ path }, left, right) => `The lists ${path || 'in the body'} of ${left} and ${right} are not equally long.`,
  notation: ({ path }, left, right) =>
    `${path} is the same number, written in other digits by ${left} than by ${right}.`,
  header: ({ path, leftType, rightType }, left, right) => {
    const name = path.slice('header:'.length);
    if (leftType === 'absent') return `${right} sends the header ${name}, ${left} does not.`;
    if (rightType === 'absent') return `${left} sends the header ${name}, ${right} does not.`;
    return `The header ${name} is not the same from ${left} and ${right}.`;
  },
});

const FAILURES: Readonly<Record<string, string>> = Object.freeze({
  undecodable: 'it holds a value that JSON or the contract has no place for',
  refused: 'it calls the call wrong (a table, an index or an expression)',
  tooMany: 'there are more items than maxItems allows',
  'no JSON': 'what it gave is no JSON',
});

function whatStatusMeans(leftType: string, rightType: string, left: string, right: string): string {
  if (leftType.startsWith('2') && rightType === '404') return `: ${right} lacks the item`;
  if (leftType === '404' && rightType.startsWith('2')) return `: ${right} has an item that ${left} has not`;
  return '';
}

const isItem = (path: string): boolean => path.endsWith('/*');
const listOf = (path: string): string => path.slice(0, -2) || '(the whole body)';

/** Facts that hold for every sample that has any; distances only where they are always the same. */
function commonFacts(samples: readonly Sample[]): readonly string[] {
  const [first, ...others] = samples.map(({ facts }) => facts).filter((facts) => facts.length > 0);
  return (first ?? []).filter((fact) => others.every((facts) => facts.includes(fact)));
}

const MONTH = 30 * 86_400_000;

/** The narrowest rule that would cover the finding, to be pasted under `compare`; `undefined` where none may. */
export function ruleFor(finding: Described, now: number): string | undefined {
  const { kind, path } = finding;
  if (kind === 'exposure' || kind === 'status' || kind === 'unanswerable' || path === '') return undefined;
  const until = new Date(now + MONTH).toISOString().slice(0, 10);
  return `{ path: '${path}', ${narrowest(finding)}, reason: '…', until: '${until}', pair: '${finding.pair}' },`;
}

function narrowest({ kind, leftType, rightType, samples }: Described): string {
  if (kind === 'order') return `rule: 'unordered'`;
  const isNull = leftType === 'null' || rightType === 'null';
  if ((kind === 'missing' || kind === 'extra') && isNull) return `rule: 'absentEqualsNull'`;
  if (kind === 'notation') return `rule: 'tolerance', tolerance: 0`;
  const facts = commonFacts(samples);
  if (facts.includes('equal but for milliseconds')) return `rule: 'within', duration: '1s'`;
  const distance = facts.map((fact) => /^differs by ([\d.e+-]+)$/.exec(fact)?.[1]).find((one) => one !== undefined);
  if (kind === 'value' && leftType === 'number' && distance !== undefined)
    return `rule: 'tolerance', tolerance: ${distance}`;
  return `rule: 'ignore'`;
}
