import assert from 'node:assert';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { registerHooks, stripTypeScriptTypes } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { INSTRUMENTER_CONSTANTS } from '@stryker-mutator/api/core';
import { declareClassPlugin, PluginKind } from '@stryker-mutator/api/plugin';
import {
  type DryRunOptions,
  type DryRunResult,
  DryRunStatus,
  determineHitLimitReached,
  type MutantRunOptions,
  type MutantRunResult,
  type TestResult,
  type TestRunner,
  TestStatus,
  toMutantRunResult,
} from '@stryker-mutator/api/test-runner';
import type { Test, TestOpts } from 'tap';

/**
 * Runs tap's tests for Stryker within its worker process. A process for each test file and mutant takes half a second,
 * of which the test has a few milliseconds.
 *
 * A test file is loaded anew for each mutant, so that no test sees what an earlier run left in it. What it tests is
 * loaded once, but for mutants that act while modules load: for these all modules are loaded anew.
 */
class TapRunner implements TestRunner {
  readonly #counted: Counted = { mutantCoverage: { static: {}, perTest: {} } };
  readonly #runs = new Map<string, Run>();
  readonly #sources = new Map<string, string>();
  #stray: unknown;
  #root: (name: string) => Test = () => assert.fail('not before init');

  capabilities() {
    return { reloadEnvironment: true };
  }

  async init() {
    // Tap's own root tells its parent about timeouts; this parent is Stryker, which understands no such thing.
    const { send } = process;
    process.send = undefined;
    const { Test, t } = await import('tap');
    t.setTimeout(0);
    process.send = send;
    // Tests that take away their own rights must still reach the sandbox.
    chmodSync('.', 0o755);
    this.#root = (name) => new Test({ name } as TestOpts);
    Object.assign(globalThis, { [INSTRUMENTER_CONSTANTS.NAMESPACE]: this.#counted, [RUNS]: this.#runs });
    for (const event of ['uncaughtException', 'unhandledRejection'])
      process.on(event, (error) => {
        this.#stray = error;
      });
    registerHooks({
      resolve: (specifier, context, next) => {
        const run = context.parentURL?.split(QUERY)[1];
        const parent = run === undefined ? undefined : this.#runs.get(run);
        if (parent === undefined) return next(specifier, context);
        if (specifier === 'tap') return { url: `mutants:tap${QUERY}${run}`, format: 'module', shortCircuit: true };
        const found = next(specifier, context);
        if (!parent.afresh || !found.url.startsWith('file:') || !found.url.endsWith('.ts')) return found;
        return { ...found, url: `${found.url}${QUERY}${run}` };
      },
      load: (url, context, next) => {
        const [file = '', run = ''] = url.split(QUERY);
        if (file === 'mutants:tap')
          return {
            format: 'module',
            shortCircuit: true,
            source: `const { t } = globalThis[Symbol.for('${RUNS.description}')].get('${run}'); export default t; export const test = t.test;`,
          };
        if (!file.endsWith('.ts') || file.includes('/node_modules/')) return next(url, context);
        this.#runs.get(run)?.loaded.add(fileURLToPath(file));
        return { format: 'module', shortCircuit: true, source: this.#stripped(fileURLToPath(file)) };
      },
    });
  }

  async dryRun({ testFiles = [] }: DryRunOptions): Promise<DryRunResult> {
    const { mutantCoverage } = this.#counted;
    const tests: TestResult[] = [];
    const atLoad: Record<string, number> = {};
    for (const file of testFiles) {
      const hits = async (afresh: boolean) => {
        mutantCoverage.static = {};
        const { collected } = await this.#load(file, afresh);
        return { collected, counted: mutantCoverage.static };
      };
      // All that counts while everything is loaded, less what the file itself does: that counts for each of its tests.
      const everything = await hits(true);
      await hits(false);
      const { collected, counted } = await hits(false);
      for (const [mutant, n] of Object.entries(everything.counted))
        if (n > (counted[mutant] ?? 0)) atLoad[mutant] = (atLoad[mutant] ?? 0) + n;
      for (const one of collected) {
        // Stryker tells by these whether a test is new to a mutant that acts while modules load.
        mutantCoverage.perTest[one.id] = { ...everything.counted, ...counted };
        this.#counted.currentTestId = one.id;
        tests.push(await this.#run(one));
        this.#counted.currentTestId = undefined;
      }
    }
    // A mutant that a quick test kills needs no slow one; another worker process wants to know it too.
    const times = tests.map(({ id, timeSpentMs }) => [id, timeSpentMs] as const);
    const ofFile = (file: string) => times.reduce((sum, [id, took]) => sum + (id.startsWith(file) ? took : 0), 0);
    const all = [...times, ...testFiles.map((file) => [file, ofFile(file)] as const)];
    writeFileSync(TIMES, JSON.stringify(Object.fromEntries(all)));
    return {
      status: DryRunStatus.Complete,
      tests,
      mutantCoverage: { ...structuredClone(mutantCoverage), static: atLoad },
    };
  }

  async mutantRun(options: MutantRunOptions): Promise<MutantRunResult> {
    const { activeMutant, hitLimit, testFilter = [], reloadEnvironment, sandboxFileName } = options;
    const took = JSON.parse(readFileSync(TIMES, 'utf8')) as Record<string, number>;
    const quickest = (a: string, b: string) => (took[a] ?? 0) - (took[b] ?? 0);
    const files = [...new Set(testFilter.map((id) => id.split(SEPARATOR)[0] as string))].sort(quickest);
    const tests: TestResult[] = [];
    Object.assign(this.#counted, { activeMutant: activeMutant.id, hitLimit, hitCount: hitLimit && 0 });
    process.env[INSTRUMENTER_CONSTANTS.ACTIVE_MUTANT_ENV_VARIABLE] = activeMutant.id;
    try {
      for (const file of files) {
        const { collected, loaded } = await this.#load(file, reloadEnvironment);
        if (reloadEnvironment && !loaded.has(sandboxFileName)) continue;
        for (const one of collected.sort((a, b) => quickest(a.id, b.id))) {
          if (!reloadEnvironment && !testFilter.includes(one.id)) continue;
          const result = await this.#run(one);
          const endless = determineHitLimitReached(this.#counted.hitCount, hitLimit);
          if (endless !== undefined) return toMutantRunResult(endless);
          tests.push(result);
          if (result.status === TestStatus.Failed) return toMutantRunResult({ status: DryRunStatus.Complete, tests });
        }
      }
      return toMutantRunResult({ status: DryRunStatus.Complete, tests });
    } finally {
      Object.assign(this.#counted, { activeMutant: undefined, hitLimit: undefined, hitCount: undefined });
      delete process.env[INSTRUMENTER_CONSTANTS.ACTIVE_MUTANT_ENV_VARIABLE];
    }
  }

  /** Gives the tests of a file; a file that cannot be loaded is one test that fails. */
  async #load(file: string, afresh: boolean): Promise<Run> {
    const number = String(this.#runs.size);
    const run: Run = {
      collected: [],
      loaded: new Set(),
      afresh,
      t: collector(file, (test) => run.collected.push(test)),
    };
    this.#runs.set(number, run);
    try {
      await import(`${pathToFileURL(file).href}${QUERY}${number}`);
      return run;
    } catch (error) {
      const fails = () => Promise.reject(error);
      return { ...run, collected: [{ id: `${file}${SEPARATOR}`, name: 'is loaded', file, line: 0, body: fails }] };
    }
  }

  async #run({ id, name, file, line, body }: Collected): Promise<TestResult> {
    const began = performance.now();
    // Fixtures lie in a folder of this name.
    const root = this.#root(`mutants-${process.pid}`);
    root.resume();
    this.#stray = undefined;
    const results = await root.test(name, body);
    root.end();
    const known = {
      id,
      name,
      fileName: file,
      startPosition: { line, column: 0 },
      timeSpentMs: performance.now() - began,
    };
    if (results?.ok && this.#stray === undefined) return { ...known, status: TestStatus.Success };
    const failureMessage = results?.failures[0]?.fullname ?? String(this.#stray ?? 'failed');
    return { ...known, status: TestStatus.Failed, failureMessage };
  }

  #stripped(file: string): string {
    const known = this.#sources.get(file);
    if (known !== undefined) return known;
    const source = stripTypeScriptTypes(readFileSync(file, 'utf8'));
    this.#sources.set(file, source);
    return source;
  }
}

/** What instrumented code reads and counts. */
interface Counted {
  activeMutant?: string | undefined;
  currentTestId?: string | undefined;
  hitCount?: number | undefined;
  readonly mutantCoverage: {
    static: Record<string, number>;
    readonly perTest: Record<string, Record<string, number>>;
  };
}

type Body = (t: Test) => unknown;

interface Collected {
  readonly id: string;
  readonly name: string;
  readonly file: string;
  readonly line: number;
  readonly body: Body;
}

/** A test file, loaded once. */
interface Run {
  readonly collected: Collected[];
  readonly loaded: Set<string>;
  /** Whether all that it imports is loaded anew too. */
  readonly afresh: boolean;
  readonly t: unknown;
}

/** How long each test and test file took, in the sandbox. */
const TIMES = 'mutants-times.json';
const QUERY = '?mutants=';
const SEPARATOR = ' > ';
const RUNS = Symbol.for('crossfade.mutants');

/** What test files get for `t`: tests and single assertions are collected, none is run. */
function collector(file: string, collect: (test: Collected) => void): unknown {
  let count = 0;
  const add = (name: string, body: Body) => {
    const line = Number(
      new Error().stack
        ?.split('\n')
        .find((at) => at.includes(file))
        ?.match(/:(\d+):\d+\)?$/)?.[1],
    );
    count += 1;
    collect({ id: `${file}${SEPARATOR}${count} ${name}`, name, file, line: (line || 1) - 1, body });
  };
  const get =
    (_target: object, method: string) =>
    (name: string, ...rest: unknown[]) =>
      method === 'test'
        ? add(name, rest.at(-1) as Body)
        : add(`${method} ${count}`, async (t) => {
            (t[method as 'same'] as (...given: unknown[]) => unknown)(name, ...rest);
          });
  return new Proxy({}, { get });
}

export const strykerPlugins = [declareClassPlugin(PluginKind.TestRunner, 'tap-in-process', TapRunner)];
