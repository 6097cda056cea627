import type { FastifyReply, FastifyRequest } from 'fastify';
import { type CursorContent, type Cursors, hashParameters } from '../bindings/cursor.ts';
import type { Bindings, BoundOperation } from '../bindings/load.ts';
import { AuthError, RequestError, Resting, StoreError } from '../errors.ts';
import type { Decision, Flags } from '../flags/decide.ts';
import type { Observation } from '../model/answer.ts';
import type { Deadline, Deadlines } from '../model/deadline.ts';
import { observed } from '../model/span.ts';
import type { OriginName, Plan, StoreName } from '../model/stage.ts';
import type { Legacy } from '../origins/legacy.ts';
import type { Question } from './answer.ts';
import { type Asked, ask, errorRequest, parametersBut } from './ask.ts';
import { type Auth, type Claims, NO_CLAIMS } from './auth.ts';
import { readBody } from './body.ts';
import { admit, type Standing, standingOf } from './caller.ts';
import type { Observe } from './observe.ts';
import { errorAnswer, forward, send, toRequestError } from './reply.ts';
import type { Answered, Shadowing } from './shadowing.ts';
import { type Captured, capturedOf, legacyObservation, overrides, unfitness } from './validated.ts';

/** What the line needs, put together once by `compose`. */
export interface Line {
  readonly bindings: Bindings;
  readonly flags: Flags;
  readonly auth: Auth;
  readonly observe: Observe;
  readonly cursors: Cursors;
  readonly legacy: Legacy | undefined;
  readonly serverTiming: boolean;
  /** For all that a request waits for where a store answers: who asks, its body, the store. */
  readonly deadlines: Deadlines;
  /** Asks the candidates of a stage once the reply is sent; absent where no stage has any. */
  readonly shadow: Shadowing | undefined;
  /** A tenant has a request; absent where nobody keeps account. */
  readonly onTenant: ((tenant: string) => void) | undefined;
  readonly onAnswer: (operation: string, origin: OriginName, seconds: number) => void;
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
 * tenant → stage → plan → authenticate → validate → observe(control) → reply → shadow.
 * Where legacy answers, nobody is authenticated here; where the tenant is a claim, authentication comes first.
 * The reply depends on the control alone: no fallback, no retry on another origin.
 */
export async function handle(
  line: Line,
  operation: BoundOperation,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const asked = ask(operation, request.raw);
  let deadline: ReturnType<Deadlines['next']> | undefined;
  try {
    const stands = standingOf(line, operation, request.raw, asked);
    const standing = stands instanceof Promise ? await stands : stands;
    const place = decide(line, operation, asked, request, standing);
    if (place === 'legacy') return void (await forward(line, request, reply));
    if ('validated' in place) return await validate(line, operation, asked, request, reply, place.validated);
    request.trace.origin = place.plan.control;
    const admitted = admit(line, operation, request.raw, standing);
    // Without anything to wait for before the store, its own begins as early.
    if (admitted instanceof Promise || operation.parseBody !== undefined) deadline = line.deadlines.next();
    const claims = admitted instanceof Promise ? await admitted : admitted;
    asked.body = operation.parseBody?.(
      await readBody(request.raw, deadline as Deadline),
      request.headers['content-type'],
    );
    const route = routeOf(line, operation, asked, place);
    request.trace.origin = route.to;
    if (route.to === 'legacy') return void (await forward(line, request, reply));
    refuseUnknown(operation, asked);
    const asking = question(operation, asked, route, claims);
    const control = await observe(line, route.to, asking, request, asked, deadline);
    if (control.ok || !(control.error instanceof Resting))
      line.onAnswer(operation.id, route.to, control.duration / 1000);
    if (control.ok) send(line, request, reply, control.answer);
    else refuse(line, operation, asked, request, reply, control.error);
    const isHeld =
      route.plan.candidates.length > 0 && line.shadow?.(answered(asking, route, request, control)) === true;
    if (!isHeld && control.ok && reply.raw.writableLength === 0) control.answer.giveBack?.(control.answer.body);
  } catch (error) {
    refuse(line, operation, asked, request, reply, error);
  } finally {
    deadline?.end();
  }
}

/** Asks the control, with a span around it where traces are taken. */
function observe(
  line: Line,
  to: StoreName,
  asking: Question,
  request: FastifyRequest,
  asked: Asked,
  deadline: Deadline | undefined,
): Promise<Observation> {
  const { operation } = asking;
  const error = () => errorRequest(request, operation, asked);
  const how = deadline && { deadline };
  const { span } = request.trace;
  if (span === undefined) return line.observe(to, asking, error, how);
  const call = { origin: to, operation: operation.id, role: 'control' } as const;
  return observed(span, call, () => line.observe(to, asking, error, how));
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
    ...shownOf(request),
    operation: question.operation,
    tenant: question.request.tenant,
    stage: plan.stage,
    question,
    control,
    candidates: othersOf(question.operation, plan, to),
    unfit: to === plan.control && question.cursor?.store === undefined ? undefined : 'cursor',
  };
}

/** Whom the plan holds beside the one that answered, which a cursor may have chosen. */
const othersOf = ({ stores }: BoundOperation, { control, candidates }: Plan, to: StoreName): readonly OriginName[] =>
  to === control
    ? candidates
    : [control, ...candidates].filter((one) => one !== to && (one === 'legacy' || stores[one] !== undefined));

const shownOf = (request: FastifyRequest) => ({
  requestId: request.id,
  method: request.method,
  url: request.raw.url ?? '/',
  headers: request.headers,
  span: request.trace.span?.ref,
});

/** Where a request stands: legacy's without a look at it, legacy's beside which the stores are asked, or a tenant's at a plan. Of one without a tenant nobody is let in. */
type Place = 'legacy' | { readonly validated: Validated } | AtPlan;

interface AtPlan {
  readonly tenant: string;
  readonly plan: Plan;
  readonly decision: Decision;
}

/** A request at `validate`. */
interface Validated {
  readonly standing: Standing;
  readonly plan: Plan;
}

function decide(
  line: Line,
  operation: BoundOperation,
  asked: Asked,
  request: FastifyRequest,
  standing: Standing,
): Place {
  const { tenant } = standing;
  const decision = line.flags.stageOf(operation.index, tenant ?? '');
  const { plan } = decision;
  request.trace.tenant = tenant;
  if (tenant !== undefined) line.onTenant?.(tenant);
  request.trace.stage = decision.stage;
  if (plan === undefined) throw new RequestError('unavailable', 'no stage that is still true can answer this');
  if (plan.control === 'legacy' && (tenant === undefined || !carriesOurs(line, operation, asked, tenant)))
    return plan.candidates.length > 0 && line.shadow !== undefined ? { validated: { standing, plan } } : 'legacy';
  return { tenant: tenant ?? '', plan, decision };
}

/** Bytes of a reply of legacy, and of a request's body, that are kept for the comparison. */
const MAX_CAPTURED = 1_048_576;

/**
 * Legacy answers, as at `legacy`; once it has, the stores are asked the same and all answers are held together. What we
 * would have refused is compared like any other answer.
 */
async function validate(
  line: Line,
  operation: BoundOperation,
  asked: Asked,
  request: FastifyRequest,
  reply: FastifyReply,
  { standing, plan }: Validated,
): Promise<void> {
  line.auth.look(request.raw);
  const capture = { maxBytes: MAX_CAPTURED, requestBody: operation.parseBody !== undefined };
  const overridden = overrides(asked.url, request.headers) ? 'override' : undefined;
  const shadow = async (control: Observation, captured: Captured): Promise<void> => {
    const own = await ownQuestion(line, operation, asked, request, standing, captured.requestBody);
    line.shadow?.({
      ...shownOf(request),
      operation,
      tenant: standing.tenant ?? '',
      stage: plan.stage,
      question: own.question,
      control,
      candidates: plan.candidates.filter((store) => operation.stores[store as StoreName] !== undefined),
      unfit: captured.unfit ?? overridden ?? unfitness(request.headers) ?? own.unfit,
      body: captured.requestBody,
    });
  };
  const began = performance.now();
  try {
    const forwarded = await forward(line, request, reply, capture);
    line.onAnswer(operation.id, 'legacy', forwarded.duration / 1000);
    await shadow(legacyObservation(forwarded), capturedOf(forwarded));
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    refuse(line, operation, asked, request, reply, error);
    const duration = performance.now() - began;
    await shadow({ origin: 'legacy', ok: false, error, duration }, { unfit: undefined, requestBody: undefined });
  }
}

/** What our side would ask a store for, or refuse, as the line does where a store answers. */
async function ownQuestion(
  line: Line,
  operation: BoundOperation,
  asked: Asked,
  request: FastifyRequest,
  standing: Standing,
  body: Buffer | undefined,
): Promise<{ readonly question: Question | RequestError; readonly unfit?: 'cursor' | 'auth' }> {
  try {
    const claims = await admit(line, operation, request.raw, standing);
    const tenant = standing.tenant ?? '';
    asked.body = operation.parseBody?.(body ?? NO_BODY, request.headers['content-type']);
    const cursor = openCursor(line.cursors, operation, asked, tenant);
    refuseUnknown(operation, asked);
    const foreign = cursor === 'foreign';
    const route = { tenant, cursor: foreign ? undefined : cursor };
    const asking = question(operation, asked, route, claims);
    return foreign ? { question: asking, unfit: 'cursor' } : { question: asking };
  } catch (error) {
    const failure = toRequestError(error);
    // Who cannot be asked whether the caller may says nothing of what a store would answer.
    if (failure instanceof AuthError && failure.reason === 'unavailable') return { question: failure, unfit: 'auth' };
    return { question: failure };
  }
}

const NO_BODY = Buffer.alloc(0);

function routeOf(line: Line, operation: BoundOperation, asked: Asked, { tenant, plan, decision }: AtPlan): Route {
  const cursor = openCursor(line.cursors, operation, asked, tenant);
  if (cursor === 'foreign') return legacyCursor(line, asked, decision);
  if (cursor !== undefined) return { to: holder(operation, plan.control, cursor), tenant, cursor, plan };
  if (plan.control === 'legacy') return LEGACY;
  return { to: plan.control, tenant, cursor: undefined, plan };
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

/** Throws RequestError(unknownParameter) where the bindings want that. */
export function refuseUnknown(operation: BoundOperation, asked: Asked): void {
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
  const unpaged = asked.unpaged(operation, route.tenant);
  const request = claims === NO_CLAIMS ? unpaged : Object.freeze({ ...unpaged, claims });
  const sent = operation.page?.issues === true ? operation.page.cursor(unpaged) : undefined;
  return Object.freeze(new Asking(operation, request, asked.url, route.cursor, sent));
}

/** Holds nothing of the HTTP request; hashes the parameters only for a page that has a next one, or for a comparison. */
class Asking implements Question {
  readonly operation: BoundOperation;
  readonly request: Question['request'];
  readonly url: string;
  readonly cursor: CursorContent | undefined;
  readonly #sent: string | undefined;

  constructor(
    operation: BoundOperation,
    request: Question['request'],
    url: string,
    cursor: CursorContent | undefined,
    sent: string | undefined,
  ) {
    this.operation = operation;
    this.request = request;
    this.url = url;
    this.cursor = cursor;
    this.#sent = sent;
  }

  get parameters(): string {
    if (this.operation.page?.issues !== true) return '';
    return hashParameters(parametersBut(this.#sent, this.request, this.request.body));
  }
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
