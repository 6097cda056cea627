import t, { type Test } from 'tap';
import { openUnleash } from '../../src/drivers/unleash.ts';
import { openUnleashAdmin } from '../../src/drivers/unleash-admin.ts';
import { FlagServerError } from '../../src/errors.ts';
import { checkContext } from '../../src/flags/check.ts';
import { type InitOptions, initFlags } from '../../src/flags/init.ts';
import { fromFeatures, toFeatures } from '../../src/flags/ladder.ts';
import { parseStages } from '../../src/flags/stages.ts';
import { standInFlags, thrown } from '../support/flag-stand-in.ts';
import { flagApi as api } from '../support/flags.ts';

async function begun(t: Test) {
  const stand = await standInFlags(t);
  const admin = openUnleashAdmin(openUnleash({ url: stand.url, token: () => '' }), 'default', 'development');
  t.teardown(() => admin.close());
  const init = async (options: Omit<InitOptions, 'onMade'> = { named: [] }, of = api) => {
    const made: string[] = [];
    await initFlags(admin, of, { ...options, onMade: ({ what, done }) => void made.push(`${what}: ${done}`) });
    return made;
  };
  return { stand, admin, init };
}

const NAMES = ['context field tenantId', 'photos.sampling', 'photos.getUser', 'photos.listMessages', 'photos.kill'];
const each = (done: string, but: Record<string, string> = {}) => NAMES.map((name) => `${name}: ${but[name] ?? done}`);

t.test('nothing is there: all of it is made, the kill flag last, each enabled once it is whole', async (t) => {
  const { stand, init } = await begun(t);
  t.strictSame(await init(), each('created'));
  const { state, odd } = fromFeatures(stand.list(), api);
  t.strictSame(state.operations[0], { ...parseStages('', api, 'x').operations[0], named: true });
  t.match(state, { kill: false, sampling: 100, operations: [{ stage: 'legacy' }, { stage: 'dynamodb' }, {}] });
  t.equal(odd.size, 0);
  t.match(
    [...stand.flags].map(([name, { type, description, enabled }]) => [name, type, description, enabled]),
    [
      ['photos.sampling', 'operational', 'Share of the comparisons of photos that are carried out', true],
      [
        'photos.getUser',
        'release',
        'Stage of getUser in photos, by tenant: the first strategy that fits decides',
        true,
      ],
      ['photos.listMessages', 'release', /^Stage of listMessages/, true],
      ['photos.kill', 'kill-switch', 'On: every operation of photos goes to its floor', false],
    ],
  );
  for (const name of ['photos.sampling', 'photos.kill'])
    t.match(stand.flags.get(name)?.strategies, [{ title: 'everybody', sortOrder: 0, parameters: { rollout: '100' } }]);
  t.match(stand.flags.get('photos.getUser')?.strategies, [{ title: 'everybody else: legacy' }]);
  t.strictSame(
    [...stand.fields],
    [['tenantId', { description: 'Whom a request belongs to', stickiness: true, legalValues: [] }]],
  );
  const writes = stand.writes();
  for (const name of ['photos.getUser', 'photos.sampling'])
    t.ok(writes.indexOf(`POST /${name}/on`) > writes.indexOf(`POST /${name}/strategies`));
  t.notOk(writes.includes('POST /photos.kill/on'));
});

t.test('once it is there nothing is done, whatever someone turned off', async (t) => {
  const { stand, init } = await begun(t);
  await init();
  for (const flag of stand.flags.values()) flag.enabled = false;
  const before = stand.writes().length;
  t.strictSame(await init(), each('exists'));
  const tried = stand.writes().slice(before);
  t.strictSame([...new Set(tried)], ['POST '], 'of what there is, none is changed');
  t.notOk([...stand.flags.values()].some(({ enabled }) => enabled));
});

/** What was taken away, or emptied, who was named, and what came of it. */
const losses: [string, 'gone' | 'empty', Omit<InitOptions, 'onMade'>, string][] = [
  ['gone and not named', 'gone', { named: [] }, 'left'],
  ['gone, another named', 'gone', { named: ['listMessages'] }, 'left'],
  ['gone and named', 'gone', { named: ['getUser'] }, 'created'],
  ['gone, and all are named', 'gone', { named: 'all' }, 'created'],
  ['empty and not named', 'empty', { named: [] }, 'left'],
  ['empty, and all are named', 'empty', { named: 'all' }, 'left'],
  ['empty and named, the empty too', 'empty', { named: ['getUser'], evenEmpty: true }, 'changed'],
  ['empty, the empty too, but not named', 'empty', { named: [], evenEmpty: true }, 'left'],
];
for (const [name, loss, options, done] of losses) {
  t.test(`a flag that someone took away: ${name}`, async (t) => {
    const { stand, init } = await begun(t);
    await init();
    if (loss === 'gone') stand.flags.delete('photos.getUser');
    else Object.assign(stand.flags.get('photos.getUser') as object, { strategies: [], enabled: false });
    t.strictSame(await init(options), each('exists', { 'photos.getUser': done }));
    const flag = stand.flags.get('photos.getUser');
    t.equal(flag?.enabled ?? false, done !== 'left');
    t.equal(flag?.strategies.length ?? 0, done === 'left' ? 0 : 1);
  });
}

t.test('without a kill flag the API is new, and an empty flag is made whole', async (t) => {
  const { stand, init } = await begun(t);
  await init();
  stand.flags.delete('photos.kill');
  for (const flag of stand.flags.values()) Object.assign(flag, { strategies: [], enabled: false });
  t.strictSame(await init(), each('changed', { 'context field tenantId': 'exists', 'photos.kill': 'created' }));
  t.equal(stand.flags.get('photos.sampling')?.enabled, true);
});

t.test('a kill flag that was emptied gets its strategy again, and stays as it was', async (t) => {
  for (const enabled of [true, false]) {
    const { stand, init } = await begun(t);
    await init();
    Object.assign(stand.flags.get('photos.kill') as object, { strategies: [], enabled });
    t.strictSame(await init(), each('exists', { 'photos.kill': 'changed' }));
    t.match(stand.flags.get('photos.kill'), { enabled, strategies: [{ parameters: { rollout: '100' } }] });
  }
});

t.test('a context field that nobody can stick to is made one, its description kept', async (t) => {
  const { stand, admin, init } = await begun(t);
  t.strictSame(await checkContext(admin), [
    { flag: 'tenantId', problem: 'is no context field of the server', cure: 'crossfade flags init' },
  ]);
  stand.fields.set('tenantId', { description: 'ours', stickiness: false, legalValues: [] });
  t.strictSame(await checkContext(admin), [
    { flag: 'tenantId', problem: 'is no field to stick to', cure: 'crossfade flags init' },
  ]);
  t.strictSame(await init(), each('created', { 'context field tenantId': 'changed' }));
  t.match(stand.fields.get('tenantId'), { description: 'ours', stickiness: true });
  t.strictSame(await checkContext(admin), []);
});

t.test('a ladder as long as the server lets it be', async (t) => {
  const { stand, init } = await begun(t);
  stand.limits = { constraintValues: 1, featureEnvironmentStrategies: 0, featureFlags: 9 };
  t.match(await thrown(init()), {
    name: 'UsageError',
    message: /^photos\.getUser would have 1 strategies, and the server takes 0/,
  });
});

t.test('an environment that the project does not have is named', async (t) => {
  const { stand, init } = await begun(t);
  stand.instead = ({ path }) =>
    path.includes('/environments/') ? { status: 404, body: { message: 'no' } } : undefined;
  t.strictSame(
    await thrown(init()),
    new FlagServerError(
      'notFound',
      "flag photos.sampling is not to be found in project default, environment development: is there such an environment, and is it one of the project's?",
    ),
  );
});

t.test('flags of other APIs are not touched, and an API of no movable operation has two', async (t) => {
  const { stand, init } = await begun(t);
  await init();
  const before = JSON.stringify([...stand.flags]);
  const made = await init({ named: [] }, { name: 'orders', operations: [] });
  t.strictSame(made, ['context field tenantId: exists', 'orders.sampling: created', 'orders.kill: created']);
  t.equal(JSON.stringify([...stand.flags].slice(0, 4)), before);
  t.strictSame(
    toFeatures({ kill: false, sampling: 100, operations: [] }, { name: 'orders', operations: [] }).map(
      ({ name }) => name,
    ),
    ['orders.kill', 'orders.sampling'],
  );
});
