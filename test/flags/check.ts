import t from 'tap';
import { checkFeatures } from '../../src/flags/check.ts';
import {
  type Feature,
  type Features,
  fromFeatures,
  LIMITS,
  type Strategy,
  toFeatures,
} from '../../src/flags/ladder.ts';
import { parseStages } from '../../src/flags/stages.ts';
import { flagApi as api } from '../support/flags.ts';

const GOOD = toFeatures(
  parseStages(
    'operations: { getUser: { stage: dynamodb, floor: dynamodb, ramp: { to: shadow, percent: 25 }, tenants: { acme: live, b: live } } }',
    api,
    'stages.yaml',
  ),
  api,
).filter(({ name }) => name !== 'photos.putUser');

const FLAG = 'photos.getUser';
const change = (name: string, how: (feature: Feature) => Partial<Feature>): Features =>
  GOOD.map((feature) => (feature.name === name ? { ...feature, ...how(feature) } : feature));
/** `getUser` with its strategies (tenants, ramp, rest) changed. */
const strategies = (how: (given: [Strategy, Strategy, Strategy]) => Strategy[]): Features =>
  change(FLAG, (feature) => ({ strategies: how(feature.strategies as [Strategy, Strategy, Strategy]) }));
const variant = (strategy: Strategy, name: string, floor?: string): Strategy => ({
  ...strategy,
  variants: [
    {
      ...strategy.variants?.[0],
      name,
      ...(floor === undefined ? {} : { payload: { type: 'string', value: floor } }),
    } as never,
  ],
});
const tenants = (strategy: Strategy, ...values: string[]): Strategy => ({
  ...strategy,
  constraints: strategy.constraints.map((constraint) => ({ ...constraint, values })),
});
const parameters = (strategy: Strategy, more: Record<string, unknown>): Strategy => ({
  ...strategy,
  parameters: { ...strategy.parameters, ...more },
});

t.test('what `init` and the commands make is as it should be', async (t) => {
  t.strictSame(checkFeatures(GOOD, api, LIMITS), []);
});

/** What people do in Unleash's own pages, what is said of it, and the cure. */
const edits: [name: string, features: Features, problem: RegExp, cure: RegExp][] = [
  ['missing', GOOD.filter(({ name }) => name !== FLAG), /is missing/, /flags init/],
  [
    'disabled',
    change(FLAG, () => ({ enabled: false })),
    /is disabled: every tenant is at the floor, dynamodb/,
    /enable it/,
  ],
  ['emptied', strategies(() => []), /has no strategies/, /stage getUser STAGE --all/],
  [
    'dependent',
    change(FLAG, () => ({ dependencies: [{ feature: 'x' }] })),
    /depends on another flag/,
    /take the dependency away/,
  ],
  [
    'another strategy',
    strategies(([a, b, c]) => [{ ...a, name: 'userWithId' }, b, c]),
    /`userWithId`/,
    /gradual rollout/,
  ],
  ['no variant', strategies(([a, b, c]) => [a, { ...b, variants: [] }, c]), /without a variant/, /one variant/],
  [
    'misspelt variant',
    strategies(([a, b, c]) => [a, variant(b, 'shaddow'), c]),
    /`shaddow`, which is no stage/,
    /legacy, dynamodb, shadow/,
  ],
  [
    'two variants',
    strategies(([a, b, c]) => [a, { ...b, variants: [...(b.variants ?? []), ...(c.variants ?? [])] }, c]),
    /2 variants/,
    /weights make tenants jump/,
  ],
  ['segment', strategies(([a, b, c]) => [{ ...a, segments: [1] }, b, c]), /segment/, /write its constraint/],
  [
    'another field',
    strategies(([a, b, c]) => [
      { ...a, constraints: [{ contextName: 'country', operator: 'IN' as never, inverted: false, values: ['x'] }] },
      b,
      c,
    ]),
    /constraint on `country`/,
    /tenantId IN/,
  ],
  [
    'a date',
    strategies(([a, b, c]) => [
      {
        ...a,
        constraints: [{ contextName: 'tenantId', operator: 'DATE_AFTER' as never, inverted: false, values: [] }],
      },
      b,
      c,
    ]),
    /by DATE_AFTER/,
    /tenantId IN/,
  ],
  [
    'not in',
    strategies(([a, b, c]) => [{ ...a, constraints: a.constraints.map((one) => ({ ...one, inverted: true })) }, b, c]),
    /neither a list of tenants nor a ramp/,
    /100 % with one constraint/,
  ],
  [
    'random stickiness',
    strategies(([a, b, c]) => [a, parameters(b, { stickiness: 'random' }), c]),
    /sticks to `random`/,
    /stickiness tenantId/,
  ],
  [
    'stickiness of the rest',
    strategies(([a, b, c]) => [a, b, parameters(c, { stickiness: 'default' })]),
    /for dynamodb that sticks to `default`/,
    /tenantId/,
  ],
  [
    'half a percent',
    strategies(([a, b, c]) => [a, parameters(b, { rollout: '12.5' }), c]),
    /rollout of `12.5`/,
    /whole percentage/,
  ],
  [
    'no rest',
    strategies(([a, b]) => [a, b]),
    /does not end with a strategy for everyone/,
    /100 % without a constraint/,
  ],
  [
    'no floor',
    strategies(([a, b, c]) => [a, b, variant(c, 'dynamodb', 'cellar')]),
    /does not say its floor/,
    /payload of type string/,
  ],
  [
    'two floors',
    strategies(([a, b, c]) => [a, variant(b, 'shadow', 'legacy'), c]),
    /two floors, legacy and dynamodb/,
    /floor getUser dynamodb/,
  ],
  ['two ramps', strategies(([a, b, c]) => [a, b, variant(b, 'live'), c]), /two ramps/, /leave one/],
  ['order', strategies(([a, b, c]) => [b, a, c]), /tenants below a ramp/, /drag/],
  ['catch-all on top', strategies(([a, b, c]) => [c, a, b]), /hides 2 strategies/, /drag/],
  [
    'groupId',
    strategies(([a, b, c]) => [a, parameters(b, { groupId: 'other' }), c]),
    /another groupId/,
    /set the groupId .* to photos.getUser/,
  ],
  [
    'ramp backwards',
    strategies(([a, b, c]) => [a, variant(b, 'dynamodb', 'dynamodb'), variant(c, 'shadow', 'dynamodb')]),
    /ramp from shadow to dynamodb/,
    /lead forward/,
  ],
  [
    'not offered',
    strategies(([a, b, c]) => [variant(a, 'dualwrite'), b, c]),
    /asks for dualwrite: getUser cannot have/,
    /choose a stage that it can have/,
  ],
  [
    'below the floor',
    strategies(([a, b, c]) => [variant(a, 'legacy'), b, c]),
    /asks for legacy, below its floor dynamodb/,
    /dynamodb or later/,
  ],
  [
    'a tenant twice',
    strategies(([a, b, c]) => [a, variant(tenants(a, 'acme'), 'complete'), b, c]),
    /tenant acme for live and for complete/,
    /take one of them away/,
  ],
  [
    'a tenant that cannot be',
    strategies(([a, b, c]) => [tenants(a, 'x'.repeat(129)), b, c]),
    /longer than 128/,
    /correct the name/,
  ],
  [
    'too many tenants',
    strategies(([a, b, c]) => [tenants(a, ...Array.from({ length: 251 }, (_, at) => `t${at}`)), b, c]),
    /251 tenants in one strategy, and the server takes 250/,
    /split/,
  ],
  [
    'too many strategies',
    strategies(([a, b, c]) => [...Array.from({ length: 14 }, (_, at) => tenants(a, `t${at}`)), b, c]),
    /16 strategies, and the server takes 30/,
    /by percent/,
  ],
  ['kill on', change('photos.kill', () => ({ enabled: true })), /is on: every operation/, /kill --lift/],
  [
    'kill for some',
    change('photos.kill', ({ strategies = [] }) => ({
      strategies: strategies.map((one) => parameters(one, { rollout: '50' })),
    })),
    /on is on for everybody/,
    /take them away/,
  ],
  ['kill missing', GOOD.filter(({ name }) => name !== 'photos.kill'), /only the kill file can/, /flags init/],
  ['sampling missing', GOOD.filter(({ name }) => name !== 'photos.sampling'), /is missing/, /flags init/],
  ['sampling off', change('photos.sampling', () => ({ enabled: false })), /nothing is compared/, /enable/],
  [
    'sampling twice',
    change('photos.sampling', ({ strategies = [] }) => ({ strategies: [...strategies, ...strategies] })),
    /not one rollout/,
    /leave one/,
  ],
  [
    'a stranger',
    [...GOOD, { name: 'photos.getUsr', enabled: true, strategies: [] }],
    /no flag of an operation of photos; did you mean `photos.getUser`/,
    /rename/,
  ],
];
for (const [name, features, problem, cure] of edits) {
  t.test(`found: ${name}`, async (t) => {
    const found = checkFeatures(features, api, LIMITS);
    const fitting = found.find((one) => problem.test(one.problem));
    t.ok(fitting, JSON.stringify(found));
    t.match(fitting?.cure, cure);
    t.ok(found.length <= 2, JSON.stringify(found));
    t.doesNotThrow(() => fromFeatures(features, api));
  });
}

t.test('an API with more operations than the server takes flags', async (t) => {
  t.match(checkFeatures(GOOD, api, { ...LIMITS, flags: 3 }), [{ problem: /needs 4 flags, and the server takes 3/ }]);
});
