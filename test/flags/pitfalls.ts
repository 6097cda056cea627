import { join } from 'node:path';
import t from 'tap';
import type { ClientFeaturesResponse } from 'unleash-client';
import { checkFeatures } from '../../src/flags/check.ts';
import { createDecider } from '../../src/flags/decide.ts';
import {
  type Feature,
  type Features,
  LIMITS,
  type Strategy,
  strategiesOf,
  toFeatures,
} from '../../src/flags/ladder.ts';
import { savedFile } from '../../src/flags/saved.ts';
import { parseStages } from '../../src/flags/stages.ts';
import { eventually, followFlags, withOperator } from '../support/flag-server.ts';
import { flagApi as api, tenants } from '../support/flags.ts';
import { withFaultyProxy, withUnleash } from '../support/unleash.ts';

/** What unleash-client was measured to do, by the numbers of that list; each would move a stage, or freeze one. */

const featuresOf = (fields: string): Features =>
  toFeatures(parseStages(`operations: { getUser: { ${fields} } }`, api, 'stages.yaml'), api);

function deciderOf(features: Features) {
  const fallbacks: string[] = [];
  const decider = createDecider(api, { onFallback: (flag, reason) => fallbacks.push(`${flag} ${reason}`) });
  decider.swap('0', featuresOf('stage: dynamodb'));
  fallbacks.length = 0;
  decider.swap('1', features);
  return { decider, fallbacks, stage: (tenant: string) => decider.stageOf(0, tenant).stage };
}

type Constraint = Strategy['constraints'][number];

const changed = (features: Features, change: (feature: Feature) => Partial<Feature>): Features =>
  features.map((feature) => (feature.name === 'photos.getUser' ? { ...feature, ...change(feature) } : feature));

t.test('1, 2, 5: a start in an outage runs on the last good state, says so, and does not fail', async (t) => {
  const unleash = await withUnleash(t);
  const operator = await withOperator(t, unleash);
  await operator.edit({ operation: 'getUser', stage: 'live' });
  const proxy = await withFaultyProxy(t, unleash.url);
  const folder = t.testdir();
  const first = await followFlags(t, unleash, { url: proxy.url, folder });
  t.equal(first.stage(), 'live');
  await first.flags.close();
  await proxy.fault('down');
  const second = await followFlags(t, unleash, { url: proxy.url, folder });
  t.equal(second.stage(), 'live', '1: nothing beats what the server last said');
  t.equal(second.flags.state().source, 'saved', '2: from disk is not from the server');
  t.match(second.flags.problem(), /cannot be reached/);
  t.ok(second.flags.ready(), '5: there are flags');
});

t.test('3: after a 401 the server is still asked, so that the kill switch is not frozen', async (t) => {
  const unleash = await withUnleash(t);
  const operator = await withOperator(t, unleash);
  await operator.edit({ operation: 'getUser', stage: 'live' });
  const proxy = await withFaultyProxy(t, unleash.url);
  const { stage, errors } = await followFlags(t, unleash, { url: proxy.url, folder: t.testdir() });
  await proxy.fault({ status: 401 });
  await eventually(t, 'refused twice', () => errors.filter((one) => one === 'unauthorized').length > 1);
  await proxy.fault(undefined);
  await operator.edit({ kill: true });
  await eventually(t, 'killed', () => stage() === 'legacy');
});

t.test('4: closing in an outage throws nothing, now or later', async (t) => {
  const unleash = await withUnleash(t);
  const proxy = await withFaultyProxy(t, unleash.url);
  await proxy.fault('down');
  const thrown: unknown[] = [];
  const note = (error: unknown) => void thrown.push(error);
  process.on('unhandledRejection', note).on('uncaughtException', note);
  const { flags } = await followFlags(t, unleash, { url: proxy.url, folder: t.testdir() });
  await flags.close();
  await new Promise((done) => setTimeout(done, 300));
  process.off('unhandledRejection', note).off('uncaughtException', note);
  t.strictSame(thrown, []);
});

t.test('6: no tenant is at the resting stage, every time, and not at a random one', async (t) => {
  const { stage } = deciderOf(featuresOf('stage: dynamodb, ramp: { to: live, percent: 50 }'));
  for (let call = 0; call < 200; call += 1) if (stage('') !== 'dynamodb') t.fail('moved');
  const all = deciderOf(featuresOf('stage: dynamodb, ramp: { to: live, percent: 100 }'));
  t.equal(all.stage(''), 'dynamodb');
  t.equal(all.stage('acme'), 'live');
});

t.test('7: NOT_IN does not hold for a tenant that is absent', async (t) => {
  const but: Constraint = {
    contextName: 'tenantId',
    operator: 'NOT_IN' as Constraint['operator'],
    inverted: false,
    values: ['acme'],
  };
  const [live] = strategiesOf('photos.getUser', {
    stage: 'live',
    floor: 'legacy',
    ramp: undefined,
    tenants: new Map(),
  });
  const features = changed(featuresOf('stage: dynamodb'), ({ strategies = [] }) => ({
    strategies: [{ ...(live as Strategy), constraints: [but] }, ...strategies],
  }));
  const { stage } = deciderOf(features);
  t.equal(stage('globex'), 'live');
  t.equal(stage('acme'), 'dynamodb');
  t.equal(stage(''), 'dynamodb');
});

t.test('8: a disabled flag is at its floor, whatever variants it or the kill flag hold', async (t) => {
  const features = changed(featuresOf('stage: live, floor: shadow'), () => ({ enabled: false }));
  t.equal(deciderOf(features).stage('acme'), 'shadow');
  const narrow: Constraint = {
    contextName: 'userId',
    operator: 'IN' as Constraint['operator'],
    inverted: false,
    values: ['nobody'],
  };
  const kill = featuresOf('stage: live, floor: shadow').map((feature) =>
    feature.name === 'photos.kill'
      ? {
          ...feature,
          enabled: true,
          strategies: feature.strategies?.map((one) => ({ ...one, constraints: [narrow] })) ?? [],
        }
      : feature,
  );
  t.equal(deciderOf(kill).stage('acme'), 'shadow', 'a kill flag with a constraint that fits nobody kills all the same');
});

t.test('9: an enabled flag without variants keeps its last good form, counted', async (t) => {
  const features = changed(featuresOf('stage: live'), ({ strategies = [] }) => ({
    strategies: strategies.map((one) => ({ ...one, variants: [] })),
  }));
  const { stage, fallbacks } = deciderOf(features);
  t.equal(stage('acme'), 'dynamodb');
  t.match(fallbacks, [/photos.getUser has a strategy without a variant/]);
});

t.test('10: a strategy for everybody above a tenant is found, and the cure said', async (t) => {
  const features = changed(featuresOf('stage: dynamodb, tenants: { acme: live }'), ({ strategies = [] }) => ({
    strategies: [...strategies.slice(1), ...strategies.slice(0, 1)],
  }));
  t.equal(deciderOf(features).stage('acme'), 'dynamodb', 'the first that fits decides');
  t.match(
    checkFeatures(features, api, LIMITS).find(({ flag }) => flag === 'photos.getUser'),
    { problem: /hides 1 strategy below one for everybody/, cure: /drag/ },
  );
});

t.test(
  '11: the last state is in a folder that was chosen, under the names of API, server and environment',
  async (t) => {
    const file = savedFile('/var/lib/crossfade', 'photos', 'http://flags', 'production');
    t.match(file, /^\/var\/lib\/crossfade\/flags-photos-[0-9a-f]{10}\.json$/);
    t.not(file, savedFile('/var/lib/crossfade', 'photos', 'http://flags', 'staging'));
    t.not(file, savedFile(join('/var/lib/crossfade'), 'photos', 'http://other', 'production'));
  },
);

t.test(
  '12: a decision costs less than a microsecond once it is cached; the cache has an end and falls with the revision',
  async (t) => {
    const names = tenants(1_000);
    const ramp = (percent: number): ClientFeaturesResponse['features'] =>
      featuresOf(`stage: dynamodb, ramp: { to: live, percent: ${percent} }`);
    const decider = createDecider(api, {}, 5_000);
    decider.swap('1', ramp(50));
    const round = (): number => {
      const began = process.hrtime.bigint();
      for (const tenant of names) decider.stageOf(0, tenant);
      return Number(process.hrtime.bigint() - began) / names.length;
    };
    const first = round();
    const times = Array.from({ length: 200 }, round).sort((a, b) => a - b);
    t.ok((times[100] as number) < 1_000, `${times[100]} ns, and ${Math.round(first)} ns where it is not cached`);
    decider.swap('2', ramp(100));
    t.ok(
      names.every((tenant) => decider.stageOf(0, tenant).stage === 'live'),
      'nothing is remembered from before',
    );
    const bounded = createDecider(api, {}, 100);
    bounded.swap('1', ramp(50));
    const before = names.map((tenant) => bounded.stageOf(0, tenant).stage);
    t.strictSame(
      names.map((tenant) => bounded.stageOf(0, tenant).stage),
      before,
      'what was forgotten is decided alike',
    );
  },
);
