import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { AdminError, ConfigError, FlagServerError, StoreError, UsageError } from '../errors.ts';
import type { Log } from '../model/log.ts';
import { printable } from '../model/printable.ts';
import { isHead, type ParserError, parserRefusal } from '../request/refusal.ts';
import { writeLast } from '../request/reply.ts';

/** A refusal, as `ProblemReply` has it. */
export interface Problem {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly reasons?: readonly string[];
  readonly again?: { readonly force: boolean; readonly reason: boolean };
}

const USAGE = Object.freeze({
  wrong: [422, 'Cannot be done'],
  conflict: [409, 'Something else is true now'],
  unanswered: [409, 'Somebody must answer for it'],
} as const);

/** Any error as a problem; what nobody foresaw says nothing of itself. */
export function problemOf(error: unknown): Problem {
  if (error instanceof AdminError) return { status: error.status, title: error.title, detail: error.message };
  if (error instanceof UsageError) return usageProblem(error);
  if (error instanceof StoreError && error.cause instanceof StoreError)
    return {
      ...{ status: 409, title: USAGE.unanswered[1] },
      ...{ detail: `the gate cannot read the results: ${error.cause.message}`, reasons: [], again: AGAIN },
    };
  if (error instanceof StoreError) return { status: 503, title: 'Unavailable', detail: error.message };
  if (error instanceof FlagServerError) return { status: 502, title: 'The flag server did not', detail: error.message };
  if (error instanceof ConfigError) return { status: 409, title: 'The stages are wrong', detail: error.message };
  const { statusCode = 500, message } = error as FastifyError;
  if (statusCode >= 400 && statusCode < 500)
    return { status: statusCode, title: TITLES[statusCode] ?? 'Bad request', detail: message };
  return { status: 500, title: 'Internal error', detail: 'what went wrong is in the log' };
}

const AGAIN = Object.freeze({ force: true, reason: true });

const TITLES: Readonly<Record<number, string>> = Object.freeze({
  404: 'Not found',
  413: 'Too large',
  415: 'Unsupported media type',
});

function usageProblem({ failure, why, reasons, message }: UsageError): Problem {
  const [status, title] = USAGE[failure];
  if (failure !== 'unanswered') return { status, title, detail: message };
  return { status, title, detail: why.join('; '), reasons, again: AGAIN };
}

/** The one place where errors of the admin API become replies. */
export function replyWith(log: Log) {
  return (error: unknown, request: FastifyRequest, reply: FastifyReply): void => {
    const problem = problemOf(error);
    if (problem.status === 500)
      log('error', `admin: ${(error as Error).message}`, { cause: error, route: request.routeOptions.url });
    send(reply.headers(error instanceof AdminError ? error.headers : {}), problem);
  };
}

/** What has no route since its path cannot be decoded. */
export const replyUnrouted = (error: FastifyError, _request: unknown, reply: FastifyReply): void =>
  send(reply, problemOf(error));

/** What is no request has no reply object: its refusal is written by hand, and the connection ends. */
export function replyUnread(error: ParserError, socket: Socket): void {
  if (!socket.writable || !/^(HPE_|ERR_HTTP_)/.test(error.code ?? '')) return void socket.destroy();
  const { status, message } = parserRefusal(error.code);
  const body = JSON.stringify({ status, title: STATUS_CODES[status] ?? 'Bad request', detail: message });
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    ...['content-type: application/problem+json', `content-length: ${body.length}`, 'connection: close', '', ''],
  ].join('\r\n');
  writeLast(socket, Buffer.from(isHead(error) ? head : head + body));
}

const send = (reply: FastifyReply, { detail, ...problem }: Problem): void =>
  void reply
    .code(problem.status)
    .type('application/problem+json')
    .send(JSON.stringify({ ...problem, detail: printable(detail) }));
