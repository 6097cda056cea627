import fc from 'fast-check';
import { mutated } from './mutate.ts';
import { keepSeed, readSeeds } from './seeds.ts';
import { type Json, type Run, type Target, Violation } from './target.ts';
import { startWatchdog } from './watchdog.ts';

export interface FuzzOptions {
  readonly milliseconds: number;
  readonly seed: number;
  /** Inputs that reach what none did before are kept too. */
  readonly keep: boolean;
  /** Of the seeds; default the one that tests throw again. */
  readonly folder?: string;
  readonly onFinding: (finding: Finding) => void;
}

/** A promise that an input broke: the smallest such input that was found. */
export interface Finding {
  readonly message: string;
  readonly file: string;
}

export interface Fuzzed {
  readonly inputs: number;
  readonly outcomes: ReadonlyMap<string, number>;
  readonly findings: readonly Finding[];
}

/** However slow the machine: a promise that is not kept by now is kept never. */
const NEVER = 60_000;
const MOST_FINDINGS = 20;
const MOST_CORPUS = 2_000;

/** Throws inputs for so long. Each broken promise is told once, by its smallest input, which is kept as a seed. */
export async function fuzz(target: Target, run: Run<Json>, options: FuzzOptions): Promise<Fuzzed> {
  const until = Date.now() + options.milliseconds;
  const corpus: Json[] = [...target.examples, ...readSeeds(target.name, options.folder).map(({ input }) => input)];
  const outcomes = new Map<string, number>();
  const findings: Finding[] = [];
  const known = new Set<string>();
  const watchdog = startWatchdog(target.name);
  let inputs = 0;
  const property = fc.asyncProperty(
    fc.oneof({ arbitrary: target.inputs, weight: 2 }, { arbitrary: mutated(corpus, target.words), weight: 3 }),
    async (input) => {
      inputs += 1;
      watchdog.enter(JSON.stringify(input));
      try {
        const outcome = await judged(target, run, input);
        const times = outcomes.get(outcome) ?? 0;
        outcomes.set(outcome, times + 1);
        if (times > 0 || corpus.length >= MOST_CORPUS) return;
        corpus.push(input);
        if (options.keep) keepSeed(target.name, `reaches: ${outcome}`, input, options.folder);
      } catch (error) {
        if (!known.has(kindOf(error))) throw error;
      } finally {
        watchdog.leave();
      }
    },
  );
  for (let round = 0; Date.now() < until && findings.length < MOST_FINDINGS; round += 1) {
    const { failed, counterexample, errorInstance } = await fc.check(property, {
      ...{ seed: options.seed + round, numRuns: 10_000, interruptAfterTimeLimit: until - Date.now() },
      markInterruptAsFailure: false,
    });
    if (!failed || counterexample === null) continue;
    const { message } = errorInstance as Error;
    known.add(kindOf(errorInstance));
    const finding = { message, file: keepSeed(target.name, message, counterexample[0], options.folder) };
    findings.push(finding);
    options.onFinding(finding);
  }
  await watchdog.close();
  return { inputs, outcomes, findings };
}

/**
 * What came of an input. Time alone breaks a promise when three times in a row it is beyond the target's patience, and far
 * beyond what a sound input takes at that moment: the machine has others to serve.
 */
export async function judged(target: Target, run: Run<Json>, input: Json): Promise<string> {
  const { patience = 1_000, examples } = target;
  for (let time = 1; ; time += 1) {
    const [outcome, took] = await timed(run, input);
    if (took <= patience) return outcome;
    const [, usual] = examples[0] === undefined ? ['', 0] : await timed(run, examples[0]);
    if (took <= patience + FAR * usual) return outcome;
    if (time === 3)
      throw new Violation(
        'an input takes too long',
        `${Math.round(took)} ms, a sound one ${Math.round(usual)}: ${outcome}`,
      );
  }
}

const FAR = 10;

async function timed(run: Run<Json>, input: Json): Promise<readonly [outcome: string, took: number]> {
  const began = performance.now();
  const outcome = await watched(run, input);
  return [outcome, performance.now() - began];
}

/** The run, with what nobody caught meanwhile. */
async function watched(run: Run<Json>, input: Json): Promise<string> {
  let stray: unknown;
  const note = (error: unknown) => {
    stray ??= error ?? new Error('nothing was thrown');
  };
  process.on('unhandledRejection', note).on('uncaughtExceptionMonitor', note);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Violation('an input has no end')), NEVER);
  });
  try {
    const outcome = await Promise.race([run(input), late]);
    if (stray !== undefined) throw new Violation('an error that nobody caught', (stray as Error).stack ?? stray);
    return outcome;
  } finally {
    clearTimeout(timer);
    process.off('unhandledRejection', note).off('uncaughtExceptionMonitor', note);
  }
}

/** Findings are the same where their words are, whatever was seen. */
const kindOf = (error: unknown): string => {
  const { message, stack = '' } = error as Error;
  return error instanceof Violation ? (message.split(':')[0] as string) : (stack.split('\n')[1] ?? message);
};
