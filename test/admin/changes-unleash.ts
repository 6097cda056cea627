import t from 'tap';
import { openUnleash } from '../../src/drivers/unleash.ts';
import { openUnleashAdmin } from '../../src/drivers/unleash-admin.ts';
import { initFlags } from '../../src/flags/init.ts';
import { asker, tokens } from '../support/admin.ts';
import { withFacade } from '../support/facade.ts';
import { CONTRACT } from '../support/shadow.ts';
import { withDynamo, withMongo } from '../support/stores.ts';
import { ADMIN_TOKEN, withUnleash } from '../support/unleash.ts';

const FORCED = { force: true, reason: 'looked at by hand' };

t.test(
  'stages in a real Unleash: preview, change, undo, kill, sampling, and what someone did there meanwhile',
  async (t) => {
    const [unleash, { uri }, dynamo] = [await withUnleash(t), await withMongo(t), await withDynamo(t, 'dynalite')];
    const made = tokens();
    const operations = [
      {
        id: 'getNote',
        flag: `${unleash.api.name}.getNote`,
        offered: ['dynamodb', 'shadow', 'live', 'complete'] as const,
        initial: 'dynamodb' as const,
      },
    ];
    const api = { name: unleash.api.name, operations };
    const admin = openUnleashAdmin(
      openUnleash({ url: unleash.url, token: () => ADMIN_TOKEN }),
      'default',
      'development',
    );
    t.teardown(() => admin.close());
    await initFlags(admin, api, { named: [], onMade: () => {} });
    const { app } = await withFacade(t, {
      bindings: {
        contract: CONTRACT,
        text: `export default bind({
        contract: './contract.yaml', name: '${api.name}', tenant: ({ headers }) => headers['x-tenant-id'],
        freshness: { by: 'the test', within: '1s' },
        operations: { getNote: {
          dynamodb: ({ tenant, path }) => ({ GetItem: { TableName: 'notes', Key: { pk: tenant, id: path.id } } }),
          mongodb: ({ tenant, path }) => ({ findOne: { collection: 'notes', filter: { pk: tenant, id: path.id } } }),
        } },
      });`,
      },
      env: {
        ...{ MONGODB_URI: uri, AWS_ENDPOINT_URL_DYNAMODB: dynamo.endpoint, AWS_REGION: 'eu-west-1' },
        ...{ AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local', ADMIN_TOKENS: made.ADMIN_TOKENS },
        ...unleash.env,
      },
    });
    const ask = asker(app.adminUrl);
    const post = (path: string, body: unknown) => ask('POST', `/admin/v1${path}`, { token: made.operator, body });
    const change = (body: Record<string, unknown>) => post('/changes', body);
    const getNote = () => app.flags.state().operations.find(({ id }) => id === 'getNote');
    const until = async (is: () => boolean) => {
      const end = Date.now() + 5_000;
      while (!is() && Date.now() < end) await new Promise((done) => setTimeout(done, 20));
      t.ok(is());
    };

    const tenants = { operation: 'getNote', stage: 'shadow', tenants: ['acme', 'globex'] };
    const preview = await change({ ...tenants, dryRun: true });
    t.match(preview, {
      status: 200,
      json: { changed: true, effects: [{ after: '100 % dynamodb; by name: 2 shadow' }] },
    });
    t.equal('diff' in preview.json, false);
    const named = await change({ ...tenants, revision: preview.json.revision });
    t.match(named, { status: 200, json: { id: String } }, named.text);
    await until(() => getNote()?.tenants.get('acme') === 'shadow');
    t.equal(app.flags.revision(), named.json.revision);
    const ramp = await change({ operation: 'getNote', ramp: { to: 'shadow', percent: 25 } });
    t.equal((await change({ operation: 'getNote', stage: 'live', all: true })).status, 409);
    const live = await change({ operation: 'getNote', stage: 'live', all: true, ...FORCED });
    t.match(live, { status: 200, json: { effects: [{ before: '75 % dynamodb, 25 % shadow; by name: 2 shadow' }] } });
    await until(() => getNote()?.stage === 'live' && getNote()?.tenants.size === 0);
    t.equal((await post(`/changes/${ramp.json.id}/undo`, {})).status, 409, 'it was followed by another');
    t.equal((await post(`/changes/${live.json.id}/undo`, {})).status, 200, 'back is free');
    await until(() => getNote()?.ramp?.percent === 25 && getNote()?.tenants.get('globex') === 'shadow');

    const kill = await change({ kill: true, reason: 'wrong totals' });
    t.match(kill, { status: 200, json: { effects: [{ operation: 'getNote', after: 'dynamodb' }] } });
    await until(() => app.flags.state().kill);
    t.equal((await post(`/changes/${kill.json.id}/undo`, {})).status, 200);
    await until(() => !app.flags.state().kill);
    const sampling = await change({ sampling: 10 });
    await until(() => app.flags.state().sampling === 10);
    t.equal((await post(`/changes/${sampling.json.id}/undo`, {})).status, 200);
    await until(() => app.flags.state().sampling === 100);

    const shown = (await change({ operation: 'getNote', stage: 'dynamodb', all: true, dryRun: true })).json;
    const flag = await admin.flag(operations[0]?.flag as string);
    const rest = flag?.strategies.at(-1);
    if (rest === undefined) throw new Error('the flag has no strategies');
    await admin.updateStrategy(operations[0]?.flag as string, rest.id, {
      strategy: { ...rest, variants: rest.variants?.map((one) => ({ ...one, name: 'shadow' })) ?? [] },
      title: 'by hand',
      sortOrder: rest.sortOrder,
    });
    const late = await change({ operation: 'getNote', stage: 'dynamodb', all: true, revision: shown.revision });
    t.match(late, { status: 409, json: { detail: /changed since they were shown/ } });

    await admin.enable(operations[0]?.flag as string, false);
    const odd = await change({ operation: 'getNote', stage: 'dynamodb', all: true });
    t.match(odd, { status: 409, json: { detail: /says more, or less, than can be shown/, again: { force: true } } });
    const anew = await change({ operation: 'getNote', stage: 'dynamodb', all: true, ...FORCED });
    t.match(anew, { status: 200 }, anew.text);
    const { entries } = (await ask('GET', '/admin/v1/audit', { token: made.viewer })).json;
    t.match(entries[0], { id: anew.json.id, undoable: false }, 'what it said before is not written down');
    t.equal((await post(`/changes/${anew.json.id}/undo`, FORCED)).status, 409);
  },
);
