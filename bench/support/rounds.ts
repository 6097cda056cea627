import { median, type Row } from './measure.ts';
import { cpuOf, type Load, type Server } from './processes.ts';

export interface Subject {
  readonly name: string;
  /** Starts it; its parts end with `stop`. */
  readonly start: () => Promise<Server>;
}

export interface Route {
  readonly name: string;
  readonly path: string;
}

export interface Timing {
  /** How often each subject is started anew: two processes of one program may differ by a fifth. */
  readonly launches: number;
  readonly slices: number;
  /** Milliseconds; V8 compiles on threads of its own for the first 20,000 requests, and one second gave differences of a quarter. */
  readonly warmUp: number;
  readonly slice: number;
}

/** Of one subject on one route, by launch and slice. */
export interface Cost {
  /** Microseconds of CPU time per request. */
  readonly cpu: number[][];
  /** Requests a second. */
  readonly rate: number[][];
}

const ROUNDS = process.env.BENCH_ROUNDS;

/** `BENCH_ROUNDS` says how many launches; the rest is fixed, so that figures of two days mean the same. */
export const TIMING: Timing = {
  launches: ROUNDS === undefined ? 5 : Number(ROUNDS),
  // Many and short: what is next to each other has the same neighbours on the machine.
  ...{ slices: 12, warmUp: 10_000, slice: 250 },
};

/**
 * Starts all subjects side by side, checks that they answer each route alike, and loads them in turn, each first in turn.
 * Costs by route and subject.
 */
export async function measured(
  subjects: readonly Subject[],
  routes: readonly Route[],
  load: Load,
  { launches, slices, warmUp, slice }: Timing = TIMING,
): Promise<readonly (readonly Cost[])[]> {
  const costs = routes.map(() => subjects.map((): Cost => ({ cpu: [], rate: [] })));
  for (let launch = 0; launch < launches; launch += 1) {
    const servers: Server[] = [];
    try {
      for (const { start } of subjects) servers.push(await start());
      for (const [at, route] of routes.entries()) {
        const length = await agreed(servers, subjects, route.path);
        const one = async (server: Server, milliseconds: number) => {
          const before = await cpuOf(server.pid);
          const { replies, took } = await load.run({ url: server.url, path: route.path, milliseconds, length });
          return { cpu: ((await cpuOf(server.pid)) - before) / replies, rate: (replies / took) * 1_000 };
        };
        for (const server of servers) await one(server, warmUp);
        for (const cost of costs[at] ?? []) {
          cost.cpu.push([]);
          cost.rate.push([]);
        }
        for (let n = 0; n < slices; n += 1)
          for (let k = 0; k < servers.length; k += 1) {
            const who = (n + launch + k) % servers.length;
            const { cpu, rate } = await one(servers[who] as Server, slice);
            costs[at]?.[who]?.cpu[launch]?.push(cpu);
            costs[at]?.[who]?.rate[launch]?.push(rate);
          }
      }
    } finally {
      await Promise.all(servers.map((server) => server.stop()));
    }
  }
  return costs;
}

/** The length of the body that all give, byte for byte. Throws where one gives another. */
async function agreed(servers: readonly Server[], subjects: readonly Subject[], path: string): Promise<number> {
  const replies = await Promise.all(
    servers.map(async ({ url }) => {
      const reply = await fetch(url + path, { headers: { 'x-tenant-id': 'acme' } });
      return { status: reply.status, body: await reply.text() };
    }),
  );
  const [first] = replies;
  for (const [at, { status, body }] of replies.entries())
    if (status !== 200 || body !== first?.body)
      throw new Error(
        `${path}: ${subjects[at]?.name} answers ${status} ${body.slice(0, 500)}\nand ${subjects[0]?.name} ${first?.status} ${first?.body.slice(0, 500)}`,
      );
  return Buffer.byteLength(first?.body ?? '');
}

/**
 * How many times as many requests per CPU second as `base`, slice by slice: of each launch the median, and of these the
 * median with the least and the greatest.
 */
export function times(own: Cost, base: Cost): string {
  const ratios = own.cpu.map((slices, launch) =>
    median(slices.map((cpu, slice) => (base.cpu[launch]?.[slice] as number) / cpu)),
  );
  const text = (ratio: number) => ratio.toFixed(2);
  return `${text(median(ratios))} (${text(Math.min(...ratios))} to ${text(Math.max(...ratios))})`;
}

/** One row a route and subject, against the subjects that `bases` names. */
export function tableOf(
  costs: readonly (readonly Cost[])[],
  subjects: readonly Subject[],
  routes: readonly Route[],
  bases: readonly string[],
): Row[] {
  return routes.flatMap(({ name: route }, at) =>
    subjects.map(({ name }, who) => {
      const own = costs[at]?.[who] as Cost;
      const against = bases.map((base) => [
        `requests per CPU second, times ${base}`,
        times(own, costs[at]?.[subjects.findIndex((one) => one.name === base)] as Cost),
      ]);
      return {
        request: route,
        server: name,
        'CPU per request': `${median(own.cpu.flat()).toFixed(1)} µs`,
        'requests a second': median(own.rate.flat()).toFixed(0),
        ...Object.fromEntries(against),
      };
    }),
  );
}
