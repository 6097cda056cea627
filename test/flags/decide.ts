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

t.test('before any flags nothing is at a revision, and nothing is kept', async (t) => {
  const decider = createDecider(api);
  t.equal(decider.revision(), '');
  t.strictSame(decider.kept(), []);
  t.strictSame(decider.features(), []);
  decider.swap('7', featuresOf(''));
  t.equal(decider.revision(), '7');
  t.strictSame(decider.kept(), [], 'each flag is as it was given: an operation that cannot be moved needs none');
  decider.swap(
    '8',
    featuresOf('').filter(({ name }) => name !== 'photos.putUser'),
  );
  t.strictSame(decider.kept(), []);
});

t.test('who looks gets the same, and counts nothing', async (t) => {
  const lowered: string[] = [];
  const decider = createDecider(api, { onLowered: (operation) => lowered.push(operation) });
  const wide = { ...api, operations: api.operations.map((one) => ({ ...one, offered: STAGES })) };
  const text = 'operations: { getUser: { stage: dynamodb, tenants: { acme: live } }, listMessages: { stage: live } }';
  decider.swap('1', toFeatures(parseStages(text, wide, 'x'), api));
  for (const tenant of ['acme', 'other', '']) {
    t.equal(decider.peek(0, tenant), decider.stageOf(0, tenant));
    t.equal(decider.peek(0, tenant), decider.stageOf(0, tenant), 'and when it is remembered');
  }
  t.equal(decider.peek(1, 'acme').stage, 'shadow');
  t.strictSame(lowered, [], 'neither a look, nor what is not lowered');
  for (const ask of [decider.peek, decider.stageOf])
    t.throws(() => ask(99, 'a'), { name: 'RangeError', message: 'no operation has index 99' });
});

/** Features whose flag of getUser tells when it is evaluated. */
function watched(text: string) {
  let looks = 0;
  const features = featuresOf(text).map((feature): typeof feature => {
    if (feature.name !== 'photos.getUser') return feature;
    const { strategies } = feature;
    return Object.defineProperty({ ...feature }, 'strategies', {
      enumerable: true,
      get: () => {
        looks += 1;
        return strategies;
      },
    });
  });
  const looked = (ask: () => unknown): boolean => {
    const before = looks;
    ask();
    return looks > before;
  };
  return { features, looked };
}

const ON_THE_WAY = getUser('stage: dynamodb, ramp: { to: shadow, percent: 50 }');

t.test('a tenant that was met lately is remembered, one that was not is forgotten', async (t) => {
  const { features, looked } = watched(ON_THE_WAY);
  const decider = createDecider(api, {}, 4);
  decider.swap('1', features);
  const evaluated = (tenant: string) => looked(() => decider.stageOf(0, tenant));
  const asked = [...'abbacdecab'].map((tenant) => `${tenant}${evaluated(tenant) ? '!' : ''}`);
  t.strictSame(asked, ['a!', 'b!', 'b', 'a', 'c!', 'd!', 'e!', 'c', 'a!', 'b!']);
});

t.test('a look remembers nothing, and takes what is remembered', async (t) => {
  const { features, looked } = watched(ON_THE_WAY);
  const decider = createDecider(api);
  decider.swap('1', features);
  t.ok(looked(() => decider.peek(0, 'a')));
  t.ok(looked(() => decider.stageOf(0, 'a')));
  t.notOk(looked(() => decider.peek(0, 'a')));
});

t.test('new flags and a kill forget what was remembered; the same kill again does not', async (t) => {
  const { features, looked } = watched(ON_THE_WAY);
  const decider = createDecider(api, {}, 4);
  decider.swap('1', features);
  const evaluated = (tenant: string) => looked(() => decider.stageOf(0, tenant));
  evaluated('a');
  t.notOk(evaluated('a'));
  decider.kill(false);
  t.notOk(evaluated('a'));
  decider.swap('2', features);
  t.strictSame(['a', 'a', 'b', 'a'].map(evaluated), [true, false, true, false], 'and counts anew');
});

t.test('killed from beside the flags: the floor, until it is lifted', async (t) => {
  const decider = createDecider(api);
  decider.swap('1', featuresOf(getUser('stage: live, floor: dynamodb, tenants: { acme: complete }')));
  t.notOk(decider.killed());
  decider.kill(true);
  t.ok(decider.killed());
  t.equal(decider.stageOf(0, 'acme').stage, 'dynamodb');
  decider.kill(true);
  t.equal(decider.stageOf(0, 'acme').stage, 'dynamodb');
  decider.kill(false);
  t.notOk(decider.killed());
  t.equal(decider.stageOf(0, 'acme').stage, 'complete');
});

t.test('stages that some tenant may be at: none by a ramp of nobody, none where nothing can be had', async (t) => {
  const decider = createDecider(api);
  decider.swap('1', featuresOf(getUser('stage: dynamodb, ramp: { to: shadow, percent: 0 }, tenants: { acme: live }')));
  t.strictSame(decider.stages(), [['live', 'dynamodb'], ['dynamodb'], ['legacy']]);
  const wide = { ...api, operations: api.operations.map((one) => ({ ...one, offered: STAGES })) };
  decider.swap('2', toFeatures(parseStages('operations: { listMessages: { floor: live } }', wide, 'x'), api));
  t.strictSame(decider.stages(), [['legacy'], [], ['legacy']]);
});

const without = (features: Features, name: string) => features.filter((feature) => feature.name !== name);
const instead = (features: Features, name: string, change: object) =>
  features.map((feature) =>
    feature.name === name ? Object.defineProperties({ ...feature }, Object.getOwnPropertyDescriptors(change)) : feature,
  );

const fallbacks: [what: string, change: (features: Features) => Features, kept: string][] = [
  ['a flag is missing', (given) => without(given, 'photos.getUser'), 'photos.getUser is missing'],
  [
    'a flag says nothing',
    (given) => instead(given, 'photos.getUser', { strategies: [] }),
    'photos.getUser has no strategies',
  ],
  [
    'a flag cannot be judged',
    (given) =>
      instead(given, 'photos.getUser', {
        get strategies() {
          throw new Error('not today');
        },
      }),
    'photos.getUser cannot be evaluated: not today',
  ],
  ['the kill flag is missing', (given) => without(given, 'photos.kill'), 'photos.kill is missing'],
  ['the share is missing', (given) => without(given, 'photos.sampling'), 'photos.sampling is missing'],
  [
    'the share is none',
    (given) => instead(given, 'photos.sampling', { strategies: [] }),
    'photos.sampling has no rollout',
  ],
];
for (const [what, change, kept] of fallbacks)
  t.test(`${what}: said by name and reason, and its last good form stays`, async (t) => {
    const told: string[] = [];
    const decider = createDecider(api, { onFallback: (flag, reason) => told.push(`${flag} ${reason}`) });
    const text = `kill: true\nsampling: 7\n${getUser('stage: live')}`;
    const good = featuresOf(text);
    decider.swap('1', good);
    decider.swap('2', change(featuresOf('sampling: 8')));
    t.strictSame(decider.kept(), [kept]);
    t.strictSame(told, [kept]);
    const [name = ''] = kept.split(' ');
    const inForce = (features: Features) => features.find((feature) => feature.name === name);
    t.equal(inForce(decider.features()), inForce(good));
    decider.swap('3', good);
    t.strictSame(decider.kept(), [], 'what is mended is not kept any more');
  });

t.test('a flag that is broken from the first decides nothing', async (t) => {
  for (const enabled of [true, false]) {
    const decider = createDecider(api);
    decider.swap('1', instead(featuresOf(getUser('stage: live')), 'photos.getUser', { enabled, strategies: [] }));
    t.equal(decider.stageOf(0, 'acme').stage, 'legacy');
    t.notOk(decider.features().some(({ name }) => name === 'photos.getUser'));
    t.strictSame(decider.kept(), ['photos.getUser has no strategies']);
  }
});

t.test('a flag that is broken and switched off: the floor that it last said', async (t) => {
  const decider = createDecider(api);
  const good = featuresOf(getUser('stage: live, floor: dynamodb'));
  decider.swap('1', good);
  decider.swap('2', instead(good, 'photos.getUser', { enabled: false, strategies: [] }));
  t.equal(decider.stageOf(0, 'acme').stage, 'dynamodb');
  decider.swap('3', instead(good, 'photos.getUser', { enabled: true, strategies: [] }));
  t.equal(decider.stageOf(0, 'acme').stage, 'dynamodb', 'switched on and broken: what it was');
});
