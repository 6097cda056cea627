import { createServer } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { openUnleash } from '../../../../src/drivers/unleash.ts';
import { FlagServerError } from '../../../../src/errors.ts';
import { createDecider, type Flags } from '../../../../src/flags/decide.ts';
import { toFeatures } from '../../../../src/flags/ladder.ts';
import { fetchKill, fetchList, snapshotOf } from '../../../../src/flags/snapshot.ts';
import { openFlags } from '../../../../src/flags/source.ts';
import { parseStages } from '../../../../src/flags/stages.ts';
import { compareStages, STAGES } from '../../../../src/model/stage.ts';
import { flagApi as api } from '../../flags.ts';
import { listen } from '../../legacy.ts';
import { type Json, must, type Target } from '../target.ts';
import { ASKERS } from './stages.ts';

/** What a lying flag server says. `raw`, where it is not empty, is said instead of the list. */
type Input = {
  readonly status: number;
  readonly type: string;
  readonly etag: string;
  readonly raw: string;
  readonly list: { readonly free: Json };
  readonly kill: { readonly free: Json };
  /** Also said to flags that follow this server. */
  readonly followed: boolean;
};

const featuresOf = (text: string): Json => JSON.parse(JSON.stringify(toFeatures(parseStages(text, api, 'x'), api)));
const GOOD = featuresOf('operations: { getUser: { stage: shadow, floor: dynamodb, tenants: { acme: live } } }');
const RAMPED = featuresOf(
  'kill: true\nsampling: 7\noperations: { getUser: { stage: dynamodb, ramp: { to: live, percent: 30 } }, listMessages: { stage: shadow } }',
);
const KILL = { name: 'photos.kill', enabled: false, strategies: [] };

const CONSTRAINTS = ['IN', 'NOT_IN', 'STR_CONTAINS', 'NUM_GT', 'DATE_AFTER', 'SEMVER_EQ', 'REGEX', 'bogus'];
const strategy = fc.record(
  {
    name: fc.constantFrom('flexibleRollout', 'default', 'userWithId', 'remoteAddress', 'custom', ''),
    parameters: fc.dictionary(
      fc.constantFrom('rollout', 'stickiness', 'groupId', 'userIds', '__proto__'),
      fc.constantFrom<Json>('0', '50', '100', '1e2', '-1', 'x', 'tenantId', 'random', 'default', 100, null, {}),
    ),
    constraints: fc.array(
      fc.record(
        {
          contextName: fc.constantFrom('tenantId', 'userId', '', '__proto__', 'currentTime'),
          operator: fc.constantFrom(...CONSTRAINTS),
          values: fc.array(fc.constantFrom(...ASKERS, '(a+)+$', '*')),
          value: fc.constantFrom('1', 'x', '(a+)+$'),
          inverted: fc.boolean(),
          caseInsensitive: fc.boolean(),
        },
        { requiredKeys: ['contextName', 'operator'] },
      ),
      { maxLength: 3 },
    ),
    variants: fc.array(
      fc.record(
        {
          name: fc.constantFrom(...STAGES, 'floor:live', 'x', ''),
          weight: fc.constantFrom<Json>(1000, 0, -1, 1e9, '5', null),
          stickiness: fc.constantFrom('tenantId', 'default'),
          payload: fc.constantFrom<Json>({ type: 'string', value: 'live' }, { type: 'json', value: '{' }, null, 'x'),
        },
        { requiredKeys: ['name'] },
      ),
      { maxLength: 3 },
    ),
    segments: fc.array(fc.nat(), { maxLength: 2 }),
  },
  { requiredKeys: ['name'] },
);
const feature = fc.record(
  {
    name: fc.constantFrom(
      'photos.getUser',
      'photos.listMessages',
      'photos.kill',
      'photos.sampling',
      'photos.',
      'other.x',
    ),
    enabled: fc.oneof(fc.boolean(), fc.constantFrom('true', 1, null)),
    strategies: fc.oneof(fc.array(strategy, { maxLength: 4 }), fc.constantFrom(null, {}, 'x')),
    variants: fc.constantFrom([], null, 'x'),
    dependencies: fc.constantFrom([], [{ feature: 'photos.kill' }], null, 'x'),
    impressionData: fc.boolean(),
  },
  { requiredKeys: ['name', 'enabled', 'strategies'] },
);

const common = { status: 200, type: 'application/json', etag: '"1"', raw: '', kill: { free: KILL as Json } };

export const flags: Target<Input> = {
  name: 'flags',
  about: 'replies of a flag server, decided by and followed',
  inputs: fc.record({
    status: fc.oneof(
      { arbitrary: fc.constant(200), weight: 12 },
      { arbitrary: fc.constantFrom(304, 401, 404, 429, 500, 204, 302), weight: 1 },
    ),
    type: fc.oneof(
      { arbitrary: fc.constant('application/json'), weight: 12 },
      { arbitrary: fc.constantFrom('text/html', ''), weight: 1 },
    ),
    etag: fc.constantFrom('"1"', '"2"', '', 'W/"x"'),
    raw: fc.oneof(
      { arbitrary: fc.constant(''), weight: 12 },
      {
        arbitrary: fc.constantFrom(
          '[',
          'null',
          '{"features":{}}',
          `${'['.repeat(5_000)}`,
          '{"features":[null,1,"x",[]]}',
        ),
        weight: 1,
      },
    ),
    list: fc.record({ free: fc.array(feature, { maxLength: 5 }) as fc.Arbitrary<Json> }),
    kill: fc.record({
      free: fc.oneof(
        feature as fc.Arbitrary<Json>,
        fc.constant<Json>(KILL),
        fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<Json>,
      ),
    }),
    followed: fc.nat({ max: 30 }).map((n) => n === 0),
  }),
  examples: [
    { ...common, list: { free: GOOD }, followed: true },
    { ...common, list: { free: RAMPED }, followed: false },
  ],
  words: [
    'photos.',
    'photos.getUser',
    'photos.kill',
    '__proto__',
    'constructor',
    'floor',
    'tenantId',
    ...STAGES,
    ...CONSTRAINTS,
  ],
  async open(t) {
    let said: Input = { ...common, list: { free: GOOD }, followed: false };
    let asked = 0;
    const server = createServer(({ url = '', headers: { authorization } }, reply) => {
      const single = url.includes('photos.kill');
      if (!single && authorization === FOLLOWER) asked += 1;
      const { status, type, etag, raw, list, kill } = said;
      const body = single ? JSON.stringify(kill.free) : raw || JSON.stringify({ version: 2, features: list.free });
      const headers = { ...(type === '' ? {} : { 'content-type': type }), ...(etag === '' || single ? {} : { etag }) };
      reply.writeHead(status, headers).end(status === 204 || status === 304 ? undefined : body);
    });
    const url = `http://127.0.0.1:${await listen(t, server)}`;
    const http = openUnleash({ url, token: () => 'x' });
    const watching = openUnleash({ url, token: () => FOLLOWER });
    const followed = await openFlags({
      ...{ api, file: 'none', log: () => {} },
      server: { http: watching, refresh: 15, saved: join(t.testdir(), 'saved.json') },
    });
    const decider = createDecider(api);
    t.teardown(async () => {
      await followed.close();
      await http.close();
    });
    const settled = async (rounds: number) => {
      const until = asked + rounds;
      for (const end = Date.now() + 20_000; asked < until; await sleep(3))
        must(Date.now() < end, 'the server is not asked any more');
    };
    let revision = 0;
    const good = (): Input => ({ ...common, etag: `"good ${revision}"`, list: { free: GOOD }, followed: false });
    await settled(2);
    const start = standing(followed);
    return async (input) => {
      if (!(input.status >= 200 && input.status <= 599 && Number.isInteger(input.status)) || !isHeader(input))
        return 'cannot be said';
      const stood = standing(followed);
      said = input;
      // Asked for apart, as by who follows: each counts by itself.
      const list = await fetchList(http, api, undefined).catch(failureOf);
      const kill = await fetchKill(http, api).catch(failureOf);
      if (!input.followed) said = good();
      if (!(list instanceof FlagServerError)) {
        revision += 1;
        decider.swap(
          String(revision),
          snapshotOf(list, kill instanceof FlagServerError ? undefined : kill, api).features,
        );
      }
      for (const [index, { offered }] of api.operations.entries()) {
        for (const asker of ASKERS) {
          const { stage, floor } = decider.stageOf(index, asker);
          if (stage === undefined) continue;
          must(offered.includes(stage), 'a stage that is not offered', [index, asker, stage]);
          must(compareStages(stage, floor) >= 0, 'below the floor', [index, asker, stage, floor]);
        }
      }
      decider.stages();
      decider.killed();
      if (input.followed) {
        await settled(2);
        followed.state();
        const stands = standing(followed);
        must(
          !(list instanceof FlagServerError) || stood === stands || !(kill instanceof FlagServerError),
          'a refused list moves somebody',
          [stood, stands],
        );
        said = good();
        // After failures the pause is longer, up to sixteen times.
        for (const end = Date.now() + 20_000; standing(followed) !== start; await sleep(3))
          must(Date.now() < end, 'sound flags are not in force again', standing(followed));
      }
      return list instanceof FlagServerError ? list.failure : `taken ${decider.killed()} ${decider.kept().length}`;
    };
  },
  patience: 2_000,
};

/** The token of the flags that follow. */
const FOLLOWER = 'follower';

const standing = (flags: Flags): string => ASKERS.map((asker) => flags.stageOf(0, asker).stage).join();

function failureOf(error: unknown): FlagServerError {
  if (error instanceof FlagServerError && error.message !== '') return error;
  throw error;
}

const isHeader = ({ type, etag }: Input): boolean => [type, etag].every((text) => /^[\x20-\x7e]*$/.test(text));
