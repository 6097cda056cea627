import { type Cursors, hashParameters } from '../bindings/cursor.ts';
import type { BoundOperation } from '../bindings/load.ts';
import type { ComparePlan } from '../compare/compare.ts';
import { compileRules } from '../compare/rules.ts';
import { RequestError, StoreError } from '../errors.ts';
import { type Answer, type Observation, withBody, withHeaders } from '../model/answer.ts';
import type { BindingsSpec, ErrorRequest } from '../model/binding.ts';
import { parseDuration } from '../model/duration.ts';
import type { Span, SpanRef } from '../model/span.ts';
import type { OriginName, Stage, StoreName } from '../model/stage.ts';
import { hash48 } from '../results/distinct.ts';
import type { SampledRequest } from '../results/sample.ts';
import type { Offer } from '../shadow/offer.ts';
import type { Question } from './answer.ts';
import { withCors } from './cors.ts';
import type { Observe } from './observe.ts';
import { plainOf } from './plain.ts';

/** A read that is answered, and whose stage wants others asked too. */
export interface Answered {
  readonly operation: BoundOperation;
  /** '' where the request does not say. */
  readonly tenant: string;
  readonly stage: Stage;
  readonly requestId: string;
  readonly method: string;
  readonly url: string;
  readonly headers: ErrorRequest['headers'];
  /** What is asked of a store; what it is refused with where it is not asked at all. */
  readonly question: Question | RequestError;
  readonly control: Observation;
  readonly candidates: readonly OriginName[];
  readonly unfit: string | undefined;
  /** The request's, where traces are taken. */
  readonly span?: SpanRef | undefined;
  /** The request's, where legacy had one: it is asked again with the same. */
  readonly body?: Buffer | undefined;
}

/** Takes an answered read; whether it holds the control's answer from now on. Never throws and never waits. */
export type Shadowing = (answered: Answered) => boolean;

/** An answered read → what the shadow is offered. */
export type Offering = (answered: Answered) => Offer;

/** Where nothing is declared (design section 2). */
const FRESHNESS = 5_000;

/** What the answers of an operation are compared by, but for the limit, which is each request's own. */
export function comparePlanOf(operation: BoundOperation, api: BindingsSpec, cursors: Cursors): ComparePlan {
  const { spec, contract, page, isList } = operation;
  const key = spec?.key === undefined ? undefined : [spec.key].flat().map(tokensOf);
  const says = (text: string) => sayingOf(text, cursors);
  const next = spec?.page?.next;
  const links = page?.links;
  return Object.freeze({
    shape: contract.success.shape,
    list: isList ? { path: spec?.items ?? '', key, limit: undefined } : undefined,
    token: next === undefined ? undefined : { path: next, says },
    rules: compileRules(api.compare, spec?.compare, operation.id),
    headers: contract.headers,
    headerValue: headerSays(links, says),
  });
}

/** Milliseconds that the operation's bindings declare MongoDB to be behind at most. */
export const freshnessOf = ({ spec }: BoundOperation, api: BindingsSpec): number =>
  parseDuration((spec?.freshness ?? api.freshness)?.within ?? '') ?? FRESHNESS;

/** What one of our cursors says, whoever sealed it; `undefined` for one of legacy's. */
function sayingOf(text: string, cursors: Cursors): string | undefined {
  try {
    const opened = cursors.open(text);
    return opened.ours ? JSON.stringify(Object.entries(opened.content.position).sort()) : undefined;
  } catch {
    return `invalid ${text}`;
  }
}

/**
 * A `Link` header with the cursor in its query replaced by what the cursor says; `Vary` without what speaks of compression,
 * which is sent whether or not the reply is compressed.
 */
const headerSays = (links: string | undefined, says: Says) => (name: string, value: string) => {
  if (name === 'vary') return variesBy(value);
  return name === 'link' && links !== undefined ? linkSays(value, links, says) : value;
};

type Says = (text: string) => string | undefined;

const variesBy = (value: string): string =>
  value
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '' && name !== 'accept-encoding')
    .sort()
    .join(', ');

function linkSays(value: string, parameter: string, says: Says): string {
  const pattern = new RegExp(`([?&]${parameter.replace(/[^\w-]/g, '\\$&')}=)([^&>]*)`, 'g');
  return value.replace(pattern, (_, before: string, cursor: string) => `${before}${says(decoded(cursor)) ?? cursor}`);
}

/** As it stands, where it is no percent-encoding. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const tokensOf = (pointer: string): readonly string[] =>
  pointer
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));

/** Whether legacy may be asked twice for one request (design section 6). */
export const isRepeatable = ({ spec, contract }: BoundOperation): boolean =>
  spec?.repeatable ?? (contract.method === 'GET' || contract.method === 'HEAD');

/** What is asked, whoever asks it and however it is written. */
function hashOf({ operation, request: { path, query, body }, parameters, cursor }: Question, tenant: string): number {
  const asked = parameters === '' ? [path, query, body ?? null] : [parameters, cursor?.position ?? null];
  return hash48([operation.id, tenant, hashParameters(asked)]);
}

/** Asks legacy what a client asked it. Rejects with a StoreError. */
export type AskLegacy = (
  message: SampledRequest &
    Pick<Answered, 'body'> & { readonly context?: Readonly<Record<string, string>> | undefined },
  signal: AbortSignal,
) => Promise<Answer>;

export interface OfferingParts {
  readonly operations: readonly BoundOperation[];
  readonly api: BindingsSpec;
  readonly cursors: Cursors;
  readonly observe: Observe;
  /** `undefined` without a legacy service. */
  readonly askLegacy: AskLegacy | undefined;
  /** Milliseconds that legacy has when it is asked again. */
  readonly timeout: number;
}

/** A sample's request: without the gateway's secret, which is nobody's request, whatever its header is called. */
function sampledOf({ auth }: BindingsSpec): (request: SampledRequest) => SampledRequest {
  const proof = auth?.mode === 'gateway' && typeof auth.proof === 'object' ? auth.proof : undefined;
  const secret = proof !== undefined && 'header' in proof ? proof.header.toLowerCase() : undefined;
  if (secret === undefined) return (request) => request;
  return (request) => {
    const kept = Object.entries(request.headers).filter(([name]) => name !== secret);
    return Object.freeze({ ...request, headers: Object.freeze(Object.fromEntries(kept)) });
  };
}

/** Offers for the operations of an API, whose plans are made once, here. */
export function createOffering({ operations, api, cursors, observe, askLegacy, timeout }: OfferingParts): Offering {
  const sampled = sampledOf(api);
  const plans = operations.map((operation) => ({
    plan: comparePlanOf(operation, api, cursors),
    freshness: freshnessOf(operation, api),
    repeatable: isRepeatable(operation),
  }));
  return (answered) => {
    const { operation, tenant, stage, requestId, method, url, control, candidates, unfit } = answered;
    const { plan, freshness, repeatable } = plans[operation.index] as (typeof plans)[number];
    const headers = Object.freeze({ ...answered.headers });
    const { question } = answered;
    const asked = question instanceof RequestError ? undefined : question;
    const error = (): ErrorRequest => {
      const { path, query } = asked?.request ?? NOTHING_PARSED;
      return Object.freeze({ operation: operation.id, method, url, tenant, headers, path, query });
    };
    const request = { method, url, headers };
    const shown = (answer: Answer): Answer => withHeaders(answer, withCors(api.cors, headers.origin, answer.headers));
    const fromStore = async (store: StoreName, consistent: boolean): Promise<Observation> => {
      const seen =
        question instanceof RequestError
          ? refused(store, shown(operation.errors(question, error())))
          : await observe(store, question, error, { consistent, like: control.ok ? control.answer.body : undefined });
      return control.origin === 'legacy' && method === 'HEAD' ? bodiless(seen) : seen;
    };
    const fromLegacy = (span: Span | undefined): Promise<Observation> =>
      observeLegacy(async () => {
        if (askLegacy === undefined) throw new StoreError('legacy', 'unavailable', 'there is no legacy service');
        const message = { ...request, body: answered.body, context: span?.headers() };
        return await askLegacy(message, AbortSignal.timeout(timeout));
      });
    const limit = asked === undefined ? undefined : limitOf(asked);
    return {
      operation: operation.id,
      tenant,
      stage,
      requestId,
      request: sampled(request),
      control,
      candidates,
      ...(control.origin === 'legacy' ? { plain: () => plainOf(control) } : {}),
      again: (origin, consistent, span) => (origin === 'legacy' ? fromLegacy(span) : fromStore(origin, consistent)),
      repeatable,
      plan: plan.list === undefined ? plan : { ...plan, list: { ...plan.list, limit } },
      freshness,
      strata: (one, other) => strataOf(operation, asked, url, [one, other]),
      hash: () => (asked === undefined ? hash48([operation.id, tenant, url]) : hashOf(asked, tenant)),
      unfit,
      span: answered.span,
    };
  };
}

const NOTHING_PARSED: Pick<ErrorRequest, 'path' | 'query'> = Object.freeze({ path: {}, query: {} });

const refused = (origin: StoreName, answer: Answer): Observation =>
  Object.freeze({ origin, ok: true, answer, duration: 0 });

/** What a client gets of it that asks with HEAD. */
const bodiless = (seen: Observation): Observation =>
  seen.ok ? Object.freeze({ ...seen, answer: withBody(seen.answer, EMPTY) }) : seen;

const EMPTY = Buffer.alloc(0);

async function observeLegacy(work: () => Promise<Answer>): Promise<Observation> {
  const began = performance.now();
  try {
    const answer = await work();
    const duration = performance.now() - began;
    return await plainOf(Object.freeze({ origin: 'legacy', ok: true, answer, duration }));
  } catch (failure) {
    const error = failure instanceof Error ? failure : new Error(String(failure));
    return Object.freeze({ origin: 'legacy', ok: false, error, duration: performance.now() - began });
  }
}

/** Items of a full page of this question. */
export function limitOf({ operation, request }: Question): number | undefined {
  try {
    return operation.page?.limit(request);
  } catch {
    return undefined; // the client's own mistake, which both sides answer alike
  }
}

/** What a comparison is evidence for, beside its operation (design section 7, gate). */
function strataOf(
  operation: BoundOperation,
  asked: Question | undefined,
  url: string,
  [one, other]: readonly [Observation, Observation],
): readonly string[] {
  if (!one.ok) return [];
  const { status } = one.answer;
  const items = one.answer.items ?? (other.ok ? other.answer.items : undefined);
  const strata = [`status:${status}`];
  if (asked === undefined) return strata;
  if (items !== undefined) strata.push(items === 0 ? 'list:empty' : 'list:items');
  if (operation.page?.issues === true && status < 300) strata.push(asked.cursor === undefined ? 'page:1' : 'page:2');
  const cut = url.indexOf('?');
  if (cut === -1 || status >= 300) return strata;
  const sent = new URLSearchParams(url.slice(cut + 1));
  for (const parameter of operation.contract.parameters)
    if (parameter.in === 'query' && !parameter.required && sent.has(parameter.name))
      strata.push(`param:${parameter.name}`);
  return strata;
}
