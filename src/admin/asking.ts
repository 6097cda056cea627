import { validateHeaderName, validateHeaderValue } from 'node:http';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { factsOf } from '../compare/facts.ts';
import { offsetIn, pointersAt } from '../compare/pointers.ts';
import { RequestError, UsageError } from '../errors.ts';
import type { Comparison, Difference } from '../model/comparison.ts';
import { type Asking, type Enquiry, openAsking } from '../operate/asking.ts';
import { type Asked, askAll, callText } from '../operate/diffing.ts';
import { audit } from '../results/audit.ts';
import type { SampledRequest } from '../results/sample.ts';
import { callerOf, OPERATOR, refuse } from './caller.ts';
import { foundOne, samplesOf } from './findings.ts';
import { auditPlaces, type Reading } from './opened.ts';
import { Diff, DiffRequest, SampleDiffRequest } from './schema.ts';

/** Bytes of a body that are shown, and of one value. */
const MOST_BODY = 262_144;
const MOST_VALUE = 4_096;
/** Questions under way at a time: each asks every origin. */
const MOST_ASKED = 4;
/** Connections to each store. */
const POOL = 4;

/** `POST /diff`, and the same for a finding's sample: asks every origin again, on connections that no client uses. */
export function askingRoutes(app: FastifyInstance, reading: Reading): void {
  const { parts } = reading;
  const { bindings, sampling } = parts;
  let opened: Promise<Asking> | undefined;
  let underWay = 0;

  app.addHook('onClose', async () => {
    await opened?.then((asking) => asking.close()).catch(() => undefined);
  });

  /** Asks, and sends what came of it. It is written down first who asked for whose, and never what was answered. */
  const ask = async (who: string, what: string, asked: SampledRequest, reply: FastifyReply) => {
    if (underWay >= MOST_ASKED)
      return refuse(reply, 503, `${MOST_ASKED} questions are under way: ask again in a moment`);
    underWay += 1;
    try {
      opened ??= openAsking({ bindings, config: parts.config, cursors: parts.cursors, size: POOL }).catch((error) => {
        opened = undefined;
        throw error;
      });
      const enquiry = await (await opened).enquire(asked);
      const row = {
        ...{ api: bindings.name, who, where: 'origins', before: null, after: null, why: undefined },
        what: `${what} ${enquiry.operation.id} --tenant ${enquiry.tenant}`,
      };
      const unwritten = await audit(auditPlaces(reading), row).then(
        () => undefined,
        (error: Error) => error,
      );
      if (unwritten !== undefined)
        return refuse(reply, 503, `nobody was asked, since who asks cannot be written down: ${unwritten.message}`);
      const { asked: observations, comparisons } = await askAll(enquiry, Date.now());
      return diffOf(asked, enquiry, observations, comparisons);
    } catch (error) {
      if (error instanceof UsageError || error instanceof RequestError) return refuse(reply, 400, error.message);
      throw error;
    } finally {
      underWay -= 1;
    }
  };

  app.post<{ Body: DiffRequest }>(
    '/diff',
    { ...OPERATOR, schema: { body: DiffRequest, response: { 200: Diff } } },
    async (request, reply) => {
      const { method, path: url, headers = {} } = request.body;
      // As it goes over the wire: what is not ASCII is percent-encoded there.
      if (!/^\/[\x21-\x7e]*$/.test(url))
        return refuse(reply, 400, 'path: begins with /, and is percent-encoded as in a request');
      const wrong = headersProblem(headers);
      if (wrong !== undefined) return refuse(reply, 400, wrong);
      return await ask(callerOf(request).who, 'diff', { method, url, headers }, reply);
    },
  );

  app.post<{ Params: { fingerprint: string }; Body: SampleDiffRequest }>(
    '/findings/:fingerprint/diff',
    { ...OPERATOR, schema: { body: SampleDiffRequest, response: { 200: Diff } } },
    async (request, reply) => {
      const { fingerprint } = request.params;
      const { sample: index, requestId, headers = {} } = request.body;
      const wrong = headersProblem(headers);
      if (wrong !== undefined) return refuse(reply, 400, wrong);
      const one = await foundOne(reading, fingerprint, reply);
      const samples = one && (await samplesOf(reading, one, reply));
      if (samples === undefined) return reply;
      const sample = requestId === undefined ? samples[index] : samples.find((other) => other.requestId === requestId);
      if (sample === undefined && requestId !== undefined)
        return refuse(reply, 410, `no sample is of request ${requestId} any more: read the finding again`);
      if (sample === undefined)
        return refuse(reply, 404, `there is no sample ${index}: the finding has ${samples.length}`);
      const asked = sample.request === undefined ? undefined : sampling.open(sample.request);
      if (asked === undefined) {
        const why =
          sample.request === undefined
            ? 'no request is kept without SAMPLE_SECRET'
            : 'its request was sealed under another SAMPLE_SECRET';
        return refuse(reply, 409, `it cannot be asked again: ${why}`);
      }
      const given = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
      const repeated = { ...asked, headers: { ...asked.headers, ...given } };
      return await ask(callerOf(request).who, `diff ${fingerprint}`, repeated, reply);
    },
  );
}

/** What no client could send, or what each origin would read otherwise: the answers would not be to one question. */
function headersProblem(headers: Readonly<Record<string, string>>): string | undefined {
  const seen = new Set<string>();
  for (const [name, value] of Object.entries(headers)) {
    try {
      validateHeaderName(name);
      validateHeaderValue(name, value);
    } catch (error) {
      return `headers: ${(error as Error).message}`;
    }
    if (seen.has(name.toLowerCase())) return `headers: ${name.toLowerCase()} is given twice`;
    seen.add(name.toLowerCase());
  }
  return undefined;
}

/** What every origin said, as the API shows it. */
export function diffOf(
  { method, url }: SampledRequest,
  { operation, tenant }: Pick<Enquiry, 'operation' | 'tenant'>,
  asked: readonly Asked[],
  comparisons: readonly Comparison[],
): Diff {
  return {
    ...{ operation: operation.id, tenant, method, path: url },
    origins: asked.map((one) => ({
      ...{ origin: one.origin, duration: one.duration, calls: one.calls.map(callText) },
      ...(one.ok
        ? { status: one.answer.status, headers: { ...one.answer.headers }, ...shownBody(one.answer.body) }
        : { error: one.error.message }),
    })),
    comparisons: comparisons.map((one) => ({
      ...{ pair: one.pair, outcome: one.outcome },
      ...(one.reason === undefined ? {} : { reason: one.reason }),
      rules: one.rules.map(({ rule, uses }) => ({ rule, uses })),
      differences: differencesOf(one),
    })),
  };
}

function shownBody(body: Buffer): { body: string; cut?: boolean } {
  if (body.length <= MOST_BODY) return { body: body.toString('utf8') };
  return { body: cutText(body, MOST_BODY), cut: true };
}

/** Never half a character. */
const cutText = (bytes: Buffer, most: number): string =>
  new TextDecoder().decode(bytes.subarray(0, most), { stream: true });

const valueText = (value: Buffer): string =>
  value.length <= MOST_VALUE ? value.toString('utf8') : `${cutText(value, MOST_VALUE)}… (${value.length} bytes)`;

function differencesOf({ left, right, differences }: Comparison): Diff['comparisons'][number]['differences'] {
  const pointers = (side: 'left' | 'right', observation: Comparison['left']) => {
    if (!observation.ok) return () => undefined;
    const { body } = observation.answer;
    const offsets = differences.map((one) => offsetIn(body, one[side])).filter((at) => at >= 0);
    const found = pointersOr(body, offsets);
    return (one: Difference) => found.get(offsetIn(body, one[side]));
  };
  const [leftOf, rightOf] = [pointers('left', left), pointers('right', right)];
  return differences.map((one) => {
    const [leftPointer, rightPointer] = [leftOf(one), rightOf(one)];
    return {
      ...{ kind: one.kind, path: one.path, at: one.at, leftType: one.leftType, rightType: one.rightType },
      ...(leftPointer === undefined ? {} : { leftPointer }),
      ...(rightPointer === undefined ? {} : { rightPointer }),
      ...(one.left === undefined ? {} : { left: valueText(one.left) }),
      ...(one.right === undefined ? {} : { right: valueText(one.right) }),
      facts: [...factsOf(one)],
    };
  });
}

/** A body that is no JSON has no places. */
function pointersOr(body: Buffer, offsets: readonly number[]): ReadonlyMap<number, string> {
  try {
    return pointersAt(body, offsets);
  } catch {
    return new Map();
  }
}
