import t, { type Test } from 'tap';
import { openUnleash } from '../../src/drivers/unleash.ts';
import { openUnleashAdmin } from '../../src/drivers/unleash-admin.ts';
import { FlagServerError, UsageError } from '../../src/errors.ts';
import type { StagesEdit } from '../../src/flags/edit.ts';
import { initFlags } from '../../src/flags/init.ts';
import { LIMITS, strategiesOf, toFeatures } from '../../src/flags/ladder.ts';
import { fetchSnapshot } from '../../src/flags/snapshot.ts';
import { parseStages } from '../../src/flags/stages.ts';
import { type ChangeOptions, limitsOf, serverTarget, untilShown, writeLadder } from '../../src/flags/target.ts';
import {
  type Asked,
  changing,
  type FlagStandIn,
  type StoodReply,
  standInFlags,
  thrown,
} from '../support/flag-stand-in.ts';
import { flagApi as api, tenants } from '../support/flags.ts';

const LIVE = [{ operation: 'getUser', stage: 'live' }] as const;

/** A stand-in with flags as `flags init` makes them, and `getUser` at dynamodb; targets that may change it, or only look. */
async function served(t: Test, stages = 'operations: { getUser: { stage: dynamodb } }') {
  const stand = await standInFlags(t);
  const http = openUnleash({ url: stand.url, token: () => 'client', timeout: 2_000 });
  const admin = openUnleashAdmin(
    openUnleash({ url: stand.url, token: () => 'admin', timeout: 2_000 }),
    'default',
    'development',
  );
  await initFlags(admin, api, { named: [], onMade: () => {} });
  const state = parseStages(stages, api, 'stages.yaml');
  for (const { name, strategies = [], enabled } of toFeatures(state, api)) {
    const flag = stand.flags.get(name);
    if (flag === undefined) continue;
    Object.assign(flag, {
      enabled,
      strategies: strategies.map((one, at) => ({
        ...one,
        id: `${name}-${at}`,
        sortOrder: at,
        title: null,
        disabled: false,
      })),
    });
  }
  stand.asked.length = 0;
  const target = serverTarget(http, admin, api);
  const looking = serverTarget(http, undefined, api);
  t.teardown(async () => {
    await target.close();
  });
  return { stand, http, admin, target, looking };
}

const getUser = ({ flags }: FlagStandIn) => flags.get('photos.getUser') as NonNullable<ReturnType<typeof flags.get>>;

t.test('a server: read, changed, and shown when the command returns', async (t) => {
  const { stand, http, target } = await served(t);
  t.match(target, { kind: 'server', name: stand.url });
  t.ok(Object.isFrozen(target));
  const before = (await target.read()).state;
  t.match(before.operations[0], { stage: 'dynamodb', floor: 'legacy' });
  const checked: unknown[] = [];
  let writes = 0;
  const made = await target.change(
    changing(LIVE, {
      check: (...all) => void checked.push(...all),
      onWrite: () => {
        t.strictSame(stand.writes(), [], 'said before the first of them');
        writes += 1;
      },
    }),
  );
  t.match(made, { before, after: { operations: [{ stage: 'live' }, {}, {}] }, anew: [], text: undefined, shown: true });
  t.notOk('unknown' in made);
  t.strictSame(checked, [made.before, made.after, []]);
  t.equal(writes, 1);
  t.strictSame(stand.writes(), ['PUT /photos.getUser/strategies/photos.getUser-0']);
  t.match((await target.read()).state.operations[0], { stage: 'live' });
  t.equal(await target.revision(), (await fetchSnapshot(http, api)).revision);
});

t.test('a server: a dry run asks and changes nothing, also without a token to change', async (t) => {
  const { stand, target, looking } = await served(t);
  for (const one of [target, looking]) {
    const would = await one.change(changing(LIVE, { dryRun: true }));
    t.match(would, { before: { operations: [{ stage: 'dynamodb' }] }, after: { operations: [{ stage: 'live' }] } });
  }
  t.strictSame(stand.writes(), []);
  const error = new UsageError('UNLEASH_ADMIN_TOKEN is not set: flags can be read, but not changed');
  for (const edits of [LIVE, [{ kill: true }] as const]) await t.rejects(looking.change(changing(edits)), error);
});

t.test('a server: a change begins from what is true, not from a list that is a second old', async (t) => {
  const { stand, target, looking } = await served(t);
  stand.held = stand.list();
  const [rest] = getUser(stand).strategies;
  getUser(stand).strategies = strategiesOf('photos.getUser', {
    stage: 'shadow',
    floor: 'legacy',
    ramp: undefined,
    tenants: new Map([['acme', 'live']]),
  }).map((one, at) => ({ ...one, id: `${rest?.id}-${at}`, sortOrder: at, title: '', disabled: false }));
  const would = await target.change(changing(LIVE, { dryRun: true }));
  t.match(would.before.operations[0], { stage: 'shadow', tenants: new Map([['acme', 'live']]) });
  t.equal(would.before.operations[1], would.after.operations[1]);
  t.equal(would.before.operations.length, 3);
  const known = await looking.change(changing(LIVE, { dryRun: true }));
  t.match(known.before.operations[0], { stage: 'dynamodb' }, 'who may not ask for more knows no more');
});

t.test('a server: what clients are not shown in time is no error, and said', async (t) => {
  const { stand, target } = await served(t);
  stand.held = stand.list();
  const clock = Date.now;
  t.teardown(() => {
    Date.now = clock;
  });
  stand.instead = ({ path }) => {
    if (path === '/api/client/features' && stand.writes().length > 0) Date.now = () => clock() + 10_001;
    return undefined;
  };
  t.match(await target.change(changing(LIVE)), { shown: false, after: { operations: [{ stage: 'live' }] } });
});

t.test('a server: kill and sampling too are waited for until clients see them', async (t) => {
  const edits: StagesEdit[] = [...LIVE, { sampling: 5 }];
  for (const late of ['photos.sampling', 'photos.kill']) {
    const { stand, target } = await served(t);
    const before = stand.list().find(({ name }) => name === late);
    let looks = 0;
    stand.instead = ({ path }) => {
      if (path !== '/api/client/features' || stand.writes().length < 3) return undefined;
      looks += 1;
      stand.held = looks > 2 ? undefined : stand.list().map((one) => (one.name === late ? (before ?? one) : one));
      return undefined;
    };
    t.match(await target.change(changing([...edits, { kill: true }])), { shown: true });
    t.equal(looks, late === 'photos.sampling' ? 3 : looks, late);
  }
});

t.test('shown: looked at until it is, also where it cannot be looked at for a while', async (t) => {
  const clock = Date.now;
  t.teardown(() => {
    Date.now = clock;
  });
  let looks = 0;
  const listed = async () => {
    looks += 1;
    if (looks === 1) throw new Error('away');
    return [];
  };
  t.equal(await untilShown(listed, () => looks === 3), true);
  t.equal(looks, 3);
  looks = 0;
  const began = clock();
  Date.now = () => began + looks * 4_000;
  t.equal(await untilShown(listed, () => false), false);
  t.equal(looks, 3, 'for ten seconds');
});

const several: [string, string, StagesEdit[], string[]][] = [
  [
    'the kill switch goes first: whoever uses it is in a hurry',
    'operations: { getUser: { stage: dynamodb } }',
    [...LIVE, { sampling: 5 }, { kill: true }],
    [
      'POST /photos.kill/on',
      'PUT /photos.sampling/strategies/photos.sampling-0',
      'PUT /photos.getUser/strategies/photos.getUser-0',
    ],
  ],
  ['lifted', 'kill: true', [{ kill: false }], ['POST /photos.kill/off']],
  ['sampling alone', '', [{ sampling: 5 }], ['PUT /photos.sampling/strategies/photos.sampling-0']],
  ['what is so already: nothing', 'operations: { getUser: { stage: live } }', [...LIVE], []],
  [
    'two operations',
    '',
    [...LIVE, { operation: 'listMessages', stage: 'shadow' }],
    ['PUT /photos.getUser/strategies/photos.getUser-0', 'PUT /photos.listMessages/strategies/photos.listMessages-0'],
  ],
  [
    'a ramp begins, and a tenant goes ahead',
    '',
    [
      { operation: 'getUser', ramp: { to: 'live', percent: 5 } },
      { operation: 'getUser', stage: 'complete', tenants: ['acme'] },
    ],
    [
      'POST /photos.getUser/strategies',
      'POST /photos.getUser/strategies',
      'PUT /photos.getUser/strategies/photos.getUser-0',
    ],
  ],
  [
    'a ramp ends',
    'operations: { getUser: { stage: legacy, ramp: { to: live, percent: 5 } } }',
    [{ operation: 'getUser', stage: 'legacy' }],
    ['DELETE /photos.getUser/strategies/photos.getUser-0'],
  ],
];
for (const [name, stages, edits, expected] of several) {
  t.test(`a server: ${name}`, async (t) => {
    const { stand, target } = await served(t, stages);
    const said: string[] = [];
    const { after, shown } = await target.change(changing(edits, { onWrite: () => void said.push('now') }));
    t.strictSame(stand.writes(), expected);
    t.equal(said.length > 0, expected.length > 0);
    t.equal(shown, true);
    const { state, odd } = await target.read();
    t.equal(odd.size, 0);
    t.match(state, { kill: after.kill, sampling: after.sampling });
    for (const [at, { stage, floor, ramp, tenants }] of after.operations.entries())
      t.match(state.operations[at], { stage, floor, ramp, tenants });
  });
}

t.test('a server: a flag that someone turned off is turned on by a move, and so is sampling', async (t) => {
  const { stand, target } = await served(t, 'operations: { getUser: { stage: live } }');
  getUser(stand).enabled = false;
  const sampling = stand.flags.get('photos.sampling') as ReturnType<typeof getUser>;
  sampling.enabled = false;
  await target.change(changing([{ ...LIVE[0], all: true }, { sampling: 100 }]));
  t.equal(getUser(stand).enabled, true);
  t.equal(sampling.enabled, true);
  t.match(sampling.strategies, [
    { title: 'sampling', sortOrder: 0, parameters: { rollout: '100', stickiness: 'random' } },
  ]);
  t.strictSame(
    stand.writes().filter((one) => one.startsWith('POST')),
    ['POST /photos.sampling/on', 'POST /photos.getUser/on'],
  );
  Object.assign(sampling.strategies[0] as object, { title: 'ours', sortOrder: 7 });
  await target.change(changing([{ sampling: 3 }]));
  t.match(sampling.strategies, [
    { title: 'ours', sortOrder: 7, parameters: { groupId: 'photos.sampling', rollout: '3' } },
  ]);
});

t.test('a server: strategies that someone disabled are neither counted with nor taken away', async (t) => {
  const { stand, target } = await served(t);
  const [rest] = getUser(stand).strategies;
  getUser(stand).strategies = [
    { ...(rest as NonNullable<typeof rest>), id: 'asleep', disabled: true },
    ...getUser(stand).strategies,
  ];
  await target.change(changing(LIVE));
  t.strictSame(
    getUser(stand).strategies.map(({ id }) => id),
    ['asleep', 'photos.getUser-0'],
  );
});

const refused: [string, string, StagesEdit[], string][] = [
  [
    'a stage that it cannot have',
    '',
    [{ operation: 'listMessages', stage: 'live' }],
    'listMessages cannot have stage live until the bindings say `freshness`; it can have dynamodb, shadow',
  ],
  [
    'below the floor',
    'operations: { getUser: { floor: live } }',
    [{ operation: 'getUser', stage: 'shadow' }],
    'getUser: stage shadow is below the floor, live',
  ],
  [
    'an operation that cannot move',
    '',
    [{ operation: 'putUser', stage: 'legacy' }],
    'putUser can have legacy alone, so that it has no flag',
  ],
];
for (const [name, stages, edits, message] of refused) {
  t.test(`a server: ${name} is refused before anything is done`, async (t) => {
    const { stand, target } = await served(t, stages);
    t.strictSame(await thrown(target.change(changing(edits))), new UsageError(message));
    t.strictSame(stand.writes(), []);
  });
}

t.test('a server: an operation that can have no stage at all has no flag', async (t) => {
  const { http, admin } = await served(t);
  const operations = [...api.operations, { id: 'none', flag: 'photos.none', offered: [], initial: 'legacy' as const }];
  const target = serverTarget(http, admin, { ...api, operations });
  const error = await thrown(target.change(changing([{ operation: 'none', stage: 'legacy' }])));
  t.strictSame(error, new UsageError('none can have no stage alone, so that it has no flag'));
});

t.test('a server: a plan that comes to other operations than were read is not carried out', async (t) => {
  const { stand, target } = await served(t);
  const error = await thrown(target.change(changing(LIVE, { operations: ['listMessages'] })));
  t.strictSame(error, new UsageError('the flags were changed meanwhile: nothing is done, try again'));
  t.strictSame(stand.writes(), []);
});

t.test('a server: a flag that is not there is named with the cure', async (t) => {
  const { stand, target } = await served(t);
  stand.flags.delete('photos.getUser');
  t.strictSame(
    await thrown(target.change(changing(LIVE))),
    new UsageError('there is no flag photos.getUser in project default: create it with `crossfade flags init`'),
  );
  for (const lose of [
    () => Object.assign(stand.flags.get('photos.sampling') as object, { strategies: [] }),
    () => stand.flags.delete('photos.sampling'),
  ]) {
    lose();
    t.strictSame(
      await thrown(target.change(changing([{ sampling: 5 }]))),
      new UsageError('there is no flag photos.sampling: create it with `crossfade flags init`'),
    );
  }
});

t.test('a server: flags that were made within the last second are not listed yet, and can be moved', async (t) => {
  const { stand, target } = await served(t);
  stand.held = [];
  stand.instead = () => {
    if (stand.writes().length > 0) stand.held = undefined;
    return undefined;
  };
  t.match(await target.change(changing(LIVE)), { before: { operations: [{ stage: 'dynamodb' }] }, shown: true });
});

t.test('a server: without a list nothing is moved, but killed all the same', async (t) => {
  const { stand, target } = await served(t);
  stand.instead = ({ path }) =>
    path.startsWith('/api/client/') ? { status: 500, body: { message: 'full' } } : undefined;
  const error = await thrown(target.change(changing(LIVE)));
  t.match(error, { name: 'FlagServerError', failure: 'failed', message: /says 500 to GET \/client\/features.*: full/ });
  t.strictSame(stand.writes(), []);
  const made = await target.change(changing([{ kill: true }]));
  t.match(made, { unknown: /says 500 to GET \/client\/features/, after: { kill: true }, shown: true });
  t.strictSame(stand.writes(), ['POST /photos.kill/on']);
});

t.test('a server: a kill that façades do not come to see is an error, that says what to look at', async (t) => {
  const { stand, target } = await served(t);
  stand.held = stand.list();
  const clock = Date.now;
  t.teardown(() => {
    Date.now = clock;
  });
  let looks = 0;
  stand.instead = ({ path }) => {
    if (path !== '/api/client/features/photos.kill' || stand.writes().length === 0) return undefined;
    looks += 1;
    if (looks === 2) Date.now = () => clock() + 5_001;
    return undefined;
  };
  t.match(await thrown(target.change(changing([{ kill: true }]))), {
    name: 'FlagServerError',
    failure: 'failed',
    message:
      'the kill flag is switched, but façades with this UNLEASH_TOKEN do not see it: are UNLEASH_PROJECT and UNLEASH_ENVIRONMENT those of the token?',
  });
  t.equal(looks, 2);
  t.equal(stand.flags.get('photos.kill')?.enabled, true, 'switched it is');
});

t.test('a server: a kill that is seen late is waited for', async (t) => {
  const { stand, target } = await served(t);
  stand.held = stand.list();
  let looks = 0;
  stand.instead = ({ path }) => {
    if (path === '/api/client/features/photos.kill' && stand.writes().length > 0 && ++looks === 2)
      stand.held = undefined;
    return undefined;
  };
  t.match(await target.change(changing([{ kill: true }])), { after: { kill: true } });
  t.equal(looks, 2);
});

/** `getUser` with a ramp more than a ladder has. */
async function odd(t: Test) {
  const known = await served(t, 'operations: { getUser: { stage: legacy, ramp: { to: shadow, percent: 10 } } }');
  const [ramp] = getUser(known.stand).strategies;
  getUser(known.stand).strategies.unshift({ ...(ramp as NonNullable<typeof ramp>), id: 'by-hand', sortOrder: -10 });
  return known;
}

t.test('a server: what would lose something that people made is refused, with both cures', async (t) => {
  const { stand, target } = await odd(t);
  t.strictSame([...(await target.read()).odd], [['getUser', 'has two ramps']]);
  const edits: StagesEdit[] = [
    { operation: 'getUser', stage: 'shadow' },
    { operation: 'getUser', stage: 'shadow', all: false },
    { operation: 'getUser', stage: 'shadow', tenants: ['acme'] },
    { operation: 'getUser', ramp: { to: 'live', percent: 1 } },
  ];
  for (const edit of edits)
    t.strictSame(
      await thrown(target.change(changing([edit]))),
      new UsageError(
        'photos.getUser has two ramps: no command can edit that without losing something. Mend it in Unleash (`crossfade flags check` says how), or set it anew for everybody: crossfade stage getUser STAGE --all',
      ),
    );
  t.strictSame(stand.writes(), []);
  const plan: ChangeOptions['plan'] = ({ odd }) => {
    t.strictSame([...odd], [['getUser', 'has two ramps']], 'what is odd of others is known');
    return [{ operation: 'listMessages', stage: 'shadow' }, { sampling: 5 }];
  };
  await target.change(changing([], { operations: ['listMessages'], plan }));
  t.equal(stand.writes().length, 2, 'others can be edited');
});

t.test('a server: all that stands there goes where everybody is set anew', async (t) => {
  const ladder = parseStages('operations: { getUser: { stage: complete } }', api, 'x').operations[0] as never;
  for (const edit of [
    { operation: 'getUser', stage: 'complete', all: true },
    { operation: 'getUser', stages: ladder },
  ] as StagesEdit[]) {
    const { stand, target } = await odd(t);
    const { anew } = await target.change(changing([edit]));
    t.strictSame(anew, ['getUser']);
    t.match(
      getUser(stand).strategies.map(({ title, sortOrder }) => [title, sortOrder]),
      [['everybody else: complete', -11]],
    );
    t.equal((await target.read()).odd.size, 0);
  }
});

t.test('a server: a flag that is only switched off keeps what it has', async (t) => {
  const { stand, target } = await served(t, 'operations: { getUser: { stage: dynamodb, tenants: { acme: live } } }');
  getUser(stand).enabled = false;
  await target.change(changing([{ operation: 'getUser', stage: 'shadow', all: true }]));
  t.strictSame(stand.writes(), [
    'PUT /photos.getUser/strategies/photos.getUser-1',
    'DELETE /photos.getUser/strategies/photos.getUser-0',
    'POST /photos.getUser/on',
  ]);
});

const fault = (stand: FlagStandIn, when: (asked: Asked) => boolean, reply: StoodReply) => {
  stand.instead = (asked) => (when(asked) ? reply : undefined);
};

t.test('a server that goes away half way: how far it got, and the same command goes on', async (t) => {
  const { stand, target } = await served(t, 'operations: { getUser: { stage: legacy, tenants: { acme: live } } }');
  fault(stand, ({ method }) => method === 'DELETE', { status: 503 });
  const all = [{ operation: 'getUser', stage: 'shadow', all: true }] as const;
  const error = (await thrown(target.change(changing(all)))) as FlagServerError;
  t.type(error, FlagServerError);
  t.equal(error.failure, 'failed');
  t.match(
    error.message,
    /^the flag server says 503 to DELETE .*\n1 of 2 steps on photos\.getUser are made: every tenant is where it was or where it is going, no further\. Go on with the same command$/,
  );
  t.match(error.cause, { failure: 'failed' });
  stand.instead = () => undefined;
  await target.change(changing(all));
  t.equal(getUser(stand).strategies.length, 1);
});

t.test('a server: who is changed by two at once is told', async (t) => {
  const { stand, target } = await served(t);
  stand.instead = ({ method }) => {
    // Someone is quicker with another stage.
    if (method === 'PUT') return { status: 200, body: {} };
    return undefined;
  };
  const error = await thrown(target.change(changing(LIVE)));
  t.match(error, {
    failure: 'failed',
    message: 'photos.getUser was changed by someone else at the same time; see `crossfade stage`',
  });
});

t.test('a server: more strategies than it takes are refused before one is written', async (t) => {
  const { stand, target } = await served(t, 'operations: { getUser: { stage: legacy } }');
  const ahead: StagesEdit = { operation: 'getUser', stage: 'live', tenants: tenants(5) };
  stand.limits = { constraintValues: 2, featureEnvironmentStrategies: 3, featureFlags: 10 };
  t.strictSame(
    await thrown(target.change(changing([ahead]))),
    new UsageError(
      'photos.getUser would have 4 strategies, and the server takes 3: name fewer tenants, or move them by percent',
    ),
  );
  t.strictSame(stand.writes(), []);
  stand.limits = { constraintValues: 2, featureEnvironmentStrategies: 4 };
  await target.change(changing([ahead]));
  t.equal(getUser(stand).strategies.length, 4, 'as many as it takes are not too many');
  await target.change(changing([{ operation: 'getUser', stage: 'dynamodb' }]));
  const titles = getUser(stand).strategies.map(({ title }) => title);
  t.ok(titles.includes('everybody else: dynamodb'), 'one that is changed is no more');
});

t.test('a ladder that says what is wanted is left alone, and nobody is told of a write', async (t) => {
  const { stand, admin } = await served(t, 'operations: { getUser: { stage: live } }');
  const [, , , ...none] = stand.asked;
  t.strictSame(none, []);
  const flag = await admin.flag('photos.getUser');
  const stages = parseStages('operations: { getUser: { stage: live } }', api, 'x').operations[0] as never;
  const write = async (enabled: boolean) => {
    let said = 0;
    const given = { ...(flag as NonNullable<typeof flag>), enabled };
    await writeLadder(admin, given, { flag: 'photos.getUser', stages, limits: LIMITS, anew: false }, () => {
      said += 1;
    });
    return said;
  };
  t.equal(await write(true), 0);
  t.strictSame(stand.writes(), []);
  t.equal(await write(false), 1);
  t.strictSame(stand.writes(), ['POST /photos.getUser/on']);
});

t.test('what the server takes: as it says, else the usual', async (t) => {
  const { stand, admin } = await served(t);
  t.strictSame(await limitsOf(admin), LIMITS, 'older versions do not say');
  stand.limits = { constraintValues: 7, featureEnvironmentStrategies: 8, featureFlags: 9 };
  t.strictSame(await limitsOf(admin), { constraintValues: 7, strategies: 8, flags: 9 });
  t.ok(Object.isFrozen(await limitsOf(admin)));
  stand.limits = { featureFlags: 9 };
  t.strictSame(await limitsOf(admin), { ...LIMITS, flags: 9 });
  fault(stand, ({ path }) => path.endsWith('ui-config'), { status: 403 });
  t.strictSame(await limitsOf(admin), LIMITS);
});

t.test('a closed target asks no more', async (t) => {
  const { stand, http, admin, target } = await served(t);
  await target.close();
  const before = stand.asked.length;
  await t.rejects(http.request('GET', '/client/features'));
  await t.rejects(admin.flag('photos.getUser'));
  t.equal(stand.asked.length, before);
  const alone = serverTarget(openUnleash({ url: stand.url, token: () => '' }), undefined, api);
  await alone.close();
});
