import type { Observation } from './answer.ts';
import type { OriginName } from './stage.ts';

/** What a span says; what is `undefined` is left out. Never a path's value, a header or a body. */
export type Facts = Readonly<Record<string, string | number | boolean | undefined>>;

/** A span as others point at it: data, which outlives its request. */
export interface SpanRef {
  /** 32 and 16 hexadecimal digits. */
  readonly traceId: string;
  readonly spanId: string;
  /** Whether its trace is kept; of one that is not, nothing is recorded. */
  readonly sampled: boolean;
  /** What `performance.now()` is to be added to, for milliseconds since 1970: one clock for all that belongs together. */
  readonly epoch: number;
}

/** A piece of work that is timed. Times are those of `performance.now()`; without one: now. Nothing here throws. */
export interface Span {
  readonly ref: SpanRef;
  child(name: string, kind: 'client' | 'internal', facts: Facts): Span;
  rename(name: string): void;
  set(facts: Facts): void;
  /** It failed; `type` is a word or a status, never what an error said. */
  fail(type: string): void;
  end(at?: number): void;
  /** What carries it on to the next service, by header name; empty where nothing is to be carried on. */
  headers(): Readonly<Record<string, string>>;
}

/** Where spans come from. There is none unless somebody takes them. */
export interface Tracing {
  /** Whether `traceparent` and `tracestate` of clients are taken over and replaced by our own. */
  readonly propagates: boolean;
  /** The span of a client's request, which began at `began`; part of the client's trace where `headers` name one. */
  request(headers: Readonly<Record<string, string | string[] | undefined>>, began: number): Span;
  /** A span with a trace of its own that points at another; `undefined` where that one is not kept. */
  linked(name: string, to: SpanRef, facts: Facts): Span | undefined;
  /** Sends what is left, within so many milliseconds; what then is still there is dropped and counted. */
  close(milliseconds: number): Promise<void>;
}

const SYSTEMS: Readonly<Record<OriginName, string | undefined>> = Object.freeze({
  dynamodb: 'aws.dynamodb',
  mongodb: 'mongodb',
  legacy: undefined,
});

/** An origin's answer with a span around it, rendering included; just the answer where there is no `parent`. */
export function observed(
  parent: Span | undefined,
  asking: { readonly origin: OriginName; readonly operation: string; readonly role: 'control' | 'candidate' },
  ask: (span: Span | undefined) => Promise<Observation>,
): Promise<Observation> {
  if (parent === undefined) return ask(undefined);
  const { origin, operation, role } = asking;
  const span = parent.child(`${origin} ${operation}`, 'client', {
    'db.system.name': SYSTEMS[origin],
    'crossfade.operation': operation,
    'crossfade.origin': origin,
    'crossfade.role': role,
  });
  return ask(span).then((observation) => {
    if (!observation.ok) span.fail(failureOf(observation.error));
    else
      span.set({
        'crossfade.answer.status': observation.answer.status,
        'crossfade.answer.items': observation.answer.items,
      });
    span.end();
    return observation;
  });
}

/** A store's failure by its word, another error by its class. */
export const failureOf = (error: Error & { readonly failure?: unknown }): string =>
  typeof error.failure === 'string' ? error.failure : error.name;
