import { evidenceId } from '../bindings/evidence.ts';
import type { Bindings } from '../bindings/load.ts';
import { VERSION } from '../config.ts';
import type { ResultsStore } from '../drivers/results.ts';
import { StoreError, UsageError } from '../errors.ts';
import type { FlagApi, FlagOperation, StagesState } from '../flags/api.ts';
import { moversOf, movesOf, needsGate, type StageMove } from '../flags/moves.ts';
import type { ChangeOptions, Target } from '../flags/target.ts';
import { type GateFigures, gateFigures } from '../model/gate.ts';
import { printableLine } from '../model/printable.ts';
import type { Stage } from '../model/stage.ts';
import { joined, judgeGate, type Verdict } from '../report/gate.ts';
import { gateFacts } from '../report/gate-facts.ts';
import { passesOf, passText, refusalsOf, refusalText } from '../report/gate-words.ts';
import { reported } from '../report/reported.ts';
import { summarize } from '../report/summary.ts';
import { readEvidence } from '../results/evidence.ts';
import { readResults } from '../results/reader.ts';

/** What is judged by: the bindings of now, and where results are. */
export interface Judging {
  readonly bindings: Bindings;
  readonly store: ResultsStore;
  /** What counts as evidence; default: that of the bindings as they are on disk now. */
  readonly evidence?: string;
}

/** What the gate says of one operation's part of a change. */
export interface Judged {
  readonly operation: FlagOperation;
  readonly from: readonly Stage[];
  readonly to: readonly Stage[];
  readonly verdict: Verdict;
  readonly figures: GateFigures;
}

/** Evidence that was read, and that any change of these operations can be judged by without waiting. */
export interface Gate {
  readonly evidence: string;
  /** Of each operation that moves; `which` leaves out moves. Throws a UsageError for one whose evidence was not read. */
  judge(before: StagesState, after: StagesState, which?: (move: StageMove) => boolean): readonly Judged[];
}

/** Reads the evidence of some operations. Throws a StoreError where the results cannot be read. */
export async function openGate(judging: Judging, ids: readonly string[]): Promise<Gate> {
  const { bindings, store } = judging;
  const { name: api, file, contract, operations } = bindings;
  const evidence = judging.evidence ?? (await evidenceId(file, contract.source, VERSION));
  const chosen = operations.filter(({ id }) => ids.includes(id));
  const now = Date.now();
  const [rest, results] = await Promise.all([
    readEvidence(store, { api, evidence, operations: ids, now }),
    readResults(store, { api, evidence, operations: ids }),
  ]);
  const known = chosen.map((operation) => reported(bindings, operation));
  const summary = summarize({ api, evidence, operations: known, results, now });
  const facts = new Map(
    known.map(({ id, strata }) => [id, gateFacts({ operation: id, strata, summary, results, evidence: rest })]),
  );
  const figuresOf = (id: string) =>
    gateFigures(bindings.spec.gate, operations.find((one) => one.id === id)?.spec?.gate);
  return Object.freeze<Gate>({
    evidence,
    judge(before, after, which = () => true) {
      const movers = moversOf(bindings, before, after, rest.known).filter(which);
      return [...new Set(movers.map(({ operation }) => operation))].map((operation) => {
        const own = movers.filter((one) => one.operation === operation);
        const known = facts.get(operation.id);
        if (known === undefined) throw new UsageError('the flags were changed meanwhile: nothing is done, try again');
        const { offered } = operation;
        const figures = figuresOf(operation.id);
        const verdicts = own.map((one) => judgeGate(known, figures, { ...one, offered }, now));
        const [from, to] = [own.map((one) => one.from), own.map((one) => one.to)];
        return { operation, from: [...new Set(from)], to: [...new Set(to)], verdict: joined(verdicts), figures };
      });
    },
  });
}

/** What a change would make of the stages, as far as that can be said. */
export interface Preview {
  readonly before: StagesState;
  readonly after: StagesState;
}

/** Carries nothing out. Throws what the change would. */
export async function preview(
  target: Target,
  { operations, plan }: Pick<ChangeOptions, 'operations' | 'plan'>,
): Promise<Preview> {
  const { before, after } = await target.change({ operations, plan, dryRun: true });
  return { before, after };
}

/** What a change of the stages has to get by. */
export interface Guard {
  /** Throws a UsageError (`unanswered`) where the gate does not let a move be made and nobody answers for it. */
  check(before: StagesState, after: StagesState): void;
  /** What the gate said of what was checked last; `undefined` where it was not asked. */
  said(): GateSaid | undefined;
  /** The same, whole. */
  judged(): readonly Judged[];
}

export interface GateSaid {
  readonly passes: boolean;
  /** `undefined` where there were none to be read. */
  readonly evidence: string | undefined;
  readonly moves: readonly {
    readonly operation: string;
    readonly from: readonly Stage[];
    readonly to: readonly Stage[];
    readonly verdict: Verdict['verdict'];
    readonly refused: readonly string[];
    /** What it passes on: what was wanted, and what there is. Results are forgotten long before the audit is. */
    readonly passed: readonly string[];
    readonly figures: GateFigures;
  }[];
  /** Why it could not be asked. */
  readonly failed?: string;
}

export interface GuardOptions {
  readonly api: FlagApi;
  readonly target: Target;
  readonly judging: Judging | undefined;
  readonly change: Pick<ChangeOptions, 'operations' | 'plan'>;
  /** Somebody answers for it. */
  readonly forced: boolean;
  /** How to say it again. */
  readonly again: string;
}

/**
 * Asks the gate, before a change is made, for the moves that need it: reads their evidence, so that the change itself
 * need not wait. Throws a StoreError where the results cannot be read and nobody answers for it.
 */
export async function openGuard(options: GuardOptions): Promise<Guard> {
  const { api, target, judging, change, forced, again } = options;
  // What stands against the change is said by the change itself.
  const shown = await preview(target, change).catch(() => undefined);
  const asked = shown === undefined ? [] : movesOf(api, shown.before, shown.after).filter(needsGate);
  const ids = [...new Set(asked.map(({ operation }) => operation.id))];
  let failed: string | undefined;
  const gate =
    ids.length === 0 || judging === undefined
      ? undefined
      : await openGate(judging, ids).catch((error: Error) => {
          if (!forced) throw unreadable(error, again);
          failed = printableLine(error.message);
          return undefined;
        });
  let said: GateSaid | undefined;
  let judged: readonly Judged[] = [];
  return Object.freeze<Guard>({
    said: () => said,
    judged: () => judged,
    check(before, after) {
      const moves = movesOf(api, before, after).filter(needsGate);
      if (moves.length === 0) return;
      judged = gate?.judge(before, after, needsGate) ?? [];
      const passes = gate !== undefined && judged.every(({ verdict }) => verdict.passes);
      said = {
        ...{ passes, evidence: gate?.evidence },
        moves: judged.map(({ operation, from, to, verdict, figures }) => ({
          ...{ operation: operation.id, from, to, verdict: verdict.verdict, figures },
          refused: refusalsOf(verdict.reasons).map(refusalText),
          passed: passesOf(verdict.reasons).map(passText),
        })),
        ...(failed === undefined ? {} : { failed }),
      };
      if (passes || forced) return;
      throw needsAnswer(moves, judged, judging !== undefined, again);
    },
  });
}

const unreadable = (error: Error, again: string): Error =>
  error instanceof StoreError
    ? new StoreError(
        error.origin,
        error.failure,
        `the gate cannot read the results (${error.message}); someone may answer for it:\n  ${again} --force --reason '…'`,
        error,
      )
    : error;

const SHOWN = 8;

function needsAnswer(
  moves: readonly StageMove[],
  judged: readonly Judged[],
  results: boolean,
  again: string,
): UsageError {
  const [{ operation, from, to }] = moves as [StageMove];
  const more = new Set(moves.map((one) => one.operation.id)).size - 1;
  const also = more > 0 ? `, and ${more} more,` : '';
  const several = judged.length > 1;
  const refused = judged.flatMap(({ operation: { id }, verdict }) =>
    refusalsOf(verdict.reasons).map(({ state, cure, ...reason }) => {
      const text = `${several ? `${id}: ` : ''}${refusalText({ state, cure, ...reason })}`;
      return { text, lines: [`  ${state}: ${text}`, `    ${cure}`] };
    }),
  );
  const beyond = refused.length - SHOWN;
  const noResults = results ? [] : ['there are no results to judge by: set RESULTS_URI or MONGODB_URI'];
  const lines = [
    ...refused.slice(0, SHOWN).flatMap((one) => one.lines),
    ...(beyond > 0 ? [`  and ${beyond} more`] : []),
    ...noResults.map((line) => `  ${line}`),
    `  crossfade gate ${operation.id} ${to}    says all of it`,
  ];
  const why = `${operation.id} from ${from} to ${to}${also} needs proof that both answer alike, or someone who answers for it`;
  return new UsageError(`${why}:\n${lines.join('\n')}\n  ${again} --force --reason '…'`, {
    ...{ failure: 'unanswered', why: [why] },
    reasons: [...refused.map(({ text }) => text), ...noResults],
  });
}
