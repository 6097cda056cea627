import type { Cursors } from '../bindings/cursor.ts';
import type { Bindings, BoundOperation } from '../bindings/load.ts';
import { AuthError, RequestError } from '../errors.ts';
import { type Observation, withBody } from '../model/answer.ts';
import type { ErrorRequest } from '../model/binding.ts';
import type { OriginName, Stage } from '../model/stage.ts';
import type { Question } from '../request/answer.ts';
import { type Asked, ask, type Message } from '../request/ask.ts';
import { type Auth, type Caller, type Claims, NO_CLAIMS } from '../request/auth.ts';
import { openCursor, question, refuseUnknown } from '../request/handle.ts';
import type { Observe } from '../request/observe.ts';
import { createOffering } from '../request/shadowing.ts';
import { tenantOf } from '../request/tenant.ts';
import { overrides, unfitness } from '../request/validated.ts';
import type { Offer } from '../shadow/offer.ts';
import type { Sent } from './legacy.ts';
import { matchOf, type NoMatch } from './match.ts';

/** Why a recorded request is not replayed; counted, never silent. */
export type Skip =
  | NoMatch
  | 'no tenant'
  | 'no body'
  | 'later page'
  | 'not let in'
  | 'not JSON'
  | 'one origin'
  | 'refused';

/** One request that any origin can be asked. */
export interface Subject {
  readonly operation: BoundOperation;
  readonly tenant: string;
  readonly sent: Sent;
  /** Who can be asked, in the order of the migration. */
  readonly origins: readonly OriginName[];
  /** The façade's own refusal: what it answers instead of asking a store. */
  readonly refused: boolean;
  /** Never rejects. */
  readonly ask: (origin: OriginName, consistent?: boolean) => Promise<Observation>;
  /** What the comparison takes; its candidates are asked by `ask`. */
  readonly offer: (control: Observation, candidates: readonly OriginName[], requestId: string) => Offer;
  /** The cursor that a request with these parts would carry. */
  readonly cursorOf: (sent: Sent) => string | undefined;
}

export interface SubjectParts {
  readonly bindings: Bindings;
  readonly cursors: Cursors;
  readonly observe: Observe;
  /** Absent where there is no legacy service. */
  readonly legacy: ((sent: Sent) => Promise<Observation>) | undefined;
  /** Headers that let somebody in, beside those that no sample keeps anyway. */
  readonly secrets: ReadonlySet<string>;
  /** Who may ask a store; `undefined`: nobody is asked for credentials, and there are no claims. */
  readonly auth: Pick<Auth, 'authenticate' | 'agree'> | undefined;
}

/** `page`: a request that goes on where a page ended, which is ours or legacy's to understand. */
export type Subjects = (sent: Sent, as?: 'page') => Promise<Subject | Skip>;

/** The stage whose evidence a comparison is, by who is control. */
const STAGE_OF: Readonly<Record<OriginName, Stage>> = Object.freeze({
  legacy: 'validate',
  dynamodb: 'shadow',
  mongodb: 'live',
});

const EMPTY = Buffer.alloc(0);
const UNPARSED = Object.freeze({ path: {}, query: {} });

export function createSubjects({ bindings, cursors, observe, legacy, secrets, auth }: SubjectParts): Subjects {
  const api = bindings.spec;
  const { operations } = bindings;
  // It never asks legacy itself: `again` below does.
  const offering = createOffering({ operations, api, cursors, observe, askLegacy: undefined, timeout: 0 });
  return async (sent, as) => {
    const operation = matchOf(bindings, sent);
    if (typeof operation === 'string') return operation;
    if (sent.method !== 'GET' && sent.method !== 'HEAD' && sent.body === undefined) return 'no body';
    const message = messageOf(sent);
    const asked = ask(operation, message);
    if (overrides(sent.url, message.headers)) return 'not a read';
    if (unfitness(message.headers) !== undefined) return 'not JSON';
    const who = operation.spec?.auth === undefined ? auth : undefined;
    const claims = await claimsOf(who, { ...message, method: sent.method });
    if (claims === undefined) return 'not let in';
    const whose = attempt(() => tenantOf(api.tenant, message, asked, claims));
    // A parameter that is wrong does not hide a tenant that stands elsewhere.
    const tenant = whose.error === undefined ? whose : attempt(() => tenantOf(api.tenant, message, UNPARSED, claims));
    if (tenant.error !== undefined) return 'no tenant';
    if (attempt(() => who?.agree(tenant.value, claims)).error !== undefined) return 'not let in';
    const made = attempt(() => questionOf(operation, asked, sent, tenant.value, claims));
    if (made.error !== undefined && as === undefined && made.error.kind === 'invalidCursor') return 'later page';
    if (as === undefined && made.value?.later === true) return 'later page';
    const refused = made.error;
    const asking = made.value?.question;
    const error = (): ErrorRequest =>
      Object.freeze({
        ...{ operation: operation.id, method: sent.method, url: sent.url, tenant: tenant.value },
        ...{ headers: message.headers, ...asked.soFar() },
      });
    const askStore = async (origin: 'dynamodb' | 'mongodb', consistent: boolean): Promise<Observation> => {
      if (asking !== undefined) return await observe(origin, asking, error, { consistent });
      const answer = operation.errors(refused as RequestError, error());
      return Object.freeze({ origin, ok: true, answer, duration: 0 });
    };
    const askOne: Subject['ask'] = async (origin, consistent = false) => {
      if (origin === 'legacy') return await (legacy as NonNullable<typeof legacy>)(sent);
      const observed = await askStore(origin, consistent);
      // As it would be sent.
      if (sent.method !== 'HEAD' || !observed.ok) return observed;
      return { ...observed, answer: withBody(observed.answer, EMPTY) };
    };
    const bound = (['dynamodb', 'mongodb'] as const).filter((store) => operation.stores[store] !== undefined);
    return Object.freeze<Subject>({
      ...{ operation, tenant: tenant.value, sent, refused: refused !== undefined, ask: askOne },
      origins: [...(legacy === undefined ? [] : (['legacy'] as const)), ...bound],
      cursorOf: (next) => cursorOf(operation, next, tenant.value),
      offer: (control, candidates, requestId) => {
        const offer = offering({
          ...{ operation, tenant: tenant.value, stage: STAGE_OF[control.origin], requestId, control, candidates },
          ...{ method: sent.method, url: sent.url, headers: message.headers, unfit: undefined },
          question: asking ?? (refused as RequestError),
        });
        const { headers } = offer.request;
        const kept = Object.fromEntries(Object.entries(headers).filter(([name]) => !secrets.has(name)));
        return {
          ...offer,
          request: { ...offer.request, headers: kept },
          again: (origin, consistent) => askOne(origin, consistent),
        };
      },
    });
  };

  function questionOf(
    operation: BoundOperation,
    asked: Asked,
    sent: Sent,
    tenant: string,
    claims: Claims,
  ): { readonly question: Question; readonly later: boolean } {
    asked.body = operation.parseBody?.(sent.body ?? EMPTY, headerOf(sent, 'content-type'));
    const opened = openCursor(cursors, operation, asked, tenant);
    refuseUnknown(operation, asked);
    const cursor = opened === 'foreign' ? undefined : opened;
    return { question: question(operation, asked, { tenant, cursor }, claims), later: opened !== undefined };
  }

  function cursorOf(operation: BoundOperation, sent: Sent, tenant: string): string | undefined {
    return attempt(() => {
      const asked = ask(operation, messageOf(sent));
      asked.body = operation.parseBody?.(sent.body ?? EMPTY, headerOf(sent, 'content-type'));
      return operation.page?.cursor(asked.unpaged(operation, tenant));
    }).value;
  }
}

const headerOf = ({ headers }: Sent, name: string): string | undefined => [headers[name]].flat()[0];

function messageOf({ url, headers }: Sent): Message & { readonly headers: NonNullable<ErrorRequest['headers']> } {
  const rawHeaders = Object.entries(headers).flatMap(([name, value]) => [name, String(value)]);
  return { url, headers: headers as NonNullable<ErrorRequest['headers']>, rawHeaders };
}

/** `undefined` for one who is not let in. */
async function claimsOf(auth: SubjectParts['auth'], caller: Caller): Promise<Claims | undefined> {
  if (auth === undefined) return NO_CLAIMS;
  try {
    return await auth.authenticate(caller);
  } catch (error) {
    if (error instanceof AuthError) return undefined;
    throw error;
  }
}

type Attempt<T> =
  | { readonly value: T; readonly error?: undefined }
  | { readonly value?: undefined; readonly error: RequestError };

/** What the client did wrong is data here. */
function attempt<T>(work: () => T): Attempt<T> {
  try {
    return { value: work() };
  } catch (error) {
    if (error instanceof RequestError) return { error };
    throw error;
  }
}
