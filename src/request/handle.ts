import type { IncomingMessage } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type CursorContent, type Cursors, hashParameters } from '../bindings/cursor.ts';
import type { Bindings, BoundOperation } from '../bindings/load.ts';
import { RequestError } from '../errors.ts';
import type { Decision, Flags } from '../flags/decide.ts';
import type { Observation } from '../model/answer.ts';
import type { Plan, StoreName } from '../model/stage.ts';
import type { Legacy } from '../origins/legacy.ts';
import type { Question } from './answer.ts';
import { type Asked, ask, errorRequest } from './ask.ts';
import type { Claims } from './auth.ts';
import { readBody } from './body.ts';
import type { Observe } from './observe.ts';
import { errorAnswer, forward, send, toRequestError } from './reply.ts';
import type { Answered } from './shadowing.ts';
import { tenantOf } from './tenant.ts';

/** What the line needs, put together once by `compose`. */
export interface Line {
  readonly bindings: Bindings;
  readonly flags: Flags;
  readonly auth: (message: IncomingMessage) => Claims;
  readonly observe: Observe;
  readonly cursors: Cursors;
  readonly legacy: Legacy | undefined;
  readonly serverTiming: boolean;
  /** Asks the candidates of a stage once the reply is sent; absent where no stage has any. */
  readonly shadow: ((answered: Answered) => void) | undefined;
  /** A tenant has a request; absent where nobody keeps account. */
  readonly onTenant: ((tenant: string) => void) | undefined;
  readonly onAnswer: (operation: string, origin: StoreName, seconds: number) => void;
  readonly onFailure: (error: RequestError, request: FastifyRequest) => void;
}

/** Who answers this request: decided as data, before anything is asked. */
type Route =
  | { readonly to: 'legacy' }
  | {
      readonly to: StoreName;
      readonly tenant: string;
      readonly cursor: CursorContent | undefined;
      readonly plan: Plan;
    };

/**
 * One read, from its match to its reply (design section 3):
 * authenticate → tenant → stage → plan → validate → observe(control) → reply → shadow.
 * The reply depends on the control alone: no fallback, no retry on another origin.
 */
export async function handle(
  line: Line,
  operation: BoundOperation,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const asked = ask(operation, request.raw);
  try {
    const claims = line.auth(request.raw);
    const place = decide(line, operation, asked, request);
    if (place === 'legacy') return await forward(line, request, reply);
    request.trace.origin = place.plan.control;
    asked.body = operation.parseBody?.(await readBody(request.raw), request.headers['content-type']);
    const route = routeOf(line, operation, asked, place);
    request.trace.origin = route.to;
    if (route.to === 'legacy') return await forward(line, request, reply);
    refuseUnknown(operation, asked);
    const asking = question(operation, asked, route, claims);
    const control = await line.observe(route.to, asking, () => errorRequest(request, operation, asked));
    line.onAnswer(operation.id, route.to, control.duration / 1000);
    if (control.ok) send(line, request, reply, control.answer);
    else refuse(line, operation, asked, request, reply, control.error);
    if (route.plan.candidates.length > 0) line.shadow?.(answered(asking, route, request, control));
  } catch (error) {
    refuse(line, operation, asked, request, reply, error);
  }
}

function refuse(
  line: Line,
  operation: BoundOperation,
  asked: Asked,
  request: FastifyRequest,
  reply: FastifyReply,
  error: unknown,
): void {
  const failure = toRequestError(error);
  line.onFailure(failure, request);
  send(line, request, reply, errorAnswer(operation.errors, failure, errorRequest(request, operation, asked)));
}

/** What a shadow may know: no request, no reply, no stream. */
function answered(
  question: Question,
  { to, plan }: Exclude<Route, { to: 'legacy' }>,
  request: FastifyRequest,
  control: Observation,
): Answered {
  return {
    question,
    stage: plan.stage,
    requestId: request.id,
    method: request.method,
    headers: request.headers,
    control,
    candidates: plan.candidates,
    unfit: to === plan.control && question.cursor?.store === undefined ? undefined : 'cursor',
  };
}

/** Where a request stands: legacy's without a look at it, or a tenant's at a plan. */
type Place = 'legacy' | { readonly tenant: string; readonly plan: Plan; readonly decision: Decision };

function decide(line: Line, operation: BoundOperation, asked: Asked, request: FastifyRequest): Place {
  const tenant = attempt(() => tenantOf(line.bindings.spec.tenant, request.raw, asked));
  const decision = line.flags.stageOf(operation.index, tenant.value ?? '');
  const { plan } = decision;
  request.trace.tenant = tenant.value;
  if (tenant.value !== undefined) line.onTenant?.(tenant.value);
  request.trace.stage = decision.stage;
  if (plan === undefined) throw new RequestError('unavailable', 'no stage that is still true can answer this');
  if (plan.control === 'legacy' && (tenant.value === undefined || !carriesOurs(line, operation, asked, tenant.value)))
    return 'legacy';
  if (tenant.value === undefined) throw tenant.error;
  return { tenant: tenant.value, plan, decision };
}

function routeOf(
  line: Line,
  operation: BoundOperation,
  asked: Asked,
  { tenant, plan, decision }: Exclude<Place, 'legacy'>,
): Route {
  const cursor = openCursor(line.cursors, operation, asked, tenant);
  if (cursor === 'foreign') return legacyCursor(line, asked, decision);
  if (cursor !== undefined) return Object.freeze({ to: holder(operation, plan.control, cursor), tenant, cursor, plan });
  if (plan.control === 'legacy') return LEGACY;
  return Object.freeze({ to: plan.control, tenant, cursor: undefined, plan });
}

const LEGACY: Route = Object.freeze({ to: 'legacy' });

/** Whether the cursor of this request, and nothing else in it, is one of ours: only then is it not legacy's to judge. */
function carriesOurs(line: Line, operation: BoundOperation, asked: Asked, tenant: string): boolean {
  if (!asked.mayCarryCursor(line.cursors)) return false;
  const text = attempt(() => operation.page?.cursor(asked.unpaged(operation, tenant)));
  return text.value?.startsWith(line.cursors.prefix) === true;
}

/** Ours where it opens, `foreign` where it is none of ours, `undefined` on a first page. */
export function openCursor(
  cursors: Cursors,
  operation: BoundOperation,
  asked: Asked,
  tenant: string,
): CursorContent | 'foreign' | undefined {
  const text = operation.page?.issues === true ? operation.page.cursor(asked.unpaged(operation, tenant)) : undefined;
  if (text === undefined) return undefined;
  const opened = cursors.open(text);
  if (!opened.ours) return 'foreign';
  const { content } = opened;
  const right =
    content.operation === operation.id &&
    content.tenant === tenant &&
    content.parameters === hashParameters(asked.parameters(text));
  if (!right) throw new RequestError('invalidCursor', 'the cursor belongs to another request');
  return content;
}

/** A cursor that legacy issued goes back to it, if the floor still allows an answer from there. */
function legacyCursor(line: Line, asked: Asked, { floor }: Decision): Route {
  // A body that was read to find the cursor cannot be passed on.
  if (asked.body === undefined && line.legacy !== undefined && (floor === 'legacy' || floor === 'validate'))
    return LEGACY;
  throw new RequestError('invalidCursor', 'the cursor is not known here');
}

/** A cursor of ours goes to a store even where the stage has fallen back to legacy. */
function holder(operation: BoundOperation, control: string, cursor: CursorContent): StoreName {
  if (cursor.store !== undefined && operation.stores[cursor.store] !== undefined) return cursor.store;
  if (control === 'dynamodb' || control === 'mongodb') return control;
  return operation.stores.dynamodb === undefined ? 'mongodb' : 'dynamodb';
}

function refuseUnknown(operation: BoundOperation, asked: Asked): void {
  const [unknown] = operation.refusesUnknown ? asked.unknown : [];
  if (unknown === undefined) return;
  throw new RequestError('unknownParameter', `Received unknown parameter: ${unknown}`, { parameter: unknown });
}

/** The question of a request that a store answers. */
export function question(
  operation: BoundOperation,
  asked: Asked,
  route: { readonly tenant: string; readonly cursor: CursorContent | undefined },
  claims: Claims,
): Question {
  return Object.freeze({
    operation,
    request: Object.freeze({ ...asked.unpaged(operation, route.tenant), claims }),
    url: asked.url,
    cursor: route.cursor,
    parameters:
      operation.page?.issues === true
        ? hashParameters(asked.parameters(operation.page.cursor(asked.unpaged(operation, route.tenant))))
        : '',
  });
}

type Attempt<T> =
  | { readonly value: T; readonly error?: undefined }
  | { readonly value?: undefined; readonly error: unknown };

function attempt<T>(work: () => T): Attempt<T> {
  try {
    return { value: work() };
  } catch (error) {
    return { error };
  }
}
