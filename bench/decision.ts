import { type ClientFeaturesResponse, InMemStorageProvider, Unleash } from 'unleash-client';
import type { FlagApi } from '../src/flags/api.ts';
import { createDecider } from '../src/flags/decide.ts';
import { toFeatures } from '../src/flags/ladder.ts';
import { parseStages } from '../src/flags/stages.ts';
import { median, type Row } from './support/measure.ts';

const API: FlagApi = {
  name: 'photos',
  operations: [
    {
      ...{ id: 'getUser', flag: 'photos.getUser', initial: 'legacy' },
      offered: ['legacy', 'dynamodb', 'shadow', 'live', 'complete'],
    },
  ],
};
const STAGES =
  'operations: { getUser: { stage: dynamodb, ramp: { to: live, percent: 37 }, tenants: { acme: complete } } }';

const ROUNDS = 7;
/** The kernel counts a thread's time in steps of 4 ms: so many turns make a step 8 ns of one decision. */
const TURNS = 10;
const ASKED = 50_000;

/** Nanoseconds of CPU time of one decision: `stageOf`, twice, beside unleash-client's `getVariant` with the same flags. */
export async function benchDecision(): Promise<readonly Row[]> {
  const features = toFeatures(parseStages(STAGES, API, 'stages.yaml'), API);
  const stock = new Unleash({
    ...{ appName: 'bench', url: 'http://127.0.0.1:1/', refreshInterval: 0, disableMetrics: true },
    skipInstanceCountWarning: true,
    storageProvider: new InMemStorageProvider<ClientFeaturesResponse>(),
    bootstrap: { data: features },
  });
  stock.on('error', () => {});
  await new Promise((done) => stock.once('ready', () => done(undefined)));
  const decider = createDecider(API);
  decider.swap('1', features);
  const works = {
    stageOf: (tenant: string) => void decider.stageOf(0, tenant),
    'stageOf, again': (tenant: string) => void decider.stageOf(0, tenant),
    getVariant: (tenant: string) => void stock.getVariant('photos.getUser', { tenantId: tenant }),
  };
  const rows = [100, 10_000, 100_000].flatMap((count) => {
    for (const tenant of fresh(count, count)) decider.stageOf(0, tenant);
    const costs = new Map(Object.keys(works).map((name) => [name, [] as number[]]));
    for (let round = 0; round <= ROUNDS; round += 1)
      for (const [name, work] of Object.entries(works)) {
        let spent = 0;
        for (let turn = 0; turn < TURNS; turn += 1) {
          const tenants = fresh(count, ASKED);
          const before = process.threadCpuUsage();
          for (const tenant of tenants) work(tenant);
          const { user, system } = process.threadCpuUsage(before);
          spent += user + system;
        }
        if (round > 0) costs.get(name)?.push((spent / (ASKED * TURNS)) * 1_000);
      }
    return [...costs].map(([name, all]) => rowOf(count, name, all, costs.get('getVariant') ?? []));
  });
  stock.destroy();
  return rows;
}

function rowOf(count: number, name: string, own: readonly number[], base: readonly number[]): Row {
  const sorted = own.toSorted((a, b) => a - b);
  const at = (share: number) => (sorted[Math.floor((sorted.length - 1) * share)] as number).toFixed(0);
  const ratio = median(own.map((cost, round) => (base[round] as number) / cost));
  return {
    tenants: count.toLocaleString('en'),
    call: name,
    'one decision': `${at(0.5)} ns (${at(0.1)} to ${at(0.9)})`,
    'times getVariant': ratio.toPrecision(2),
  };
}

/** Texts that nobody has looked at before, as a request's header is. */
const fresh = (count: number, asked: number): string[] =>
  Array.from({ length: asked }, (_, n) => Buffer.from(`tenant-${(n * 7_919) % count}`).toString('latin1'));
