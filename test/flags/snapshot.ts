import t, { type Test } from 'tap';
import { openUnleash } from '../../src/drivers/unleash.ts';
import { type Feature, type Features, toFeatures } from '../../src/flags/ladder.ts';
import { revisionOfFeatures } from '../../src/flags/revision.ts';
import { fetchKill, fetchList, fetchSnapshot, snapshotOf } from '../../src/flags/snapshot.ts';
import { parseStages } from '../../src/flags/stages.ts';
import { type StoodReply, standInFlags, thrown } from '../support/flag-stand-in.ts';
import { flagApi as api } from '../support/flags.ts';

const GOOD = toFeatures(parseStages('operations: { getUser: { tenants: { acme: live } } }', api, 'x'), api);
const NAMED = { name: 'photos.getUser', enabled: true };
const WHOLE = {
  name: 'flexibleRollout',
  parameters: { groupId: 'photos.getUser', rollout: '100', stickiness: 'tenantId' },
  constraints: [{ contextName: 'tenantId', operator: 'IN', values: ['acme'], inverted: false }],
  variants: [{ name: 'live', weight: 1000, stickiness: 'tenantId', payload: { type: 'string', value: 'legacy' } }],
};

async function asking(t: Test, says: (path: string) => StoodReply) {
  const stand = await standInFlags(t);
  stand.instead = ({ path }) => says(path);
  const http = openUnleash({ url: stand.url, token: () => 'secret' });
  t.teardown(() => http.close());
  return { stand, http };
}

const list = (...features: readonly unknown[]): StoodReply => ({ status: 200, body: { version: 2, features } });

/** One flag as the server has it, and what is kept of it. */
const flags: [name: string, given: unknown, kept: unknown][] = [
  [
    'what decides, and nothing else',
    { ...NAMED, type: 'release', project: 'x', strategies: [{ ...WHOLE, id: 'a', title: 't' }] },
    [WHOLE],
  ],
  [
    'a strategy of nothing but its name',
    { ...NAMED, strategies: [{ name: 'default' }] },
    [{ name: 'default', parameters: { groupId: '', rollout: '', stickiness: '' }, constraints: [], variants: [] }],
  ],
  [
    'numbers for texts',
    { ...NAMED, strategies: [{ ...WHOLE, parameters: { groupId: 5, rollout: 100, stickiness: null } }] },
    [{ ...WHOLE, parameters: { groupId: '5', rollout: '100', stickiness: '' } }],
  ],
  [
    'inverted, and equal but for case',
    {
      ...NAMED,
      strategies: [
        { ...WHOLE, constraints: [{ ...WHOLE.constraints[0], inverted: true, caseInsensitive: true, value: 'x' }] },
      ],
    },
    [{ ...WHOLE, constraints: [{ ...WHOLE.constraints[0], inverted: true, caseInsensitive: true }] }],
  ],
  [
    'what is said of case in so many words',
    {
      ...NAMED,
      strategies: [{ ...WHOLE, constraints: [{ ...WHOLE.constraints[0], inverted: 'yes', caseInsensitive: false }] }],
    },
    [WHOLE],
  ],
  [
    'a variant without a payload, or with one that is no text',
    {
      ...NAMED,
      strategies: [
        {
          ...WHOLE,
          variants: [
            { name: 'a' },
            { name: 'b', payload: null },
            { name: 'c', payload: { value: 5 } },
            { name: 'd', payload: {} },
          ],
        },
      ],
    },
    [{ ...WHOLE, variants: ['a', 'b', 'c', 'd'].map((name) => ({ name, weight: 1000, stickiness: 'tenantId' })) }],
  ],
  [
    'a payload of another type, whose text counts',
    {
      ...NAMED,
      strategies: [
        {
          ...WHOLE,
          variants: [
            {
              name: 'live',
              weight: 3,
              stickiness: 'random',
              overrides: [],
              payload: { type: 'json', value: 'legacy' },
            },
          ],
        },
      ],
    },
    [WHOLE],
  ],
  [
    'a segment, of which nothing but that it is there',
    { ...NAMED, strategies: [{ ...WHOLE, segments: [7, 9] }] },
    [{ ...WHOLE, segments: [0] }],
  ],
  ['no segments', { ...NAMED, strategies: [{ ...WHOLE, segments: [] }] }, [WHOLE]],
  ...[
    ['strategies that are none', undefined],
    ['strategies that are a map', { 0: WHOLE, length: 1 }],
    ['a strategy that is null', [null]],
    ['a strategy that is a list', [[]]],
    ['a strategy that is a text', ['flexibleRollout']],
    ['a strategy without a name', [{ ...WHOLE, name: undefined }]],
    ['one that is formed so among good ones', [WHOLE, { ...WHOLE, name: 5 }]],
    ['parameters that are null', [{ ...WHOLE, parameters: null }]],
    ['constraints that are null', [{ ...WHOLE, constraints: null }]],
    ['a constraint that is a text', [{ ...WHOLE, constraints: ['acme'] }]],
    ['a constraint on nothing', [{ ...WHOLE, constraints: [{ operator: 'IN', values: [] }] }]],
    ['a constraint by nothing', [{ ...WHOLE, constraints: [{ contextName: 'tenantId', values: [] }] }]],
    ['a constraint without values', [{ ...WHOLE, constraints: [{ contextName: 'tenantId', operator: 'IN' }] }]],
    ['values of which one is no text', [{ ...WHOLE, constraints: [{ ...WHOLE.constraints[0], values: ['a', 1] }] }]],
    ['variants that are null', [{ ...WHOLE, variants: null }]],
    ['a variant that is a text', [{ ...WHOLE, variants: ['live'] }]],
    ['a variant without a name', [{ ...WHOLE, variants: [{ weight: 1 }] }]],
    ['a payload that is a text', [{ ...WHOLE, variants: [{ name: 'live', payload: 'legacy' }] }]],
    ['a payload that is a list', [{ ...WHOLE, variants: [{ name: 'live', payload: [] }] }]],
    ['segments that are null', [{ ...WHOLE, segments: null }]],
  ].map(([name, strategies]): [string, unknown, unknown] => [
    `${name}: no strategies at all`,
    { ...NAMED, strategies },
    [],
  ]),
];
for (const [name, given, strategies] of flags) {
  t.test(`of a flag is kept: ${name}`, async (t) => {
    const { http } = await asking(t, () => list(given));
    const { features } = await fetchList(http, api, undefined);
    t.strictSame(JSON.parse(JSON.stringify(features)), [{ ...NAMED, strategies, variants: [] }]);
  });
}

t.test('of another flag that it depends on nothing counts but that there is one', async (t) => {
  const strategies = [WHOLE];
  const { http } = await asking(t, () =>
    list({ ...NAMED, strategies, dependencies: [{ feature: 'a' }, { feature: 'b' }] }),
  );
  const { features } = await fetchList(http, api, undefined);
  t.strictSame(features[0]?.dependencies, [{ feature: 'another' }]);
  const odd = await asking(t, () => list({ ...NAMED, strategies, dependencies: 'a' }));
  t.strictSame((await fetchList(odd.http, api, undefined)).features[0]?.strategies, []);
});

t.test('what is no flag, or another’s, is not listed', async (t) => {
  const others = [
    null,
    'photos.getUser',
    [],
    {},
    { ...NAMED, name: 5 },
    { ...NAMED, enabled: 1 },
    { ...NAMED, name: 'photosgetUser' },
  ];
  const { http } = await asking(t, () => list(...others, { ...NAMED, enabled: false, strategies: [] }));
  const { features } = await fetchList(http, api, undefined);
  t.strictSame(features, [{ ...NAMED, enabled: false, strategies: [], variants: [] }]);
});

t.test('nothing changed: the list that was had, itself', async (t) => {
  const { stand, http } = await asking(t, () => ({ ...list(...GOOD), headers: { etag: '"one"' } }));
  const first = await fetchList(http, api, undefined);
  t.equal(first.etag, '"one"');
  t.ok(Object.isFrozen(first));
  stand.instead = () => ({ status: 304 });
  t.equal(await fetchList(http, api, first), first);
  const without = { ...first, etag: undefined };
  for (const before of [undefined, without])
    t.match(await thrown(fetchList(http, api, before)), {
      name: 'FlagServerError',
      failure: 'invalid',
      message: 'the flag server says 304 to a first question',
    });
});

const LOST =
  'the flag server has no flag `photos.…` of an operation for this token: create them with `crossfade flags init`, or mend project and environment of UNLEASH_TOKEN';
const lists: [string, StoodReply, { failure: string; message: string } | undefined][] = [
  [
    'one flag of an operation that can move',
    list(...GOOD.filter(({ name }) => name === 'photos.listMessages')),
    undefined,
  ],
  ['none', list(), { failure: 'empty', message: LOST }],
  [
    'none but the API’s own',
    list(...GOOD.filter(({ name }) => /kill|sampling/.test(name))),
    { failure: 'empty', message: LOST },
  ],
  [
    'none but one that cannot move',
    list(...GOOD.filter(({ name }) => name === 'photos.putUser')),
    { failure: 'empty', message: LOST },
  ],
  ...[undefined, {}, { features: {} }, [], { features: null }].map(
    (body): [string, StoodReply, { failure: string; message: string }] => [
      `a body of ${JSON.stringify(body)}`,
      { status: 200, body },
      { failure: 'invalid', message: "the flag server's answer to GET /client/features has no list of `features`" },
    ],
  ),
];
for (const [name, reply, error] of lists) {
  t.test(`a list of flags: ${name}`, async (t) => {
    const { http } = await asking(t, () => reply);
    const work = fetchList(http, api, undefined);
    if (error === undefined) t.ok(await work);
    else t.match(await thrown(work), { name: 'FlagServerError', ...error });
  });
}

t.test('an API of which nothing can move needs no flags', async (t) => {
  const { http } = await asking(t, () => list());
  const still = { ...api, operations: api.operations.filter(({ offered }) => offered.length < 2) };
  t.strictSame(await fetchList(http, still, undefined), { features: [], etag: undefined });
});

t.test('the kill flag by itself: there, not there, another, refused', async (t) => {
  const kill = GOOD.find(({ name }) => name === 'photos.kill') as Feature;
  const { stand, http } = await asking(t, () => ({ status: 200, body: { ...kill, enabled: true } }));
  t.match(await fetchKill(http, api), { name: 'photos.kill', enabled: true });
  t.equal(stand.asked[0]?.path, '/api/client/features/photos.kill');
  stand.instead = () => ({ status: 404 });
  t.equal(await fetchKill(http, api), undefined);
  for (const body of [{ ...kill, name: 'photos.getUser' }, {}, undefined]) {
    stand.instead = () => ({ status: 200, body });
    t.match(await thrown(fetchKill(http, api)), {
      failure: 'invalid',
      message: "the flag server's answer to GET /client/features/photos.kill is not that flag",
    });
  }
  stand.instead = () => ({ status: 401 });
  t.match(await thrown(fetchKill(http, api)), { failure: 'unauthorized' });
});

t.test('the kill flag as it was found by itself takes the place of the listed one', async (t) => {
  const kill = { ...(GOOD.find(({ name }) => name === 'photos.kill') as Feature), enabled: true };
  const listed = { features: GOOD, etag: undefined };
  const movable = GOOD.filter(({ name }) => name !== 'photos.putUser');
  t.strictSame(snapshotOf(listed, undefined, api), { features: GOOD, revision: revisionOfFeatures(movable) });
  const { features, revision } = snapshotOf(listed, kill, api);
  t.strictSame(
    features.filter(({ name }) => name === 'photos.kill'),
    [kill],
  );
  t.equal(features.length, GOOD.length);
  t.equal(revision, revisionOfFeatures(features.filter(({ name }) => name !== 'photos.putUser')));
  t.ok(Object.isFrozen(snapshotOf(listed, kill, api)));
  const more = [...GOOD, { ...kill, name: 'photos.getUsr' }];
  t.equal(
    snapshotOf({ ...listed, features: more }, kill, api).revision,
    revision,
    'flags that nobody reads do not count',
  );
});

t.test('both are asked at once', async (t) => {
  const kill = { ...(GOOD.find(({ name }) => name === 'photos.kill') as Feature), enabled: true };
  const { http } = await asking(t, (path) => (path.endsWith('.kill') ? { status: 200, body: kill } : list(...GOOD)));
  const { features } = await fetchSnapshot(http, api);
  t.equal(features.find(({ name }) => name === 'photos.kill')?.enabled, true);
});

t.test('a question is given up when nobody wants the answer any more', async (t) => {
  const { stand, http } = await asking(t, () => list());
  stand.instead = () => 'hang';
  for (const ask of [
    fetchKill,
    (...[http, api, options]: Parameters<typeof fetchKill>) => fetchList(http, api, undefined, options),
  ]) {
    const closing = new AbortController();
    const work = thrown(ask(http, api, { signal: closing.signal }));
    closing.abort();
    const began = Date.now();
    t.match(await work, { failure: 'unreachable' });
    t.ok(Date.now() - began < 1_000);
  }
});

t.test('a revision is the same for what says the same, and for nothing else', async (t) => {
  const same: [string, Features][] = [
    ['in another order', GOOD.toReversed()],
    ['with keys in another order', GOOD.map((one) => Object.fromEntries(Object.entries(one).toReversed()) as never)],
    ['with more that does not decide', GOOD.map((one) => ({ ...one, type: 'x', description: 'y' }))],
    ['without what is empty', GOOD.map(({ dependencies, ...one }) => one)],
  ];
  t.match(revisionOfFeatures(GOOD), /^[0-9a-f]{12}$/);
  for (const [name, features] of same) t.equal(revisionOfFeatures(features), revisionOfFeatures(GOOD), name);
  const first = GOOD[0] as Feature;
  const others: [string, Feature][] = [
    ['another name', { ...first, name: 'x' }],
    ['off', { ...first, enabled: false }],
    ['strategies in another order', { ...first, strategies: first.strategies?.toReversed() ?? [] }],
    ['a dependency', { ...first, dependencies: [{ feature: 'another' }] }],
  ];
  const revisions = others.map(([, other]) => revisionOfFeatures([other, ...GOOD.slice(1)]));
  t.equal(new Set([...revisions, revisionOfFeatures(GOOD)]).size, others.length + 1);
});
