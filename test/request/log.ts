import type { FastifyRequest } from 'fastify';
import t from 'tap';
import { createRequestLog, LOGS, type LogMode } from '../../src/request/log.ts';

const request = (trace: object = {}) =>
  ({
    id: 'r-1',
    method: 'GET',
    trace: {
      route: '/notes/{id}',
      operation: 'getNote',
      stage: 'shadow',
      origin: 'dynamodb',
      tenant: 'acme',
      ...trace,
    },
  }) as unknown as FastifyRequest;

interface Line {
  readonly level: string;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

function logOf(mode: LogMode) {
  const lines: Line[] = [];
  let now = 0;
  const log = createRequestLog({
    ...{ mode, slow: 1_000, shownTenant: (tenant) => tenant && `*${tenant}`, now: () => now },
    log: (level, message, details = {}) => void lines.push({ level, message, details }),
  });
  const later = (milliseconds: number) => {
    now += milliseconds;
  };
  return { log, lines, later };
}

const KINDS = {
  failed: { status: 503, duration: 5, trace: { failure: new Error('the store is away') } },
  error: { status: 502, duration: 5, trace: {} },
  slow: { status: 200, duration: 1_500, trace: {} },
  other: { status: 200, duration: 5, trace: {} },
} as const;

for (const [mode, rules] of Object.entries(LOGS))
  for (const [kind, rule] of Object.entries(rules))
    t.test(`${mode}: what is ${kind} is logged: ${rule}`, async (t) => {
      const { log, lines } = logOf(mode as LogMode);
      const { status, duration, trace } = KINDS[kind as keyof typeof KINDS];
      for (let n = 0; n < 150; n += 1) log.note(request(trace), status, duration);
      const most = kind === 'other' ? 20 : 100;
      t.equal(lines.length, { never: 0, budget: most, always: 150 }[rule]);
      log.close();
      if (rule === 'budget') t.match(lines.at(-1), { level: 'info', details: { sampledOut: 150 - most } });
    });

t.test('what had no line is said with the next', async (t) => {
  const { log, lines, later } = logOf('sampled');
  for (let n = 0; n < 50; n += 1) log.note(request(), 200, 5);
  t.equal(lines.length, 20);
  log.note(request(KINDS.failed.trace), 503, 5);
  t.match(lines.at(-1), { level: 'error', message: 'the store is away', details: { sampledOut: 30, status: 503 } });
  later(1_000);
  log.note(request(), 200, 5);
  t.equal(lines.length, 22, 'a new second, a new share');
  t.equal('sampledOut' in (lines.at(-1)?.details ?? {}), false);
  log.close();
  t.equal(lines.length, 22, 'nothing is left to say');
});

t.test('a line says who answered what, and never a path, a query or a header', async (t) => {
  const { log, lines } = logOf('all');
  const ref = { traceId: 't'.repeat(32), spanId: 's'.repeat(16), sampled: true, epoch: 0 };
  log.note(
    Object.assign(request({ span: { ref } }), { url: '/notes/secret?x=secret', method: 'EVIL\n' }),
    undefined,
    5,
  );
  t.strictSame(lines[0], {
    level: 'info',
    message: 'request',
    details: {
      requestId: 'r-1',
      traceId: ref.traceId,
      spanId: ref.spanId,
      method: 'OTHER',
      route: '/notes/{id}',
      operation: 'getNote',
      stage: 'shadow',
      origin: 'dynamodb',
      tenant: '*acme',
      status: 499,
      duration: 5,
    },
  });
});
