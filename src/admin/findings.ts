import type { FastifyInstance, FastifyReply } from 'fastify';
import { Type } from 'typebox';
import { VERDICTS } from '../model/comparison.ts';
import { CAUSE_NAMES } from '../report/cause.ts';
import { type FindingSummary, mergeFindings, stateOf } from '../report/summary.ts';
import { audit } from '../results/audit.ts';
import { readFinding } from '../results/found.ts';
import { endOf, type Mark, putMark, removeMarks } from '../results/marks.ts';
import type { Sample } from '../results/rows.ts';
import { callerOf, OPERATOR, refuse, VIEWER } from './caller.ts';
import { chosen, type FoundQuery } from './found.ts';
import { auditPlaces, type Reading } from './opened.ts';
import { NO_RESULTS } from './parts.ts';
import { Finding, FindingDetail, Findings, KnownRequest } from './schema.ts';

const Query = Type.Object({
  operation: Type.Optional(Type.String()),
  pair: Type.Optional(Type.String()),
  kind: Type.Optional(Type.String()),
  state: Type.Optional(Type.String()),
  search: Type.Optional(Type.String({ maxLength: 500 })),
  after: Type.Optional(Type.String()),
  limit: Type.Integer({ minimum: 1, maximum: 1_000, default: 100 }),
});
const Named = Type.Object({ fingerprint: Type.String({ maxLength: 300 }) });

/** `GET /findings`, one of them, and its mark. */
export function findingRoutes(app: FastifyInstance, reading: Reading): void {
  const { parts, found } = reading;
  const { evidence, bindings, results: store } = parts;
  const api = bindings.name;

  app.get<{ Querystring: FoundQuery & { after?: string; limit: number } }>(
    '/findings',
    { ...VIEWER, schema: { querystring: Query, response: { 200: Findings } } },
    async ({ query }) => {
      const { value, problem } = await found.get();
      const all = chosen(value?.findings ?? [], query);
      const from = query.after === undefined ? 0 : 1 + all.findIndex((one) => keyOf(one) === query.after);
      const page = all.slice(from, from + query.limit);
      const last = page.at(-1);
      return {
        evidence,
        ...(problem === undefined ? {} : { results: problem }),
        total: all.length,
        findings: page.map(shown),
        ...(last !== undefined && from + page.length < all.length ? { next: keyOf(last) } : {}),
      };
    },
  );

  app.get<{ Params: { fingerprint: string } }>(
    '/findings/:fingerprint',
    { ...VIEWER, schema: { params: Named, response: { 200: FindingDetail } } },
    async ({ params: { fingerprint } }, reply) => {
      const one = await foundOne(reading, fingerprint, reply);
      if (one === undefined) return reply;
      const samples = await samplesOf(reading, one, reply);
      if (samples === undefined) return reply;
      return {
        finding: shown(one),
        twins: [...one.twins],
        ...(one.rule === undefined ? {} : { rule: one.rule }),
        samples: samples.map(({ at, requestId, tenant, stage, verdict, consistent, facts, left, right, request }) => ({
          ...{ at: at.toISOString(), requestId, tenant, stage, verdict, consistent, facts, left, right },
          repeatable: request !== undefined && parts.sampling.open(request) !== undefined,
        })),
      };
    },
  );

  app.put<{ Params: { fingerprint: string }; Body: KnownRequest }>(
    '/findings/:fingerprint/known',
    { ...OPERATOR, schema: { params: Named, body: KnownRequest, response: { 200: Finding } } },
    async (request, reply) => {
      const { reason, until } = request.body;
      const end = endOf(until);
      if (Number.isNaN(end)) return refuse(reply, 400, `until: ${until} is no date; it is YYYY-MM-DD`);
      if (end <= Date.now()) return refuse(reply, 400, `until: ${until} is over; say a day that is to come`);
      if (reason.trim() === '') return refuse(reply, 400, 'reason: say why it may be as it is');
      const one = await foundOne(reading, request.params.fingerprint, reply);
      if (one === undefined) return reply;
      const mark: Mark = { who: callerOf(request).who, at: new Date(), reason: reason.trim(), until };
      const changed = await change(reply, () => putMark(reading.store, api, one.fingerprint, mark));
      if (!changed) return reply;
      found.forget();
      await record(reading, mark.who, one, `known ${one.fingerprint} --until ${until}`, mark.reason, { until });
      return shown({ ...one, known: mark });
    },
  );

  app.delete<{ Params: { fingerprint: string } }>(
    '/findings/:fingerprint/known',
    { ...OPERATOR, schema: { params: Named } },
    async (request, reply) => {
      // The mark may be of a finding that is no more.
      const one = (await found.get()).value?.byFingerprint.get(request.params.fingerprint);
      const named = [request.params.fingerprint, ...[one, ...(one?.twins ?? [])].map((of) => of?.fingerprint)];
      let removed = 0;
      if (store === undefined) return refuse(reply, 503, NO_RESULTS);
      const changed = await change(reply, async () => {
        removed = await removeMarks(
          store,
          api,
          named.filter((of) => of !== undefined),
        );
      });
      if (!changed) return reply;
      found.forget();
      if (removed > 0)
        await record(
          ...([reading, callerOf(request).who, one, `known ${request.params.fingerprint} --lift`] as const),
          undefined,
          null,
        );
      return reply.code(204).send();
    },
  );
}

/** Two rows of one fingerprint can stand alone with different origins. */
const keyOf = ({ fingerprint, alone }: FindingSummary): string =>
  alone === undefined ? fingerprint : `${fingerprint}:${alone}`;

/** A finding of the current evidence; `undefined` where there is none, and then the reply is sent. */
export async function foundOne(
  { found }: Reading,
  fingerprint: string,
  reply: FastifyReply,
): Promise<FindingSummary | undefined> {
  const { value, problem } = await found.get();
  const one = value?.byFingerprint.get(fingerprint);
  if (one !== undefined) return one;
  if (value === undefined) refuse(reply, 503, problem ?? NO_RESULTS);
  else refuse(reply, 404, `${fingerprint} is no finding of this evidence: it may have been of earlier bindings`);
  return undefined;
}

/** Newest first; `undefined` where they cannot be read, and then the reply is sent. */
export async function samplesOf(
  { parts, store }: Reading,
  one: FindingSummary,
  reply: FastifyReply,
): Promise<readonly Sample[] | undefined> {
  const filter = { api: parts.bindings.name, evidence: parts.evidence };
  const rows = await readFinding(store, filter, one.fingerprint).catch((error: Error) => error);
  if (rows instanceof Error) {
    refuse(reply, 503, rows.message);
    return undefined;
  }
  const own = mergeFindings(rows);
  return (own.find(({ alone }) => alone === one.alone) ?? own[0])?.samples ?? [];
}

async function change(reply: FastifyReply, work: () => Promise<void>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    refuse(reply, 503, (error as Error).message);
    return false;
  }
}

async function record(
  reading: Reading,
  who: string,
  one: FindingSummary | undefined,
  what: string,
  why: string | undefined,
  after: unknown,
): Promise<void> {
  const { bindings } = reading.parts;
  const before = one?.known === undefined ? null : { until: one.known.until };
  await audit(auditPlaces(reading), {
    ...{ api: bindings.name, who, what, where: 'crossfade_known', before, after, why },
  });
}

/** A finding as the API shows it. */
export function shown(one: FindingSummary): Finding {
  const { fingerprint, operation, pair, kind, path, leftType, rightType, n, share, verdicts, sentence } = one;
  const { cause, because, alone, known } = one;
  return {
    ...{ fingerprint, operation, pair, kind, path, leftType, rightType, n, share, sentence },
    verdicts: { ...verdicts },
    verdict: VERDICTS.find((verdict) => verdicts[verdict] > 0) ?? 'unverified',
    state: stateOf(one),
    ...{ first: one.first.toISOString(), last: one.last.toISOString() },
    tenants: [...one.tenants],
    ...(cause === undefined ? {} : { cause: CAUSE_NAMES[cause] }),
    ...(because === undefined ? {} : { because }),
    ...(alone === undefined ? {} : { alone }),
    hours: one.hours.map(({ h, n }) => ({ h, n })),
    ...(known === undefined ? {} : { known: { ...known, at: known.at.toISOString() } }),
  };
}
