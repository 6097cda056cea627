import { cpus } from 'node:os';
import { markdown } from '../support/measure.ts';
import { TARGETS, type TargetName } from './bed.ts';
import type { Fared } from './judge.ts';
import type { Ran } from './run.ts';

/** What stands before each target's table. */
const TITLES: Readonly<Record<TargetName, string>> = Object.freeze({
  dynamodb: 'DynamoDB: control at `dynamodb` and `shadow`, candidate at `live` and `validate`',
  mongodb: 'MongoDB: control at `live` and `complete`, candidate at `shadow` and `validate`',
  results: 'Results',
  unleash: 'Unleash',
  legacy: 'Legacy: answers at `legacy` and `validate`, where it is compared too',
});

/** All that was measured, as Markdown: a table for each target. */
export function tables(all: readonly Ran[], sets: readonly Ran[]): string {
  const sections = TARGETS.map((target) => [TITLES[target], all.filter((ran) => ran.target === target)] as const);
  return [...sections, ['MongoDB as a replica set of three', sets] as const]
    .filter(([, rans]) => rans.length > 0)
    .map(([title, rans]) => `### ${title}\n\n${markdown(rans.map(rowOf))}\n`)
    .join('\n');
}

export const machine = (): string =>
  `${new Date().toISOString().slice(0, 10)}, Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model}`;

export function rowOf({ target, fault, own, others, clients, behind, seen }: Ran): Record<string, string> {
  const answers = target === 'results' || target === 'unleash';
  return {
    fault: `**${fault.name}**: ${fault.what}`,
    ...(answers ? {} : { 'its clients': statuses(own), 'their p99': ms(own.p99), 'well again': seconds(clients) }),
    'all other clients': statuses(others),
    'p99 of others': ms(others.p99),
    [BEHIND[target]]: behind === undefined ? 'not within a minute' : seconds(behind),
    'what the metrics said': seen.length === 0 ? '–' : seen.map((one) => `\`${one}\``).join(', '),
  };
}

const BEHIND: Readonly<Record<TargetName, string>> = Object.freeze({
  ...{ dynamodb: 'compared again', mongodb: 'compared again', legacy: 'compared again' },
  ...{ results: 'written again', unleash: 'read again' },
});

const statuses = ({ statuses: all }: Fared): string =>
  Object.entries(all)
    .map(([status, n]) => `${n} × ${status === '0' ? 'cut off' : status}`)
    .join(', ');

const ms = (n: number): string => `${n.toFixed(0)} ms`;
const seconds = (n: number): string => `${(n / 1_000).toFixed(1)} s`;
