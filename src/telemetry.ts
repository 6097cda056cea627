import type { Problem } from './errors.ts';

/** How requests without a trace of their own are chosen, and whether the choice of those that have one is kept. */
export interface SamplerConfig {
  readonly parentBased: boolean;
  /** Share of requests, 0 to 1. */
  readonly ratio: number;
}

/** What the standard variables say of traces; the exporter reads its own (endpoint, headers, timeout) itself. */
export interface TracingConfig {
  readonly sampler: SamplerConfig;
  /** Whether `traceparent` is taken over and passed on. */
  readonly propagates: boolean;
  /** Spans that wait at most, those that are being sent included. */
  readonly maxQueue: number;
  /** Spans that are sent at a time. */
  readonly maxBatch: number;
  /** Milliseconds between two times that spans are sent. */
  readonly delay: number;
}

const SWITCHES = ['OTEL_TRACES_EXPORTER', 'OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] as const;

/** By name: whether it goes by the parent, and its share; `undefined`: the share that OTEL_TRACES_SAMPLER_ARG says. */
const SAMPLERS: Readonly<Record<string, readonly [parentBased: boolean, ratio: number | undefined]>> = Object.freeze({
  always_on: [false, 1],
  always_off: [false, 0],
  traceidratio: [false, undefined],
  parentbased_always_on: [true, 1],
  parentbased_always_off: [true, 0],
  parentbased_traceidratio: [true, undefined],
});

const PROPAGATORS = ['tracecontext', 'baggage', 'none'];

/**
 * The standard OTEL_* variables → how traces are made; `undefined` where none of them switches traces on. A value that
 * cannot be followed adds a problem.
 */
export function tracingOf(env: NodeJS.ProcessEnv, problems: Problem[]): TracingConfig | undefined {
  const said = (name: string): string | undefined => env[name]?.trim() || undefined;
  const exporter = said('OTEL_TRACES_EXPORTER');
  const off = said('OTEL_SDK_DISABLED')?.toLowerCase() === 'true' || exporter === 'none';
  if (off || SWITCHES.every((name) => said(name) === undefined)) return undefined;
  const wrong = (where: string, message: string): void => void problems.push({ where, message });
  if (exporter !== undefined && exporter !== 'otlp') wrong('OTEL_TRACES_EXPORTER', 'must be otlp or none');
  checkEndpoint(said, wrong);
  const number = (name: string, fallback: number): number => {
    const value = Number(said(name) ?? fallback);
    if (!Number.isInteger(value) || value < 1) wrong(name, 'must be a whole number from 1 on');
    return value;
  };
  const maxQueue = number('OTEL_BSP_MAX_QUEUE_SIZE', 2_048);
  return Object.freeze({
    sampler: samplerOf(said, wrong),
    propagates: propagatesOf(said, wrong),
    maxQueue,
    maxBatch: Math.min(number('OTEL_BSP_MAX_EXPORT_BATCH_SIZE', 512), maxQueue),
    delay: number('OTEL_BSP_SCHEDULE_DELAY', 5_000),
  });
}

type Said = (name: string) => string | undefined;
type Wrong = (where: string, message: string) => void;

function checkEndpoint(said: Said, wrong: Wrong): void {
  for (const name of ['OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT']) {
    const url = said(name);
    if (url !== undefined && !(URL.canParse(url) && /^https?:\/\//.test(url)))
      wrong(name, 'must be a URL that begins with http:// or https://');
  }
  const own = said('OTEL_EXPORTER_OTLP_TRACES_PROTOCOL');
  const protocol = own ?? said('OTEL_EXPORTER_OTLP_PROTOCOL') ?? 'http/protobuf';
  if (protocol === 'http/protobuf') return;
  wrong(
    own === undefined ? 'OTEL_EXPORTER_OTLP_PROTOCOL' : 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL',
    'must be http/protobuf: set OTEL_EXPORTER_OTLP_TRACES_PROTOCOL to it, and the endpoint to the collector’s port for it (4318)',
  );
}

function samplerOf(said: Said, wrong: Wrong): SamplerConfig {
  const name = said('OTEL_TRACES_SAMPLER') ?? 'parentbased_always_on';
  const sampler = Object.hasOwn(SAMPLERS, name) ? SAMPLERS[name] : undefined;
  if (sampler === undefined) {
    wrong('OTEL_TRACES_SAMPLER', `must be one of ${Object.keys(SAMPLERS).join(', ')}`);
    return { parentBased: true, ratio: 1 };
  }
  const [parentBased, fixed] = sampler;
  const ratio = fixed ?? Number(said('OTEL_TRACES_SAMPLER_ARG') ?? 1);
  if (!(ratio >= 0 && ratio <= 1)) wrong('OTEL_TRACES_SAMPLER_ARG', 'must be a number from 0 to 1');
  return Object.freeze({ parentBased, ratio });
}

function propagatesOf(said: Said, wrong: Wrong): boolean {
  const names = (said('OTEL_PROPAGATORS') ?? 'tracecontext,baggage').split(',').map((name) => name.trim());
  const unknown = names.find((name) => !PROPAGATORS.includes(name));
  if (unknown !== undefined) wrong('OTEL_PROPAGATORS', `must list some of ${PROPAGATORS.join(', ')}`);
  return names.includes('tracecontext') && !names.includes('none');
}
