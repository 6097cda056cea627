import { validateHeaderName, validateHeaderValue } from 'node:http';
import { CAUSES, RequestError } from '../errors.ts';
import type { Answer } from '../model/answer.ts';
import type { ErrorReplies, ErrorReply, ErrorRequest } from '../model/binding.ts';
import { fixedHeaders, replyHeaders } from './headers.ts';

/** What a client is told where the fault is ours: never why. */
const INTERNAL = 'the service could not answer';

/**
 * The error replies of an operation: its own by cause, else the API's, else RFC 9457 problem+json. An error function
 * that throws, or gives a status or header that HTTP has not, is answered with the default reply of `internal`. `fixed`
 * are the headers that every reply has.
 */
export function compileErrors(
  api: ErrorReplies | undefined,
  operation: ErrorReplies | undefined,
  fixed = fixedHeaders(undefined, undefined),
): (error: RequestError, request: ErrorRequest) => Answer {
  const replies: ErrorReplies = Object.freeze({ ...api, ...operation });
  const plain = (error: RequestError, request: ErrorRequest): Answer => {
    const reply = replies[error.kind];
    if (reply === undefined) return problem(error, fixed);
    try {
      return answer(reply({ message: messageOf(error), parameter: error.parameter, request }), error.status, fixed);
    } catch {
      return problem(new RequestError('internal', INTERNAL), fixed);
    }
  };
  return (error, request) => {
    const answer = plain(error, request);
    if (error.headers === undefined) return answer;
    return Object.freeze({ ...answer, headers: Object.freeze({ ...error.headers, ...answer.headers }) });
  };
}

const messageOf = (error: RequestError): string => (error.kind === 'internal' ? INTERNAL : error.message);

type Fixed = Readonly<Record<string, string>>;

function problem(error: RequestError, fixed: Fixed): Answer {
  const { status, parameter } = error;
  const { title } = CAUSES[error.kind];
  const body = { type: 'about:blank', title, status, detail: messageOf(error), parameter };
  return finish(status, replyHeaders('application/problem+json', fixed, undefined), JSON.stringify(body));
}

function answer({ status: own, headers, body }: ErrorReply, status: number, fixed: Fixed): Answer {
  for (const [name, value] of Object.entries(headers ?? {})) {
    validateHeaderName(name);
    validateHeaderValue(name, value);
  }
  if (own !== undefined && !(Number.isInteger(own) && own >= 200 && own <= 599)) {
    throw new RangeError(`${own} is no status of a reply`);
  }
  if (body === undefined) return finish(own ?? status, replyHeaders(undefined, fixed, headers), '');
  const isText = typeof body === 'string';
  const type = isText ? 'text/plain; charset=utf-8' : 'application/json';
  return finish(own ?? status, replyHeaders(type, fixed, headers), isText ? body : JSON.stringify(body));
}

const finish = (status: number, headers: Fixed, body: string): Answer =>
  Object.freeze({ status, headers, body: Buffer.from(body, 'utf8') });
