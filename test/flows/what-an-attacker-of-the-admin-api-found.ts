import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { createUsed } from '../../src/admin/session.ts';
import { editStages } from '../../src/flags/edit.ts';
import { replaceFile } from '../../src/flags/replace.ts';
import { asker, tokens, withAdmin } from '../support/admin.ts';
import { withFacade } from '../support/facade.ts';
import { CONTRACT } from '../support/shadow.ts';
import { withMongo } from '../support/stores.ts';

/** A façade with stages in a file and results in MongoDB, asked by an operator; DynamoDB is away. */
async function bench(t: Test, { stages = '{ stage: dynamodb }', env = {}, contract = CONTRACT, id = 'getNote' } = {}) {
  const { uri } = await withMongo(t);
  const made = tokens();
  const { app } = await withFacade(t, {
    bindings: {
      contract,
      text: `export default bind({
        contract: './contract.yaml', name: 'notes', tenant: ({ headers }) => headers['x-tenant-id'],
        freshness: { by: 'the test', within: '1s' },
        operations: { ${id}: {
          dynamodb: ({ tenant, path }) => ({ GetItem: { TableName: 'notes', Key: { pk: tenant, id: path.id } } }),
          mongodb: ({ tenant, path }) => ({ findOne: { collection: 'notes', filter: { pk: tenant, id: path.id } } }),
        } },
      });`,
    },
    stages: `operations:\n  ${id}: ${stages}\n`,
    env: {
      ...{ MONGODB_URI: uri, ADMIN_TOKENS: made.ADMIN_TOKENS, AWS_REGION: 'eu-west-1' },
      ...{ AWS_ENDPOINT_URL_DYNAMODB: 'http://127.0.0.1:9', AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'a' },
      ...env,
    },
  });
  const ask = asker(app.adminUrl);
  const post = (path: string, body: unknown) => ask('POST', `/admin/v1${path}`, { token: made.operator, body });
  const get = (path: string) => ask('GET', `/admin/v1${path}`, { token: made.viewer });
  return { app, post, get, file: join(t.testdirName, 'stages.yaml') };
}

t.test(
  'stages that cannot be changed from here: where they are changed is said, and how to kill all the same',
  async (t) => {
    // A name so long that there can be none beside it: as in a mounted ConfigMap, no file can be made there.
    const name = `${'s'.repeat(242)}.yaml`;
    const folder = await mkdtemp(join(tmpdir(), 'crossfade-'));
    t.teardown(() => rm(folder, { recursive: true }));
    await writeFile(join(folder, name), 'operations: { getNote: { stage: dynamodb } }\n');
    const { post } = await bench(t, { env: { STAGES_FILE: join(folder, name) } });
    const move = await post('/changes', { operation: 'getNote', stage: 'shadow' });
    t.match(move, {
      status: 422,
      json: { detail: /cannot be changed from here, and nothing is written \(ENAMETOOLONG/ },
    });
    const kill = await post('/changes', { kill: true });
    t.match(kill, { status: 422, json: { detail: /cannot be changed from here[\s\S]*crossfade kill --local/ } });
    t.notMatch((await post('/changes', { kill: false })).json.detail, /kill --local/);
  },
);

t.test('a mounted file names its cure, and one that somebody else is writing is tried again', async (t) => {
  await t.rejects(
    replaceFile('/proc/version', () => ''),
    { name: 'UsageError', message: /nothing is written/ },
  );
  const file = join(t.testdir(), 'stages.yaml');
  const theirs = () => {
    throw Object.assign(new Error('EROFS: read-only file system, open'), { code: 'EROFS' });
  };
  await t.rejects(replaceFile(file, theirs), { message: /such as the ConfigMap that is mounted here/ });
  await mkdir(join(t.testdirName, '.stages.yaml.crossfade'));
  await t.rejects(
    replaceFile(file, () => ''),
    { failure: 'conflict', message: /someone else is writing/ },
  );
});

t.test('a kill that the flags do not take says what kills all the same', async (t) => {
  const { post, file } = await bench(t);
  await writeFile(file, 'operations: [}');
  t.match(await post('/changes', { kill: true }), { status: 409, json: { detail: /crossfade kill --local/ } });
  await writeFile(file, 'operations: {}\n');
  t.equal((await post('/changes', { kill: true })).status, 200);
});

t.test('while a kill file is there a change does not say that anybody moves', async (t) => {
  const { app, post } = await bench(t);
  await mkdir(join(t.testdirName, '.crossfade'), { recursive: true });
  await writeFile(join(t.testdirName, '.crossfade', 'kill'), 'wrong totals\n');
  while (app.flags.state().killFile === undefined) await new Promise((done) => setTimeout(done, 20));
  const note = /a kill file is there \(wrong totals\): until it is taken away every operation stays/;
  t.match((await post('/changes', { operation: 'getNote', stage: 'shadow', dryRun: true })).json.effects, [{ note }]);
  const { json } = await post('/changes', { kill: true });
  t.match((await post(`/changes/${json.id}/undo`, {})).json, { changed: true, effects: [{ note }] });
});

t.test('a change that nobody could write down says so to who made it; a question is not asked', async (t) => {
  const away = { RESULTS_URI: 'mongodb://127.0.0.1:9/none', STATE_DIR: join('stages.yaml', 'no-folder') };
  const { post } = await bench(t, { env: away });
  const { status, json } = await post('/changes', { operation: 'getNote', stage: 'shadow' });
  t.equal(status, 200);
  t.match(json, { changed: true, unrecorded: /ENOTDIR|EEXIST/ });
  t.notOk('id' in json);
  const asked = await post('/diff', { method: 'GET', path: '/notes/1', headers: { 'x-tenant-id': 'a' } });
  t.match(asked, { status: 503, json: { detail: /nobody was asked, since who asks cannot be written down/ } });
});

t.test(
  'a question with headers that no client can send, or of which each origin reads another, is not asked',
  async (t) => {
    const { post } = await bench(t);
    const diff = (headers: Record<string, string>) => post('/diff', { method: 'GET', path: '/notes/1', headers });
    for (const [headers, why] of [
      [{ 'x-tenant-id': 'a\r\nx-admin: 1' }, /^headers: .*x-tenant-id/],
      [{ 'x-tenant-id': 'a', 'bad name': 'b' }, /^headers: .*bad name/],
      [{ 'x-tenant-id': 'a', 'X-Tenant-Id': 'b' }, /^headers: x-tenant-id is given twice/],
    ] as const)
      t.match(await diff(headers), { status: 400, json: { detail: why } });
  },
);

t.test('the gate is asked for a tenant with a comma in its name, as the command is', async (t) => {
  const { get } = await bench(t, { stages: '{ stage: dynamodb, tenants: { "a,b": live } }' });
  const gate = async (tenants: string) =>
    (await get(`/gate?operation=getNote&to=live&tenants=${tenants}`)).json.verdict;
  t.equal(await gate('a%5C,b'), 'notNeeded', 'it is there already');
  t.equal(await gate('a,b'), 'insufficient', 'two others are not');
});

t.test('an operation with a long id is found by it', async (t) => {
  const id = `get${'Note'.repeat(60)}`;
  const { get } = await bench(t, { id, contract: CONTRACT.replaceAll('getNote', id) });
  t.match(await get(`/operations/${id}`), { status: 200, json: { operation: { id } } });
});

t.test(
  'the audit shows of 3,000 tenants with a stage of their own the one that moved, and takes back all',
  async (t) => {
    const own = Array.from({ length: 3_000 }, (_, at) => `tenant-${at}: shadow`).join(', ');
    const { post, get, file } = await bench(t, {
      stages: `{ stage: dynamodb, tenants: { ${own}, "__proto__": shadow } }`,
    });
    const before = await readFile(file, 'utf8');
    const { json } = await post('/changes', {
      operation: 'getNote',
      stage: 'dynamodb',
      tenants: ['tenant-7', '__proto__'],
    });
    const { text, json: audit } = await get('/audit');
    t.ok(text.length < 2_000, `${text.length} characters`);
    t.match(audit.entries[0].after.operations, [{ id: 'getNote', tenants: { 'tenant-7': 'dynamodb' } }]);
    t.same(Object.entries(audit.entries[0].before.operations[0].tenants).sort(), [
      ['__proto__', 'shadow'],
      ['tenant-7', 'shadow'],
    ]);
    t.equal((await post(`/changes/${json.id}/undo`, {})).status, 200);
    t.equal(await readFile(file, 'utf8'), before.replace(' } }\n', ' }, floor: dynamodb }\n'));
  },
);

t.test('a change of a file with many tenants does not take the square of their number', (t) => {
  const took = (tenants: number) => {
    const own = Array.from({ length: tenants }, (_, at) => `tenant-${at}: shadow`).join(', ');
    const text = `operations:\n  getNote: { stage: dynamodb, tenants: { ${own} } }\n`;
    const stages = {
      ...({ id: 'getNote', stage: 'dynamodb', floor: 'dynamodb', ramp: undefined, named: true } as const),
      tenants: new Map(Array.from({ length: tenants }, (_, at) => [`tenant-${at}`, 'live' as const])),
    };
    const before = process.cpuUsage();
    editStages(text, { operation: 'getNote', stage: 'live' });
    editStages(text, { operation: 'getNote', stages });
    const { user, system } = process.cpuUsage(before);
    return user + system;
  };
  took(1_000);
  const [few, many] = [took(1_000), took(16_000)];
  t.ok(many < few * 80, `sixteen times as many take ${(many / few).toFixed(1)} times as long`);
  t.end();
});

t.test('strangers who begin logins fill no memory, and ask a provider that hangs once', async (t) => {
  const used = createUsed();
  for (let at = 0; at < 10_500; at += 1) used.take(`state-${at}`);
  t.equal(used.size(), 10_000);
  t.equal(used.take('state-10499'), false);
  let asked = 0;
  const hangs = createServer(() => {
    asked += 1;
  });
  await new Promise<void>((done) => hangs.listen(0, '127.0.0.1', done));
  t.teardown(() => {
    hangs.closeAllConnections();
    hangs.close();
  });
  const { ask } = await withAdmin(t, {
    ...{ OIDC_ISSUER: `http://127.0.0.1:${(hangs.address() as AddressInfo).port}`, OIDC_CLIENT_ID: 'crossfade' },
    ...{ OIDC_OPERATORS: 'ops', ADMIN_URL: 'http://localhost:9090' },
  });
  const begun = Array.from({ length: 20 }, () => ask('GET', '/admin/v1/login'));
  await new Promise((done) => setTimeout(done, 500));
  hangs.closeAllConnections();
  t.same(new Set((await Promise.all(begun)).map(({ status }) => status)), new Set([502]));
  t.equal(asked, 1);
});

t.test(
  'a page of our name over plain HTTP is not ours where ADMIN_URL is https; one by another name of ours is',
  async (t) => {
    const { ask, operator } = await withAdmin(t, { ADMIN_URL: 'https://admin.example' });
    const signIn = (host: string, origin: string) =>
      ask('POST', '/admin/v1/session', { headers: { host, origin }, body: { token: operator } });
    t.equal((await signIn('admin.example', 'http://admin.example')).status, 403);
    t.equal((await signIn('admin.example', 'https://admin.example')).status, 200);
    t.equal((await signIn('localhost:9090', 'http://localhost:9090')).status, 200, 'a forwarded port');
  },
);

t.test('HEAD holds no place among those who listen', async (t) => {
  const { url, viewer } = await withAdmin(t);
  const headers = { authorization: `Bearer ${viewer}` };
  const { status } = await fetch(`${url}/admin/v1/events`, {
    ...{ method: 'HEAD', headers, signal: AbortSignal.timeout(5_000) },
  });
  t.equal(status, 404);
});
