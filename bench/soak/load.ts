import { setTimeout as sleep } from 'node:timers/promises';
import { Agent } from 'undici';
import type { Seen } from './judge.ts';
import { isPage, type Known, type List } from './known.ts';

/** A list that somebody is in the middle of. */
interface Walk {
  readonly list: List;
  readonly from: number;
  /** A cursor belongs to all other parameters. */
  readonly limit: number;
  readonly cursor: string;
}

const LIMITS = [3, 10, 50];
const MOST_WALKS = 200;
/** Requests under way: whoever has so many open has no more to say about what is slow. */
const MOST_OPEN = 800;

export interface Load {
  /** Asks as fast as `at a time` many can, for so long; gives replies a second. */
  readonly saturate: (lanes: number, milliseconds: number) => Promise<number>;
  /** Asks at a constant rate until `signal`: a late reply holds up no other request. Gives what was not asked, being too much. */
  readonly steady: (perSecond: number, signal: AbortSignal) => Promise<number>;
  readonly close: () => Promise<void>;
}

/** Questions whose answers are known, one after the other to each façade, pages walked to their end. */
export function createLoad(
  urls: readonly string[],
  known: readonly Known[],
  random: () => number,
  onSeen: (seen: Seen) => void,
): Load {
  const agent = new Agent({ connections: 256, bodyTimeout: 30_000, headersTimeout: 30_000 });
  const walks: Walk[] = [];
  let turn = 0;
  const among = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)] as T;

  const get = async (tenant: string, path: string) => {
    turn += 1;
    const url = new URL(urls[turn % urls.length] as string);
    let origin: string | undefined;
    try {
      const reply = await agent.request({
        origin: url.origin,
        path,
        method: 'GET',
        headers: { 'x-tenant-id': tenant },
      });
      origin = /origin;desc=(\w+)/.exec(String(reply.headers['server-timing']))?.[1];
      return { status: reply.statusCode, origin, body: await reply.body.text() };
    } catch (error) {
      return { status: 0, origin, body: String(error) };
    }
  };
  const told = (
    began: number,
    what: string,
    { status, origin, body }: Awaited<ReturnType<typeof get>>,
    right: boolean,
  ) =>
    onSeen({
      began,
      ended: performance.now(),
      status,
      origin,
      right,
      what: `${what}: ${status} ${right ? '' : body.slice(0, 300)}`,
    });

  const page = async (list: List, from: number, limit: number, cursor?: string): Promise<void> => {
    const path = `${list.path}?limit=${limit}${cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`}`;
    const began = performance.now();
    const reply = await get(list.tenant, path);
    const { right, next } = isPage(list, from, limit, reply.body);
    told(began, `${list.tenant} ${path}`, reply, reply.status === 200 && right);
    if (next !== undefined && walks.length < MOST_WALKS) walks.push({ list, from: from + limit, limit, cursor: next });
  };
  const ask = async (): Promise<void> => {
    const walk = random() < 0.3 ? walks.splice(Math.floor(random() * walks.length), 1)[0] : undefined;
    if (walk !== undefined) return await page(walk.list, walk.from, walk.limit, walk.cursor);
    const one = among(known);
    if (one.kind === 'list') return await page(one, 0, among(LIMITS));
    const began = performance.now();
    const reply = await get(one.tenant, one.path);
    told(began, `${one.tenant} ${one.path}`, reply, reply.status === one.status && reply.body === one.body);
  };

  return {
    async saturate(lanes, milliseconds) {
      const until = performance.now() + milliseconds;
      let count = 0;
      const lane = async () => {
        for (; performance.now() < until; count += 1) await ask();
      };
      await Promise.all(Array.from({ length: lanes }, lane));
      return (count * 1_000) / milliseconds;
    },
    async steady(perSecond, signal) {
      const under = new Set<Promise<void>>();
      const began = performance.now();
      let unasked = 0;
      for (let n = 0; !signal.aborted; n += 1) {
        const early = began + (n * 1_000) / perSecond - performance.now();
        if (early > 1) await sleep(early);
        if (under.size >= MOST_OPEN) {
          unasked += 1;
          continue;
        }
        const asking = ask();
        under.add(asking);
        void asking.finally(() => under.delete(asking));
      }
      await Promise.all(under);
      return unasked;
    },
    close: () => agent.destroy(),
  };
}
