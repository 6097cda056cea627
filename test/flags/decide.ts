import fc from 'fast-check';
import t from 'tap';
import { type ClientFeaturesResponse, InMemStorageProvider, Unleash } from 'unleash-client';
import { createDecider } from '../../src/flags/decide.ts';
import { type Features, toFeatures } from '../../src/flags/ladder.ts';
import { parseStages } from '../../src/flags/stages.ts';
import { compareStages, PLANS, STAGES, type Stage } from '../../src/model/stage.ts';
import { flagApi as api, tenants } from '../support/flags.ts';

const featuresOf = (text: string): Features => toFeatures(parseStages(text, api, 'stages.yaml'), api);
const getUser = (fields: string) => `operations: { getUser: { ${fields} } }`;

function stagesAt(text: string, names: readonly string[]): (Stage | undefined)[] {
  const decider = createDecider(api);
  decider.swap('1', featuresOf(text));
  const found = names.map((tenant) => decider.stageOf(0, tenant).stage);
  return found;
}

t.test('25 % is about a quarter of 2,000 tenants, and 50 % the same ones and more', async (t) => {
  const names = tenants(2000);
  const ramp = (percent: number) => getUser(`stage: dynamodb, ramp: { to: shadow, percent: ${percent} }`);
  const quarter = stagesAt(ramp(25), names);
  const half = stagesAt(ramp(50), names);
  const moved = (stages: unknown[]) => stages.filter((stage) => stage === 'shadow').length;
  t.ok(Math.abs(moved(quarter) - 500) < 80, `${moved(quarter)} of 2000`);
  t.ok(Math.abs(moved(half) - 1000) < 90, `${moved(half)} of 2000`);
  t.ok(quarter.every((stage, index) => stage !== 'shadow' || half[index] === 'shadow'));
  t.equal(moved(stagesAt(ramp(0), names)), 0);
  t.equal(moved(stagesAt(ramp(100), names)), 2000);
});

t.test('raising the percentage only moves tenants forward', async () => {
  const names = tenants(100);
  fc.assert(
    fc.property(fc.nat(100), fc.nat(100), (a, b) => {
      const at = (percent: number) =>
        stagesAt(
          getUser(`stage: legacy, ramp: { to: live, percent: ${percent} }, tenants: { tenant-3: shadow }`),
          names,
        );
      const less = at(Math.min(a, b));
      const more = at(Math.max(a, b));
      return less.every((stage, index) => compareStages(stage as Stage, more[index] as Stage) <= 0);
    }),
    { numRuns: 30 },
  );
});

t.test('the same as a stock unleash-client with these features decides', async (t) => {
  const text = getUser(
    'stage: dynamodb, ramp: { to: live, percent: 37 }, tenants: { acme: complete, tenant-1: legacy }',
  );
  const features = featuresOf(text);
  const stock = new Unleash({
    appName: 'stock',
    url: 'http://127.0.0.1:1/',
    refreshInterval: 0,
    disableMetrics: true,
    skipInstanceCountWarning: true,
    storageProvider: new InMemStorageProvider<ClientFeaturesResponse>(),
    bootstrap: { data: features },
  });
  stock.on('error', () => {});
  await new Promise((done) => stock.once('ready', done as () => void));
  const decider = createDecider(api);
  decider.swap('1', features);
  const odd = ['acme', 'ACME', '__proto__', 'constructor', 'a b', 'é', '😀', '0', 'null'];
  for (const tenant of [...tenants(300), ...odd]) {
    const expected = stock.getVariant('photos.getUser', { tenantId: tenant }).name;
    if (decider.stageOf(0, tenant).stage !== expected) t.fail(`${tenant}: ${expected}`);
    if (decider.stageOf(0, tenant).stage !== expected) t.fail(`${tenant}, remembered: ${expected}`);
  }
  stock.destroy();
});

t.test('decisions are frozen, shared, and carry their plan', async (t) => {
  const decider = createDecider(api);
  decider.swap('1', featuresOf(getUser('stage: live')));
  const decision = decider.stageOf(0, 'a');
  t.strictSame(decision, { stage: 'live', asked: 'live', lowered: false, floor: 'legacy', plan: PLANS.live });
  t.ok(Object.isFrozen(decision));
  t.equal(decision, decider.stageOf(0, 'b'));
  t.throws(() => decider.stageOf(99, 'a'), RangeError);
});

t.test('before any flags: no stage, since nobody knows which are true', async (t) => {
  const decider = createDecider(api);
  t.notOk(decider.ready());
  t.match(decider.stageOf(0, 'a'), { stage: undefined, plan: undefined, lowered: false });
  t.strictSame(decider.stages(), [[], [], []]);
  decider.swap('1', []);
  t.ok(decider.ready());
  t.strictSame(
    [0, 1, 2].map((index) => decider.stageOf(index, 'a').stage),
    ['legacy', 'dynamodb', 'legacy'],
    'flags that were never seen: the initial stage',
  );
});

t.test('no tenant: the resting stage, whatever the ramp', async (t) => {
  t.strictSame(stagesAt(getUser('stage: dynamodb, ramp: { to: live, percent: 99 }'), ['']), ['dynamodb']);
});

t.test('kill: every operation at its floor, whatever its tenants', async (t) => {
  const text = `kill: true
operations:
  getUser: { stage: live, floor: dynamodb, tenants: { acme: complete } }
  listMessages: { stage: shadow }`;
  const decider = createDecider(api);
  decider.swap('1', featuresOf(text));
  t.ok(decider.killed());
  t.equal(decider.stageOf(0, 'acme').stage, 'dynamodb');
  t.equal(decider.stageOf(1, 'acme').stage, 'dynamodb');
  t.strictSame(decider.stages(), [['dynamodb'], ['dynamodb'], ['legacy']]);
  decider.swap('2', featuresOf(text.replace('kill: true', 'kill: false')));
  t.equal(decider.stageOf(0, 'acme').stage, 'complete', 'nothing is remembered from the revision before');
});

t.test('a disabled flag: the floor', async (t) => {
  const decider = createDecider(api);
  const features = featuresOf(getUser('stage: live, floor: dynamodb'));
  decider.swap(
    '1',
    features.map((feature) => ({ ...feature, enabled: false })),
  );
  t.equal(decider.stageOf(0, 'a').stage, 'dynamodb');
  t.notOk(decider.stageOf(0, 'a').lowered);
});

const broken: [string, (features: Features) => Features][] = [
  ['missing', (features) => features.filter(({ name }) => name !== 'photos.getUser')],
  ['empty', (features) => features.map((feature) => ({ ...feature, strategies: [] }))],
  ['without variants', (features) => withVariants(features, [])],
  ['misspelt', (features) => withVariants(features, [{ name: 'lvie', weight: 1000 }])],
  ['without a rest', (features) => features.map((f) => ({ ...f, strategies: f.strategies?.slice(0, -1) ?? [] }))],
];
for (const [name, breakIt] of broken) {
  t.test(`a flag that goes ${name}: the last good stage, counted`, async (t) => {
    const fallbacks: string[] = [];
    const decider = createDecider(api, { onFallback: (flag) => fallbacks.push(flag) });
    decider.swap('1', featuresOf(getUser('stage: dynamodb, tenants: { acme: live }')));
    decider.swap('2', breakIt(featuresOf(getUser('stage: complete'))));
    t.equal(decider.stageOf(0, 'acme').stage, 'live');
    t.equal(decider.stageOf(0, 'other').stage, 'dynamodb');
    t.ok(fallbacks.includes('photos.getUser'));
  });
}

function withVariants(features: Features, variants: { name: string; weight: number }[]): Features {
  return features.map((feature) => ({
    ...feature,
    strategies: feature.strategies?.map((strategy) => ({ ...strategy, variants })) ?? [],
  }));
}

t.test('a stage that cannot be had: the nearest earlier one, counted each time', async (t) => {
  const lowered: string[] = [];
  const decider = createDecider(api, { onLowered: (operation) => lowered.push(operation) });
  const wide = { ...api, operations: api.operations.map((one) => ({ ...one, offered: STAGES })) };
  decider.swap('1', toFeatures(parseStages('operations: { listMessages: { stage: live } }', wide, 'x'), api));
  t.strictSame(decider.stageOf(1, 'a'), {
    stage: 'shadow',
    asked: 'live',
    lowered: true,
    floor: 'dynamodb',
    plan: PLANS.shadow,
  });
  decider.stageOf(1, 'a');
  t.strictSame(lowered, ['listMessages', 'listMessages']);
});

t.test('a floor that nothing offered reaches: no stage at all', async (t) => {
  const decider = createDecider(api);
  const wide = { ...api, operations: api.operations.map((one) => ({ ...one, offered: STAGES })) };
  decider.swap('1', toFeatures(parseStages('operations: { listMessages: { floor: live } }', wide, 'x'), api));
  t.match(decider.stageOf(1, 'a'), { stage: undefined, plan: undefined, lowered: true });
});

t.test('the memory of decisions is bounded and changes none of them', async (t) => {
  const text = getUser('stage: dynamodb, ramp: { to: shadow, percent: 50 }');
  const small = createDecider(api, {}, 3);
  small.swap('1', featuresOf(text));
  const names = [...tenants(50), ...tenants(50)];
  t.strictSame(
    names.map((tenant) => small.stageOf(0, tenant).stage),
    stagesAt(text, names),
  );
});
