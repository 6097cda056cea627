import { type Cursors, hashParameters } from '../bindings/cursor.ts';
import type { BoundOperation } from '../bindings/load.ts';
import type { ComparePlan } from '../compare/compare.ts';
import { compileRules, parseDuration } from '../compare/rules.ts';
import type { Observation } from '../model/answer.ts';
import type { BindingsSpec, ErrorRequest } from '../model/binding.ts';
import type { OriginName, Stage, StoreName } from '../model/stage.ts';
import type { Offer } from '../shadow/run.ts';
import type { Question } from './answer.ts';
import type { Observe } from './observe.ts';

/** A read that a store has answered, and whose stage wants others asked too. */
export interface Answered {
  readonly question: Question;
  readonly stage: Stage;
  readonly requestId: string;
  readonly method: string;
  readonly headers: ErrorRequest['headers'];
  readonly control: Observation;
  readonly candidates: readonly OriginName[];
  readonly unfit: string | undefined;
}

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
    ...(links === undefined ? {} : { headerValue: linkSays(links, says) }),
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

/** A `Link` header with the cursor in its query replaced by what the cursor says. */
const linkSays = (parameter: string, says: (text: string) => string | undefined) => (name: string, value: string) => {
  if (name !== 'link') return value;
  const pattern = new RegExp(`([?&]${parameter.replace(/[^\w-]/g, '\\$&')}=)([^&>]*)`, 'g');
  return value.replace(pattern, (_, before: string, cursor: string) => `${before}${says(decoded(cursor)) ?? cursor}`);
};

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

/** Six bytes of a hash: what is asked, whoever asks it and however it is written. */
function hashOf({ operation, request: { path, query, body }, parameters, cursor }: Question, tenant: string): number {
  const asked = parameters === '' ? [path, query, body ?? null] : [parameters, cursor?.position ?? null];
  const text = hashParameters([operation.id, tenant, ...asked]);
  return Buffer.from(text, 'base64url').readUIntBE(0, 6);
}

/** Offers for the operations of an API, whose plans are made once, here. */
export function createOffering(
  operations: readonly BoundOperation[],
  api: BindingsSpec,
  cursors: Cursors,
  observe: Observe,
): Offering {
  const plans = operations.map((operation) => ({
    plan: comparePlanOf(operation, api, cursors),
    freshness: freshnessOf(operation, api),
    repeatable: isRepeatable(operation),
  }));
  return ({ question, stage, requestId, method, headers, control, candidates, unfit }) => {
    const { operation, request, url } = question;
    const { plan, freshness, repeatable } = plans[operation.index] as (typeof plans)[number];
    const kept = Object.freeze({ ...headers });
    const error = (): ErrorRequest => {
      const { tenant, path, query } = request;
      return Object.freeze({ operation: operation.id, method, url, tenant, headers: kept, path, query });
    };
    return {
      operation: operation.id,
      tenant: request.tenant,
      stage,
      requestId,
      request: { method, url, headers: kept },
      control,
      candidates,
      again: (origin, consistent) => observe(origin as StoreName, question, error, { consistent }),
      repeatable,
      hash: () => hashOf(question, request.tenant),
      plan: plan.list === undefined ? plan : { ...plan, list: { ...plan.list, limit: limitOf(question) } },
      freshness,
      strata: (observation) => strataOf(question, observation),
      unfit,
    };
  };
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
function strataOf({ operation, cursor, url }: Question, observation: Observation): readonly string[] {
  if (!observation.ok) return [];
  const { status, items } = observation.answer;
  const strata = [`status:${status}`];
  if (items !== undefined) strata.push(items === 0 ? 'list:empty' : 'list:items');
  if (operation.page?.issues === true && status < 300) strata.push(cursor === undefined ? 'page:1' : 'page:2');
  const cut = url.indexOf('?');
  if (cut === -1 || status >= 300) return strata;
  const sent = new URLSearchParams(url.slice(cut + 1));
  for (const parameter of operation.contract.parameters)
    if (parameter.in === 'query' && !parameter.required && sent.has(parameter.name))
      strata.push(`param:${parameter.name}`);
  return strata;
}
