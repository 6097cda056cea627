import { RequestError, Resting } from '../errors.ts';
import { type Answer, type Observation, withHeaders } from '../model/answer.ts';
import type { CorsSpec } from '../model/auth.ts';
import type { ErrorRequest } from '../model/binding.ts';
import type { StoreName } from '../model/stage.ts';
import type { Answerer, How, Question } from './answer.ts';
import { withCors } from './cors.ts';
import { type Guards, signOf } from './guard.ts';

/** (store, question) → what a client would get, or the failure, with its duration. Never rejects. */
export type Observe = (
  store: StoreName,
  question: Question,
  error: () => ErrorRequest,
  how?: How,
) => Promise<Observation>;

/**
 * An error that is the client's (no such item, forbidden) is an answer; what the store or we failed at is none. Answers
 * carry what `cors` allows the origin of the request, so that they are compared by it. A store that its guard does
 * not let be asked is not: the failure is then a `Resting`.
 */
export function createObserver(answer: Answerer, cors: CorsSpec | undefined, guards: Guards = NOBODY): Observe {
  const seen = (origin: StoreName, given: Answer, error: () => ErrorRequest, duration: number): Observation => {
    const answer =
      cors === undefined ? given : withHeaders(given, withCors(cors, error().headers.origin, given.headers));
    return Object.freeze({ origin, ok: true, answer, duration });
  };
  return async (origin, question, error, how) => {
    const guard = guards[origin];
    const began = performance.now();
    const rest = guard?.begin(began);
    if (rest !== undefined) return failed(origin, new Resting(origin, rest), 0);
    let given: Answer | undefined;
    let failure: unknown;
    try {
      given = await answer(origin, question, how);
    } catch (thrown) {
      failure = thrown;
    }
    const ended = performance.now();
    const duration = ended - began;
    guard?.end(given === undefined ? signOf(failure) : 'well', ended);
    try {
      if (given !== undefined) return seen(origin, given, error, duration);
      if (failure instanceof RequestError)
        return seen(origin, question.operation.errors(failure, error()), error, duration);
    } catch (thrown) {
      failure = thrown;
    }
    return failed(origin, failure, duration);
  };
}

const NOBODY: Guards = Object.freeze({});

const failed = (origin: StoreName, error: unknown, duration: number): Observation =>
  Object.freeze({ origin, ok: false, error: error instanceof Error ? error : new Error(String(error)), duration });
