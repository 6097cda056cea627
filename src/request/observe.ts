import { RequestError } from '../errors.ts';
import type { Answer, Observation } from '../model/answer.ts';
import type { CorsSpec } from '../model/auth.ts';
import type { ErrorRequest } from '../model/binding.ts';
import type { StoreName } from '../model/stage.ts';
import type { Answerer, How, Question } from './answer.ts';
import { withCors } from './cors.ts';

/** (store, question) → what a client would get, or the failure, with its duration. Never rejects. */
export type Observe = (
  store: StoreName,
  question: Question,
  error: () => ErrorRequest,
  how?: How,
) => Promise<Observation>;

/**
 * An error that is the client's (no such item, forbidden) is an answer; what the store or we failed at is none. Answers
 * carry what `cors` allows the origin of the request, so that they are compared by it.
 */
export function createObserver(answer: Answerer, cors: CorsSpec | undefined): Observe {
  const seen = (origin: StoreName, given: Answer, error: () => ErrorRequest, duration: number): Observation => {
    const shown =
      cors === undefined
        ? given
        : Object.freeze({ ...given, headers: withCors(cors, error().headers.origin, given.headers) });
    return Object.freeze({ origin, ok: true, answer: shown, duration });
  };
  return async (origin, question, error, how) => {
    const began = performance.now();
    const duration = () => performance.now() - began;
    try {
      return seen(origin, await answer(origin, question, how), error, duration());
    } catch (failure) {
      if (!(failure instanceof RequestError)) return failed(origin, failure, duration());
      return seen(origin, question.operation.errors(failure, error()), error, duration());
    }
  };
}

const failed = (origin: StoreName, error: unknown, duration: number): Observation =>
  Object.freeze({ origin, ok: false, error: error instanceof Error ? error : new Error(String(error)), duration });
