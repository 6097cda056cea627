import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { idOf, LANES, type Lane, TENANT } from './lanes.ts';

/** What came of one request. */
export interface Reply {
  readonly lane: Lane;
  /** When it was due, by `performance.now()`. */
  readonly due: number;
  /** Milliseconds from its sending to the end of its reply. */
  readonly took: number;
  /** 0: the connection ended before the reply did. */
  readonly status: number;
  /** Whether the bytes are those that this lane gave the first time; always true of what is no 200. */
  readonly right: boolean;
}

export interface Load {
  /** Of all requests that are through, in the order in which they came to an end. */
  readonly replies: readonly Reply[];
  /** Requests that have no whole reply yet. */
  readonly open: () => number;
  readonly stop: () => Promise<void>;
}

/** A plain server beside the façade, asked like a lane: what it takes is the mood of the machine. */
export const CANARY: Lane = Object.freeze({ name: 'canary', stage: 'legacy', control: 'legacy', candidates: [] });
const ALL: readonly Lane[] = [...LANES, CANARY];

/**
 * Asks every lane, and the canary, so many times a second, at a constant rate: nobody waits for another's reply. Who sends is
 * late at times on a busy machine; that is nobody's fault, and not counted.
 */
export function startLoad(url: string, canary: string, perSecond: number): Load {
  const agents = new Map(ALL.map((lane) => [lane, new Agent({ keepAlive: true })]));
  const replies: Reply[] = [];
  const first = new Map<string, string>();
  const under = new Set<Promise<void>>();
  const began = performance.now();
  let stopped = false;

  const ask = async (lane: Lane, n: number, due: number): Promise<void> => {
    const path = `/${lane.name}/${idOf(n)}`;
    const sent = performance.now();
    const { status, text } = await get(agents.get(lane) as Agent, (lane === CANARY ? canary : url) + path);
    const known = first.get(path) ?? text;
    if (status === 200) first.set(path, known);
    replies.push({ lane, due, took: performance.now() - sent, status, right: status !== 200 || text === known });
  };
  const run = async (): Promise<void> => {
    const step = 1_000 / perSecond / ALL.length;
    for (let n = 0; !stopped; n += 1) {
      const due = began + n * step;
      const early = due - performance.now();
      if (early > 1) await sleep(early);
      const asking = ask(ALL[n % ALL.length] as Lane, Math.floor(n / ALL.length), due);
      under.add(asking);
      void asking.finally(() => under.delete(asking));
    }
  };
  const running = run();
  return {
    replies,
    open: () => under.size,
    async stop() {
      stopped = true;
      await running;
      await Promise.all(under);
      for (const agent of agents.values()) agent.destroy();
    },
  };
}

function get(agent: Agent, url: string): Promise<{ readonly status: number; readonly text: string }> {
  return new Promise((done) => {
    const failed = () => done({ status: 0, text: '' });
    const message = request(url, { agent, headers: { 'x-tenant-id': TENANT } }, (reply) => {
      let text = '';
      reply.setEncoding('utf8');
      reply.on('data', (chunk) => {
        text += chunk;
      });
      reply.on('error', failed);
      reply.on('end', () => done({ status: reply.statusCode ?? 0, text }));
    });
    message.on('error', failed);
    message.end();
  });
}
