import { setTimeout as sleep } from 'node:timers/promises';
import type { Bed, Target, TargetName } from './bed.ts';
import type { Fault } from './faults.ts';
import { controlledBy, type Fared, fared, othersThan, recovery } from './judge.ts';
import { CANARY, type Load } from './load.ts';
import { FLAGS_AGE, learn, matches, type Ordinary, type Scrape, scrape, tell } from './seen.ts';

/** Milliseconds of one fault. */
export interface Times {
  readonly quiet: number;
  readonly lasts: number;
  /** Of what a client waits for. */
  readonly deadline: number;
  /** How long a recovery is waited for. */
  readonly patience: number;
}

/** What came of one fault. */
export interface Ran {
  readonly target: TargetName;
  readonly fault: Pick<Fault, 'name' | 'what'>;
  /** Milliseconds. */
  readonly deadline: number;
  /** Clients of lanes that the target answers, and all others: before, and from its beginning on. */
  readonly quiet: { readonly own: Fared; readonly others: Fared };
  readonly own: Fared;
  readonly after: Fared;
  readonly others: Fared;
  /** A plain server beside the façade, at the same time. */
  readonly canary: Fared;
  /** Milliseconds after its end until the target's clients were answered as before. */
  readonly clients: number;
  /** Likewise until it was compared, written or read as before; `undefined`: not within the patience. */
  readonly behind: number | undefined;
  /** What the metrics said. */
  readonly seen: readonly string[];
  /** How the façade ended, if it did. */
  readonly died: string | undefined;
}

/** Lets a fault happen to a target under load, and waits until all is as before. */
export async function run(
  bed: Pick<Bed, 'facade' | 'written'>,
  load: Load,
  ordinary: Ordinary,
  fault: Fault,
  target: Target,
  { quiet, lasts, deadline, patience }: Times,
): Promise<Ran> {
  const { adminUrl, child } = bed.facade;
  const [own, others] = [controlledBy(target.name), othersThan(target.name)];
  const calm = performance.now();
  const first = await scrape(adminUrl);
  await sleep(quiet);
  const scrapes = [await scrape(adminUrl)];
  learn(ordinary, first, scrapes[0] as Scrape);

  const began = performance.now();
  const usual = { own: fared(load.replies, own, calm, began), others: fared(load.replies, others, calm, began) };
  const well = { slow: deadline / 2, quiet: usual.own };
  await fault.begin(target);
  const watching = watch(adminUrl, scrapes, began + lasts);
  await sleep(lasts);
  await watching;
  await fault.end(target);
  const ended = performance.now();

  const asBefore = wellAgain(bed, target.name, Date.now());
  let behind: number | undefined;
  for (;;) {
    behind ??= (await asBefore()) ? performance.now() - ended : undefined;
    const now = performance.now();
    // Those who were asked last have not all been answered yet.
    const settled = now - ended - recovery(load.replies, own, ended, well) > SETTLED && load.open() < MANY;
    if ((behind !== undefined && settled && now - ended > SETTLED) || now - ended > patience) break;
    await sleep(200);
  }
  scrapes.push(await scrape(adminUrl));
  const over = performance.now();
  return Object.freeze<Ran>({
    ...{ target: target.name, fault, deadline, behind },
    quiet: usual,
    own: fared(load.replies, own, began, ended),
    after: fared(load.replies, own, ended, over),
    others: fared(load.replies, others, began, over),
    canary: fared(load.replies, [CANARY], began, over),
    clients: recovery(load.replies, own, ended, well),
    seen: tell(ordinary, scrapes),
    died: child.exitCode === null && child.signalCode === null ? undefined : String(child.exitCode ?? child.signalCode),
  });
}

/** For so long all must have been well; so many requests are under way at most when it is. */
const SETTLED = 1_500;
const MANY = 10;

async function watch(adminUrl: string, scrapes: Scrape[], until: number): Promise<void> {
  while (performance.now() < until) {
    await sleep(800);
    scrapes.push(await scrape(adminUrl));
  }
}

/** Whether the target serves again what is not a client's: comparisons, results, flags. `since` by the clock. */
function wellAgain({ facade, written }: Pick<Bed, 'facade' | 'written'>, name: TargetName, since: number) {
  let before: ReadonlyMap<string, number> | undefined;
  return async (): Promise<boolean> => {
    if (name === 'results') return (await written().catch(() => 0)) > since;
    const now = await scrape(facade.adminUrl);
    if (name === 'unleash') return now.at - (now.gauges.get(FLAGS_AGE) ?? Number.POSITIVE_INFINITY) * 1_000 > since;
    const pairs = [...matches(now)].filter(([pair]) => pair.split('-').includes(name));
    before ??= new Map(pairs);
    return pairs.length > 0 && pairs.every(([pair, n]) => n > (before?.get(pair) ?? 0));
  };
}
