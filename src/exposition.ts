import { setImmediate as turn } from 'node:timers/promises';
import type { MetricObject, Registry } from 'prom-client';

/** Milliseconds of writing before the event loop gets its turn. */
const SLICE = 5;
/** Series from which a metric is written here, and not in one go. */
const MANY = 100;

/** What prom-client keeps of one series: a value, or the buckets of a histogram. */
interface Series {
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value?: number;
  readonly sum?: number;
  readonly count?: number;
  readonly bucketValues?: Readonly<Record<string, number>>;
}

/** Its own fields, which its types do not show; a test holds what is written by them against what it writes itself. */
interface Kept {
  readonly name: string;
  readonly help: string;
  readonly collect?: unknown;
  readonly hashMap?: Readonly<Record<string, Series>>;
  readonly upperBounds?: readonly number[];
}

/**
 * The registry as Prometheus text, as prom-client writes it, piece by piece. With a thousand operations that is a hundred
 * thousand lines, which in one go would hold the event loop for half a second.
 */
export async function* exposition(registry: Registry): AsyncGenerator<Buffer> {
  let began = performance.now();
  let text = '';
  for (const [at, metric] of registry.getMetricsAsArray().entries()) {
    if (at > 0) text += '\n';
    for (const piece of many(metric) ?? [`${await registry.getSingleMetricAsString(metric.name)}\n`]) {
      text += piece;
      if (performance.now() - began < SLICE) continue;
      yield Buffer.from(text);
      text = '';
      await turn();
      began = performance.now();
    }
  }
  yield Buffer.from(text);
}

/** The lines of a metric with many series, series by series; `undefined` for one that prom-client writes as well. */
function many(metric: MetricObject): Iterable<string> | undefined {
  const kept = metric as unknown as Kept;
  const series = Object.values(kept.hashMap ?? {});
  const type = series.length < MANY || kept.collect !== undefined ? undefined : typeOf(metric);
  return type === undefined ? undefined : linesOf(kept, type, series);
}

function* linesOf(kept: Kept, type: string, series: readonly Series[]): Generator<string> {
  yield `# HELP ${kept.name} ${escaped(kept.help)}\n# TYPE ${kept.name} ${type}\n`;
  for (const one of series)
    yield type === 'histogram' ? histogramOf(kept, one) : `${kept.name}${inBraces(labelsOf(one))} ${one.value}\n`;
}

/** `undefined` where prom-client keeps it in another way than we know. */
function typeOf(metric: MetricObject): 'histogram' | 'counter' | 'gauge' | undefined {
  const { hashMap = {}, upperBounds } = metric as unknown as Kept;
  const [first] = Object.values(hashMap);
  if (first === undefined || typeof first.labels !== 'object') return undefined;
  const isHistogram = upperBounds !== undefined && typeof first.bucketValues === 'object' && first.sum !== undefined;
  if (isHistogram) return 'histogram';
  if (typeof first.value !== 'number') return undefined;
  return metric.constructor.name === 'Counter' ? 'counter' : 'gauge';
}

const inBraces = (labels: string): string => (labels === '' ? '' : `{${labels}}`);

function histogramOf({ name, upperBounds = [] }: Kept, one: Series): string {
  const labels = labelsOf(one);
  const after = labels === '' ? '' : `,${labels}`;
  let text = '';
  let count = 0;
  for (const bound of upperBounds) {
    count += one.bucketValues?.[bound] ?? 0;
    text += `${name}_bucket{le="${bound}"${after}} ${count}\n`;
  }
  const braces = inBraces(labels);
  return `${text}${name}_bucket{le="+Inf"${after}} ${one.count}\n${name}_sum${braces} ${one.sum}\n${name}_count${braces} ${one.count}\n`;
}

const labelsOf = ({ labels }: Series): string => {
  let text = '';
  for (const name in labels) text += `${text === '' ? '' : ','}${name}="${escapedLabel(String(labels[name]))}"`;
  return text;
};

const escaped = (text: string): string => text.replace(/\\/g, '\\\\').replace(/\n/g, '\\n');
const escapedLabel = (text: string): string => (/[\\\n"]/.test(text) ? escaped(text).replace(/"/g, '\\"') : text);
