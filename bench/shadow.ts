import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startStores } from '../src/demo/stores.ts';
import { median, type Row } from './support/measure.ts';
import { cpuOf as cpuOfProcess } from './support/processes.ts';

const MODES = [
  'off',
  'off again',
  'on',
  'ten times slower',
  'hung',
  'refusing',
  '1 MB of nonsense',
  'results away',
] as const;
type Mode = (typeof MODES)[number];

/** Requests a second, at about half of what the façade can on this machine, and how long each slice lasts. */
const RATE = Number(process.env.BENCH_RATE ?? 150);
const SLICE = 3_000;
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 4);

/**
 * What a client notices of the shadow: constant-rate reads through a façade in a process of its own, its modes interleaved,
 * beside a control (`off` twice). The candidate is MongoDB behind a proxy that is slow, hung, refusing or full of junk.
 */
export async function benchShadow(): Promise<readonly Row[]> {
  const stores = await startStores({ log: () => {} });
  // Two façades: a breaker that the bad modes have opened must not spare the good ones their work.
  const good = await startBed(stores);
  const bad = await startBed(stores);
  try {
    const times = new Map<Mode, number[]>(MODES.map((mode) => [mode, []]));
    const wrong = new Map<Mode, number>(MODES.map((mode) => [mode, 0]));
    for (const bed of [good, bad]) await load(bed.url, 5_000, () => {});
    const costs = new Map<Mode, Spent[]>(MODES.map((mode) => [mode, []]));
    const memory: string[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const mode of MODES) {
        const bed = BAD[mode] === undefined ? good : bad;
        await bed.turn(mode);
        const before = await bed.spent();
        await load(bed.url, SLICE, (milliseconds, status) => {
          times.get(mode)?.push(milliseconds);
          if (status !== 200 && status !== 404) wrong.set(mode, (wrong.get(mode) ?? 0) + 1);
        });
        const after = await bed.spent();
        costs.get(mode)?.push({ main: after.main - before.main, all: after.all - before.all });
      }
      memory.push(`${await good.memory()} and ${await bad.memory()} MB`);
    }
    for (const bed of [good, bad]) await bed.turn('off');
    await new Promise((done) => setTimeout(done, 5_000));
    console.log(`Resident memory after each round: ${memory.join(', ')}.`);
    console.log(`What came of the shadows: ${await good.accounts()}; in the bad modes ${await bad.accounts()}.\n`);
    const off = times.get('off') as number[];
    return MODES.map((mode) => ({
      ...rowOf(mode, times.get(mode) as number[], off, wrong.get(mode) as number),
      ...cpuOf(costs.get(mode) as Spent[], costs.get('off') as Spent[]),
    }));
  } finally {
    await good.stop();
    await bad.stop();
    await stores.stop();
  }
}

/** What the way to MongoDB is like in the modes in which it is not well. */
const BAD: Readonly<Partial<Record<Mode, Proxy['mode']>>> = {
  'ten times slower': 'slow',
  hung: 'hung',
  refusing: 'refused',
  '1 MB of nonsense': 'junk',
};

/** A façade in a process of its own, with its own ways to MongoDB for the candidate and for results. */
async function startBed(stores: Awaited<ReturnType<typeof startStores>>) {
  const folder = await mkdtemp(join(tmpdir(), 'crossfade-bench-'));
  const { hostname, port } = new URL(stores.mongodb.uri);
  const [candidate, results] = [await startProxy(hostname, Number(port)), await startProxy(hostname, Number(port))];
  const ways = [candidate, results].map((proxy) => through(stores.mongodb.uri, proxy.port)) as [string, string];
  const facade = await startFacade(folder, stores.dynamodb.endpoint, ...ways);
  return {
    ...facade,
    turn: async (mode: Mode) => {
      await stage(folder, mode.startsWith('off') ? 'dynamodb' : 'shadow');
      candidate.mode = BAD[mode] ?? 'pass';
      results.mode = mode === 'results away' ? 'refused' : 'pass';
      await new Promise((done) => setTimeout(done, 600));
    },
    stop: async () => {
      await facade.stop();
      candidate.stop();
      results.stop();
      await rm(folder, { recursive: true });
    },
  };
}

function rowOf(mode: string, times: readonly number[], off: readonly number[], bad: number): Row {
  const at = (all: readonly number[], share: number) =>
    all.toSorted((a, b) => a - b)[Math.floor((all.length - 1) * share)] as number;
  const cell = (share: number) =>
    `${at(times, share).toFixed(2)} ms (${(at(times, share) / at(off, share)).toFixed(2)}×)`;
  return {
    mode,
    replies: String(times.length),
    'neither 200 nor 404': String(bad),
    p50: cell(0.5),
    p90: cell(0.9),
    p99: cell(0.99),
  };
}

/** CPU time of the façade, in microseconds: of the thread that serves, and of all threads. */
interface Spent {
  readonly main: number;
  readonly all: number;
}

/** By round, per request, and how many times as much as with the shadow off in the same round. */
function cpuOf(costs: readonly Spent[], off: readonly Spent[]): Row {
  const requests = (RATE * SLICE) / 1_000;
  const cell = (part: keyof Spent) => {
    const each = median(costs.map((cost) => cost[part] / requests));
    const times = median(costs.map((cost, round) => cost[part] / (off[round] as Spent)[part]));
    return `${each.toFixed(0)} µs (${times.toFixed(2)}×)`;
  };
  return { 'main thread': cell('main'), 'all threads': cell('all') };
}

const stage = (folder: string, name: string) =>
  writeFile(join(folder, 'stages.yaml'), `operations: { getUser: { stage: ${name} } }\n`);

/** Constant rate: a reply that is late does not hold up the next request, and its lateness counts. */
async function load(
  url: string,
  milliseconds: number,
  onReply: (milliseconds: number, status: number) => void,
): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const began = performance.now();
  const pending: Promise<void>[] = [];
  for (let n = 0; (n / RATE) * 1_000 < milliseconds; n += 1) {
    const due = began + (n / RATE) * 1_000;
    const early = due - performance.now();
    if (early > 1) await new Promise((done) => setTimeout(done, early));
    const user = 1_001 + (n % 119);
    pending.push(get(agent, `${url}/users/u-${user}`).then((status) => onReply(performance.now() - due, status)));
  }
  await Promise.all(pending);
  agent.destroy();
}

function get(agent: Agent, url: string): Promise<number> {
  return new Promise((done) => {
    const message = request(url, { agent, headers: { 'x-tenant-id': 'acme' } }, (reply) => {
      reply.resume();
      reply.on('end', () => done(reply.statusCode ?? 0));
    });
    message.on('error', () => done(0));
    message.end();
  });
}

async function startFacade(folder: string, dynamodb: string, mongodb: string, results: string) {
  await stage(folder, 'dynamodb');
  const root = fileURLToPath(new URL('..', import.meta.url));
  const child = spawn(process.execPath, [join(root, 'src/cli.ts'), 'serve', join(root, 'openapi/photos.bindings.ts')], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      ...{ PORT: '0', ADMIN_PORT: '0', AWS_REGION: 'eu-west-1', AWS_ACCESS_KEY_ID: 'x', AWS_SECRET_ACCESS_KEY: 'x' },
      ...{ AWS_ENDPOINT_URL_DYNAMODB: dynamodb, MONGODB_URI: mongodb, RESULTS_URI: results, SHADOW_TIMEOUT_MS: '1000' },
    },
  });
  const urls = await new Promise<{ facade: string; admin: string }>((done) => {
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += chunk;
      const line = text.split('\n').find((one) => one.includes('"facade"'));
      if (line !== undefined) done(JSON.parse(line) as { facade: string; admin: string });
    });
  });
  const metrics = async () => await (await fetch(`${urls.admin}/metrics`)).text();
  return {
    url: urls.facade,
    memory: async () => {
      const status = await readFile(`/proc/${child.pid}/status`, 'utf8').catch(() => '');
      return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
    },
    spent: async (): Promise<Spent> => {
      const thread = await readFile(`/proc/${child.pid}/task/${child.pid}/schedstat`, 'utf8');
      return { main: Number(thread.split(' ')[0]) / 1_000, all: await cpuOfProcess(child.pid as number) };
    },
    accounts: async () => {
      const sums = new Map<string, number>();
      for (const [, outcome, reason, n] of (await metrics()).matchAll(
        /^crossfade_comparisons_total\{.*outcome="(\w+)",reason="(\w*)"\} (\d+)/gm,
      ))
        sums.set(`${outcome} ${reason}`.trim(), (sums.get(`${outcome} ${reason}`.trim()) ?? 0) + Number(n));
      return [...sums].map(([name, n]) => `${n} ${name}`).join(', ');
    },
    stop: async () => {
      child.kill('SIGTERM');
      await once(child, 'close');
    },
  };
}

interface Proxy {
  readonly port: number;
  mode: 'pass' | 'slow' | 'hung' | 'refused' | 'junk';
  stop(): void;
}

async function startProxy(host: string, port: number): Promise<Proxy> {
  const open = new Set<{ destroy(): void }>();
  const junk = Buffer.alloc(1_000_000, 'x');
  const proxy = { mode: 'pass' as Proxy['mode'] };
  const server = createServer((client) => {
    if (proxy.mode === 'refused') {
      client.destroy();
      return;
    }
    const upstream = connect(port, host);
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        open.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.on('data', (data) => {
      if (proxy.mode === 'refused') client.destroy();
      else if (proxy.mode !== 'hung') upstream.write(data);
    });
    upstream.on('data', (data) => {
      if (proxy.mode === 'junk') client.write(junk);
      else if (proxy.mode === 'slow') setTimeout(() => client.writable && client.write(data), 20);
      else if (proxy.mode !== 'hung') client.write(data);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port: own } = server.address() as AddressInfo;
  return Object.assign(proxy, {
    port: own,
    stop: () => {
      for (const socket of open) socket.destroy();
      server.close();
    },
  });
}

function through(uri: string, port: number): string {
  const url = new URL(uri);
  url.host = `127.0.0.1:${port}`;
  url.searchParams.delete('replicaSet');
  url.searchParams.set('directConnection', 'true');
  return url.href;
}
