import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { idOf, LANES, type Lane, TENANT } from './lanes.ts';

/** What came of one request. */
export interface Reply {
  readonly lane: Lane;
  /** When it was due, by `performance.now()`. */
  readonly due: number;
  /** Milliseconds from when it was due to the end of its reply. */
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

/** Asks every lane so many times a second, at a constant rate: a late reply holds up no other request, and counts as late. */
export function startLoad(url: string, perSecond: number): Load {
  const agents = new Map(LANES.map((lane) => [lane, new Agent({ keepAlive: true })]));
  const replies: Reply[] = [];
  const first = new Map<string, string>();
  const under = new Set<Promise<void>>();
  const began = performance.now();
  let stopped = false;

  const ask = async (lane: Lane, n: number, due: number): Promise<void> => {
    const path = `/${lane.name}/${idOf(n)}`;
    const { status, text } = await get(agents.get(lane) as Agent, url + path);
    const known = first.get(path) ?? text;
    if (status === 200) first.set(path, known);
    replies.push({ lane, due, took: performance.now() - due, status, right: status !== 200 || text === known });
  };
  const run = async (): Promise<void> => {
    const step = 1_000 / perSecond / LANES.length;
    for (let n = 0; !stopped; n += 1) {
      const due = began + n * step;
      const early = due - performance.now();
      if (early > 1) await sleep(early);
      const asking = ask(LANES[n % LANES.length] as Lane, Math.floor(n / LANES.length), due);
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
