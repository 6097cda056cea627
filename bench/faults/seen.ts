/** What `/metrics` says at one time: what a counter or a histogram has counted so far, what a gauge shows. */
export interface Scrape {
  readonly at: number;
  readonly counters: ReadonlyMap<string, number>;
  readonly gauges: ReadonlyMap<string, number>;
  /** Of each histogram, in seconds. */
  readonly sums: ReadonlyMap<string, { readonly count: number; readonly sum: number }>;
  /** `/readyz` says yes. */
  readonly ready: boolean;
}

/** What tells one series of a metric from another here; all others are added up. */
const TELLING = ['origin', 'role', 'state', 'kind', 'pair', 'outcome', 'reason', 'source', 'http_response_status_code'];
const TIME = /_timestamp_seconds$/;
/** How old the flags in force are, in seconds, as a gauge. */
export const FLAGS_AGE = 'age of crossfade_flags_last_update, s';
/** Gauges whose value says nothing by its size. */
const SWITCHES = /breaker_open|origin_down|kill_active|flags_source/;
/** As much as what they belong to, which is told. */
const BYTES = /_bytes$/;
const NAMES = /build_info|flags_revision/;

export async function scrape(adminUrl: string): Promise<Scrape> {
  const [text, ready] = await Promise.all([
    fetch(`${adminUrl}/metrics`).then((reply) => reply.text()),
    fetch(`${adminUrl}/readyz`).then((reply) => reply.body?.cancel().then(() => reply.ok) ?? reply.ok),
  ]);
  return parse(text, ready);
}

export function parse(text: string, ready = true, at = Date.now()): Scrape {
  const counters = new Map<string, number>();
  const gauges = new Map<string, number>();
  const sums = new Map<string, { count: number; sum: number }>();
  const types = new Map<string, string>();
  for (const line of text.split('\n')) {
    const type = /^# TYPE (\S+) (\w+)/.exec(line);
    if (type !== null) types.set(type[1] as string, type[2] as string);
    const sample = /^((?:crossfade|http)_\w+?)(_count|_sum|_bucket)?(?:\{(.*)\})? (\S+)$/.exec(line);
    if (sample === null || sample[2] === '_bucket') continue;
    const [, name = '', part, labels = '', value] = sample;
    const key = keyOf(name, labels);
    const n = Number(value);
    if (types.get(name) === 'counter') counters.set(key, (counters.get(key) ?? 0) + n);
    else if (types.get(name) === 'gauge' && !NAMES.test(name)) gauges.set(key, (gauges.get(key) ?? 0) + n);
    else if (part !== undefined) {
      const kept = sums.get(key) ?? { count: 0, sum: 0 };
      sums.set(key, part === '_count' ? { ...kept, count: kept.count + n } : { ...kept, sum: kept.sum + n });
    }
  }
  for (const [key, time] of [...gauges].filter(([key]) => TIME.test(key))) {
    gauges.delete(key);
    if (time > 0) gauges.set(`age of ${key.replace(TIME, '')}, s`, at / 1000 - time);
  }
  return { at, counters, gauges, sums, ready };
}

function keyOf(name: string, labels: string): string {
  const told = [...labels.matchAll(/(\w+)="([^"]*)"/g)].filter(
    ([, label, value]) => TELLING.includes(label as string) && value !== '',
  );
  return told.length === 0 ? name : `${name}{${told.map(([, , value]) => value).join(' ')}}`;
}

/** What quiet times looked like, so that what is out of the ordinary can be told. */
export interface Ordinary {
  readonly counters: Map<string, number>;
  readonly gauges: Map<string, number>;
  readonly means: Map<string, number>;
}

export const nothingYet = (): Ordinary => ({ counters: new Map(), gauges: new Map(), means: new Map() });

/** Adds a quiet time between two scrapes. */
export function learn(ordinary: Ordinary, before: Scrape, after: Scrape): void {
  const most = (all: Map<string, number>, key: string, value: number) =>
    void all.set(key, Math.max(all.get(key) ?? 0, value));
  for (const [key, value] of after.counters) most(ordinary.counters, key, value - (before.counters.get(key) ?? 0));
  for (const [key, value] of after.gauges) most(ordinary.gauges, key, value);
  for (const [key, mean] of means(before, after)) most(ordinary.means, key, mean);
}

function* means(before: Scrape, after: Scrape): Generator<readonly [string, number, number]> {
  for (const [key, { count, sum }] of after.sums) {
    const was = before.sums.get(key) ?? { count: 0, sum: 0 };
    if (count > was.count) yield [key, (sum - was.sum) / (count - was.count), count - was.count];
  }
}

/**
 * What an operator could have seen of a time between two scrapes, with some in between: counters that rose and never do,
 * gauges and mean times far beyond what is usual, and `/readyz`. Names without their prefix.
 */
export function tell(ordinary: Ordinary, scrapes: readonly Scrape[]): readonly string[] {
  const [before, after] = [scrapes[0], scrapes.at(-1)];
  if (before === undefined || after === undefined) return [];
  const said: string[] = [];
  const risen = new Map<string, number>();
  for (const [key, value] of after.counters) {
    const by = value - (before.counters.get(key) ?? 0);
    const name = short(key).replace(/\b\w+-\w+ /, '');
    if (by > 0 && (ordinary.counters.get(key) ?? 0) === 0) risen.set(name, (risen.get(name) ?? 0) + by);
  }
  for (const [name, by] of risen) said.push(`${name} +${by}`);
  for (const [key] of after.gauges) {
    if (BYTES.test(key)) continue;
    const most = Math.max(...scrapes.slice(1).map(({ gauges }) => gauges.get(key) ?? 0));
    const usual = ordinary.gauges.get(key) ?? 0;
    if (most > usual * 2 && most - usual > (SWITCHES.test(key) ? 0 : 3)) said.push(`${short(key)} ${Math.round(most)}`);
  }
  for (const [key, mean, count] of means(before, after)) {
    const usual = ordinary.means.get(key);
    if (usual === undefined && /\d{3}/.test(key)) said.push(`${short(key)} +${count}`);
    else if (mean > 3 * (usual ?? 0) && mean > (usual ?? 0) + 0.05)
      said.push(`${short(key)} ${(mean * 1000).toFixed(0)} ms on average`);
  }
  if (scrapes.slice(1).some(({ ready }) => !ready)) said.push('/readyz 503');
  return said;
}

const short = (key: string): string => key.replace(/\bcrossfade_|\bhttp_/, '').replace(/_(total|seconds)\b/, '');

/** Comparisons that agreed, by pair. */
export const matches = ({ counters }: Scrape): ReadonlyMap<string, number> =>
  new Map(
    [...counters].flatMap(([key, value]) => {
      const pair = /^crossfade_comparisons_total\{(\S+) match\}$/.exec(key)?.[1];
      return pair === undefined ? [] : [[pair, value]];
    }),
  );
