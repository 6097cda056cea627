import { Command } from 'commander';
import { evidenceId } from '../bindings/evidence.ts';
import { compare } from '../compare/compare.ts';
import { isExpired, type Rule } from '../compare/rules.ts';
import { VERSION } from '../config.ts';
import { openResults, type ResultsStore } from '../drivers/results.ts';
import { RequestError, UsageError } from '../errors.ts';
import { type Observation, withBody } from '../model/answer.ts';
import { parseJson, printJson } from '../model/json.ts';
import { printableLine } from '../model/printable.ts';
import type { Asking } from '../operate/asking.ts';
import { mutantsOf } from '../report/mutate.ts';
import { reported } from '../report/reported.ts';
import { summarize } from '../report/summary.ts';
import { readResults } from '../results/reader.ts';
import type { FindingRow, RuleRow } from '../results/rows.ts';
import { createSampling, type SampledRequest } from '../results/sample.ts';
import { askingAt } from './asking.ts';
import { type Io, json as jsonText } from './io.ts';
import { type Place, placeOf } from './place.ts';

export interface RulesOptions {
  readonly json?: boolean;
  readonly bindings?: string;
}

/** What a rule was seen to hide, by changing real answers: where, which changes, in how many answers. */
export interface Hidden {
  readonly path: string;
  readonly changes: readonly string[];
}

export interface RuleReport {
  readonly id: string;
  readonly reason: string;
  readonly until: string | undefined;
  readonly expired: boolean;
  readonly uses: number;
  readonly hides: readonly Hidden[];
  /** Answers that were changed to see. */
  readonly answers: number;
}

/** Answers that are changed, of each operation. */
const ANSWERS = 5;

export function command(io: Io): Command {
  return new Command('rules')
    .description('what the compare rules are used for, which are dead or expired, and what each would hide')
    .option('--json', 'print data instead of text')
    .option('--bindings <file>', 'the bindings module (default: BINDINGS, else the running demo)')
    .addHelpText('after', '\nExample:\n  $ crossfade rules')
    .action(async (options: RulesOptions) => {
      process.exitCode = await run(io, options);
    });
}

/** 0: every rule is alive; 1: one is dead, expired, or hides more than it was used for. */
export async function run(io: Io, options: RulesOptions): Promise<number> {
  const place = await placeOf(io, options.bindings);
  const { resultsUri } = place.config;
  if (resultsUri === undefined) throw new UsageError('RESULTS_URI or MONGODB_URI must say where the results are');
  const asking = await askingAt(place);
  const store = openResults({ uri: resultsUri });
  try {
    const reports = await reportsOf(place, asking, store);
    if (options.json === true) io.out(jsonText(reports));
    else
      io.out(
        reports.length === 0 ? 'The bindings have no rules.\n' : reports.map((one) => textOf(one, place)).join('\n'),
      );
    return reports.some(({ uses, expired, hides }) => uses === 0 || expired || hides.length > 1) ? 1 : 0;
  } finally {
    await store.close();
    await asking.close();
  }
}

async function reportsOf(place: Place, asking: Asking, store: ResultsStore): Promise<readonly RuleReport[]> {
  const { bindings } = asking;
  const evidence = await evidenceId(bindings.file, bindings.contract.source, VERSION);
  const operations = bindings.operations.filter(({ spec }) => spec !== undefined).map((one) => reported(bindings, one));
  const results = await readResults(store, { api: bindings.name, evidence });
  const now = Date.now();
  const { rules } = summarize({ api: bindings.name, evidence, operations, results, now });
  if (rules.length === 0) return [];
  const sealed = await sealedRequests(store, bindings.name, evidence, results.findings);
  const hidden = await mutate(asking, requestsOf(place, sealed), now);
  return rules.map((rule) => ({
    ...rule,
    hides: [...(hidden.byRule.get(rule.id) ?? new Map<string, Set<string>>())]
      .map(([path, changes]) => ({ path, changes: [...changes].sort() }))
      .sort((a, b) => (a.path < b.path ? -1 : 1)),
    answers: hidden.answers,
  }));
}

async function sealedRequests(
  store: ResultsStore,
  api: string,
  evidence: string,
  findings: readonly FindingRow[],
): Promise<readonly string[]> {
  const rows = await store.find<RuleRow>('crossfade_rules', { api, evidence });
  const ofFindings = findings.flatMap(({ samples }) => samples.map(({ request }) => request));
  return [...rows.flatMap(({ requests }) => requests), ...ofFindings].filter((one) => one !== undefined);
}

function requestsOf({ config }: Place, sealed: readonly string[]): readonly SampledRequest[] {
  const sampling = createSampling(config.sampleSecret, []);
  const byUrl = new Map(
    sealed
      .map((one) => sampling.open(one))
      .flatMap((one) => (one === undefined ? [] : [[JSON.stringify(one), one] as const])),
  );
  return [...byUrl.values()];
}

interface Mutated {
  /** Rule → path → changes that it hid. */
  readonly byRule: ReadonlyMap<string, Map<string, Set<string>>>;
  readonly answers: number;
}

/** Asks for the sampled requests again, changes each answer in every place, and notes which rule hides the change. */
async function mutate(asking: Asking, requests: readonly SampledRequest[], now: number): Promise<Mutated> {
  const byRule = new Map<string, Map<string, Set<string>>>();
  const counts = new Map<string, number>();
  let answers = 0;
  for (const request of requests) {
    // Credentials are never kept, so there are no claims: what needs some is refused, and not asked again.
    const enquiry = await asking.enquire(request, 'unnamed').catch(noEnquiry);
    if (enquiry === undefined) continue;
    const { id } = enquiry.operation;
    if ((counts.get(id) ?? 0) >= ANSWERS) continue;
    const [older] = enquiry.origins.filter((origin) => origin !== 'legacy');
    const seen = older === undefined ? undefined : await enquiry.ask(older);
    if (seen?.ok !== true || seen.answer.status >= 300) continue;
    counts.set(id, (counts.get(id) ?? 0) + 1);
    answers += 1;
    const alone = enquiry.plan.rules.all.map((rule) => ({ rule, plan: { ...enquiry.plan, rules: only(rule) } }));
    const bare = { ...enquiry.plan, rules: NO_RULES };
    for (const { change, tree } of mutantsOf(parseJson(seen.answer.body))) {
      const changed: Observation = {
        ...seen,
        origin: 'mongodb',
        answer: withBody(seen.answer, Buffer.from(printJson(tree))),
      };
      const original: Observation = { ...seen, origin: 'dynamodb' };
      for (const { rule, plan } of alone) {
        if (isExpired(rule.spec.until, now) || compare(original, changed, plan, now).outcome !== 'ignored') continue;
        const paths = byRule.get(rule.id) ?? new Map<string, Set<string>>();
        byRule.set(rule.id, paths);
        for (const { path } of compare(original, changed, bare, now).differences)
          paths.set(path, (paths.get(path) ?? new Set()).add(change));
      }
    }
  }
  return { byRule, answers };
}

function noEnquiry(error: unknown): undefined {
  if (!(error instanceof RequestError)) throw error;
}

const only = (rule: Rule) => ({ all: [rule], of: () => [rule] });
const NO_RULES = Object.freeze({ all: [], of: () => [] });

function textOf({ id, reason, until, expired, uses, hides, answers }: RuleReport, { config }: Place): string {
  const state = [
    uses === 0 ? 'never used: dead, or nothing like it was read yet' : `covered something in ${uses} comparisons`,
    ...(expired
      ? [`expired on ${until}: what it once covered counts as a mismatch`]
      : until === undefined
        ? ['has no end (until)']
        : [`until ${until}`]),
  ];
  const found =
    answers === 0
      ? [
          config.sampleSecret === undefined
            ? '  what it would hide is not known: set SAMPLE_SECRET, so that requests are kept to be asked again'
            : '  what it would hide is not known: no request is kept yet',
        ]
      : hides.length === 0
        ? [`  hides nothing in ${answers} answers that were asked again and changed everywhere`]
        : [
            `  would hide, as seen in ${answers} answers that were asked again and changed everywhere:`,
            ...hides.map(({ path, changes }) => `    ${printableLine(path)}: ${changes.join(', ')}`),
          ];
  return `${[printableLine(id), `  ${printableLine(reason)}`, `  ${state.join('; ')}`, ...found].join('\n')}\n`;
}
