import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parser } from '@prometheus-io/lezer-promql';
import { parse } from 'yaml';
import { addProcessMetrics, createMetrics } from '../../src/metrics.ts';

export const DEPLOY = join(import.meta.dirname, '..', '..', 'deploy');
export const RULES_FILE = join(DEPLOY, 'prometheus', 'rules.yaml');

/** Whether a façade, as a process of its own, has this metric; histograms by their parts too. */
export function isOurs(): (metric: string) => boolean {
  const metrics = createMetrics();
  addProcessMetrics(metrics);
  const known = new Set(metrics.registry.getMetricsAsArray().map(({ name }) => name));
  return (metric) => known.has(metric) || known.has(metric.replace(/_(count|sum|bucket)$/, ''));
}

export interface Rule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface RuleFile {
  readonly groups: readonly { readonly name: string; readonly interval?: string; readonly rules: readonly Rule[] }[];
}

export type Alert = Rule & { readonly alert: string };

export const ruleFile = (): RuleFile => parse(readFileSync(RULES_FILE, 'utf8')) as RuleFile;

export const rulesOf = ({ groups }: RuleFile): readonly Rule[] => groups.flatMap(({ rules }) => rules);

export const alertsOf = (file: RuleFile): readonly Alert[] =>
  rulesOf(file).filter((rule): rule is Alert => rule.alert !== undefined);

/** The metrics that an expression names. Throws where it is no PromQL. */
export function metricsOf(expression: string): readonly string[] {
  const names = new Set<string>();
  parser.parse(expression).iterate({
    enter: ({ type, from, to, node }) => {
      if (type.isError) throw new Error(`no PromQL at ${from}: ${expression}`);
      if (type.name === 'Identifier' && node.parent?.name === 'VectorSelector') names.add(expression.slice(from, to));
    },
  });
  return [...names];
}
