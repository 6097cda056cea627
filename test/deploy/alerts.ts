import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { withOperator } from '../support/flag-server.ts';
import { AUDIENCE, bearer, signingKey, withIssuer } from '../support/issuer.ts';
import { LIKE_LEGACY, startNotesLegacy } from '../support/notes-legacy.ts';
import { serveAlone } from '../support/process.ts';
import { withPrometheus } from '../support/prometheus.ts';
import { through, withProxy } from '../support/proxy.ts';
import { alertsOf, ruleFile } from '../support/rules.ts';
import { note, withNotes } from '../support/shadow.ts';
import { patience } from '../support/tools.ts';
import { withUnleash } from '../support/unleash.ts';

patience(t, 400);

/** Faults that no test can make in seconds; recorded ones make them fire in rules.ts. */
const RECORDED: Readonly<Record<string, string>> = {
  CrossfadeResultsDropped: 'twenty thousand different rows must be waiting',
};

const TENANT = { 'x-tenant-id': 'acme' };

const prometheus = await withPrometheus(t);
/** `CrossfadeDown/notes` */
const fired = new Set<string>();

/** A machine that is busy with other things makes a façade late, whatever else is tried. */
const BUSY = 'CrossfadeEventLoopSlow/notes';

const firing = async () => (await prometheus.firing()).map(({ name }) => name);

/** Makes a fault, and waits until these alerts fire, and no other has begun to. */
async function fault(t: Test, what: string, names: readonly string[], make: () => Promise<unknown>): Promise<void> {
  await t.test(`${what}: ${names.join(', ')}`, async (t) => {
    for (let n = 0; n < 100 && names.some((name) => name === BUSY) && (await firing()).includes(BUSY); n += 1)
      await sleep(200);
    const before = new Set(await firing());
    for (const name of names) t.notOk(before.has(name), `${name} is silent before`);
    await make();
    const deadline = Date.now() + 25_000;
    let now = await prometheus.firing();
    while (!names.every((name) => now.some((one) => one.name === name)) && Date.now() < deadline) {
      await sleep(200);
      now = await prometheus.firing();
    }
    // One more look, for what comes in its wake.
    await sleep(1_500);
    now = [...now, ...(await prometheus.firing())];
    const begun = [...new Set(now.map(({ name }) => name))].filter(
      (name) => names.includes(name) || !(before.has(name) || fired.has(name) || name === BUSY),
    );
    t.same(begun.toSorted(), [...names].toSorted(), 'these and no others');
    for (const { name, annotations } of now) {
      fired.add(name);
      if (!before.has(name))
        t.notMatch(Object.values(annotations).join('\n'), /<no value>|<error|%!/, `${name} can be read`);
    }
  });
}

let proxy: Awaited<ReturnType<typeof withProxy>> | undefined;
const notes = await withNotes(t, {
  stage: 'validate',
  more: LIKE_LEGACY,
  // Bindings that keep their process busy while a file is in its folder: no client waits for it.
  edit: (text) =>
    `import { existsSync } from 'node:fs';
const late = () => { for (const end = Date.now() + (existsSync('busy') ? 300 : 0); Date.now() < end; ); };
setInterval(late, 150).unref();
${text}`,
  throughMongo: async (uri) => {
    const { hostname, port } = new URL(uri);
    proxy = await withProxy(t, hostname, Number(port));
    return through(uri, proxy.port);
  },
  legacy: async (documents, table) =>
    (await startNotesLegacy(t, documents, table, { refuses: ({ id }) => id === 'n-closed' })).url,
});
const { facade } = notes;
/** Two replicas have a file each. */
const folder = join(t.testdirName, 'second');
const stages = async (getNote: string, more = '') => {
  const text = `${more}\noperations: { getNote: { stage: ${getNote} }, listNotes: { stage: shadow } }\n`;
  await writeFile(join(folder, 'stages.yaml'), text);
  await facade.stages(text);
};
const ask = async (id: string, times: number, url = facade.url) => {
  const statuses: number[] = [];
  const one = async () => {
    const reply = await fetch(`${url}/notes/${id}`, { headers: TENANT });
    await reply.arrayBuffer();
    statuses.push(reply.status);
  };
  for (let left = times; left > 0; left -= 25) await Promise.all(Array.from({ length: Math.min(25, left) }, one));
  return statuses;
};

await notes.put([note('n-1'), note('n-2'), note('n-closed'), note('n-odd', { size: 'large' })]);
await mkdir(folder);
await stages('shadow');
const toResults = new URL(notes.env.RESULTS_URI ?? '');
const results = await withProxy(t, toResults.hostname, Number(toResults.port));
const second = await serveAlone(t, folder, facade.app.bindings.file, {
  ...{ ...notes.env, SHADOW_QUEUE: '1', SHADOW_CONCURRENCY: '1' },
  RESULTS_URI: through(toResults.href, results.port),
});
await prometheus.scrape('notes', facade.app.adminUrl);
await prometheus.scrape('notes', second.adminUrl);
// Until then nobody was there to be scraped, which is an alert.
const begun = async () => (await prometheus.query('up == 1')).length === 2 && (await prometheus.firing()).length === 0;
for (let n = 0; n < 100 && !(await begun()); n += 1) await sleep(100);

t.test('all is well', async (t) => {
  for (let round = 0; round < 4; round += 1) {
    t.same(new Set(await ask('n-1', 25)), new Set([200]));
    await ask('n-1', 2, second.url);
    await sleep(700);
  }
  t.equal((await prometheus.query('up == 1')).length, 2);
  const compared = 'sum(crossfade_comparisons_total{outcome="match"}) > 50';
  for (let n = 0; n < 50 && (await prometheus.query(compared)).length === 0; n += 1) await sleep(200);
  // A process that has just begun is late, the more so where others work.
  for (let n = 0; n < 100 && (await prometheus.firing()).length > 0; n += 1) await sleep(200);
  t.equal((await prometheus.query(compared)).length, 1, 'with load');
  t.same(await prometheus.firing(), [], 'nobody is woken');
});

await fault(t, 'the stores differ', ['CrossfadeMismatches/notes'], async () => {
  await notes.db.collection('notes').updateOne({ id: 'n-2' }, { $set: { text: 'another' } });
  await ask('n-2', 3);
});

await fault(t, 'a value breaks the contract', ['CrossfadeContractViolations/notes'], () => ask('n-odd', 3));

await fault(t, 'a store answers what legacy refuses', ['CrossfadeExposure/notes'], async () => {
  await stages('validate');
  await ask('n-closed', 2);
});

await fault(t, 'shadows come faster than they go', ['CrossfadeShedding/notes'], () => ask('n-1', 500, second.url));

await fault(t, 'the store of results is away', ['CrossfadeResultsLate/notes'], async () => {
  results.mode = 'refused';
  await ask('n-2', 3, second.url);
});
results.mode = 'pass';

await fault(t, 'the kill switch', ['CrossfadeKillActive/notes'], () => stages('shadow', 'kill: true'));

await fault(t, 'an edit that cannot be read', ['CrossfadeFlagsRefused/notes', 'CrossfadeFlagsStale/notes'], () =>
  writeFile(join(t.testdirName, 'stages.yaml'), 'operations: { getNote: { stage: nowhere } }\n'),
);

await fault(t, 'MongoDB is away where it is compared', ['CrossfadeCandidateFailing/notes'], async () => {
  await stages('shadow');
  Object.assign(proxy ?? {}, { mode: 'refused' });
  await ask('n-1', 30);
});
Object.assign(proxy ?? {}, { mode: 'pass' });

await fault(t, 'a façade that is too busy', ['CrossfadeEventLoopSlow/notes'], async () => {
  await writeFile(join(folder, 'busy'), '');
});

await fault(t, 'somebody tries tokens', ['CrossfadeAdminGuessing/notes'], async () => {
  await rm(join(folder, 'busy'));
  for (let n = 0; n < 60; n += 1) {
    const headers = { authorization: `Bearer guess-${n}` };
    await (await fetch(`${second.adminUrl}/admin/v1/session`, { headers })).arrayBuffer();
  }
});

await fault(t, 'MongoDB is slow where it answers', ['CrossfadeSlow/notes'], async () => {
  await stages('live');
  Object.assign(proxy ?? {}, { mode: 'slow', delay: 1_300 });
  await ask('n-1', 80);
});

await fault(
  t,
  'MongoDB is away where it answers',
  ['CrossfadeErrorsFast/notes', 'CrossfadeErrorsSlow/notes', 'CrossfadeOriginDown/notes'],
  async () => {
    Object.assign(proxy ?? {}, { mode: 'refused' });
    t.same(new Set(await ask('n-1', 50)), new Set([503]));
  },
);

await t.test('more at a time than there is room for', async (t) => {
  const crowded = await withNotes(t, { env: { MAX_REQUESTS: '3' } });
  await crowded.put([note('n-1')]);
  await prometheus.scrape('crowded', crowded.facade.app.adminUrl);
  const names = ['CrossfadeRefusing', 'CrossfadeErrorsFast', 'CrossfadeErrorsSlow'].map((name) => `${name}/crowded`);
  await fault(t, 'clients are refused', names, async () => {
    // Prometheus counts from its second look on.
    const are = async () => {
      const now = await firing();
      return names.every((name) => now.includes(name));
    };
    for (const end = Date.now() + 25_000; Date.now() < end && !(await are()); await sleep(300))
      await ask('n-1', 50, crowded.facade.url);
  });
  await prometheus.forget('crowded');
});

await t.test('flags of a server', async (t) => {
  const unleash = await withUnleash(t);
  const { name } = unleash.api;
  const operations = ['getNote', 'listNotes'].map((id) => ({
    ...{ id, flag: `${name}.${id}`, offered: ['dynamodb', 'shadow', 'live'] as const, initial: 'dynamodb' as const },
  }));
  const { edit } = await withOperator(t, { ...unleash, api: { name, operations } });
  const others = await withNotes(t, {
    name,
    env: { ...unleash.env, STATE_DIR: '/dev/null/state' },
    // Without it `live` cannot be.
    edit: (text) => text.replace(/\n *freshness:.*\n/, '\n'),
  });
  const { flags } = others.facade.app;
  const until = async (holds: () => boolean) => {
    for (let n = 0; n < 200 && !holds(); n += 1) await sleep(50);
    t.ok(holds());
  };
  const turned = (before: string) => until(() => flags.revision() !== before);
  await until(() => flags.ready());
  await fault(t, 'its flags cannot be kept', ['CrossfadeFlagsUnsaved/flags'], () =>
    prometheus.scrape('flags', others.facade.app.adminUrl),
  );
  await fault(t, 'a flag asks for what cannot be', ['CrossfadeStageLowered/flags'], async () => {
    const before = flags.revision();
    await edit({ operation: 'getNote', stage: 'live' });
    await turned(before);
    await others.facade.get('/notes/n-1', TENANT);
  });
  await fault(t, 'a flag is taken away', ['CrossfadeFlagsRefused/flags'], async () => {
    const before = flags.revision();
    await unleash.admin('POST', '/api/admin/projects/default/archive', { features: [`${name}.listNotes`] });
    await turned(before);
  });
  await prometheus.forget('flags');
});

await t.test('no flags at all', async (t) => {
  const others = await withNotes(t, { env: { UNLEASH_URL: 'http://127.0.0.1:1', UNLEASH_TOKEN: '*:development.x' } });
  await fault(t, 'a façade without flags', ['CrossfadeFlagsNone/none'], () =>
    prometheus.scrape('none', others.facade.app.adminUrl),
  );
  await prometheus.forget('none');
});

await t.test('an issuer that is away', async (t) => {
  const key = await signingKey('one');
  const issuer = await withIssuer(t, key);
  issuer.behave((_message, reply) => void reply.writeHead(500).end());
  const guarded = await withNotes(t, {
    more: `auth: {
      mode: 'jwt', jwks: '${issuer.url}', issuer: '${issuer.name}', audience: '${AUDIENCE}', algorithms: ['RS256'],
      tenantClaim: 'tid', cooldown: '20ms', timeout: '300ms',
    },`,
  });
  await prometheus.scrape('guarded', guarded.facade.app.adminUrl);
  const headers = { ...TENANT, ...bearer(await issuer.token(key)) };
  await fault(t, 'nobody can be told apart', ['CrossfadeAuthUnavailable/guarded'], async () => {
    for (let n = 0; n < 5; n += 1) await guarded.facade.get('/notes/n-1', headers);
  });
  await prometheus.forget('guarded');
});

await fault(t, 'two replicas with different flags', ['CrossfadeReplicasDisagree/notes'], () =>
  writeFile(join(folder, 'stages.yaml'), 'operations: {}\n'),
);
await fault(t, 'one façade is gone', ['CrossfadeReplicaDown/notes'], () => second.stop());
await fault(t, 'all façades are gone', ['CrossfadeDown/notes'], () => facade.app.close());

t.test('every alert has fired', async (t) => {
  const missing = alertsOf(ruleFile()).filter(
    ({ alert }) => ![...fired].some((name) => name.startsWith(`${alert}/`)) && RECORDED[alert] === undefined,
  );
  t.same(
    missing.map(({ alert }) => alert),
    [],
  );
});
