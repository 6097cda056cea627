import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { isExpired } from '../compare/rules.ts';
import type { FlagsState } from '../flags/decide.ts';
import { reported } from '../report/reported.ts';
import { type OperationSummary, type Summary, summarize } from '../report/summary.ts';
import { readRuleUses } from '../results/found.ts';
import { readMarks } from '../results/marks.ts';
import { readResults } from '../results/reader.ts';
import { refuse, VIEWER } from './caller.ts';
import { reportedAll } from './found.ts';
import { healthOf } from './health.ts';
import { createKept } from './kept.ts';
import type { Reading } from './opened.ts';
import { operationsOf } from './operations.ts';
import { NO_RESULTS } from './parts.ts';
import { Health, OperationDetail, Operations, Rules, Tenants } from './schema.ts';
import { type TenantsQuery, tenantsOf } from './tenants.ts';

const Named = Type.Object({ id: Type.String() });
const TenantsAsked = Type.Object({
  search: Type.Optional(Type.String({ maxLength: 500 })),
  operation: Type.Optional(Type.String()),
  after: Type.Optional(Type.String()),
  limit: Type.Integer({ minimum: 1, maximum: 200, default: 50 }),
});

/** Tenants with a stage of their own that one operation shows. */
const MOST_NAMED = 1_000;
/** Milliseconds that a report is good for. */
const REPORT_TTL = 5_000;

/** `GET /operations`, one of them, `/tenants`, `/health`, `/rules`, `/report`. */
export function operationRoutes(app: FastifyInstance, reading: Reading): void {
  const { parts } = reading;
  const { bindings, flags, evidence, results: store } = parts;
  const filter = { api: bindings.name, evidence };

  app.get('/operations', { ...VIEWER, schema: { response: { 200: Operations } } }, () => operationsOf(reading));

  app.get<{ Params: { id: string } }>(
    '/operations/:id',
    { ...VIEWER, schema: { params: Named, response: { 200: OperationDetail } } },
    async ({ params: { id } }, reply) => {
      const known = bindings.operations.find((one) => one.id === id);
      if (known === undefined) return refuse(reply, 404, `the contract has no operation ${id}`);
      const [{ operations }, read] = await Promise.all([
        operationsOf(reading),
        store === undefined
          ? new Error(NO_RESULTS)
          : readResults(store, { ...filter, operation: id }).catch((error: Error) => error),
      ]);
      const failed = read instanceof Error;
      const pairs = failed
        ? []
        : summarize({ ...filter, operations: [reported(bindings, known)], results: read, now: Date.now() }).operations;
      return {
        operation: operations[known.index],
        ...(failed ? { results: read.message } : {}),
        tenants: namedTenants(flags.state(), known.index),
        pairs: pairs.map(pairOf),
      };
    },
  );

  app.get<{ Querystring: TenantsQuery }>(
    '/tenants',
    { ...VIEWER, schema: { querystring: TenantsAsked, response: { 200: Tenants } } },
    async ({ query }, reply) => {
      const { operation } = query;
      if (operation !== undefined && !bindings.operations.some(({ id }) => id === operation))
        return refuse(reply, 404, `the contract has no operation ${operation}`);
      return await tenantsOf(reading, query);
    },
  );

  app.get('/health', { ...VIEWER, schema: { response: { 200: Health } } }, () => healthOf(reading));

  const uses = createKept(
    async () => {
      if (store === undefined) throw new Error(NO_RESULTS);
      return await readRuleUses(store, filter);
    },
    { ttl: REPORT_TTL },
  );
  const operations = createKept(() => reportedAll(parts), { ttl: Number.POSITIVE_INFINITY });
  app.get('/rules', { ...VIEWER, schema: { response: { 200: Rules } } }, async () => {
    const [used, known] = await Promise.all([uses.get(), operations.get()]);
    const now = Date.now();
    const rules = new Map([...(known.value?.values() ?? [])].flatMap((one) => one.rules.map((of) => [of.id, of.spec])));
    return {
      ...(used.problem === undefined ? {} : { results: used.problem }),
      rules: [...rules].map(([id, { reason, until }]) => ({
        ...{ id, reason },
        ...(until === undefined ? {} : { until }),
        expired: isExpired(until, now),
        ...(used.value === undefined ? {} : { uses: used.value.get(id) ?? 0 }),
      })),
    };
  });

  const report = createKept(
    async () => {
      if (store === undefined) throw new Error(NO_RESULTS);
      const known = await reportedAll(parts);
      const [results, marks] = await Promise.all([readResults(store, filter), readMarks(store, filter.api)]);
      return summarize({ ...filter, operations: [...known.values()], results, marks, now: Date.now() });
    },
    { ttl: REPORT_TTL },
  );
  app.get('/report', { ...VIEWER }, async (_request, reply) => {
    const { value, problem } = await report.get(30_000);
    if (value === undefined) return refuse(reply, 503, problem ?? NO_RESULTS);
    return reply.type('application/json; charset=utf-8').send(Readable.from(jsonOf(value)));
  });
}

const namedTenants = (state: FlagsState, index: number) =>
  [...(state.operations[index]?.tenants ?? [])]
    .map(([tenant, stage]) => ({ tenant, stage }))
    .sort((a, b) => (a.tenant < b.tenant ? -1 : 1))
    .slice(0, MOST_NAMED);

function pairOf(one: OperationSummary): Record<string, unknown> {
  const { pair, offered, compared, matched, ignored, mismatched, upperBound, verdicts, notCompared } = one;
  return {
    ...{ pair, offered, compared, matched, ignored, mismatched, verdicts, notCompared },
    ...(upperBound === undefined ? {} : { upperBound }),
    ...(one.control === undefined ? {} : { control: one.control }),
    ...(one.candidate === undefined ? {} : { candidate: one.candidate }),
  };
}

/** A report as JSON, a piece at a time: of 1,000 operations it has megabytes. */
function* jsonOf(summary: Summary): Generator<string> {
  let before = '{';
  for (const [name, value] of Object.entries(summary)) {
    if (value === undefined) continue;
    yield `${before}${JSON.stringify(name)}:`;
    before = ',';
    if (!Array.isArray(value)) {
      yield JSON.stringify(value);
      continue;
    }
    let open = '[';
    for (const one of value) {
      yield `${open}${JSON.stringify(one)}`;
      open = ',';
    }
    yield open === '[' ? '[]' : ']';
  }
  yield '}';
}
