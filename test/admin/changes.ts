import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { openResults } from '../../src/drivers/results.ts';
import type { AuditRow, TenantRow } from '../../src/results/rows.ts';
import { asker, tokens } from '../support/admin.ts';
import { withFacade } from '../support/facade.ts';
import { CONTRACT } from '../support/shadow.ts';
import { withDynamo, withMongo } from '../support/stores.ts';

const FORCED = { force: true, reason: 'looked at by hand' };

/** A façade with stages in a file and results in MongoDB, asked by an operator. */
async function bench(
  t: Test,
  { stages = '{ stage: dynamodb }', results = true, known = [] as string[], env = {} } = {},
) {
  const [{ uri }, dynamo] = [await withMongo(t), await withDynamo(t, 'dynalite')];
  const made = tokens();
  const text = `operations:\n  # ours\n  getNote: ${stages}\n`;
  const { app } = await withFacade(t, {
    bindings: {
      contract: CONTRACT,
      text: `export default bind({
        contract: './contract.yaml', name: 'notes', tenant: ({ headers }) => headers['x-tenant-id'],
        freshness: { by: 'the test', within: '1s' },
        operations: { getNote: {
          dynamodb: ({ tenant, path }) => ({ GetItem: { TableName: 'notes', Key: { pk: tenant, id: path.id } } }),
          mongodb: ({ tenant, path }) => ({ findOne: { collection: 'notes', filter: { pk: tenant, id: path.id } } }),
        } },
      });`,
    },
    stages: text,
    env: {
      ...{
        MONGODB_URI: uri,
        RESULTS_URI: results ? uri : 'mongodb://127.0.0.1:9/none',
        ADMIN_TOKENS: made.ADMIN_TOKENS,
      },
      ...{ AWS_ENDPOINT_URL_DYNAMODB: dynamo.endpoint, AWS_REGION: 'eu-west-1' },
      ...{ AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' },
      ...env,
    },
  });
  const store = openResults({ uri });
  t.teardown(() => store.close());
  const rows = known.map((tenant): TenantRow => ({ _id: `notes/${tenant}`, api: 'notes', tenant, last: new Date() }));
  await store.replaceAll('crossfade_tenants', rows);
  const ask = asker(app.adminUrl);
  const post = async (path: string, body: unknown) =>
    await ask('POST', `/admin/v1${path}`, { token: made.operator, body });
  const change = (body: Record<string, unknown>) =>
    post('/changes', { ...('kill' in body || 'sampling' in body ? {} : { operation: 'getNote' }), ...body });
  const audit = async (query = '') => (await ask('GET', `/admin/v1/audit${query}`, { token: made.viewer })).json;
  const file = join(t.testdirName, 'stages.yaml');
  const stageText = async () => /getNote: (.*)/.exec(await readFile(file, 'utf8'))?.[1];
  return { app, ask, post, change, audit, file, stageText, store, text, ...made };
}

t.test('a preview says who moves and what would be refused, and changes nothing', async (t) => {
  const known = ['acme', 'globex', 'initech', 'umbrella'];
  const { change, stageText, audit } = await bench(t, {
    known,
    stages: '{ stage: dynamodb, tenants: { acme: shadow } }',
  });
  const { status, json } = await change({ stage: 'live', dryRun: true });
  t.equal(status, 200);
  t.match(json, {
    what: 'stage getNote live',
    changed: true,
    dryRun: true,
    effects: [
      {
        operation: 'getNote',
        before: '100 % dynamodb; by name: 1 shadow',
        after: '100 % live; by name: 1 shadow',
        moving: 3,
        tenantsBefore: [
          { stage: 'dynamodb', n: 3 },
          { stage: 'shadow', n: 1 },
        ],
        tenantsAfter: [
          { stage: 'shadow', n: 1 },
          { stage: 'live', n: 3 },
        ],
        some: ['globex', 'initech', 'umbrella'],
        stays: ['acme'],
      },
    ],
    gate: [{ operation: 'getNote', from: 'dynamodb', to: 'live', verdict: 'insufficient' }],
    needs: { force: true },
  });
  t.match(json.diff, /^@@ -1,4 \+1,4 @@\n operations:\n {3}# ours\n-.*stage: dynamodb.*\n\+.*stage: live/);
  t.equal('id' in json, false);
  t.equal(await stageText(), '{ stage: dynamodb, tenants: { acme: shadow } }');
  t.same(await audit(), { entries: [] });
  const free = await change({ stage: 'shadow', dryRun: true });
  t.match(free.json, { needs: { force: false, why: [] }, gate: [] });
});

t.test('what the gate refuses takes force and a reason; the façade runs on it, and the audit says who', async (t) => {
  const { app, change, stageText, audit, store } = await bench(t);
  const refused = await change({ stage: 'live' });
  t.equal(refused.status, 409);
  t.match(refused.json, { status: 409, again: { force: true, reason: true }, reasons: [/nothing was compared/] });
  t.notMatch(refused.json.detail, /--force/);
  t.equal((await change({ stage: 'live', force: true })).status, 422, 'force needs a reason');
  t.equal((await change({ stage: 'live', force: true, reason: ' ' })).status, 422);
  const before = app.flags.revision();
  const made = await change({ stage: 'live', ...FORCED });
  t.equal(made.status, 200, made.text);
  t.equal(await stageText(), '{ stage: live }');
  while (app.flags.revision() === before) await new Promise((done) => setTimeout(done, 10));
  t.equal(app.flags.revision(), made.json.revision, 'replicas report the revision that it gives');
  const [entry] = (await audit()).entries;
  t.match(entry, {
    id: made.json.id,
    who: 'olga (token)',
    what: 'stage getNote live',
    why: FORCED.reason,
    forced: true,
    undoable: true,
  });
  const [row] = await store.find<AuditRow>('crossfade_audit', {});
  t.match(row, { _id: made.json.id, api: 'notes', before: { operations: [{ id: 'getNote', stage: 'dynamodb' }] } });
});

const refusals: [string, Record<string, unknown>, number, RegExp][] = [
  ['nothing', {}, 422, /ask for one of/],
  ['two things', { stage: 'live', floor: 'live' }, 422, /ask for one of/],
  ['no operation', { operation: undefined, stage: 'live' }, 422, /say which operation/],
  ['kill of an operation', { kill: true, operation: 'getNote' }, 422, /of all operations/],
  ['an unknown operation', { operation: 'getNotes', stage: 'live' }, 422, /did you mean `getNote`/],
  ['a stage that is none', { stage: 'lvie' }, 400, /must be equal to one of the allowed values/],
  ['a stage that it cannot have', { stage: 'validate' }, 422, /cannot have stage validate/],
  ['tenants of a ramp', { ramp: { to: 'shadow', percent: 5 }, tenants: ['a'] }, 422, /belong to a stage/],
  ['tenants and all', { stage: 'shadow', tenants: ['a'], all: true }, 422, /not both/],
  ['no tenants', { stage: 'shadow', tenants: [] }, 400, /fewer than 1/],
  ['a tenant that can never be met', { stage: 'shadow', tenants: [' a'] }, 422, /white space/],
  ['a ramp backwards', { ramp: { to: 'dynamodb', percent: 5 } }, 422, /forward/],
  ['more than everybody', { ramp: { to: 'shadow', percent: 101 } }, 400, /<= 100/],
  ['half a percent of comparisons', { sampling: 0.5 }, 422, /whole number/],
  ['a floor above the stage', { floor: 'live' }, 422, /Move them first/],
  ['an old revision', { stage: 'shadow', revision: 'f00d' }, 409, /changed since they were shown/],
];
t.test('refused, with the reason, and nothing is done', async (t) => {
  const { change, file, text, audit } = await bench(t);
  for (const [name, body, status, detail] of refusals) {
    const reply = await change(body);
    t.equal(reply.status, status, `${name}: ${reply.text}`);
    t.match(reply.json, { status, title: String, detail }, name);
  }
  t.equal(await readFile(file, 'utf8'), text);
  t.same((await audit()).entries, []);
});

t.test('what was shown is what is done, or nothing is', async (t) => {
  const { change, file, stageText } = await bench(t);
  const { revision } = (await change({ stage: 'shadow', dryRun: true })).json;
  await writeFile(file, 'operations: { getNote: { stage: dynamodb, tenants: { acme: live } } }\n');
  const late = await change({ stage: 'shadow', revision });
  t.match(late, { status: 409, json: { title: 'Something else is true now' } });
  t.match(await stageText(), /acme: live/);
  const again = (await change({ stage: 'shadow', dryRun: true })).json.revision;
  t.equal((await change({ stage: 'shadow', revision: again })).status, 200);
});

const undone: [string, string, Record<string, unknown>][] = [
  ['a stage', '{ stage: dynamodb }', { stage: 'shadow' }],
  [
    'a stage of everybody, over tenants and a ramp',
    '{ stage: dynamodb, ramp: { to: shadow, percent: 25 }, tenants: { acme: live, "a.b": shadow, $x: shadow, "7": shadow } }',
    { stage: 'shadow', all: true },
  ],
  ['a ramp', '{ stage: dynamodb }', { ramp: { to: 'shadow', percent: 25 } }],
  [
    'a ramp that grew',
    '{ stage: dynamodb, ramp: { to: shadow, percent: 5 } }',
    { ramp: { to: 'shadow', percent: 25 } },
  ],
  [
    'tenants',
    '{ stage: dynamodb, tenants: { acme: dynamodb } }',
    { stage: 'shadow', tenants: ['acme', 'a,b', '__proto__', '😀'] },
  ],
  ['a floor', '{ stage: shadow }', { floor: 'shadow' }],
  ['the kill switch', '{ stage: shadow }', { kill: true }],
  ['the sampling', '{ stage: shadow }', { sampling: 5 }],
];
for (const [name, stages, body] of undone) {
  t.test(`undone: ${name}`, async (t) => {
    const { app, change, post, audit } = await bench(t, { stages });
    const place = app.flags.state();
    const stateOf = ({ kill, sampling, operations }: typeof place) =>
      JSON.stringify([kill, sampling, operations.map(({ named, tenants, ...rest }) => [rest, [...tenants].sort()])]);
    const made = await change({ ...body, ...FORCED });
    t.equal(made.status, 200, made.text);
    await settled(app.flags, made.json.revision);
    t.not(stateOf(app.flags.state()), stateOf(place));
    const shown = await post(`/changes/${made.json.id}/undo`, { dryRun: true });
    t.match(shown.json, { what: `undo ${made.json.what}`, changed: true, dryRun: true });
    const back = await post(`/changes/${made.json.id}/undo`, FORCED);
    t.equal(back.status, 200, back.text);
    await settled(app.flags, back.json.revision);
    t.equal(stateOf(app.flags.state()), stateOf(place));
    t.equal((await post(`/changes/${made.json.id}/undo`, FORCED)).status, 409, 'it is undone already');
    t.equal((await post(`/changes/${back.json.id}/undo`, FORCED)).status, 200, 'an undo can be undone');
    t.match((await audit()).entries, [{ what: `undo undo ${made.json.what}` }, { what: `undo ${made.json.what}` }, {}]);
  });
}

t.test('while the results are away a change is made, written into the file and undone by that', async (t) => {
  const { change, post, stageText, audit } = await bench(t, { results: false });
  t.match(await change({ stage: 'live' }), {
    status: 409,
    json: { detail: /cannot read the results/, again: { force: true } },
  });
  const preview = await change({ stage: 'live', dryRun: true });
  t.match(preview.json, { needs: { force: true }, gate: [{ from: 'dynamodb', to: 'live', verdict: 'unknown' }] });
  const { json } = await change({ stage: 'live', ...FORCED });
  t.ok(json.id);
  t.match(await audit(), { status: 503 }, 'a list that may have holes is not given');
  t.equal((await post(`/changes/${json.id}/undo`, FORCED)).status, 200);
  t.match(await stageText(), /stage: dynamodb/);
});

async function settled(flags: { revision(): string }, revision: string): Promise<void> {
  const end = Date.now() + 5_000;
  while (flags.revision() !== revision && Date.now() < end) await new Promise((done) => setTimeout(done, 10));
}

t.test('what somebody changed since is not undone; what they did not touch is', async (t) => {
  const { change, post, stageText } = await bench(t);
  const first = (await change({ stage: 'shadow' })).json;
  await change({ stage: 'dynamodb', tenants: ['acme'] });
  const refused = await post(`/changes/${first.id}/undo`, {});
  t.match(refused, { status: 409, json: { detail: /followed by another change of getNote/ } });
  t.match(await stageText(), /acme/);
  const kill = (await change({ kill: true })).json;
  await change({ stage: 'dynamodb' });
  t.equal((await post(`/changes/${kill.id}/undo`, {})).status, 200, 'the kill switch is another matter');
  t.equal((await post('/changes/nope/undo', {})).status, 404);
});

t.test('to undo a floor says that old answers are true again, and to undo a step back asks the gate', async (t) => {
  const { change, post } = await bench(t, { stages: '{ stage: live }' });
  const floor = (await change({ floor: 'dynamodb', reason: 'x' })).json;
  t.equal(floor.changed, false);
  const raised = (await change({ floor: 'shadow' })).json;
  t.match(await post(`/changes/${raised.id}/undo`, {}), { status: 409, json: { again: { force: true } } });
  const lowered = (await change({ stage: 'shadow' })).json;
  const undo = await post(`/changes/${lowered.id}/undo`, {});
  t.match(undo, { status: 409, json: { again: { force: true }, reasons: [String] } });
  const preview = await post(`/changes/${lowered.id}/undo`, { dryRun: true });
  t.match(preview, { status: 200, json: { needs: { force: true } } });
});

t.test('the audit holds what the results did not take, and what one machine was told', async (t) => {
  const { change, audit, post } = await bench(t);
  const { json } = await change({ stage: 'shadow' });
  const common = { at: '2030-01-01T00:00:00.000Z', who: 'me@here', where: 'here' };
  const rows = [
    { _id: 'local', api: '', what: 'kill --local', ...common, after: { kill: true } },
    { _id: 'failed', api: 'notes', what: 'stage getNote live', ...common, after: { incomplete: 'gone' } },
    { _id: 'other', api: 'photos', what: 'kill', ...common },
  ];
  await mkdir(join(t.testdirName, '.crossfade'), { recursive: true });
  await appendFile(
    join(t.testdirName, '.crossfade', 'audit.ndjson'),
    rows.map((row) => `${JSON.stringify(row)}\n`).join(''),
  );
  const { entries } = await audit();
  t.match(entries, [
    { id: 'local', undoable: false, before: null },
    { id: 'failed', undoable: false, after: { incomplete: 'gone' } },
    { id: json.id, undoable: true },
  ]);
  t.equal(entries.length, 3);
  t.equal((await post('/changes/failed/undo', FORCED)).status, 409);
});

t.test('the audit is read page by page, newest first', async (t) => {
  const { change, audit } = await bench(t);
  for (const percent of [1, 2, 3, 4, 5]) await change({ ramp: { to: 'shadow', percent } });
  const seen: string[] = [];
  let next: string | undefined = '';
  while (next !== undefined) {
    const page: { entries: { what: string }[]; next?: string } = await audit(`?limit=2${next && `&after=${next}`}`);
    seen.push(...page.entries.map(({ what }) => what));
    next = page.next;
  }
  t.strictSame(
    seen,
    [5, 4, 3, 2, 1].map((percent) => `stage getNote shadow --percent ${percent}`),
  );
});
