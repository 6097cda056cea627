import {
  type Attributes,
  type Context,
  createContextKey,
  defaultTextMapGetter,
  defaultTextMapSetter,
  type Link,
  type Span as OtelSpan,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { type ExportResult, ExportResultCode, W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import {
  defaultResource,
  detectResources,
  resourceAttributesEnvDetector,
  resourceFromAttributes,
  serviceNameEnvDetector,
} from '@opentelemetry/resources';
import {
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type ReadableSpan,
  type Sampler,
  SamplingDecision,
  type SpanExporter,
  type SpanProcessor,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { Facts, Span, SpanRef, Tracing } from '../model/span.ts';
import type { SamplerConfig, TracingConfig } from '../telemetry.ts';

export interface TracingOptions {
  readonly config: TracingConfig;
  readonly version: string;
  /** Spans that were not sent: no room, or the collector did not take them. */
  readonly onDropped: (count: number) => void;
  readonly onError: (error: Error) => void;
}

/** Longer values of attributes are cut. */
const MAX_VALUE = 1_024;

/** A trace that follows the choice of the one it points at. */
const FOLLOWS = createContextKey('crossfade follows');

/** Spans, sent in batches to the collector that the standard variables name. Nothing of it is global. */
export function openTracing({ config, version, onDropped, onError }: TracingOptions): Tracing {
  const waiting = { spans: 0 };
  const batches = new BatchSpanProcessor({
    exporter: counting(new OTLPTraceExporter(), waiting, onDropped, onError),
    // One that is full here is full below: what is dropped is counted.
    maxQueueSize: config.maxQueue,
    maxExportBatchSize: config.maxBatch,
    scheduledDelayMillis: config.delay,
  });
  const provider = new TracerProvider({
    sampler: following(samplerOf(config.sampler)),
    spanLimits: { attributeValueLengthLimit: MAX_VALUE },
    resource: resourceOf(version),
    spanProcessors: [bounded(batches, waiting, config.maxQueue, onDropped)],
  });
  const tracer = provider.getTracer('crossfade', version);
  const propagator = config.propagates ? new W3CTraceContextPropagator() : undefined;
  const parts: Parts = { tracer, propagator };
  return Object.freeze<Tracing>({
    propagates: config.propagates,
    request(headers, began) {
      const said = propagator !== undefined && headers.traceparent !== undefined;
      const parent = said ? propagator.extract(ROOT_CONTEXT, headers, defaultTextMapGetter) : ROOT_CONTEXT;
      const epoch = Date.now() - performance.now();
      return started(parts, 'request', SpanKind.SERVER, parent, { epoch, at: began });
    },
    linked(name, to, facts) {
      if (!to.sampled) return undefined;
      const context = { traceId: to.traceId, spanId: to.spanId, traceFlags: TraceFlags.SAMPLED };
      const begin = { epoch: to.epoch, at: performance.now(), attributes: attributesOf(facts), links: [{ context }] };
      return started(parts, name, SpanKind.INTERNAL, ROOT_CONTEXT.setValue(FOLLOWS, true), begin);
    },
    async close(milliseconds) {
      const late = Promise.withResolvers<void>();
      const timer = setTimeout(late.resolve, milliseconds);
      await Promise.race([provider.shutdown().catch(onError), late.promise]);
      clearTimeout(timer);
      if (waiting.spans > 0) onDropped(waiting.spans);
      waiting.spans = 0;
    },
  });
}

const resourceOf = (version: string) =>
  defaultResource()
    .merge(resourceFromAttributes({ 'service.name': 'crossfade', 'service.version': version }))
    .merge(detectResources({ detectors: [resourceAttributesEnvDetector, serviceNameEnvDetector] }));

function samplerOf({ parentBased, ratio }: SamplerConfig): Sampler {
  const root = ratio === 1 ? new AlwaysOnSampler() : new TraceIdRatioBasedSampler(ratio);
  return parentBased ? new ParentBasedSampler({ root }) : root;
}

const following = (sampler: Sampler): Sampler => ({
  shouldSample: (context, ...rest) =>
    context.getValue(FOLLOWS) === true
      ? { decision: SamplingDecision.RECORD_AND_SAMPLED }
      : sampler.shouldSample(context, ...rest),
  toString: () => sampler.toString(),
});

interface Waiting {
  spans: number;
}

/** Takes no more than there is room for, counting those that are being sent. */
function bounded(
  next: SpanProcessor,
  waiting: Waiting,
  room: number,
  onDropped: TracingOptions['onDropped'],
): SpanProcessor {
  return {
    onStart: () => {},
    onEnd(span: ReadableSpan) {
      if (waiting.spans >= room) return onDropped(1);
      waiting.spans += 1;
      next.onEnd(span);
    },
    forceFlush: () => next.forceFlush(),
    shutdown: () => next.shutdown(),
  };
}

function counting(
  exporter: SpanExporter,
  waiting: Waiting,
  onDropped: TracingOptions['onDropped'],
  onError: TracingOptions['onError'],
): SpanExporter {
  return {
    export(spans: ReadableSpan[], done: (result: ExportResult) => void) {
      exporter.export(spans, (result) => {
        // After the end they have been counted.
        if (waiting.spans > 0) {
          waiting.spans -= spans.length;
          if (result.code !== ExportResultCode.SUCCESS) onDropped(spans.length);
        }
        if (result.code !== ExportResultCode.SUCCESS) onError(result.error ?? new Error('the collector took no spans'));
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
  };
}

interface Parts {
  readonly tracer: Tracer;
  readonly propagator: W3CTraceContextPropagator | undefined;
}

interface Begin {
  readonly epoch: number;
  readonly at: number;
  readonly attributes?: Attributes;
  readonly links?: Link[];
}

function started(parts: Parts, name: string, kind: SpanKind, parent: Context, begin: Begin): Span {
  const { epoch, at, attributes = {}, links = [] } = begin;
  const span = parts.tracer.startSpan(name, { kind, startTime: epoch + at, attributes, links }, parent);
  return new Recorded(parts, span, trace.setSpan(parent.deleteValue(FOLLOWS), span), epoch);
}

class Recorded implements Span {
  readonly ref: SpanRef;
  readonly #parts: Parts;
  readonly #span: OtelSpan;
  readonly #context: Context;

  constructor(parts: Parts, span: OtelSpan, context: Context, epoch: number) {
    const { traceId, spanId } = span.spanContext();
    this.ref = Object.freeze({ traceId, spanId, sampled: span.isRecording(), epoch });
    this.#parts = parts;
    this.#span = span;
    this.#context = context;
  }

  /** Of what is not kept nobody needs a part. */
  child(name: string, kind: 'client' | 'internal', facts: Facts): Span {
    if (!this.ref.sampled) return this;
    const begin = { epoch: this.ref.epoch, at: performance.now(), attributes: attributesOf(facts) };
    return started(this.#parts, name, kind === 'client' ? SpanKind.CLIENT : SpanKind.INTERNAL, this.#context, begin);
  }

  rename(name: string): void {
    this.#span.updateName(name);
  }

  set(facts: Facts): void {
    if (this.ref.sampled) this.#span.setAttributes(attributesOf(facts));
  }

  fail(type: string): void {
    this.#span.setStatus({ code: SpanStatusCode.ERROR });
    this.#span.setAttribute('error.type', type);
  }

  end(at = performance.now()): void {
    this.#span.end(this.ref.epoch + at);
  }

  headers(): Readonly<Record<string, string>> {
    const carrier: Record<string, string> = {};
    this.#parts.propagator?.inject(this.#context, carrier, defaultTextMapSetter);
    return carrier;
  }
}

function attributesOf(facts: Facts): Attributes {
  const attributes: Attributes = {};
  for (const name in facts) if (facts[name] !== undefined) attributes[name] = facts[name];
  return attributes;
}
