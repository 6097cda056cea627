import t from 'tap';
import { ConfigError } from '../../src/errors.ts';
import { toFeatures } from '../../src/flags/ladder.ts';
import { parseStages } from '../../src/flags/stages.ts';
import { STAGES } from '../../src/model/stage.ts';
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

t.test('a text that is something else altogether is told in a hundred lines', async (t) => {
  try {
    parse('x: 1\n'.repeat(5_000));
    t.fail('it was taken');
  } catch (error) {
    const { message, problems } = error as ConfigError;
    const lines = message.split('\n');
    t.equal(problems.length, 5_000);
    t.equal(lines.length, 101);
    t.equal(lines.at(-1), 'and 4900 more, to be seen once these are mended');
  }
});

/** All that is said of a text, each with its line. */
const said: [text: string, ...problems: string[]][] = [
  ['[a, b]', '1 stages.yaml must be a map (`name: value`)'],
  ['operations: 7', '1 operations must be a map (`name: value`)'],
  ['operations:\n  getUser: live', '2 getUser must be a map (`name: value`)'],
  ['operations:\n  getUser: { tenants: [a] }', '2 getUser: tenants must be a map (`name: value`)'],
  ['operations:\n  getUser: { tenants: { [a]: live } }', '2 getUser: tenants: a name must be a plain text'],
  ['operations:\n  getUser: { tenants: { "": live } }', '2 getUser: tenant `` is empty'],
  [
    'operations:\n  getUser: { tenants: { acme: lice } }',
    '2 getUser: tenant acme: `lice` is no stage; did you mean `live`?',
  ],
  [
    'operations:\n  getUser: { floor: live, tenants: { acme: legacy } }',
    '2 getUser: tenant acme: stage legacy is below the floor, live',
  ],
  [
    'operations:\n  getUser:\n    stage: legacy\n    floor: dynamodb',
    '3 getUser: stage legacy is below the floor, dynamodb',
  ],
  ['operations:\n  getUser: { floor: lice }', '2 getUser: floor: `lice` is no stage; did you mean `live`?'],
  [
    'operations:\n  listMessages: { floor: legacy }',
    '2 listMessages: floor: listMessages cannot have stage legacy without a LEGACY_URL; it can have dynamodb, shadow',
  ],
  ['operations:\n  getUser: { stage: [a] }', `2 getUser: stage: \`\` is no stage; there are ${STAGES.join(', ')}`],
  [
    'operations:\n  getUser: { ramp: 7 }',
    '2 getUser: ramp must be a map (`name: value`)',
    '2 getUser: ramp lacks `to`',
    '2 getUser: ramp lacks `percent`',
  ],
  [
    'operations:\n  getUser: { ramp: { to: lice, percent: 101 } }',
    '2 getUser: ramp to: `lice` is no stage; did you mean `live`?',
    '2 getUser: ramp percent must be a whole number from 0 to 100',
  ],
  [
    'operations:\n  getUser: { ramp: { to: lice, percent: 7 } }',
    '2 getUser: ramp to: `lice` is no stage; did you mean `live`?',
  ],
  ['operations:\n  getUser: { ramp: { to: shadow } }', '2 getUser: ramp lacks `percent`'],
  ['operations:\n  getUser: { ramp: { percent: 7 } }', '2 getUser: ramp lacks `to`'],
  ['operations:\n  getUser: { stage: live, ramp: { to: shadow } }', '2 getUser: ramp lacks `percent`'],
  [
    'operations:\n  getUser: { stage: live, ramp: { to: shadow, percent: 7 } }',
    '2 getUser: ramp goes from live to shadow: it must go forward',
  ],
  ['? [a]\n: 1', '1 stages.yaml: a name must be a plain text'],
  ['kil: true', '1 stages.yaml: unknown key `kil`; did you mean `kill`?'],
  [
    'operations: { getUsr: {} }\nkill: 1',
    '2 kill must be true or false',
    '1 photos has no operation `getUsr`; did you mean `getUser`?',
  ],
  ['kill: []', '1 kill must be true or false'],
  ['sampling: "7"', '1 sampling must be a whole number from 0 to 100'],
  ['sampling: [7]', '1 sampling must be a whole number from 0 to 100'],
  ['kill: !!what true', '1 Unresolved tag: tag:yaml.org,2002:what'],
  ['%YAML 7.0\n---\nkil: true', '1 Unsupported YAML version 7.0'],
];
for (const [text, ...problems] of said)
  t.test(`what is said of ${JSON.stringify(text)}`, async (t) => {
    t.strictSame(
      problemsOf(text).map(({ where, message }) => `${where} ${message}`),
      problems.map((one) => `stages.yaml:${one}`),
    );
  });

function problemsOf(text: string): ConfigError['problems'] {
  try {
    parse(text);
    return [];
  } catch (error) {
    return (error as ConfigError).problems;
  }
}

t.test('none at all is no ramp, and a share may be all or nothing', async (t) => {
  for (const ramp of ['~', 'null', ''])
    t.equal(parse(`operations: { getUser: { ramp: ${ramp} } }`).operations[0]?.ramp, undefined, ramp);
  t.equal(parse('sampling: 0').sampling, 0);
  t.equal(parse('sampling: 100').sampling, 100);
  const [user] = parse('operations: { getUser: { "stage": "dynamodb", ramp: { to: live, percent: 100 } } }').operations;
  t.strictSame([user?.stage, user?.ramp], ['dynamodb', { to: 'live', percent: 100 }]);
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
