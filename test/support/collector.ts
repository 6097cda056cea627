import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import protobuf from 'protobufjs';
import type { Test } from 'tap';

/** What of OTLP's traces is looked at; numbers as in its definition. */
const PROTO = `
syntax = "proto3";
message Request { repeated ResourceSpans resource_spans = 1; }
message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; }
message Resource { repeated KeyValue attributes = 1; }
message ScopeSpans { repeated Span spans = 2; }
message Span {
  bytes trace_id = 1; bytes span_id = 2; bytes parent_span_id = 4; string name = 5; int32 kind = 6;
  fixed64 start_time_unix_nano = 7; fixed64 end_time_unix_nano = 8;
  repeated KeyValue attributes = 9; repeated Event events = 11; repeated Link links = 13; Status status = 15;
}
message Event { string name = 2; repeated KeyValue attributes = 3; }
message Link { bytes trace_id = 1; bytes span_id = 2; }
message Status { string message = 2; int32 code = 3; }
message KeyValue { string key = 1; AnyValue value = 2; }
message AnyValue { oneof value { string string = 1; bool bool = 2; int64 int = 3; double double = 4; } }
`;

const REQUEST = protobuf.parse(PROTO, { keepCase: false }).root.lookupType('Request');

export interface Exported {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  /** 1 internal, 2 server, 3 client. */
  readonly kind: number;
  /** Microseconds since 1970. */
  readonly start: number;
  readonly end: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly status: { readonly code?: number; readonly message?: string };
  readonly resource: Readonly<Record<string, unknown>>;
}

export interface Collector {
  readonly url: string;
  readonly spans: () => readonly Exported[];
  readonly requests: () => readonly { readonly path: string; readonly headers: IncomingHttpHeaders }[];
  /** All that came, as text, to look for what must not be there. */
  readonly text: () => string;
  /** Waits until so many spans match. */
  readonly until: (what: (span: Exported) => boolean, count?: number) => Promise<readonly Exported[]>;
}

export interface CollectorOptions {
  /** Instead of taking spans. */
  readonly answer?: (reply: ServerResponse) => void;
}

/** A collector of traces (OTLP over HTTP, protobuf) on the loopback interface, gone after the test. */
export async function withCollector(t: Test, { answer }: CollectorOptions = {}): Promise<Collector> {
  const spans: Exported[] = [];
  const requests: { path: string; headers: IncomingHttpHeaders }[] = [];
  const bodies: Buffer[] = [];
  const server = createServer(async (message, reply) => {
    const chunks: Buffer[] = [];
    for await (const chunk of message) chunks.push(chunk);
    const sent = Buffer.concat(chunks);
    const body = message.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent;
    requests.push({ path: message.url ?? '', headers: message.headers });
    bodies.push(body);
    spans.push(...decoded(body));
    if (answer !== undefined) answer(reply);
    else reply.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans: () => spans,
    requests: () => requests,
    text: () => bodies.map((body) => body.toString('latin1')).join('\n'),
    until: async (what, count = 1) => {
      for (const end = Date.now() + 20_000; ; await sleep(20)) {
        const found = spans.filter(what);
        if (found.length >= count) return found;
        if (Date.now() > end) throw new Error(`not exported; there are: ${spans.map(({ name }) => name).join(', ')}`);
      }
    },
  };
}

interface Wire {
  readonly resourceSpans?: readonly {
    readonly resource?: { readonly attributes?: readonly WireValue[] };
    readonly scopeSpans?: readonly { readonly spans?: readonly WireSpan[] }[];
  }[];
}

interface WireSpan {
  readonly traceId: Buffer;
  readonly spanId: Buffer;
  readonly parentSpanId?: Buffer;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes?: readonly WireValue[];
  readonly links?: readonly { readonly traceId: Buffer; readonly spanId: Buffer }[];
  readonly status?: Exported['status'];
}

interface WireValue {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

function decoded(body: Buffer): Exported[] {
  const { resourceSpans = [] } = REQUEST.toObject(REQUEST.decode(body), { longs: String }) as Wire;
  return resourceSpans.flatMap(({ resource, scopeSpans = [] }) =>
    scopeSpans.flatMap(({ spans = [] }) =>
      spans.map((span) => ({
        traceId: span.traceId.toString('hex'),
        spanId: span.spanId.toString('hex'),
        parentSpanId: span.parentSpanId?.toString('hex') ?? '',
        name: span.name,
        kind: span.kind,
        start: Number(BigInt(span.startTimeUnixNano) / 1_000n),
        end: Number(BigInt(span.endTimeUnixNano) / 1_000n),
        attributes: valuesOf(span.attributes),
        links: (span.links ?? []).map((link) => ({
          traceId: link.traceId.toString('hex'),
          spanId: link.spanId.toString('hex'),
        })),
        status: span.status ?? {},
        resource: valuesOf(resource?.attributes),
      })),
    ),
  );
}

const valuesOf = (given: readonly WireValue[] = []): Record<string, unknown> =>
  Object.fromEntries(
    given.map(({ key, value }) => {
      const [kind, held] = Object.entries(value)[0] ?? [];
      return [key, kind === 'int' ? Number(held) : held];
    }),
  );
