import type { Span } from '../model/span.ts';
import type { OriginName, Stage } from '../model/stage.ts';

/** What became of one request, for its metrics, its log line and its Server-Timing header. */
export interface Trace {
  readonly began: number;
  operation: string | undefined;
  route: string;
  tenant: string | undefined;
  stage: Stage | undefined;
  origin: OriginName | undefined;
  /** What went wrong on our side, for the log. */
  failure: Error | undefined;
  /** Nothing more is sent, and what came of it is written down. */
  done: boolean;
  /** Absent where nobody takes traces. */
  span: Span | undefined;
}

declare module 'fastify' {
  interface FastifyRequest {
    trace: Trace;
  }
}
