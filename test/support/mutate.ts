import { Stryker } from '@stryker-mutator/core';

/**
 * Mutation testing: `npm run mutate [-- AREA | FILE…] [--force]`. What an earlier run found stays where neither the
 * mutant nor its tests changed; `--force` forgets it.
 */
const AREAS: Record<string, { readonly mutate: readonly string[]; readonly tests: readonly string[] }> = {
  compare: { mutate: ['src/compare/*.ts'], tests: ['test/compare/*.ts'] },
  model: {
    mutate: ['src/model/*.ts'],
    tests: [
      'test/model/*.ts',
      'test/bindings/problems.ts',
      'test/compare/{align,facts,pairs,rules}.ts',
      'test/report/{gate,summary}.ts',
    ],
  },
  'report/gate': {
    mutate: ['src/report/gate*.ts'],
    tests: ['test/report/gate.ts', 'test/report/gate-{case,facts,rules,words}.ts'],
  },
  'bindings/wire': {
    mutate: ['src/bindings/wire/*.ts'],
    tests: ['test/bindings/wire/*.ts'],
  },
  bindings: {
    mutate: ['src/bindings/*.ts'],
    tests: ['test/bindings/*.ts', 'test/bindings/wire/{bson,dynamodb}.ts', 'test/commands/{check,init}.ts'],
  },
  flags: {
    mutate: ['src/flags/*.ts'],
    tests: [
      'test/flags/{api,check,decide,edit,file,init,kill-file,ladder,moves}.ts',
      'test/flags/{replace,revision,saved,server,snapshot,source,stages,steps}.ts',
      'test/flags/{target,target-file,usage,watch}.ts',
    ],
  },
};

// Of what is told apart by chance each case costs time for each mutant that lives.
process.env.PAIRS ??= '30';
process.env.CASES ??= '150';
process.env.FLAG_CASES ??= '25';
process.env.WIRE_CASES ??= '40';
process.env.WIRE_FUZZ_ITEMS ??= '300';

const asked = process.argv.slice(2).filter((word) => word !== '--force');
for (const name of asked.length > 0 ? asked : Object.keys(AREAS)) {
  const [key, area] = Object.entries(AREAS).find(([key]) => name === key || name.startsWith(`src/${key}`)) ?? [];
  if (key === undefined || area === undefined)
    throw new Error(`${name} is no area: there are ${Object.keys(AREAS).join(', ')}.`);
  const label = key.replaceAll('/', '-');
  await new Stryker({
    mutate: name === key ? [...area.mutate] : [name],
    testFiles: [...area.tests],
    plugins: ['./test/support/mutants.ts'],
    testRunner: 'tap-in-process',
    maxTestRunnerReuse: 300,
    coverageAnalysis: 'perTest',
    concurrency: Number(process.env.MUTATE_CONCURRENCY ?? 1),
    incremental: true,
    force: process.argv.includes('--force'),
    incrementalFile: `.tap/mutate/${label}.json`,
    tempDirName: `.tap/mutants/${label}`,
    ignorePatterns: ['.tap', 'dist', 'console', 'deploy', 'docs', 'bench'],
    disableTypeChecks: false,
    reporters: ['progress-append-only', 'clear-text', 'html'],
    htmlReporter: { fileName: `.tap/mutate/${label}.html` },
    clearTextReporter: { allowColor: false, logTests: false },
    thresholds: { high: 90, low: 85, break: 85 },
  }).runMutationTest();
}
