import t, { type Test } from 'tap';
import { createDecider } from '../../src/flags/decide.ts';
import { toFeatures } from '../../src/flags/ladder.ts';
import { parseStages } from '../../src/flags/stages.ts';
import type { Stage } from '../../src/model/stage.ts';
import { eventually, followFlags, withOperator } from '../support/flag-server.ts';
import { flagApi as api, tenants } from '../support/flags.ts';
import { withUnleash } from '../support/unleash.ts';

const NAMES = tenants(5_000);

/** Stages of 5,000 tenants at each step of a ramp up and down again. */
function check(t: Test, steps: readonly (readonly (Stage | undefined)[])[]): void {
  const up = steps.slice(0, (steps.length + 1) / 2);
  const moves = NAMES.map((_, at) => up.filter((step, when) => when > 0 && step[at] !== up[when - 1]?.[at]).length);
  t.strictSame([...new Set(moves)], [1], 'each tenant moves exactly once');
  t.ok(up[0]?.every((stage) => stage === 'dynamodb') && up.at(-1)?.every((stage) => stage === 'shadow'), 'and forward');
  for (const [when, step] of up.entries())
    t.strictSame(step, steps.at(-1 - when), `down again at step ${when}: the same ones`);
}

t.test('5,000 tenants from 0 to 100 % in steps of 1 and back', async (t) => {
  const decider = createDecider(api);
  const percents = [...Array.from({ length: 101 }, (_, at) => at), ...Array.from({ length: 100 }, (_, at) => 99 - at)];
  const steps = percents.map((percent) => {
    const text = `operations: { getUser: { stage: dynamodb, ramp: { to: shadow, percent: ${percent} } } }`;
    decider.swap(String(percent), toFeatures(parseStages(text, api, 'stages.yaml'), api));
    return NAMES.map((tenant) => decider.stageOf(0, tenant).stage);
  });
  check(t, steps);
});

t.test('the same by a flag server and the commands, in steps of 25', async (t) => {
  const unleash = await withUnleash(t);
  const operator = await withOperator(t, unleash);
  await operator.edit({ operation: 'getUser', stage: 'dynamodb' });
  const { flags } = await followFlags(t, unleash, { folder: t.testdir() });
  const steps: (Stage | undefined)[][] = [];
  for (const percent of [0, 25, 50, 75, 100, 75, 50, 25, 0]) {
    const before = flags.revision();
    await operator.edit({ operation: 'getUser', ramp: { to: 'shadow', percent } });
    await eventually(t, `${percent} %`, () => flags.revision() !== before);
    steps.push(NAMES.map((tenant) => flags.stageOf(0, tenant).stage));
  }
  check(t, steps);
});
