import fc from 'fast-check';
import t from 'tap';
import {
  type Abilities,
  compareStages,
  isStage,
  later,
  lower,
  offeredStages,
  PLANS,
  STAGES,
  type Stage,
} from '../../src/model/stage.ts';

/** The table of the design, row by row: control, candidates, writes. */
const TABLE: Record<Stage, [string, string[], string[]]> = {
  legacy: ['legacy', [], ['legacy']],
  validate: ['legacy', ['dynamodb', 'mongodb'], ['legacy']],
  dynamodb: ['dynamodb', [], ['dynamodb']],
  dualwrite: ['dynamodb', [], ['dynamodb', 'mongodb']],
  shadow: ['dynamodb', ['mongodb'], ['dynamodb', 'mongodb']],
  live: ['mongodb', ['dynamodb'], ['mongodb', 'dynamodb']],
  rampdown: ['mongodb', [], ['mongodb', 'dynamodb']],
  complete: ['mongodb', [], ['mongodb']],
};

t.strictSame(STAGES, Object.keys(TABLE), 'the stages are the rows of the table, in order');
t.strictSame(Object.keys(PLANS), Object.keys(TABLE));
for (const stage of STAGES) {
  t.test(`row ${stage}`, async (t) => {
    const [control, candidates, writes] = TABLE[stage];
    t.strictSame(PLANS[stage], { stage, control, candidates, writes });
    t.ok(Object.isFrozen(PLANS[stage]) && Object.isFrozen(PLANS[stage].candidates));
    t.notOk(PLANS[stage].candidates.includes(PLANS[stage].control), 'nobody is compared with itself');
  });
}

t.test('words', async (t) => {
  for (const stage of STAGES) t.ok(isStage(stage));
  for (const word of ['off', '', 'Live', 'constructor', undefined, 1]) t.notOk(isStage(word));
  t.equal(compareStages('legacy', 'live'), -1);
  t.equal(compareStages('live', 'live'), 0);
  t.equal(compareStages('complete', 'live'), 1);
  t.equal(later('legacy', 'live'), 'live');
  t.equal(later('live', 'legacy'), 'live');
});

t.test('offered stages', async (t) => {
  const all = { legacy: true, dynamodb: true, mongodb: true, freshness: true };
  const cases: [string, Partial<Abilities>, Stage[]][] = [
    ['all', {}, ['legacy', 'validate', 'dynamodb', 'shadow', 'live', 'complete']],
    ['no freshness', { freshness: false }, ['legacy', 'validate', 'dynamodb', 'shadow']],
    ['no legacy', { legacy: false }, ['dynamodb', 'shadow', 'live', 'complete']],
    ['no mongodb', { mongodb: false }, ['legacy', 'validate', 'dynamodb']],
    ['no dynamodb', { dynamodb: false, freshness: false }, ['legacy', 'validate', 'complete']],
    ['only mongodb', { legacy: false, dynamodb: false, freshness: false }, ['complete']],
    ['only legacy', { dynamodb: false, mongodb: false }, ['legacy']],
    ['nothing', { legacy: false, dynamodb: false, mongodb: false }, []],
  ];
  for (const [name, without, expected] of cases) t.strictSame(offeredStages({ ...all, ...without }), expected, name);
});

t.test('lower: the nearest earlier offered stage, never below the floor', async (t) => {
  const stages = fc.constantFrom(...STAGES);
  fc.assert(
    fc.property(stages, fc.subarray([...STAGES]), stages, (asked, offered, floor) => {
      const found = lower(asked, offered, floor);
      const allowed = offered.filter((stage) => compareStages(stage, floor) >= 0);
      if (found === undefined) return allowed.length === 0;
      if (!allowed.includes(found)) return false;
      const wanted = compareStages(asked, floor) < 0 ? floor : asked;
      const between = allowed.filter((s) => compareStages(s, found) > 0 && compareStages(s, wanted) <= 0);
      return between.length === 0 && (compareStages(found, wanted) <= 0 || found === allowed[0]);
    }),
  );
  t.equal(lower('live', ['legacy', 'dynamodb', 'shadow'], 'legacy'), 'shadow');
  t.equal(lower('legacy', ['legacy', 'dynamodb'], 'dynamodb'), 'dynamodb');
  t.equal(lower('live', ['legacy'], 'dynamodb'), undefined);
});
