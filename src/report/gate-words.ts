import type { Stage } from '../model/stage.ts';
import type { Reason } from './gate.ts';
import type { State } from './gate-case.ts';
import type { Color } from './text.ts';

/** A gate's answer to one move, as every format tells it. */
export interface GateReport {
  readonly api: string;
  readonly operation: string;
  readonly to: Stage;
  /** As it was asked: ` --tenant acme`. */
  readonly scope: string;
  readonly evidence: string;
  /** From where; none where everybody is there. */
  readonly from: readonly Stage[];
  readonly verdict: State;
  readonly reasons: readonly Reason[];
}

const ANSWERS: Readonly<Record<State, string>> = Object.freeze({
  pass: 'may move',
  fail: 'may not move',
  insufficient: 'may not move yet: too little is known',
});

const COLORS: Readonly<Record<State, Color>> = Object.freeze({ pass: 'green', fail: 'red', insufficient: 'yellow' });

type Paint = (color: Color, text: string) => string;

/** `getUser from shadow to live may not move`. */
function titleOf({ operation, from, to, scope, verdict }: GateReport): string {
  if (from.length === 0)
    return `nobody would move: ${operation} ${to}${scope} takes nobody to another stage, and there is nothing to judge`;
  return `${operation} from ${from.join(' and ')} to ${to}${scope} ${ANSWERS[verdict]}`;
}

/** For a terminal: refusals first, each with what is wanted and how to get it. */
export function gateText(report: GateReport, paint: Paint): string {
  const { reasons, evidence, verdict } = report;
  const refused = refusalsOf(reasons);
  const passed = passesOf(reasons);
  const none =
    report.from.length > 0 && reasons.length === 0
      ? ['who answers stays, or it is a step back: no evidence is needed']
      : [];
  return `${[
    paint(COLORS[verdict], titleOf(report)),
    paint('dim', `evidence ${evidence}`),
    ...none,
    ...refused.flatMap((reason) => [
      `${paint(COLORS[reason.state], reason.state.padEnd(12))} ${refusalText(reason)}`,
      `${' '.repeat(13)}${paint('dim', reason.cure)}`,
    ]),
    ...passed.map((reason) => `${paint('green', 'pass'.padEnd(12))} ${passText(reason)}`),
  ].join('\n')}\n`;
}

/** What keeps a move from being made, worst first. */
export const refusalsOf = (reasons: readonly Reason[]): readonly Reason[] =>
  reasons.filter(({ state }) => state !== 'pass');

/** What lets it be made. */
export const passesOf = (reasons: readonly Reason[]): readonly Reason[] =>
  reasons.filter(({ state }) => state === 'pass');

/** One thing that is as it should be, in a line. */
export const passText = ({ rule, sentence, got, wanted }: Reason): string => `${rule}: ${sentence}: ${got} (${wanted})`;

/** One refusal in a line. */
export const refusalText = ({ rule, sentence }: Reason): string =>
  `${rule === 'exposure' ? 'EXPOSURE' : rule}: ${sentence}`;

/** For a pull request. */
export function gateMarkdown(report: GateReport): string {
  const cell = (text: string) => text.replace(/[\\`*_{}[\]<>|#]/g, '\\$&').replace(/\s+/g, ' ');
  const refused = refusalsOf(report.reasons);
  const rows = report.reasons.map(
    ({ rule, state, sentence, wanted, got }) =>
      `| ${state === 'pass' ? state : `**${state}**`} | ${[rule, sentence, got, wanted].map(cell).join(' | ')} |`,
  );
  return [
    `## Gate: ${cell(titleOf(report))}`,
    '',
    `Evidence \`${report.evidence}\` of ${cell(report.api)}.`,
    '',
    ...(rows.length === 0 ? [] : ['| | rule | | is | wanted |', '|---|---|---|---|---|', ...rows, '']),
    ...(refused.length === 0
      ? []
      : ['How to get what is missing:', '', ...refused.map(({ rule, cure }) => `- ${cell(rule)}: ${cell(cure)}`), '']),
  ].join('\n');
}

/** For a build server: one test case a reason. What is missing is a failure too. */
export function gateJunit(report: GateReport): string {
  const { reasons, api, operation } = report;
  const cases =
    reasons.length === 0
      ? [`    <testcase name="${xml(titleOf(report))}" classname="${xml(`${api}.${operation}`)}"/>`]
      : reasons.map((reason) => caseOf(reason, `${api}.${operation}`));
  const counts = `tests="${cases.length}" failures="${refusalsOf(reasons).length}" errors="0" skipped="0"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${counts}>`,
    `  <testsuite name="${xml(`crossfade gate ${titleOf(report)}`)}" ${counts}>`,
    `    <properties><property name="evidence" value="${xml(report.evidence)}"/></properties>`,
    ...cases,
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

function caseOf({ rule, state, sentence, wanted, got, cure }: Reason, classname: string): string {
  const open = `    <testcase name="${xml(`${rule}: ${sentence}`)}" classname="${xml(classname)}"`;
  if (state === 'pass') return `${open}/>`;
  const message = `<failure type="${state}" message="${xml(sentence)}">${xml(`is ${got}, wanted ${wanted}. ${cure}`)}</failure>`;
  return `${open}>${message}</testcase>`;
}

const ENTITIES: Readonly<Record<string, string>> = Object.freeze({
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
});

/** XML 1.0 has no way to say a control character: they are shown, as everywhere. */
const xml = (text: string): string =>
  text
    .replace(/\p{C}|[\uFFFE\uFFFF]/gu, (one) => `\\u{${(one.codePointAt(0) as number).toString(16)}}`)
    .replace(/[&<>"']/g, (one) => ENTITIES[one] as string);
