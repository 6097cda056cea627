/**
 * A program: `npm run fuzz -- [TARGET…] [--minutes N] [--seed N] [--keep]` throws inputs at each target for ten minutes, or
 * as long as is said, and keeps what breaks a promise as a seed, which every test run throws again.
 */
import { parseArgs } from 'node:util';
import t from 'tap';
import { fuzz } from './engine.ts';
import { TARGETS } from './targets/index.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
    keep: { type: 'boolean', default: false },
  },
});
const [minutes, seed] = [Number(values.minutes), Number(values.seed)];
const unknown = positionals.filter((name) => !TARGETS.some((target) => target.name === name));
if (unknown.length > 0 || !(minutes > 0) || !Number.isSafeInteger(seed)) {
  console.error(`usage: npm run fuzz -- [${TARGETS.map(({ name }) => name).join(' | ')}] [--minutes N] [--seed N]`);
  process.exit(2);
}

t.setTimeout(0);
t.jobs = 1;
for (const target of TARGETS.filter(({ name }) => positionals.length === 0 || positionals.includes(name))) {
  // What does not end after its inputs is a finding too.
  const timeout = minutes * 60_000 + 120_000;
  await t.test(`${target.name}: ${target.about}`, { timeout }, async (t) => {
    const run = await target.open(t);
    t.comment(`seed ${seed}, ${minutes} minutes`);
    const { inputs, outcomes, findings } = await fuzz(target, run, {
      ...{ milliseconds: minutes * 60_000, seed, keep: values.keep },
      onFinding: ({ message, file }) => t.fail(message, { seed: file, at: null, stack: '' }),
    });
    t.comment(`${inputs} inputs`);
    for (const [outcome, times] of [...outcomes].sort(([, a], [, b]) => b - a)) t.comment(`${times} × ${outcome}`);
    t.equal(findings.length, 0, `${inputs} inputs break no promise`);
  });
}
