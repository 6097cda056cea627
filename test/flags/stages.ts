import t from 'tap';
import { ConfigError } from '../../src/errors.ts';
import { toFeatures } from '../../src/flags/ladder.ts';
import { parseStages } from '../../src/flags/stages.ts';
import { flagApi as api } from '../support/flags.ts';

const parse = (text: string) => parseStages(text, api, 'stages.yaml');

t.test('everything is optional', async (t) => {
  for (const text of ['', '# nothing yet\n', 'operations:\n', 'operations: {}\n', 'operations:\n  getUser:\n']) {
    const state = parse(text);
    t.equal(state.kill, false);
    t.equal(state.sampling, 100);
    t.strictSame(
      state.operations.map(({ stage }) => stage),
      ['legacy', 'dynamodb', 'legacy'],
    );
  }
});

t.test('the whole format', async (t) => {
  const state = parse(`kill: true
sampling: 50
operations:
  getUser: { stage: dynamodb, floor: legacy, ramp: { to: shadow, percent: 25 }, tenants: { acme: live, 007: live } }
  listMessages: { floor: shadow }
`);
  t.equal(state.kill, true);
  t.equal(state.sampling, 50);
  const [user, messages] = state.operations;
  t.strictSame(
    { ...user, tenants: [...(user?.tenants ?? [])] },
    {
      id: 'getUser',
      stage: 'dynamodb',
      floor: 'legacy',
      ramp: { to: 'shadow', percent: 25 },
      tenants: [
        ['acme', 'live'],
        ['007', 'live'],
      ],
      named: true,
    },
  );
  t.equal(messages?.stage, 'shadow', 'a raised floor alone raises the stage');
});

const mistakes: [string, string, number, RegExp][] = [
  ['yaml', 'kill: false\noperations: { getUser: {', 2, /./],
  ['a key twice', 'kill: false\nkill: true', 2, /`kill` stands here twice/],
  ['an unknown key', 'kil: true', 1, /unknown key `kil`; did you mean `kill`/],
  ['an unknown operation', 'operations:\n  getUsr: {}', 2, /no operation `getUsr`; did you mean `getUser`/],
  ['an unknown key of an operation', 'operations:\n  getUser:\n    stages: live', 3, /did you mean `stage`/],
  ['an unknown stage', 'operations:\n  getUser: { stage: shadwo }', 2, /no stage; did you mean `shadow`/],
  ['a stage without a name', 'operations:\n  getUser: { stage: }', 2, /no stage/],
  [
    'a stage not offered yet',
    'operations:\n  getUser: { stage: dualwrite }',
    2,
    /cannot have stage dualwrite yet; it can/,
  ],
  ['live without freshness', 'operations:\n  listMessages: { stage: live }', 2, /until the bindings say `freshness`/],
  ['a stage without legacy', 'operations:\n  listMessages: { stage: legacy }', 2, /without a LEGACY_URL/],
  [
    'a stage without bindings',
    'operations:\n  putUser: { stage: shadow }',
    2,
    /without a dynamodb binding and a mongodb/,
  ],
  ['below the floor', 'operations:\n  getUser: { stage: legacy, floor: dynamodb }', 2, /below the floor, dynamodb/],
  ['a tenant below the floor', 'operations:\n  getUser:\n    floor: live\n    tenants:\n      a: legacy', 5, /below/],
  ['a ramp backwards', 'operations:\n  getUser: { stage: live, ramp: { to: shadow, percent: 1 } }', 2, /forward/],
  ['a ramp nowhere', 'operations:\n  getUser: { stage: live, ramp: { to: live, percent: 1 } }', 2, /forward/],
  ['a ramp without percent', 'operations:\n  getUser: { ramp: { to: shadow } }', 2, /lacks `percent`/],
  ['percent beyond', 'operations:\n  getUser: { ramp: { to: shadow, percent: 101 } }', 2, /0 to 100/],
  ['percent below', 'operations:\n  getUser: { ramp: { to: shadow, percent: -1 } }', 2, /0 to 100/],
  ['half a percent', 'operations:\n  getUser: { ramp: { to: shadow, percent: 0.5 } }', 2, /whole number/],
  ['percent as text', 'operations:\n  getUser: { ramp: { to: shadow, percent: 5% } }', 2, /whole number/],
  ['sampling', 'sampling: lots', 1, /sampling must be/],
  ['kill', 'kill: "yes"', 1, /kill must be true or false/],
  ['a list', 'operations:\n  - getUser', 2, /must be a map/],
  ['an alias', 'operations:\n  getUser: &a { stage: legacy }\n  putUser: *a', 3, /aliases are not read/],
  ['a tenant with white space', 'operations:\n  getUser: { tenants: { " a": live } }', 2, /white space/],
  ['a tenant twice', 'operations:\n  getUser: { tenants: { 7: live, "7": legacy } }', 2, /twice/],
  ['a long tenant', `operations:\n  getUser: { tenants: { ${'x'.repeat(129)}: live } }`, 2, /longer than 128/],
];
for (const [name, text, line, message] of mistakes) {
  t.test(`a mistake: ${name}`, async (t) => {
    try {
      parse(text);
      t.fail('it was taken');
    } catch (error) {
      t.type(error, ConfigError);
      const [problem] = (error as ConfigError).problems;
      t.equal(problem?.where, `stages.yaml:${line}`);
      t.match(problem?.message, message);
    }
  });
}

t.test('every mistake is said at once', async (t) => {
  const problems = ['kill: 1', 'sampling: 1.5', 'x: 1'];
  try {
    parse(problems.join('\n'));
    t.fail('it was taken');
  } catch (error) {
    t.strictSame(
      (error as ConfigError).problems.map(({ where }) => where).sort(),
      [1, 2, 3].map((n) => `stages.yaml:${n}`),
    );
  }
});

t.test('features: tenants, ramp, rest, one groupId and stickiness', async (t) => {
  const names = Array.from({ length: 251 }, (_, index) => `t${index}: live`).join(', ');
  const state = parse(
    `operations: { getUser: { stage: dynamodb, ramp: { to: shadow, percent: 25 }, tenants: { ${names} } } }`,
  );
  const features = toFeatures(state, api);
  t.strictSame(
    features.map(({ name }) => name),
    ['photos.getUser', 'photos.listMessages', 'photos.putUser', 'photos.kill', 'photos.sampling'],
  );
  const strategies = features[0]?.strategies ?? [];
  t.strictSame(
    strategies.map(({ name, parameters, constraints, variants }) => [
      name,
      parameters.rollout,
      constraints[0]?.values.length,
      variants?.[0]?.name,
    ]),
    [
      ['flexibleRollout', '100', 250, 'live'],
      ['flexibleRollout', '100', 1, 'live'],
      ['flexibleRollout', '25', undefined, 'shadow'],
      ['flexibleRollout', '100', undefined, 'dynamodb'],
    ],
  );
  for (const { parameters, variants } of strategies) {
    t.equal(parameters.groupId, 'photos.getUser');
    t.equal(parameters.stickiness, 'tenantId');
    t.match(variants?.[0], { weight: 1000, stickiness: 'tenantId' });
  }
});
