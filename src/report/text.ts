import type { Mark } from '../results/marks.ts';
import { CAUSE_NAMES } from './cause.ts';
import type { FindingSummary, OperationSummary, Quantiles, Summary } from './summary.ts';
import { sidesOf } from './words.ts';

/** Rows → lines with aligned columns; the first row is the head. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const line = (row: readonly string[]) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ');
  return rows.map((row) => `${line(row).trimEnd()}\n`).join('');
}

export const percent = (share: number): string => {
  const hundred = share * 100;
  return hundred === 0 ? '0 %' : hundred < 0.01 ? '< 0.01 %' : `${Number(hundred.toPrecision(3))} %`;
};

/** Milliseconds as a person would say them. */
export const duration = (milliseconds: number): string =>
  milliseconds >= 10_000
    ? `${Number((milliseconds / 1000).toPrecision(3))} s`
    : `${Number(milliseconds.toPrecision(3))} ms`;

export const quantilesText = (given: Quantiles | undefined): string =>
  given === undefined ? '–' : `${duration(given.p50)} / ${duration(given.p95)} / ${duration(given.p99)}`;

export const dateText = (date: Date | undefined): string =>
  date === undefined ? 'never' : date.toISOString().replace('T', ' ').slice(0, 16);

export const typesText = ({ leftType, rightType }: FindingSummary): string => `${leftType} → ${rightType}`;

export const verdictText = ({ verdicts }: FindingSummary): string =>
  Object.entries(verdicts)
    .filter(([, n]) => n > 0)
    .map(([verdict, n]) => `${n} ${verdict}`)
    .join(', ');

/** What was not compared and why: `3 shed (queue)`. */
export const notComparedText = ({ notCompared }: OperationSummary): string =>
  notCompared.length === 0
    ? '–'
    : notCompared.map(({ outcome, reason, n }) => `${n} ${outcome} (${reason})`).join(', ');

export const lagText = ({ lag }: OperationSummary): string => {
  const declared = lag.declared === undefined ? 'none declared' : `${duration(lag.declared)} declared`;
  return lag.measured === undefined
    ? declared
    : `${duration(lag.measured.p95)} measured (p95 of ${lag.n}), ${declared}`;
};

/** How much of the evidence came of replays: '' where none did. */
export function replayedText({ operations }: Summary): string {
  const parts = operations
    .filter(({ replayed }) => replayed > 0)
    .map(({ operation, pair, replayed, compared }) => `${operation} ${pair} ${replayed} of ${compared}`);
  return parts.length === 0 ? '' : `replayed, not clients’: ${parts.join(', ')}`;
}

/** A report for a terminal. `paint` colours a word, or does not. */
export function reportText(summary: Summary, paint: (color: Color, text: string) => string): string {
  const { operations, findings, unsettled, passing, rules, history } = summary;
  const parts = [
    paint('bold', `Report of ${summary.api}, evidence ${summary.evidence}`),
    `${dateText(summary.first)} to ${dateText(summary.last)} UTC, ${plural(summary.replicas, 'replica')}${summary.dropped > 0 ? `, ${summary.dropped} results lost while their store was away` : ''}`,
    ...(summary.exposures.length === 0 ? [] : [paint('red', exposureText(summary))]),
    '',
    operations.length === 0 ? NOTHING : operationsText(operations),
    replayedText(summary) === '' ? '' : `${replayedText(summary)}\n`,
    findings.length === 0
      ? paint('green', 'No finding is confirmed.\n')
      : `${paint('bold', `${plural(findings.length, 'finding')}, worst first`)}\n\n${findings.map((one) => findingText(one, paint)).join('\n')}`,
    unsettled.length === 0
      ? ''
      : `${paint('bold', UNSETTLED)}\n\n${unsettled.map((one) => findingText(one, paint)).join('\n')}`,
    passing.length === 0 ? '' : passingText(passing, paint),
    rules.length === 0 ? '' : rulesText(rules),
    history.length === 0 ? '' : historyText(history),
  ];
  return `${parts.filter((part, at) => part !== '' || parts.indexOf('') === at).join('\n')}\n`;
}

/** The alarm that stands before all else: no rule, no share and no verdict but `transient` takes it away. */
export const exposureText = ({ exposures }: Summary): string =>
  `EXPOSURE: ${[...new Set(exposures.map(({ operation }) => operation))].join(', ')} would be answered to whom legacy refuses (${exposures.map(({ fingerprint }) => fingerprint).join(', ')}).`;

/** Heads of the sections after the findings, in every format. */
export const UNSETTLED = 'Not settled: written faster than they were looked at, or not looked at again';
export const PASSING = 'Seen only until the newer store had caught up';

/** A mark: who has looked, why it may be, and until when. */
export const knownText = ({ who, reason, until }: Mark): string => `known until ${until}, by ${who}: ${reason}`;

export const timesText = (n: number): string => (n === 1 ? 'once' : `${n.toLocaleString('en')} times`);

export const plural = (n: number, one: string): string => `${n.toLocaleString('en')} ${one}${n === 1 ? '' : 's'}`;

export type Color = 'bold' | 'red' | 'green' | 'yellow' | 'dim';

const NOTHING =
  'Nothing is compared yet. Move an operation to a stage with a candidate, such as `crossfade stage getUser shadow` (or `validate`, in front of a legacy service), and send it requests.\n';

function operationsText(operations: readonly OperationSummary[]): string {
  const head = ['operation', 'pair', 'compared', 'match', 'ignored', 'mismatch', 'differs at most', 'tenants'];
  const rows = operations.map((one) => [
    one.operation,
    one.pair,
    String(one.compared),
    String(one.matched),
    String(one.ignored),
    String(one.mismatched),
    one.upperBound === undefined ? '–' : percent(one.upperBound),
    String(one.tenants),
  ]);
  const times = [
    ['p50 / p95 / p99', 'pair', 'control', 'candidate', 'lag', 'not compared'],
    ...operations.map((one) => [
      one.operation,
      one.pair,
      quantilesText(one.control),
      quantilesText(one.candidate),
      lagText(one),
      notComparedText(one),
    ]),
  ];
  const gaps = operations
    .map(
      (one) => [`${one.operation} ${one.pair}`, one.strata.filter(({ n }) => n === 0).map(({ name }) => name)] as const,
    )
    .filter(([, names]) => names.length > 0)
    .map(([operation, names]) => `never seen in ${operation}: ${names.join(', ')}\n`);
  return `${table([head, ...rows])}\n${table(times)}${gaps.length === 0 ? '' : `\n${gaps.join('')}`}`;
}

/** One finding, with all that a person needs to go on. */
export function findingText(finding: FindingSummary, paint: (color: Color, text: string) => string): string {
  const { fingerprint, operation, pair, kind, path, n, share, tenants } = finding;
  const color = finding.verdicts.persistent > 0 ? 'red' : 'yellow';
  const lines = [
    `${paint(color, kind)} ${operation} ${paint('bold', path || '(whole answer)')}  ${typesText(finding)}  ${paint('dim', `${fingerprint} ${pair}`)}`,
    `  ${finding.sentence}`,
    ...(finding.cause === undefined ? [] : [`  ${paint('bold', CAUSE_NAMES[finding.cause])}: ${finding.because}`]),
    ...finding.twins.map((twin) => `  the same in ${twin.pair}: ${twin.fingerprint}`),
    `  ${timesText(n)} (${percent(share)} of compared): ${verdictText(finding)}; tenants: ${shown(tenants)}`,
    `  ${dateText(finding.first)} to ${dateText(finding.last)}`,
    ...(finding.known === undefined ? [] : [`  ${knownText(finding.known)}`]),
    ...(finding.rule === undefined ? ['  no rule may hide this'] : [`  rule: ${finding.rule}`]),
    `  requests: ${finding.samples
      .slice(0, 3)
      .map(({ requestId }) => requestId)
      .join(', ')}`,
  ];
  return `${lines.join('\n')}\n`;
}

export const shown = (names: readonly string[]): string =>
  names.length > 5 ? `${names.slice(0, 5).join(', ')} and ${names.length - 5} more` : names.join(', ');

/** A finding's samples: what was kept of the answers that differed. */
export function samplesText({ samples, pair }: FindingSummary): string {
  const [left, right] = sidesOf(pair);
  const side = ({ type, length, value }: FindingSummary['samples'][number]['left']) =>
    value ?? (length === 0 ? type : `${type} of ${length} bytes`);
  return table([
    ['at (UTC)', 'request', 'tenant', 'stage', 'verdict', left, right, 'facts'],
    ...samples.map((sample) => [
      dateText(sample.at),
      sample.requestId,
      sample.tenant,
      sample.stage,
      sample.verdict,
      side(sample.left),
      side(sample.right),
      sample.facts.join('; '),
    ]),
  ]);
}

function passingText(passing: readonly FindingSummary[], paint: (color: Color, text: string) => string): string {
  const rows = passing.map((one) => [one.kind, one.operation, one.path || '(whole answer)', timesText(one.n)]);
  return `${paint('bold', PASSING)}\n${table(rows)}`;
}

function rulesText(rules: Summary['rules']): string {
  return table([
    ['rule', 'uses', 'until', 'reason'],
    ...rules.map(({ id, uses, until, expired, reason }) => [
      id,
      uses === 0 ? 'never used' : String(uses),
      until === undefined ? '–' : `${until}${expired ? ' (expired)' : ''}`,
      reason,
    ]),
  ]);
}

const historyText = (history: Summary['history']): string =>
  `Earlier evidence, which counts no more: ${history
    .slice(0, 5)
    .map(({ evidence, n, last }) => `${evidence} (${n} until ${dateText(last)})`)
    .join(', ')}\n`;
