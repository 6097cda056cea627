import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { cached } from '../../../src/demo/cache.ts';
import { freePort, spawnBound } from '../../../src/demo/child.ts';

const run = promisify(execFile);

/** What one request looked like to the legacy service: its line, its headers in order, and length and hash of its body. */
export interface Seen {
  readonly line: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

/** A legacy service on loopback that does as a request's X-Do says, and keeps what it saw. */
export interface Upstream {
  readonly name: string;
  readonly port: number;
  /** What it saw since the last time it was asked; waits a moment for as many requests as are expected. */
  take(expected: number): Promise<readonly Seen[]>;
  stop(): Promise<void>;
}

/** Node's own server. */
export async function startNode(): Promise<Upstream> {
  let seen: Seen[] = [];
  const server = createServer({ insecureHTTPParser: false }, (message, reply) => {
    const hash = createHash('sha256');
    let length = 0;
    const line = `${message.method} ${message.url}`;
    const keep = (body: string) => seen.push({ line, headers: pairs(message.rawHeaders), body });
    message.on('data', (chunk: Buffer) => {
      length += chunk.length;
      hash.update(chunk);
    });
    message.on('end', () => {
      keep(`${length} ${hash.digest('hex').slice(0, 16)}`);
      void answer(message, reply);
    });
    message.on('error', () => {
      if (!message.complete) keep('cut');
    });
  });
  server.maxHeadersCount = 0;
  server.keepAliveTimeout = 30_000;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    name: 'Node http',
    port: (server.address() as AddressInfo).port,
    take: async (expected) => {
      for (let wait = 0; seen.length < expected && wait < 40; wait += 1) await sleep(5);
      const taken = seen;
      seen = [];
      return taken;
    },
    stop: async () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function pairs(raw: readonly string[]): [string, string][] {
  return Array.from({ length: raw.length / 2 }, (_, n) => [raw[2 * n] as string, raw[2 * n + 1] as string]);
}

/** X-Raw: the reply, byte for byte, in base64url; then the connection ends. X-Do: see the cases. */
async function answer(message: IncomingMessage, reply: ServerResponse): Promise<void> {
  const raw = message.headers['x-raw'];
  if (typeof raw === 'string') return void reply.socket?.end(Buffer.from(raw, 'base64url'));
  const [word = '', number = 0, pause = 0] = String(message.headers['x-do'] ?? '').split(' ');
  const body = Buffer.alloc(Number(number), 'x');
  const many = ['X-Many', 'one', 'x-many', 'two'];
  if (word === 'status') return void reply.writeHead(Number(number), many).end();
  if (word === 'length') return void reply.writeHead(200, [...many, 'Content-Length', String(body.length)]).end(body);
  if (word === 'chunked') {
    reply.writeHead(200, many);
    for (let n = 0; n < body.length; n += 1_000) reply.write(body.subarray(n, n + 1_000));
    return void reply.end();
  }
  if (word === 'events') {
    reply.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
    for (let n = 0; n < Number(number); n += 1) {
      reply.write(`data: ${n}\n\n`);
      await sleep(Number(pause));
    }
    return void reply.end();
  }
  if (word === 'hints') {
    reply.writeEarlyHints({ link: '</a.css>; rel=preload' });
    reply.writeProcessing();
  }
  if (word === 'drop') return void reply.socket?.destroy();
  if (word === 'cut') {
    reply.writeHead(200, { 'Content-Length': '1000' }).write('begun');
    return void setTimeout(() => reply.socket?.destroy(), 30);
  }
  if (word === 'silent') return;
  const line = Buffer.from(`${message.method} ${message.url}`, 'latin1');
  reply.writeHead(200, [...many, 'Content-Type', 'text/plain; charset=latin1', 'Content-Length', String(line.length)]);
  reply.end(line);
}

/** nginx: files of its own below /files/, all else to a Node server behind it, which says what it saw of them. */
export async function startNginx(): Promise<Upstream> {
  const { binary, libraries } = await nginxPackage();
  const behind = await startNode();
  const folder = await mkdtemp(join(tmpdir(), 'crossfade-nginx-'));
  const port = await freePort();
  const log = join(folder, 'access.log');
  await mkdir(join(folder, 'files'));
  await writeFile(join(folder, 'files', 'a.txt'), 'The quick brown fox\n'.repeat(500));
  await writeFile(join(folder, 'nginx.conf'), nginxConfig(folder, port, behind.port));
  await writeFile(log, '');
  const words = [
    `LD_LIBRARY_PATH=${libraries}`,
    binary,
    '-p',
    folder,
    '-e',
    'error.log',
    '-c',
    join(folder, 'nginx.conf'),
  ];
  const child = spawnBound('env', words, folder);
  const answers = () =>
    fetch(`http://127.0.0.1:${port}/files/a.txt`).then(
      () => true,
      () => false,
    );
  const deadline = Date.now() + 10_000;
  while (!(await answers())) {
    if (child.ended() || Date.now() > deadline)
      throw new Error(`nginx did not start: ${child.output() || 'it said nothing'}`);
    await sleep(20);
  }
  let read = (await readFile(log, 'latin1')).length;
  return {
    name: 'nginx',
    port,
    take: async (expected) => {
      let text = '';
      let lines: string[] = [];
      // A line is written once the reply has been sent.
      for (let wait = 0; wait === 0 || (lines.length < expected && wait < 60); wait += 1) {
        if (wait > 0) await sleep(1);
        text = await readFile(log, 'latin1');
        lines = text.slice(read).split('\n').filter(Boolean);
      }
      read = text.length;
      const own = lines.map((line): Seen => ({ line: `nginx: ${line}`, headers: [], body: '' }));
      return [...own, ...(await behind.take(expected))];
    },
    stop: async () => {
      await child.stop();
      await behind.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const nginxConfig = (folder: string, port: number, behind: number): string => `
daemon off;
master_process off;
pid nginx.pid;
error_log error.log;
events { worker_connections 256; }
http {
  log_format seen '$request_method $request_uri $status';
  access_log access.log seen;
  default_type text/plain;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  gzip on; gzip_min_length 100; gzip_types text/plain;
  large_client_header_buffers 8 64k;
  server {
    listen 127.0.0.1:${port};
    ignore_invalid_headers off;
    underscores_in_headers on;
    merge_slashes off;
    absolute_redirect off;
    location /files { root ${folder}; }
    location / {
      proxy_pass http://127.0.0.1:${behind};
      proxy_http_version 1.1;
      proxy_set_header Connection '';
      proxy_pass_request_headers on;
    }
  }
}
`;

/** The system's nginx, else Debian's packages, unpacked into the cache. */
async function nginxPackage(): Promise<{ binary: string; libraries: string }> {
  const system = await run('sh', ['-c', 'PATH=$PATH:/usr/sbin command -v nginx']).catch(() => undefined);
  if (system !== undefined) return { binary: system.stdout.trim(), libraries: '' };
  const folder = await cached('nginx-debian', async (target) => {
    const packages = ['nginx', 'libpcre2-8-0', 'libssl3', 'zlib1g', 'libcrypt1'];
    const download = () => run('apt-get', ['download', ...packages], { cwd: target });
    await download()
      .catch(async () => {
        await run('apt-get', ['update']);
        await download();
      })
      .catch((error: Error) => {
        throw new Error(`nginx is not installed and cannot be had by apt-get: install it (${error.message})`);
      });
    for (const file of await readdir(target))
      if (file.endsWith('.deb')) await run('dpkg', ['-x', file, '.'], { cwd: target });
  });
  const libraries = [
    'lib/x86_64-linux-gnu',
    'usr/lib/x86_64-linux-gnu',
    'lib/aarch64-linux-gnu',
    'usr/lib/aarch64-linux-gnu',
  ];
  return { binary: join(folder, 'usr/sbin/nginx'), libraries: libraries.map((one) => join(folder, one)).join(':') };
}

/** The server of the Java runtime. */
export async function startJava(): Promise<Upstream> {
  const source = join(import.meta.dirname, 'Echo.java');
  await run('java', ['-version']).catch(() => {
    throw new Error('java is not installed: install a JDK, version 17 or later');
  });
  const child = spawnBound('java', ['-XX:TieredStopAtLevel=1', '-Dsun.net.httpserver.nodelay=true', source], tmpdir());
  const deadline = Date.now() + 30_000;
  const started = () => /ports (\d+) (\d+)/.exec(child.output());
  while (started() === null) {
    if (child.ended() || Date.now() > deadline) throw new Error(`The Java server did not start: ${child.output()}`);
    await sleep(20);
  }
  const [, port, control] = started() as RegExpExecArray;
  return {
    name: 'Java',
    port: Number(port),
    take: async () => {
      const text = Buffer.from(await (await fetch(`http://127.0.0.1:${control}/`)).arrayBuffer()).toString('latin1');
      return text.split('\n').filter(Boolean).map(parseSeen);
    },
    stop: () => child.stop(),
  };
}

function parseSeen(text: string): Seen {
  const [line = '', ...rest] = text.split('\t');
  const body = rest.pop() ?? '';
  const headers = rest.map((one): [string, string] => {
    const colon = one.indexOf(': ');
    return [one.slice(0, colon), one.slice(colon + 2)];
  });
  return { line, headers, body };
}
