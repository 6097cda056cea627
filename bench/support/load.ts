/** Kept connections, each with one request after the other, in a process of its own. */
import { connect } from 'node:net';

export interface Job {
  readonly url: string;
  readonly path: string;
  readonly milliseconds: number;
  /** What the reply's `content-length` must say; any where it is absent. */
  readonly length?: number | undefined;
}

export interface Done {
  readonly replies: number;
  readonly wrong: number;
  /** Until the last reply, in milliseconds. */
  readonly took: number;
}

const CONNECTIONS = 64;

process.on('message', async (job: Job) => process.send?.(await run(job)));

async function run({ url, path, milliseconds, length: wanted }: Job): Promise<Done> {
  const { hostname, port } = new URL(url);
  const head = `GET ${path} HTTP/1.1\r\nHost: api.example.com\r\nAccept: application/json\r\nAccept-Encoding: gzip\r\n`;
  const bytes = Buffer.from(`${head}User-Agent: bench\r\nX-Tenant-Id: acme\r\nAuthorization: Bearer abcdef\r\n\r\n`);
  let [replies, wrong] = [0, 0];
  const began = performance.now();
  const until = began + milliseconds;
  const one = () =>
    new Promise<void>((done) => {
      const socket = connect(Number(port), hostname).setNoDelay(true);
      let left = 0;
      socket.on('connect', () => socket.write(bytes));
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
        if (performance.now() < until) socket.write(bytes);
        else socket.destroy();
      });
    });
  await Promise.all(Array.from({ length: CONNECTIONS }, one));
  return { replies, wrong, took: performance.now() - began };
}
