import t, { type Test } from 'tap';
import type { Reading } from '../../src/admin/opened.ts';
import type { ReadingParts } from '../../src/admin/parts.ts';
import { openReading } from '../../src/admin/reading.ts';
import { run as report } from '../../src/commands/report.ts';
import { withRoutes } from '../support/reading.ts';
import { note, withNotes } from '../support/shadow.ts';

const SECRET = 'a secret of sixteen';

t.test('what the admin API reads of a façade with results', async (t) => {
  const notes = await withNotes(t, {
    more: `compare: [{ path: '/tags', rule: 'unordered', reason: 'a set', until: '2099-01-01' }],`,
    env: { SAMPLE_SECRET: SECRET },
  });
  const { app, get } = notes.facade;
  await notes.put([note('one'), note('two'), note('three')]);
  await notes.db.collection('notes').updateOne({ id: 'two' }, { $set: { text: 'changed', tags: ['c', 'b', 'a'] } });
  const admin = await withRoutes(t, app.reading);
  for (const id of ['one', 'two', 'three', 'two']) await get(`/notes/${id}`, { 'x-tenant-id': 'acme' });
  await get('/notes/one', { 'x-tenant-id': 'globex' });
  await notes.settled();

  await t.test('operations', async (t) => {
    const { status, json } = await admin.get('/operations');
    t.equal(status, 200);
    t.match(json, {
      kill: false,
      sampling: 100,
      revision: app.flags.revision(),
      tenantsKnown: 2,
      replicas: { alive: 1, arrived: 1 },
      operations: [
        {
          ...{ id: 'getNote', method: 'GET', path: '/notes/{id}', bound: true, stage: 'shadow', named: 0 },
          ...{ floor: 'dynamodb', next: 'live', previous: 'dynamodb', health: 'differs', findings: 1, exposures: 0 },
          tenants: [{ stage: 'shadow', n: 2 }],
          errorShare: 0,
        },
        { id: 'listNotes', health: 'idle', requests: [] },
      ],
    });
    t.notOk('results' in json, 'nothing is missing');
    t.match(json.operations[0].why, /1 finding/);
    t.ok(json.operations[0].p99 > 0);
  });

  await t.test('one operation', async (t) => {
    const { json } = await admin.get('/operations/getNote');
    t.match(json, {
      operation: { id: 'getNote' },
      tenants: [],
      pairs: [{ pair: 'dynamodb-mongodb', offered: 5, compared: 5, mismatched: 2, verdicts: { persistent: 2 } }],
    });
    t.equal((await admin.get('/operations/nothing')).status, 404);
  });

  await t.test('tenants', async (t) => {
    t.match((await admin.get('/tenants')).json, { total: 2, tenants: [{ tenant: 'acme' }, { tenant: 'globex' }] });
    await notes.facade.stages(
      'operations: { getNote: { stage: shadow, tenants: { acme: live, Zed: live } }, listNotes: { stage: dynamodb, ramp: { to: shadow, percent: 100 } } }',
    );
    t.match((await admin.get('/tenants?search=ACM')).json, {
      total: 1,
      tenants: [
        {
          tenant: 'acme',
          stages: [
            { operation: 'getNote', stage: 'live', own: true },
            { operation: 'listNotes', stage: 'shadow', own: false },
          ],
        },
      ],
    });
    const first = (await admin.get('/tenants?limit=1&operation=getNote')).json;
    t.match(first, { total: 3, next: 'Zed', tenants: [{ tenant: 'Zed', stages: [{ stage: 'live', own: true }] }] });
    t.notOk('last' in first.tenants[0], 'it had no request yet');
    const rest = (await admin.get(`/tenants?limit=5&after=${first.next}&operation=getNote`)).json;
    t.match(rest.tenants, [{ tenant: 'acme' }, { tenant: 'globex', stages: [{ stage: 'shadow', own: false }] }]);
    t.notOk('next' in rest);
    t.equal((await admin.get('/tenants?operation=nothing')).status, 404);
    const [one, list] = (await admin.get('/operations')).json.operations;
    t.same(one.tenants, [
      { stage: 'shadow', n: 1 },
      { stage: 'live', n: 1 },
    ]);
    t.same([one.named, list.ramp, list.tenants], [2, { to: 'shadow', percent: 100 }, [{ stage: 'shadow', n: 2 }]]);
    t.same((await admin.get('/operations/getNote')).json.tenants, [
      { tenant: 'Zed', stage: 'live' },
      { tenant: 'acme', stage: 'live' },
    ]);
  });

  await t.test('findings, and their marks', async (t) => {
    const { json } = await admin.get('/findings');
    t.match(json, {
      evidence: app.reading.parts.evidence,
      total: 1,
      findings: [{ operation: 'getNote', path: '/text', state: 'persistent', verdict: 'persistent', n: 2, share: 0.4 }],
    });
    const [{ fingerprint }] = json.findings;
    t.equal((await admin.get('/findings?search=TEXT&state=persistent&kind=value')).json.total, 1);
    t.equal((await admin.get('/findings?operation=listNotes')).json.total, 0);
    const { json: detail } = await admin.get(`/findings/${fingerprint}`);
    t.match(detail, {
      finding: { fingerprint },
      rule: /rule: 'ignore'/,
      samples: [{ tenant: 'acme', repeatable: true, left: { type: 'string', length: 13 }, right: { length: 9 } }, {}],
    });
    t.equal((await admin.get('/findings/f00d')).status, 404);

    const known = `/findings/${fingerprint}/known`;
    t.match(await admin.send('PUT', known, { reason: 'x', until: '2020-01-01' }), {
      status: 400,
      json: { detail: /over/ },
    });
    t.match(await admin.send('PUT', known, { reason: ' ', until: '2099-01-01' }), { status: 400 });
    t.match(await admin.send('PUT', known, { reason: 'being mended', until: '2099-02-30' }), { status: 400 });
    t.match(await admin.send('PUT', known, { reason: 'being mended', until: '2099-02-28' }), {
      status: 200,
      json: { fingerprint, known: { who: 'alice', reason: 'being mended', until: '2099-02-28' } },
    });
    t.match((await admin.get('/findings')).json.findings, [{ known: { who: 'alice' } }]);
    t.match((await admin.get('/operations')).json.operations[0], { findings: 0, health: 'good' });
    const printed: string[] = [];
    const io = {
      out: (text: string) => void printed.push(text),
      err: () => {},
      env: notes.env,
      cwd: '/',
      color: false,
    };
    for (const format of ['text', 'markdown', 'html', 'json'] as const) {
      printed.length = 0;
      t.equal(await report(io, undefined, { bindings: app.bindings.file, format }), 1, 'a mark is for people alone');
      t.match(printed.join(''), /being mended/, format);
    }
    t.same(
      (await admin.get('/report')).json.findings,
      JSON.parse(printed.join('')).findings,
      'the report is that of the command',
    );
    // One whose day is over is none, until its row expires.
    await notes.db.collection<{ _id: string }>('crossfade_known').updateMany({}, { $set: { ends: new Date() } });
    app.reading.found.forget();
    t.notOk('known' in (await admin.get('/findings')).json.findings[0]);
    t.equal((await admin.send('DELETE', known)).status, 204);
    t.equal((await admin.send('DELETE', known)).status, 204, 'twice is the same');
    const audit = await notes.db.collection('crossfade_audit').find({}).sort({ at: 1 }).toArray();
    t.match(audit, [
      { who: 'alice', what: `known ${fingerprint} --until 2099-02-28`, why: 'being mended' },
      { who: 'alice', what: `known ${fingerprint} --lift` },
    ]);
    t.equal(audit.length, 2);
  });

  await t.test('gates', async (t) => {
    await notes.facade.stages('operations: { getNote: { stage: shadow }, listNotes: { stage: shadow } }');
    const { json } = await admin.get('/gates?operations=getNote,listNotes');
    t.match(json.gates, [
      { operation: 'getNote', from: 'shadow', to: 'live', verdict: 'fail', evidence: app.reading.parts.evidence },
      { operation: 'listNotes', from: 'shadow', to: 'live', verdict: 'insufficient' },
    ]);
    t.equal(json.gates[0].reasons[0].rule, 'persistent');
    t.match((await admin.get('/gate?operation=getNote')).json.reasons, json.gates[0].reasons);
    t.match((await admin.get('/gate?operation=getNote&to=dynamodb')).json, { verdict: 'notNeeded' });
    t.match((await admin.get('/gate?operation=getNote&tenants=acme')).json.reasons.length > 0, true);
    for (const wrong of ['to=somewhere', 'to=legacy', 'to=rampdown'])
      t.equal((await admin.get(`/gate?operation=getNote&${wrong}`)).status, 400, wrong);
    t.equal((await admin.get('/gates?operations=getNote,no')).status, 404);
    t.equal((await admin.get(`/gates?operations=${Array.from({ length: 51 }, (_, at) => at).join(',')}`)).status, 400);
  });

  await t.test('rules', async (t) => {
    t.match((await admin.get('/rules')).json.rules, [
      { id: '* unordered /tags', reason: 'a set', until: '2099-01-01', expired: false, uses: 2 },
    ]);
  });

  await t.test('health', async (t) => {
    const { json } = await admin.get('/health');
    t.match(json, {
      ready: true,
      parts: [{ part: 'flags' }, { part: 'dynamodb' }],
      shadow: {
        ...{ queue: 0, queueMax: 1000, bytes: 0, bytesMax: 67108864, underWay: 0, breakers: [], shed: [] },
        outcomes: [
          { outcome: 'match', n: 3 },
          { outcome: 'mismatch', n: 2 },
        ],
      },
      results: { waiting: 0, most: 20000, dropped: 0, written: String },
      process: { memory: Number, uptime: Number, inFlight: 0 },
      flags: { source: 'file', revision: app.flags.revision(), kill: false, kept: [] },
      replicas: [{ self: true, alive: true, dropped: 0, flagsFrom: 'file' }],
    });
    t.ok(json.flags.age < 5_000);
  });
});

t.test('without results every route gives what it can, and says why the rest is missing', async (t) => {
  const notes = await withNotes(t, { env: { RESULTS_URI: 'mongodb://127.0.0.1:1/none' } });
  const { app, get } = notes.facade;
  await notes.put([note('one')]);
  t.equal((await get('/notes/one', { 'x-tenant-id': 'acme' })).status, 200);
  const away = await withRoutes(t, app.reading);
  const none = await withRoutes(t, await withoutResults(t, app.reading.parts));
  for (const [of, admin, why] of [
    ['away', away, /ECONNREFUSED|cannot be reached|still being read/],
    ['none', none, /set RESULTS_URI/],
  ] as const) {
    t.match((await admin.get('/operations')).json, { results: why, operations: [{ stage: 'shadow' }, {}] }, of);
    t.match((await admin.get('/operations/getNote')).json, { results: why, pairs: [] }, of);
    t.match((await admin.get('/tenants')).json, { results: why, total: 0, tenants: [] }, of);
    t.match((await admin.get('/findings')).json, { results: why, findings: [] }, of);
    t.match(await admin.get('/findings/f00d'), { status: 503, json: { detail: why } }, of);
    t.match(await admin.send('DELETE', '/findings/f00d/known'), { status: 503 }, of);
    t.match((await admin.get('/gates?operations=getNote')).json.gates, [{ verdict: 'unknown', failed: why }], of);
    t.match((await admin.get('/gate?operation=getNote')).json, { verdict: 'unknown', failed: why }, of);
    t.match((await admin.get('/rules')).json, { results: why, rules: [] }, of);
    t.match((await admin.get('/health')).json, { ready: true, unknown: why, replicas: [] }, of);
    t.match(await admin.get('/report'), { status: 503, json: { detail: why } }, of);
  }
});

async function withoutResults(t: Test, parts: ReadingParts): Promise<Reading> {
  const reading = openReading({ ...parts, results: undefined });
  t.teardown(reading.close);
  return reading;
}
