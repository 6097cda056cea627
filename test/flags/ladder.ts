import fc from 'fast-check';
import t from 'tap';
import type { StagesState } from '../../src/flags/api.ts';
import { type FlagOperation, sameStages, stagesProblem } from '../../src/flags/api.ts';
import { createDecider } from '../../src/flags/decide.ts';
import { edited, editStages, type StagesEdit } from '../../src/flags/edit.ts';
import {
  apiFlags,
  type Feature,
  fitsEverybody,
  fromFeatures,
  ladderProblem,
  reachable,
  readLadder,
  type Strategy,
  samplingProblem,
  stageOfStrategy,
  strategiesOf,
  strategyOf,
  tenantsOf,
  toFeatures,
  untouched,
} from '../../src/flags/ladder.ts';
import { parseStages } from '../../src/flags/stages.ts';
import { compareStages, type Stage } from '../../src/model/stage.ts';
import { flagApi as api, tenants } from '../support/flags.ts';

const parse = (text: string): StagesState => parseStages(text, api, 'stages.yaml');
const same = (a: StagesState, b: StagesState): boolean =>
  a.kill === b.kill &&
  a.sampling === b.sampling &&
  a.operations.every((one, at) => sameStages(one, b.operations[at] as (typeof b.operations)[number]));

const NAMES = tenants(300);
const stage = fc.constantFrom<Stage>('legacy', 'dynamodb', 'shadow', 'live', 'complete');
const edit: fc.Arbitrary<StagesEdit> = fc.oneof(
  fc.record({ operation: fc.constant('getUser'), stage, all: fc.boolean() }),
  fc.record({
    operation: fc.constant('getUser'),
    stage,
    tenants: fc.uniqueArray(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 260 }),
  }),
  fc.record({ operation: fc.constant('getUser'), ramp: fc.record({ to: stage, percent: fc.nat(100) }) }),
  fc.record({ operation: fc.constant('getUser'), floor: stage, rest: fc.constant('dynamodb' as Stage) }),
  fc.record({ kill: fc.boolean() }),
  fc.record({ sampling: fc.nat(100) }),
);

t.test('a file and a server come to the same by the same changes, and read them back', async () => {
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 8 }), (edits) => {
      let text = '# ours\noperations:\n  getUser: { stage: dynamodb } # busy\n';
      let state = parse(text);
      for (const given of edits) {
        const one =
          'floor' in given ? { ...given, rest: (state.operations[0] as never as { stage: Stage }).stage } : given;
        const next = edited(state, one);
        const problem = next.operations
          .map((stages, at) => stagesProblem(stages, api.operations[at] as never))
          .find(Boolean);
        const written = editStages(text, one);
        if (problem !== undefined) {
          // What the server's side refuses the file's refuses too.
          let refused = false;
          try {
            parse(written);
          } catch {
            refused = true;
          }
          if (!refused) return false;
          continue;
        }
        [text, state] = [written, next];
        if (!same(parse(text), state)) return false;
        const read = fromFeatures(toFeatures(state, api), api);
        if (read.odd.size > 0 || !same(read.state, state)) return false;
      }
      return text.startsWith('# ours\n') && text.includes('# busy');
    }),
    { numRuns: Number(process.env.FLAG_CASES ?? 150) },
  );
});

t.test('a state that is carried over whole is the same there', async (t) => {
  const from = parse(
    'kill: true\nsampling: 7\noperations: { getUser: { stage: dynamodb, floor: dynamodb, ramp: { to: live, percent: 3 }, tenants: { "007": live, "a b": shadow } } }',
  );
  const to = 'operations:\n  getUser: { stage: complete, tenants: { other: complete } }\n';
  const edits: StagesEdit[] = [
    { kill: from.kill },
    { sampling: from.sampling },
    ...from.operations.map((stages) => ({ operation: stages.id, stages })),
  ];
  t.ok(same(parse(edits.reduce(editStages, to)), from));
  t.ok(same(edits.reduce(edited, parse(to)), from));
});

t.test('the floor that is decided by is the highest truth: nothing asked for below it is given', async () => {
  fc.assert(
    fc.property(stage, stage, fc.boolean(), fc.boolean(), (asked, floor, kill, enabled) => {
      const features = toFeatures(
        { ...parse(''), kill, operations: parse('').operations.map((one) => ({ ...one, stage: asked, floor })) },
        api,
      );
      const decider = createDecider(api);
      decider.swap(
        '1',
        features.map((feature) => (feature.name === 'photos.getUser' ? { ...feature, enabled } : feature)),
      );
      const found = decider.stageOf(0, 'acme').stage;
      return found !== undefined && compareStages(found, floor) >= 0 && (!kill || found === floor);
    }),
  );
});

const USER = api.operations[0] as FlagOperation;
const LADDER = strategiesOf(USER.flag, {
  stage: 'dynamodb',
  floor: 'legacy',
  ramp: { to: 'shadow', percent: 25 },
  tenants: new Map([['acme', 'live']]),
});
const [LIST, RAMP, REST] = LADDER as [Strategy, Strategy, Strategy];
const flagOf = (strategies: readonly object[] | undefined, more: object = {}): Feature =>
  ({ name: USER.flag, enabled: true, strategies, ...more }) as Feature;
const at = (stage: Stage, rollout = 100, tenants?: readonly string[]): Strategy =>
  strategyOf(USER.flag, stage, 'legacy', rollout, tenants);
const sticking = (strategy: Strategy, stickiness: string) => ({
  ...strategy,
  parameters: { ...strategy.parameters, stickiness },
});
const rolled = (rollout: unknown) => ({ ...RAMP, parameters: { ...RAMP.parameters, rollout } });
const constrained = (more: object) => ({ ...LIST, constraints: [{ ...LIST.constraints[0], ...more }] });
const NO_REST = 'does not end with a strategy for everyone';
const NO_FLOOR = 'does not say its floor: the payload of its last variant is no stage';

t.test('what a server is given, flag by flag', async (t) => {
  const text =
    'kill: true\nsampling: 7\noperations: { getUser: { stage: live, floor: dynamodb, tenants: { acme: complete } } }';
  const features = toFeatures(parse(text), api);
  const payload = (value: Stage) => ({ type: 'string', value });
  const strategy = (flag: string, to: Stage, floor: Stage, constraints: unknown[] = []) => ({
    name: 'flexibleRollout',
    parameters: { groupId: flag, rollout: '100', stickiness: 'tenantId' },
    constraints,
    variants: [{ name: to, weight: 1000, stickiness: 'tenantId', payload: payload(floor) }],
  });
  const acme = { contextName: 'tenantId', operator: 'IN', inverted: false, values: ['acme'] };
  t.strictSame(features[0], {
    ...{ name: 'photos.getUser', type: 'release', enabled: true, variants: [] },
    strategies: [
      strategy('photos.getUser', 'complete', 'dynamodb', [acme]),
      strategy('photos.getUser', 'live', 'dynamodb'),
    ],
  });
  const share = (flag: string, rollout: string, stickiness: string) => ({
    ...{ name: 'flexibleRollout', parameters: { groupId: flag, rollout, stickiness }, constraints: [] },
  });
  t.strictSame(features.slice(-2), [
    {
      ...{ name: 'photos.kill', type: 'kill-switch', enabled: true, variants: [] },
      strategies: [share('photos.kill', '100', 'default')],
    },
    {
      ...{ name: 'photos.sampling', type: 'operational', enabled: true, variants: [] },
      strategies: [share('photos.sampling', '7', 'random')],
    },
  ]);
  t.strictSame(apiFlags('my api/2'), { kill: 'my-api-2.kill', sampling: 'my-api-2.sampling' });
});

const problems: [what: string, feature: Feature, problem: string | undefined][] = [
  ['as it is made', flagOf(LADDER), undefined],
  ['no strategies', flagOf([]), 'has no strategies'],
  ['not even a list of them', flagOf(undefined), 'has no strategies'],
  ['another flag first', flagOf(LADDER, { dependencies: [{ feature: 'x' }] }), 'depends on another flag'],
  [
    'a strategy of another kind',
    flagOf([{ ...LIST, name: 'userWithId' }, REST]),
    'has a strategy `userWithId`, and only flexibleRollout is known here',
  ],
  ['no variants', flagOf([{ ...RAMP, variants: [] }, REST]), 'has a strategy without a variant'],
  ['not even a list of them', flagOf([{ ...RAMP, variants: undefined }, REST]), 'has a strategy without a variant'],
  [
    'a variant that is no stage',
    flagOf([{ ...RAMP, variants: [{ name: 'x' }] }, REST]),
    'has a variant `x`, which is no stage',
  ],
  [
    'two variants',
    flagOf([{ ...RAMP, variants: [{ name: 'live' }, { name: 'shadow' }] }, REST]),
    'has a strategy with 2 variants',
  ],
  ['a segment', flagOf([{ ...RAMP, segments: [1] }, REST]), 'has a segment that the server did not write out'],
  [
    'a segment of everybody',
    flagOf([{ ...at('live'), segments: [1] }, REST]),
    'has a segment that the server did not write out',
  ],
  [
    'another field',
    flagOf([constrained({ contextName: 'userId' }), REST]),
    'has a constraint on `userId`, and only tenantId is known here',
  ],
  ['by date', flagOf([constrained({ operator: 'DATE_AFTER' }), REST]), 'has a constraint by DATE_AFTER'],
  ['by what it begins with', flagOf([constrained({ operator: 'STR_STARTS_WITH' }), REST]), undefined],
  ['no constraints at all', flagOf([{ ...RAMP, constraints: [] }, REST]), undefined],
  ['no share', flagOf([rolled('many'), REST]), 'has a rollout of `many`'],
  ['a share beyond all', flagOf([rolled('101'), REST]), 'has a rollout of `101`'],
  ['half a share', flagOf([rolled('0.5'), REST]), 'has a rollout of `0.5`'],
  ['a share that is not said', flagOf([rolled(undefined), REST]), 'has a rollout of `undefined`'],
  ['a share as a number', flagOf([rolled(25), REST]), undefined],
  ['nothing said of a share', flagOf([{ ...RAMP, parameters: undefined }, REST]), 'has a rollout of `undefined`'],
  [
    'a share of users',
    flagOf([sticking(RAMP, 'userId'), REST]),
    'has a rollout that sticks to `userId` instead of tenantId',
  ],
  [
    'a share by chance',
    flagOf([sticking(RAMP, 'random'), REST]),
    'has a rollout that sticks to `random` instead of tenantId',
  ],
  ['nobody, by chance', flagOf([sticking(at('shadow', 0), 'random'), REST]), undefined],
  [
    'one in a hundred, by chance',
    flagOf([sticking(at('shadow', 1), 'random'), REST]),
    'has a rollout that sticks to `random` instead of tenantId',
  ],
  ['everybody, by chance', flagOf([RAMP, sticking(REST, 'random')]), undefined],
  ['everybody, by default', flagOf([RAMP, sticking(REST, 'default')]), undefined],
  ['all users', flagOf([RAMP, sticking(REST, 'userId')]), 'has a rollout that sticks to `userId` instead of tenantId'],
  ['a list in the end', flagOf([RAMP, LIST]), NO_REST],
  ['a share in the end', flagOf([LIST, RAMP]), NO_REST],
  ['no floor', flagOf([LIST, { ...REST, variants: [{ name: 'live' }] }]), NO_FLOOR],
  ['a floor that is none', flagOf([{ ...REST, variants: [{ name: 'live', payload: { value: 'x' } }] }]), NO_FLOOR],
  ['trouble that nobody gets to', flagOf([REST, { ...RAMP, name: 'userWithId' }, REST]), undefined],
];
for (const [what, feature, problem] of problems)
  t.test(`a flag from anywhere: ${what}`, async (t) => {
    t.equal(ladderProblem(feature), problem);
    t.equal(readLadder(feature, USER).odd !== undefined, problem !== undefined || what.startsWith('by what'));
    if (problem !== undefined) t.equal(readLadder(feature, USER).odd, problem);
  });

const reached: [what: string, strategies: readonly Strategy[], count: number][] = [
  ['all, where none fits everybody', [LIST, RAMP], 2],
  ['up to the first that fits everybody', [LIST, REST, LIST, REST], 2],
  ['a whole ramp, and the rest below it', [LIST, at('shadow'), at('dynamodb')], 3],
  ['a whole ramp to where everybody is', [at('shadow'), at('shadow')], 1],
  ['a whole ramp backwards', [at('legacy'), at('shadow')], 1],
  ['a whole ramp, and more below the rest', [at('shadow'), at('dynamodb'), at('legacy')], 1],
  ['a whole ramp, and a share below it', [at('shadow'), at('dynamodb', 50)], 1],
  ['one that leads to no stage', [{ ...at('shadow'), variants: [] }, at('dynamodb')], 1],
  ['one from no stage', [at('shadow'), { ...at('dynamodb'), variants: [] }], 1],
];
for (const [what, strategies, count] of reached)
  t.test(`who is reached: ${what}`, async (t) => {
    t.equal(reachable(strategies).length, count);
  });

t.test('everybody is all, without a list and without a segment', async (t) => {
  t.ok(fitsEverybody(REST));
  t.ok(fitsEverybody({ ...REST, segments: [] }));
  for (const one of [RAMP, LIST, { ...REST, segments: [1] }]) t.notOk(fitsEverybody(one));
});

t.test('a list of tenants is said by name, of all of them', async (t) => {
  const [constraint] = LIST.constraints;
  if (constraint === undefined) throw new Error('there is one');
  const listed = (...constraints: object[]) => tenantsOf({ ...LIST, constraints } as Strategy);
  t.strictSame(listed({ ...constraint, values: [' a', 'b '] }), ['a', 'b'], 'as unleash-client compares them');
  t.strictSame(listed({ ...constraint, values: undefined }), []);
  t.equal(listed({ ...constraint, inverted: true }), undefined);
  t.equal(listed({ ...constraint, operator: 'STR_CONTAINS' }), undefined);
  t.equal(listed(constraint, constraint), undefined);
  t.equal(listed(), undefined);
  t.equal(tenantsOf(at('live', 50, ['a'])), undefined);
});

const more: [what: string, feature: Feature, odd: string][] = [
  [
    'half of a list',
    flagOf([at('live', 50, ['a']), REST]),
    'has a strategy that is neither a list of tenants nor a ramp',
  ],
  ['two ramps', flagOf([at('live', 5), RAMP, REST]), 'has two ramps'],
  ['tenants below a ramp', flagOf([RAMP, LIST, REST]), 'has tenants below a ramp'],
  [
    'another group',
    flagOf([{ ...RAMP, parameters: { ...RAMP.parameters, groupId: 'x' } }, REST]),
    'has another groupId',
  ],
  ['switched off', flagOf(LADDER, { enabled: false }), 'is disabled'],
];
for (const [what, feature, odd] of more)
  t.test(`more than stages.yaml can say: ${what}`, async (t) => {
    t.strictSame(readLadder(feature, USER), { odd });
    t.strictSame([...fromFeatures([feature], api).odd], [['getUser', odd]]);
  });

t.test('who is named twice is where the first has them, and a ramp to where everybody is is none', async (t) => {
  const read = readLadder(
    flagOf([at('live', 100, ['a']), at('shadow', 100, ['a', 'b']), at('dynamodb', 7), REST]),
    USER,
  );
  t.strictSame(
    [...(read.stages?.tenants ?? [])],
    [
      ['a', 'live'],
      ['b', 'shadow'],
    ],
  );
  t.equal(read.stages?.ramp, undefined);
});

t.test(
  'an operation without a flag is where it began, one with an odd flag at the highest floor that is said',
  async (t) => {
    const user = (...features: Feature[]) => fromFeatures(features, api).state.operations[0];
    t.strictSame(user(), untouched(USER));
    t.match(user(), { stage: 'legacy', floor: 'legacy', named: false });
    const floors = [strategyOf(USER.flag, 'live', 'dynamodb', 5), strategyOf(USER.flag, 'live', 'shadow', 7)];
    const silent = { ...REST, variants: [{ name: 'dynamodb' }] };
    t.match(user(flagOf([...floors, silent])), { stage: 'shadow', floor: 'shadow', named: true });
    t.match(user(flagOf(undefined)), { stage: 'legacy', floor: 'legacy', named: true });
    t.match(user(flagOf([at('live', 5), RAMP, at('live')])), { stage: 'live', floor: 'legacy' });
    const raised = flagOf([strategyOf(USER.flag, 'live', 'dynamodb', 100)], { enabled: false });
    t.match(user(raised), { stage: 'dynamodb', floor: 'dynamodb', named: true });
    const put = { ...flagOf(LADDER), name: 'photos.putUser' };
    t.strictSame(fromFeatures([put], api).state.operations[2], untouched(api.operations[2] as FlagOperation));
  },
);

const shares: [what: string, feature: Partial<Feature> | undefined, percent: number, problem?: string][] = [
  ['there is none', undefined, 100],
  ['off', { enabled: false, strategies: [] }, 0],
  ['a share', { enabled: true, strategies: [RAMP] }, 25],
  ['no strategies', { enabled: true, strategies: [] }, 100, 'has no rollout'],
  ['not even a list of them', { enabled: true }, 100, 'has no rollout'],
  ['no share', { enabled: true, strategies: [rolled('x') as Strategy] }, 100, 'has no rollout'],
];
for (const [what, feature, percent, problem] of shares)
  t.test(`how many are compared: ${what}`, async (t) => {
    const given = feature && ({ name: 'photos.sampling', ...feature } as Feature);
    t.equal(fromFeatures(given === undefined ? [] : [given], api).state.sampling, percent);
    if (given !== undefined) t.equal(samplingProblem(given), problem);
  });

t.test('killed is what the flag says, and nothing else', async (t) => {
  const kill = (enabled: boolean) => fromFeatures([{ name: 'photos.kill', enabled } as Feature], api).state.kill;
  t.strictSame([kill(true), kill(false), fromFeatures([], api).state.kill], [true, false, false]);
  t.equal(stageOfStrategy({ ...REST, variants: undefined as never }), undefined);
});
