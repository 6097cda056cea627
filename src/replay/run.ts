import { StoreError, UsageError } from '../errors.ts';
import type { Observation } from '../model/answer.ts';
import type { OriginName, StoreName } from '../model/stage.ts';
import { hash48 } from '../results/distinct.ts';
import type { Offer } from '../shadow/offer.ts';
import { type DressOptions, dressed, dressedFor } from './dress.ts';
import type { Holding } from './holding.ts';
import type { Sent } from './legacy.ts';
import type { Pace } from './pace.ts';
import { collect, followed, nextToken } from './pages.ts';
import type { Recorded } from './recorded.ts';
import type { Source } from './source.ts';
import type { Subject, Subjects } from './subject.ts';
import type { Tally } from './tally.ts';

export interface JobOptions {
  readonly source: Source;
  readonly subjects: Subjects;
  readonly dress: DressOptions;
  /** Who is asked, control first; `undefined`: all that the operation has. */
  readonly origins: readonly OriginName[] | undefined;
  readonly operations: ReadonlySet<string> | undefined;
  readonly tenants: ReadonlySet<string> | undefined;
  readonly limit: number;
  /** A line that is no request ends the replay. */
  readonly strict: boolean;
  readonly tally: Tally;
  readonly signal: AbortSignal;
}

export interface ReplayOptions extends JobOptions {
  readonly holding: Holding;
  readonly pace: Pace;
  readonly concurrency: number;
  readonly maxPages: number;
  /** The store that alone can go on from one of our cursors, where that is so. */
  readonly heldBy: (token: string) => StoreName | undefined;
  /** Each request that is replayed. */
  readonly onJob: (job: Job) => void;
}

/** A recorded request that is to be replayed. */
export interface Job {
  readonly subject: Subject;
  readonly origins: readonly OriginName[];
}

/** Bytes of one origin's whole list; beyond it the list is not compared. */
const MAX_LIST = 8 * 1024 * 1024;

/**
 * What there is to replay, decided line by line: nothing is asked here. What cannot be replayed is counted with its
 * reason. Throws a UsageError for a line that is no request where `strict`.
 */
export async function* jobsOf(options: JobOptions): AsyncGenerator<Job> {
  const { source, subjects, dress, operations, tenants, limit, strict, tally, signal } = options;
  let taken = 0;
  for await (const entry of source.entries) {
    if (signal.aborted) return;
    if ('complaint' in entry) {
      const { line, message } = entry.complaint;
      if (strict) throw new UsageError(`${source.place(line)}: ${message}`);
      tally.complaint(source.place(line), message);
      continue;
    }
    for (const sent of dressed(entry.recorded, dress)) {
      const job = await jobOf(entry.recorded, sent);
      if (job === undefined) continue;
      tally.take(job.subject.operation.id, job.subject.tenant);
      yield job;
      taken += 1;
      if (taken >= limit) return;
    }
  }

  async function jobOf({ line }: Recorded, sent: Sent): Promise<Job | undefined> {
    const skip = (reason: string) => void tally.skip(reason, source.place(line));
    const subject = await subjects(sent);
    if (typeof subject === 'string') return skip(subject);
    if (operations?.has(subject.operation.id) === false) return skip('another operation');
    if (tenants?.has(subject.tenant) === false) return skip('another tenant');
    const own = dressedFor(sent, subject.tenant, dress);
    const dressedSubject = own === sent ? subject : await subjects(own);
    if (typeof dressedSubject === 'string') return skip(dressedSubject);
    const has = new Set(dressedSubject.origins);
    const origins = options.origins?.filter((one) => has.has(one)) ?? dressedSubject.origins;
    if (origins.length < 2) return skip('one origin');
    // Two stores behind one façade refuse with one voice.
    if (dressedSubject.refused && !origins.includes('legacy')) return skip('refused');
    return { subject: dressedSubject, origins };
  }
}

/** Replays everything, and resolves when it is asked and compared; mismatches may still be looked at again. */
export async function replay(options: ReplayOptions): Promise<void> {
  const { holding, pace, concurrency, tally, onJob } = options;
  const jobs = jobsOf(options);
  const work = async (): Promise<void> => {
    for await (const job of { [Symbol.asyncIterator]: () => ({ next: () => jobs.next() }) }) {
      onJob(job);
      if (!(await holding.room()) || !(await pace.turn())) return;
      await one(options, job);
      tally.done();
    }
  };
  const workers = await Promise.allSettled(Array.from({ length: concurrency }, work));
  const failed = workers.find((one) => one.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

type Seen = ReadonlyMap<OriginName, Observation>;

async function one(options: ReplayOptions, { subject, origins }: Job): Promise<void> {
  const seen = await compareAt(options, subject, origins, idOf(subject));
  if (subject.operation.page?.issues !== true || subject.refused || subject.sent.method === 'HEAD') return;
  if (origins.includes('legacy')) await walkLists(options, subject, origins, seen);
  else await walkPages(options, subject, origins, seen);
}

const idOf = ({ sent }: Subject): string => String(sent.headers['x-request-id']);

/** Asks the first origin, and by the comparison the others; gives what each said first. */
async function compareAt(
  { holding }: ReplayOptions,
  subject: Subject,
  [control, ...candidates]: readonly OriginName[],
  requestId: string,
  change: (offer: Offer) => Offer = (offer) => offer,
): Promise<Seen> {
  const seen = new Map<OriginName, Observation>();
  const answered = await subject.ask(control as OriginName);
  holding.report(answered);
  seen.set(answered.origin, answered);
  const again: Offer['again'] = async (origin, consistent) => {
    const observed = await subject.ask(origin, consistent);
    if (!seen.has(origin)) seen.set(origin, observed);
    return observed;
  };
  await holding.hold(change({ ...subject.offer(answered, candidates, requestId), again }));
  return seen;
}

/**
 * Two stores, walked with one cursor that both understand, page by page, as a client walks them: so each page begins at the
 * same place, and what one lacks does not shift all that follows.
 */
async function walkPages(
  options: ReplayOptions,
  first: Subject,
  origins: readonly OriginName[],
  firstSeen: Seen,
): Promise<void> {
  const { subjects, pace, tally, heldBy, maxPages, holding } = options;
  const known = new Set<string>();
  let [subject, seen] = [first, firstSeen];
  for (let page = 2; ; page += 1) {
    const token = tokenOf(subject, origins, seen);
    if (token === undefined) return;
    const id = `${idOf(first)}.${page}`;
    const sent = followed(subject, token);
    const next = sent === undefined ? undefined : await subjects(sent, 'page');
    if (next === undefined || typeof next === 'string') return tally.skip('no cursor parameter', id);
    const control = seen.get(origins[0] as OriginName) as Observation;
    const base = next.offer(control, origins.slice(1), id);
    const says = base.plan.token?.says(token) ?? token;
    const unfit = heldBy(token) !== undefined ? 'cursor' : page > maxPages ? 'max_pages' : undefined;
    if (unfit !== undefined) return await holding.hold({ ...base, unfit });
    if (known.has(says)) return await holding.hold(looping(base, next));
    known.add(says);
    if (!(await holding.room()) || !(await pace.turn())) return;
    tally.page();
    [subject, seen] = [next, await compareAt(options, next, origins, id)];
  }
}

const failing = (origin: OriginName, message: string): Observation =>
  Object.freeze({ origin, ok: false, error: new StoreError(origin, 'undecodable', message), duration: 0 });

/** A page that leads to where the walk has been: what the control has to say is no answer. */
function looping(offer: Offer, subject: Subject): Offer {
  const { origin } = offer.control;
  const control = failing(origin, 'its token has come before: the pages go round in a loop');
  const again: Offer['again'] = async (one, consistent) =>
    one === origin ? control : await subject.ask(one, consistent);
  const { plain: _, ...rest } = offer;
  return { ...rest, control, again };
}

/** The control's, or that of one that goes on where the control has ended. */
function tokenOf({ operation }: Subject, origins: readonly OriginName[], seen: Seen): string | undefined {
  for (const origin of origins) {
    const observed = seen.get(origin);
    const token = observed?.ok === true ? tokenIn(operation, observed) : undefined;
    if (token !== undefined) return token;
  }
  return undefined;
}

/** What is no JSON leads nowhere; the comparison has said so. */
function tokenIn(operation: Subject['operation'], observed: Observation & { readonly ok: true }): string | undefined {
  try {
    return nextToken(operation, observed.answer);
  } catch {
    return undefined;
  }
}

/**
 * With legacy, whose tokens nobody else understands and whose pages may be cut elsewhere: each origin is walked to its end by
 * its own tokens, and the whole lists are held together, once.
 */
async function walkLists(
  options: ReplayOptions,
  subject: Subject,
  origins: readonly OriginName[],
  seen: Seen,
): Promise<void> {
  const { subjects, pace, tally, maxPages, holding } = options;
  const token = tokenOf(subject, origins, seen);
  if (token === undefined) return;
  const id = `${idOf(subject)}.all`;
  if (followed(subject, token) === undefined) return tally.skip('no cursor parameter', id);
  const pageOf = (origin: OriginName, consistent: boolean) => async (token: string) => {
    if (!(await pace.turn())) return undefined;
    tally.page();
    const sent = followed(subject, token);
    const next = sent === undefined ? 'no cursor parameter' : await subjects(sent, 'page');
    if (typeof next === 'string') return failing(origin, `its token cannot be asked with: ${next}`);
    const observed = await next.ask(origin, consistent);
    holding.report(observed);
    return observed;
  };
  const whole = (origin: OriginName, first: Observation, consistent: boolean) =>
    collect({ subject, origin, first, page: pageOf(origin, consistent), maxPages, maxBytes: MAX_LIST });
  const lists = await Promise.all(origins.map((origin) => whole(origin, seen.get(origin) as Observation, false)));
  const cut = lists.find((list) => list.cut !== undefined)?.cut;
  if (cut === 'shutdown') return;
  const [control, ...candidates] = lists.map(({ observation }) => observation) as [Observation, ...Observation[]];
  const collected = new Map(candidates.map((one) => [one.origin, one]));
  const offer = subject.offer(control, origins.slice(1), id);
  const { list } = offer.plan;
  await holding.hold({
    ...offer,
    unfit: cut,
    plan: {
      ...offer.plan,
      list: list === undefined ? undefined : { ...list, limit: undefined },
      token: undefined,
      maxBytes: MAX_LIST * 2,
    },
    hash: () => hash48([subject.operation.id, subject.tenant, 'all', String(offer.hash())]),
    strata: (one, other) => offer.strata(one, other).map((name) => (name === 'page:1' ? 'page:2' : name)),
    again: async (origin, consistent) => {
      const once = collected.get(origin);
      collected.delete(origin);
      if (once !== undefined && !consistent) return once;
      return (await whole(origin, await subject.ask(origin, consistent), consistent)).observation;
    },
  });
}
