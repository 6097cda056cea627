import t from 'tap';
import type { Feature, Features } from '../../src/flags/ladder.ts';
import { toFeatures } from '../../src/flags/ladder.ts';
import { revisionOf, revisionOfFeatures } from '../../src/flags/revision.ts';
import { parseStages } from '../../src/flags/stages.ts';
import { flagApi as api } from '../support/flags.ts';

const TEXT =
  'operations: { getUser: { stage: dynamodb, ramp: { to: live, percent: 7 }, tenants: { a: live, b: live } } }';
const features = toFeatures(parseStages(TEXT, api, 'stages.yaml'), api);

/** With its properties the other way round, at every depth. */
function turned<T>(value: T): T {
  if (Array.isArray(value)) return value.map(turned) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, one]) => [key, turned(one)]),
  ) as T;
}

const changed = (name: string, change: (feature: Feature) => object): Features =>
  features.map((feature) => (feature.name === name ? { ...feature, ...change(feature) } : feature));
const USER = 'photos.getUser';
const strategiesOf = (change: (strategies: NonNullable<Feature['strategies']>) => unknown): Features =>
  changed(USER, ({ strategies = [] }) => ({ strategies: change(structuredClone(strategies)) }));

const same: [string, Features][] = [
  ['in another order', features.toReversed()],
  ['with their properties in another order', turned(features)],
  [
    'with what a server says beside it',
    changed(USER, () => ({ description: 'x', project: 'y', impressionData: true })),
  ],
  ['with no dependencies, said', changed(USER, () => ({ dependencies: [] }))],
];
for (const [name, given] of same)
  t.test(`the same flags ${name}: the same revision`, async (t) => {
    t.equal(revisionOfFeatures(given), revisionOfFeatures(features));
  });

const other: [string, Features][] = [
  ['one is switched off', changed(USER, () => ({ enabled: false }))],
  ['one has another name', changed(USER, () => ({ name: 'photos.getOther' }))],
  ['one is missing', features.slice(1)],
  ['one depends on another', changed(USER, () => ({ dependencies: [{ feature: 'x' }] }))],
  ['strategies in another order', strategiesOf((strategies) => strategies.toReversed())],
  ['a share', strategiesOf(([list, ramp, ...rest]) => [list, { ...ramp, parameters: { rollout: '8' } }, ...rest])],
  ['none', changed(USER, () => ({ strategies: [] }))],
];
for (const [name, given] of other)
  t.test(`other flags, ${name}: another revision`, async (t) => {
    t.not(revisionOfFeatures(given), revisionOfFeatures(features));
  });

t.test('a flag without strategies is one with none, and nothing in it is a value too', async (t) => {
  const none = changed(USER, () => ({ strategies: [] }));
  t.equal(revisionOfFeatures(changed(USER, () => ({ strategies: undefined }))), revisionOfFeatures(none));
  const title = (value: unknown) => strategiesOf(([first, ...rest]) => [{ ...first, title: value }, ...rest]);
  t.not(revisionOfFeatures(title(null)), revisionOfFeatures(title('x')));
});

t.test('it is short, and of the text alone', async (t) => {
  t.equal(revisionOf('a'), 'ca978112ca1b');
  t.match(revisionOfFeatures(features), /^[0-9a-f]{12}$/);
});
