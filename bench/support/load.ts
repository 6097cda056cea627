/**
 * Kept connections in a process of its own, each with one request after the other, without a pause or as many a second as
 * are asked for.
 */
import { connect } from 'node:net';
import { createPace } from './pace.ts';

export interface Job {
  readonly url: string;
  readonly path: string;
  readonly milliseconds: number;
  /** What the reply's `content-length` must say; any where it is absent. */
  readonly length?: number | undefined;
  /** Requests a second; without it as many as there can be. One that is late does not hold up the next, and its lateness counts. */
  readonly rate?: number;
}

export interface Done {
  readonly replies: number;
  readonly wrong: number;
  /** Until the last reply, in milliseconds. */
  readonly took: number;
  /** Milliseconds from when each was due, in order of length; only at a rate. */
  readonly times: readonly number[];
}

const CONNECTIONS = 64;

process.on('message', async (job: Job) => process.send?.(await run(job)));

async function run({ url, path, milliseconds, length: wanted, rate }: Job): Promise<Done> {
  const { hostname, port } = new URL(url);
  const head = `GET ${path} HTTP/1.1\r\nHost: api.example.com\r\nAccept: application/json\r\nAccept-Encoding: gzip\r\n`;
  const bytes = Buffer.from(`${head}User-Agent: bench\r\nX-Tenant-Id: acme\r\nAuthorization: Bearer abcdef\r\n\r\n`);
  let [replies, wrong] = [0, 0];
  const began = performance.now();
  const until = began + milliseconds;
  const times: number[] = [];
  const pace = rate === undefined ? undefined : createPace(rate, milliseconds, times);
  const one = () =>
    new Promise<void>((done) => {
      const socket = connect(Number(port), hostname).setNoDelay(true);
      let left = 0;
      const turns = { write: () => socket.write(bytes), end: () => socket.destroy() };
      socket.on('connect', () => (pace === undefined ? socket.write(bytes) : pace(turns)));
      socket.on('error', () => {
        wrong += 1;
      });
      socket.on('close', () => done());
      socket.on('data', (chunk) => {
        if (left > 0) left -= chunk.length;
        else {
          const end = chunk.indexOf('\r\n\r\n');
          const text = chunk.toString('latin1', 0, end);
          const length = Number(/content-length: (\d+)/i.exec(text)?.[1]);
          if (end === -1 || !text.startsWith('HTTP/1.1 200') || length !== (wanted ?? length)) wrong += 1;
          left = length - (chunk.length - end - 4);
        }
        if (left > 0) return;
        replies += 1;
        if (pace !== undefined) pace(turns);
        else if (performance.now() < until) socket.write(bytes);
        else socket.destroy();
      });
    });
  await Promise.all(Array.from({ length: CONNECTIONS }, one));
  return { replies, wrong, took: performance.now() - began, times: times.toSorted((a, b) => a - b) };
}
