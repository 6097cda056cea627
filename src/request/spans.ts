import type { TLSSocket } from 'node:tls';
import type { FastifyRequest } from 'fastify';
import { failureOf, type Span } from '../model/span.ts';
import type { Forwarded, Legacy } from '../origins/legacy.ts';

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** For a name or a label, which must not be whatever a client thinks of. */
export const knownMethod = (method: string): string => (METHODS.has(method) ? method : 'OTHER');

/**
 * Ends the span of a client's request with what came of it: OpenTelemetry's conventions, but for what holds a client's
 * values (path, query, address, user agent). `status`: `undefined` where the client left before it
 * had its reply.
 */
export function endRequestSpan(
  span: Span,
  { id, raw, trace }: FastifyRequest,
  status: number | undefined,
  tenant: string | undefined,
): void {
  if (!span.ref.sampled) return;
  const method = knownMethod(raw.method ?? '');
  span.rename(trace.route === '' ? method : `${method} ${trace.route}`);
  span.set({
    'http.request.method': method === 'OTHER' ? '_OTHER' : method,
    'http.route': trace.route === '' ? undefined : trace.route,
    'http.response.status_code': status,
    'url.scheme': (raw.socket as Partial<TLSSocket>).encrypted === true ? 'https' : 'http',
    'network.protocol.version': raw.httpVersion,
    'crossfade.request_id': id,
    'crossfade.operation': trace.operation,
    'crossfade.stage': trace.stage,
    'crossfade.origin': trace.origin,
    'crossfade.tenant': tenant,
  });
  // Who left is no error of ours.
  if (status === undefined) span.set({ 'error.type': 'client_left' });
  else if (status >= 500) span.fail(String(status));
  span.end();
}

/** A passing on to legacy, with a span around it where traces are taken: `context` is what legacy gets of it. */
export async function forwarded(
  { raw, trace }: FastifyRequest,
  server: Legacy['server'],
  pass: (context: Readonly<Record<string, string>> | undefined) => Promise<Forwarded>,
): Promise<Forwarded> {
  if (trace.span === undefined) return await pass(undefined);
  const method = knownMethod(raw.method ?? '');
  const span = trace.span.child(trace.route === '' ? method : `${method} ${trace.route}`, 'client', {
    'http.request.method': method === 'OTHER' ? '_OTHER' : method,
    'url.template': trace.route === '' ? undefined : trace.route,
    'server.address': server.address,
    'server.port': server.port,
    'crossfade.operation': trace.operation,
    'crossfade.origin': 'legacy',
    'crossfade.role': 'control',
  });
  const began = performance.now();
  try {
    const result = await pass(span.headers());
    span.set({ 'http.response.status_code': result.status });
    if (!result.complete) span.fail('incomplete');
    else if (result.status >= 400) span.fail(String(result.status));
    span.end(began + result.duration);
    return result;
  } catch (error) {
    span.fail(failureOf(error as Error));
    span.end();
    throw error;
  }
}
