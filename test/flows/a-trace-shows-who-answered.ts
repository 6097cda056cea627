import { dirname } from 'node:path';
import t, { type Test } from 'tap';
import { type Collector, type Exported, withCollector } from '../support/collector.ts';
import { withEcho } from '../support/echo.ts';
import { type Served, serveAlone } from '../support/process.ts';
import { through, withProxy } from '../support/proxy.ts';
import { type NotesOptions, note, withNotes } from '../support/shadow.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const CALLER = '00f067aa0ba902b7';
const parent = (flags: '00' | '01') => ({ 'x-tenant-id': 'acme', traceparent: `00-${TRACE}-${CALLER}-${flags}` });

/** A façade of its own process over the notes' stores, whose spans go to a collector. */
async function traced(t: Test, collector: Collector, options: NotesOptions = {}, env: Record<string, string> = {}) {
  const notes = await withNotes(t, options);
  await notes.put([note('n001'), note('n002')]);
  const { file } = notes.facade.app.bindings;
  const served = await serveAlone(t, dirname(file), file, {
    ...notes.env,
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_BSP_SCHEDULE_DELAY: '100',
    ...env,
  });
  const get = async (path: string, headers: Record<string, string> = parent('01')) => {
    const reply = await fetch(served.url + path, { headers });
    return { status: reply.status, id: reply.headers.get('x-request-id'), text: await reply.text() };
  };
  return { notes, served, get };
}

const names = (spans: readonly Exported[]) => spans.map(({ name }) => name).sort();
const byTrace = (collector: Collector, traceId: string) => collector.spans().filter((one) => one.traceId === traceId);
const isShadow = ({ name }: Exported) => name.startsWith('shadow ');
const isServer = ({ kind }: Exported) => kind === 2;
const metric = async ({ adminUrl }: Served, name: string): Promise<number> => {
  const text = await (await fetch(`${adminUrl}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\d+)`, 'm').exec(text)?.[1]);
};

t.test(
  'one request at shadow: façade, origin call, and a shadow that neither belongs to it nor keeps it',
  async (t) => {
    const collector = await withCollector(t);
    let proxy: Awaited<ReturnType<typeof withProxy>> | undefined;
    const { notes, get } = await traced(
      t,
      collector,
      {
        throughMongo: async (uri) => {
          const { hostname, port } = new URL(uri);
          proxy = await withProxy(t, hostname, Number(port));
          return through(uri, proxy.port);
        },
      },
      { OTEL_SERVICE_NAME: 'notes-facade', OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test' },
    );
    await get('/notes/n001', { 'x-tenant-id': 'acme' });
    await collector.until(isShadow);
    await notes.db.collection('notes').updateOne({ id: 'n002' }, { $set: { text: 'another' } });
    Object.assign(proxy as object, { delay: 300, mode: 'slow' });
    const { status, id } = await get('/notes/n002?lang=secret-language');
    t.equal(status, 200);
    await collector.until((one) => isShadow(one) && one.attributes['crossfade.request_id'] === id);

    const own = byTrace(collector, TRACE);
    t.same(names(own), ['GET /notes/{id}', 'dynamodb getNote'], 'the client’s trace has no shadow in it');
    const server = own.find(isServer) as Exported;
    const call = own.find(({ kind }) => kind === 3) as Exported;
    t.equal(server.parentSpanId, CALLER, 'it is part of the client’s trace');
    t.match(server.attributes, {
      'http.request.method': 'GET',
      'http.route': '/notes/{id}',
      'http.response.status_code': 200,
      'url.scheme': 'http',
      'network.protocol.version': '1.1',
      'crossfade.operation': 'getNote',
      'crossfade.stage': 'shadow',
      'crossfade.origin': 'dynamodb',
      'crossfade.request_id': id,
    });
    t.match(server.resource, { 'service.name': 'notes-facade', 'deployment.environment.name': 'test' });
    t.notOk(server.status.code, 'no error');
    t.equal(call.parentSpanId, server.spanId);
    t.match(call.attributes, { 'db.system.name': 'aws.dynamodb', 'crossfade.role': 'control' });
    t.ok(call.start >= server.start && call.end <= server.end, 'the call lies within the request');

    const [shadow] = collector.spans().filter((one) => one.attributes['crossfade.request_id'] === id && isShadow(one));
    const follows = byTrace(collector, (shadow as Exported).traceId);
    t.not(shadow?.traceId, TRACE);
    t.equal(shadow?.parentSpanId, '', 'a trace of its own');
    t.same(shadow?.links, [{ traceId: TRACE, spanId: server.spanId }], 'that points at the request');
    t.same(names(follows), ['compare', 'mongodb getNote', 'recheck', 'shadow getNote']);
    t.ok(follows.every((one) => one === shadow || one.parentSpanId === shadow?.spanId));
    t.ok((shadow?.start ?? 0) >= call.end, 'it begins when the control has answered');
    const candidate = follows.find(({ name }) => name === 'mongodb getNote') as Exported;
    t.ok(candidate.end - candidate.start >= 290_000, 'the candidate was slow');
    t.ok(server.end - server.start < 290_000, 'and the request was not');
    t.ok(server.end < candidate.end, 'whose span was over by then');
    t.match(follows.find(({ name }) => name === 'compare')?.attributes, {
      'crossfade.outcome': 'mismatch',
      'crossfade.pair': 'dynamodb-mongodb',
      'crossfade.differences': 1,
    });
    t.match(follows.find(({ name }) => name === 'recheck')?.attributes, { 'crossfade.verdict': 'persistent' });
    t.ok((shadow?.end ?? 0) >= Math.max(...follows.map(({ end }) => end)), 'it ends with its last part');
    for (const secret of ['acme', 'n002', 'secret-language', 'another', 'Text of', '127.0.0.1:'])
      t.notMatch(collector.text(), secret, `no ${secret} in what is exported`);
  },
);

t.test('at validate legacy gets our traceparent, the client’s tracestate, and no shadow’s', async (t) => {
  const collector = await withCollector(t);
  const echo = await withEcho(t, (_message, reply) => {
    reply.writeHead(200, { 'content-type': 'application/json' }).end('{"id":"n001"}');
  });
  const { get } = await traced(t, collector, { stage: 'validate', legacy: async () => echo.url });
  await get('/notes/n001', { ...parent('01'), tracestate: 'vendor=1', baggage: 'a=b' });
  await collector.until(isShadow);
  const [server] = await collector.until(isServer);
  const call = byTrace(collector, TRACE).find(({ kind }) => kind === 3) as Exported;
  t.equal(call.parentSpanId, server?.spanId);
  t.match(call.attributes, {
    'http.request.method': 'GET',
    'url.template': '/notes/{id}',
    'http.response.status_code': 200,
    'server.address': '127.0.0.1',
  });
  const [first, ...others] = echo.seen;
  t.equal(first?.headers.traceparent, `00-${TRACE}-${call.spanId}-01`, 'ours, in the client’s trace');
  t.equal(first?.headers.tracestate, 'vendor=1');
  t.equal(first?.headers.baggage, 'a=b', 'baggage passes as it came');
  t.ok(others.length > 0, 'legacy is asked again');
  for (const { headers } of others) {
    t.notMatch(headers.traceparent, TRACE, 'not in the client’s name');
    t.equal(headers.tracestate, undefined);
  }
  const before = echo.seen.length;
  await get('/elsewhere/n001', parent('01'));
  const [passed] = await collector.until((one) => isServer(one) && one.name === 'GET');
  t.equal(passed?.attributes['http.route'], undefined, 'what the contract does not know has no route');
  t.match(echo.seen[before]?.headers.traceparent, new RegExp(`^00-${TRACE}-`));
  t.notMatch(collector.text(), 'elsewhere');
});

t.test('who is not sampled stays so, and legacy is told', async (t) => {
  const collector = await withCollector(t);
  const echo = await withEcho(t, (_message, reply) => void reply.end('{}'));
  const { get } = await traced(t, collector, { stage: 'validate', legacy: async () => echo.url });
  await get('/notes/n001', parent('00'));
  t.match(echo.seen[0]?.headers.traceparent, new RegExp(`^00-${TRACE}-[0-9a-f]{16}-00$`));
  await get('/notes/n002', { 'x-tenant-id': 'acme' });
  await collector.until(isShadow);
  t.same(byTrace(collector, TRACE), []);
  t.equal(collector.spans().filter(isShadow).length, 1, 'nor is what follows its reply recorded');
  t.equal(collector.spans().filter(isServer).length, 1);
});

t.test('a share of the requests is kept whole: each with its shadow, or not at all', async (t) => {
  const collector = await withCollector(t);
  const env = { OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.5' };
  const { get } = await traced(t, collector, {}, env);
  for (let n = 0; n < 60; n += 1) await get('/notes/n001', { 'x-tenant-id': 'acme' });
  await collector.until(isShadow, 10);
  const requests = () => collector.spans().filter(isServer);
  await collector.until(isShadow, requests().length);
  t.ok(requests().length > 10 && requests().length < 50, `${requests().length} of 60`);
  t.same(
    new Set(
      collector
        .spans()
        .filter(isShadow)
        .map(({ links }) => links[0]?.traceId),
    ),
    new Set(requests().map(({ traceId }) => traceId)),
  );
});

t.test('what fails is an error by its word, without what anybody said', async (t) => {
  const collector = await withCollector(t);
  const nowhere = 'http://127.0.0.1:9';
  const { get } = await traced(t, collector, { stage: 'legacy', legacy: async () => nowhere });
  t.equal((await get('/notes/n001')).status, 503);
  const [server] = await collector.until(isServer);
  t.match(server, { status: { code: 2 }, attributes: { 'error.type': '503', 'crossfade.origin': 'legacy' } });
  const call = byTrace(collector, TRACE).find(({ kind }) => kind === 3);
  t.match(call, { status: { code: 2 }, attributes: { 'error.type': 'unavailable' } });
  t.notOk(call?.status.message);
  t.equal((await get('/notes?limit=3', parent('01'))).status, 503);
});

const ills = [
  { of: 'hangs', answer: () => {} },
  { of: 'refuses', answer: (reply: { writeHead(code: number): { end(): void } }) => reply.writeHead(400).end() },
] as const;

for (const { of, answer } of ills) {
  t.test(`a collector that ${of} costs no client anything, and a bounded amount of memory`, async (t) => {
    const collector = await withCollector(t, { answer: answer as never });
    const env = { OTEL_BSP_MAX_QUEUE_SIZE: '64', OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '16' };
    const { served, get } = await traced(t, collector, { stage: 'dynamodb' }, env);
    for (let n = 0; n < 150; n += 1) t.equal((await get('/notes/n001')).status, 200);
    t.ok(collector.requests().length > 0, 'it was asked');
    for (const end = Date.now() + 5_000; (await metric(served, 'crossfade_spans_dropped_total')) < 200; )
      if (Date.now() > end) break;
    const dropped = await metric(served, 'crossfade_spans_dropped_total');
    t.ok(dropped >= 300 - 64 && dropped <= 300, `${dropped} of 300 spans are dropped and counted`);
    const began = Date.now();
    t.equal(await served.stop(), 0);
    t.ok(Date.now() - began < 6_000, `it ends within ${Date.now() - began} ms`);
    if (of === 'refuses') t.match(served.log(), /spans could not be sent/);
  });
}

t.test('spans that wait are sent when the process ends', async (t) => {
  const collector = await withCollector(t);
  const { served, get } = await traced(t, collector, { stage: 'dynamodb' }, { OTEL_BSP_SCHEDULE_DELAY: '60000' });
  await get('/notes/n001');
  t.same(collector.spans(), []);
  t.equal(await served.stop(), 0);
  t.equal(collector.spans().filter(isServer).length, 1);
});

t.test('nothing of OpenTelemetry’s SDK is loaded while nobody takes traces', async (t) => {
  // Its interface, which does nothing by itself, is loaded by prom-client.
  const spy = `
    import { registerHooks } from 'node:module';
    import { writeSync } from 'node:fs';
    registerHooks({ load: (url, context, next) => {
      if (/@opentelemetry.(?!api)/.test(url)) writeSync(2, 'LOADED ' + url + '\\n');
      return next(url, context);
    } });`;
  const NODE_OPTIONS = `--disable-warning=ExperimentalWarning --import=data:text/javascript,${encodeURIComponent(spy)}`;
  const cases = [
    { of: 'nothing is set', env: { OTEL_EXPORTER_OTLP_ENDPOINT: '' }, loads: false },
    { of: 'the SDK is disabled', env: { OTEL_SDK_DISABLED: 'true' }, loads: false },
    { of: 'there is no exporter', env: { OTEL_TRACES_EXPORTER: 'none' }, loads: false },
    { of: 'there is an endpoint', env: {}, loads: true },
  ];
  const collector = await withCollector(t);
  for (const { of, env, loads } of cases) {
    const { served, get } = await traced(t, collector, { stage: 'dynamodb' }, { NODE_OPTIONS, ...env } as never);
    t.equal((await get('/notes/n001')).status, 200);
    t.equal(/LOADED/.test(served.log()), loads, of);
    await served.stop();
  }
});
