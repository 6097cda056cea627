import t from 'tap';
import type { Problem } from '../src/errors.ts';
import { tracingOf } from '../src/telemetry.ts';

const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' };

const of = (env: Record<string, string>) => {
  const problems: Problem[] = [];
  return { tracing: tracingOf(env, problems), problems: problems.map(({ where }) => where) };
};

const switches: readonly (readonly [env: Record<string, string>, on: boolean])[] = [
  [{}, false],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: '' }, false],
  [{ OTEL_SERVICE_NAME: 'x', OTEL_TRACES_SAMPLER: 'always_on' }, false],
  [ENDPOINT, true],
  [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://collector/v1/traces' }, true],
  [{ OTEL_TRACES_EXPORTER: 'otlp' }, true],
  [{ ...ENDPOINT, OTEL_TRACES_EXPORTER: 'none' }, false],
  [{ ...ENDPOINT, OTEL_SDK_DISABLED: 'TRUE' }, false],
  [{ ...ENDPOINT, OTEL_SDK_DISABLED: 'false' }, true],
  [{ ...ENDPOINT, OTEL_SDK_DISABLED: 'true', OTEL_TRACES_SAMPLER: 'nonsense' }, false],
];
for (const [env, on] of switches)
  t.test(`${JSON.stringify(env)}: ${on ? 'on' : 'off'}`, async (t) => {
    const { tracing, problems } = of(env);
    t.equal(tracing !== undefined, on);
    t.same(problems, []);
  });

const samplers = [
  [{}, { parentBased: true, ratio: 1 }],
  [{ OTEL_TRACES_SAMPLER: 'always_on' }, { parentBased: false, ratio: 1 }],
  [{ OTEL_TRACES_SAMPLER: 'always_off' }, { parentBased: false, ratio: 0 }],
  [
    { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.25' },
    { parentBased: false, ratio: 0.25 },
  ],
  [{ OTEL_TRACES_SAMPLER: 'parentbased_always_on' }, { parentBased: true, ratio: 1 }],
  [{ OTEL_TRACES_SAMPLER: 'parentbased_always_off' }, { parentBased: true, ratio: 0 }],
  [
    { OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' },
    { parentBased: true, ratio: 0 },
  ],
  [{ OTEL_TRACES_SAMPLER: 'parentbased_traceidratio' }, { parentBased: true, ratio: 1 }],
] as const;
for (const [env, sampler] of samplers)
  t.test(`samples by ${JSON.stringify(env)}`, async (t) => {
    t.strictSame(of({ ...ENDPOINT, ...env }).tracing?.sampler, sampler);
  });

const propagators = [
  [{}, true],
  [{ OTEL_PROPAGATORS: 'tracecontext' }, true],
  [{ OTEL_PROPAGATORS: 'baggage' }, false],
  [{ OTEL_PROPAGATORS: 'none' }, false],
] as const;
for (const [env, propagates] of propagators)
  t.test(`${JSON.stringify(env)}: traceparent is ${propagates ? 'ours' : 'the client’s'}`, async (t) => {
    t.equal(of({ ...ENDPOINT, ...env }).tracing?.propagates, propagates);
  });

const wrong: readonly Record<string, string>[] = [
  { OTEL_TRACES_EXPORTER: 'zipkin' },
  { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' },
  { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'ftp://collector' },
  { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
  { OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/json' },
  { OTEL_TRACES_SAMPLER: 'jaeger_remote' },
  { OTEL_TRACES_SAMPLER: '__proto__' },
  { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '5' },
  { OTEL_PROPAGATORS: 'tracecontext,b3' },
  { OTEL_BSP_MAX_QUEUE_SIZE: '0' },
  { OTEL_BSP_SCHEDULE_DELAY: 'soon' },
];
for (const env of wrong)
  t.test(`${JSON.stringify(env)} stops the start, by its name`, async (t) => {
    t.same(of({ ...ENDPOINT, ...env }).problems, [Object.keys(env).at(-1)]);
  });
