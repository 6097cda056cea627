import { CAUSE_NAMES } from './cause.ts';
import type { FindingSummary, Summary } from './summary.ts';
import {
  dateText,
  exposureText,
  knownText,
  lagText,
  notComparedText,
  PASSING,
  percent,
  plural,
  quantilesText,
  replayedText,
  shown,
  timesText,
  typesText,
  UNSETTLED,
  verdictText,
} from './text.ts';

/** A report for an issue or a wiki page. */
export function reportMarkdown(summary: Summary): string {
  const { operations, findings, unsettled, passing, rules } = summary;
  return [
    `# Report of ${escaped(summary.api)}`,
    '',
    `Evidence \`${summary.evidence}\`, ${dateText(summary.first)} to ${dateText(summary.last)} UTC, ${plural(summary.replicas, 'replica')}, ${summary.dropped} results lost.`,
    '',
    ...(summary.exposures.length === 0 ? [] : [`**${escaped(exposureText(summary))}**`, '']),
    '## Operations',
    '',
    rows([
      [
        'operation',
        'pair',
        'compared',
        'match',
        'ignored',
        'mismatch',
        'differs at most',
        'control p50 / p95 / p99',
        'candidate p50 / p95 / p99',
        'lag',
        'not compared',
      ],
      ...operations.map((one) => [
        one.operation,
        one.pair,
        String(one.compared),
        String(one.matched),
        String(one.ignored),
        String(one.mismatched),
        one.upperBound === undefined ? '–' : percent(one.upperBound),
        quantilesText(one.control),
        quantilesText(one.candidate),
        lagText(one),
        notComparedText(one),
      ]),
    ]),
    ...(replayedText(summary) === '' ? [] : [`${escaped(replayedText(summary))}.`, '']),
    '## Findings',
    '',
    findings.length === 0 ? 'None is confirmed.\n' : findings.map(finding).join('\n'),
    ...(unsettled.length === 0 ? [] : [`## ${UNSETTLED}`, '', unsettled.map(finding).join('\n')]),
    ...(passing.length === 0
      ? []
      : [
          `## ${PASSING}`,
          '',
          rows([
            ['kind', 'operation', 'path', 'times'],
            ...passing.map((one) => [one.kind, one.operation, one.path, String(one.n)]),
          ]),
        ]),
    ...(rules.length === 0
      ? []
      : [
          '## Rules',
          '',
          rows([
            ['rule', 'uses', 'until', 'reason'],
            ...rules.map(({ id, uses, until, expired, reason }) => [
              id,
              String(uses),
              until === undefined ? '–' : `${until}${expired ? ' (expired)' : ''}`,
              reason,
            ]),
          ]),
        ]),
  ].join('\n');
}

function finding(one: FindingSummary): string {
  return [
    `### ${one.kind} ${escaped(one.operation)} \`${one.path || '(whole answer)'}\``,
    '',
    `${escaped(one.sentence)}${one.cause === undefined ? '' : ` **${escaped(CAUSE_NAMES[one.cause])}**: ${escaped(one.because ?? '')}`} \`${one.fingerprint}\`, ${typesText(one)}, ${[one, ...one.twins].map(({ pair }) => pair).join(' and ')}.`,
    '',
    `${timesText(one.n)} (${percent(one.share)} of compared): ${verdictText(one)}; tenants ${escaped(shown(one.tenants))}; ${dateText(one.first)} to ${dateText(one.last)}.`,
    '',
    ...(one.known === undefined ? [] : [`${escaped(knownText(one.known))}.`, '']),
    one.rule === undefined ? 'No rule may hide this.' : `\`\`\`ts\n${one.rule}\n\`\`\``,
    '',
  ].join('\n');
}

function rows([head = [], ...body]: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(escaped).join(' | ')} |`;
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...body.map(line), ''].join('\n');
}

const escaped = (text: string): string => text.replace(/[\\`*_{}[\]<>|#]/g, '\\$&');
