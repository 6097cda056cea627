import { setTimeout as sleep } from 'node:timers/promises';
import type { Test } from 'tap';
import { freePort, spawnBound } from '../../src/demo/child.ts';
import type { Log } from '../../src/demo/services.ts';
import { toxiproxy } from './tools.ts';

/** What is wrong with a connection, in the words of toxiproxy: times in milliseconds, rates in kB a second. */
export type Toxic = (
  | { readonly type: 'latency'; readonly attributes: { readonly latency: number; readonly jitter?: number } }
  | { readonly type: 'bandwidth'; readonly attributes: { readonly rate: number } }
  | { readonly type: 'slow_close'; readonly attributes: { readonly delay: number } }
  /** Nothing gets through, and the connection is closed after so long; 0: it stays. */
  | { readonly type: 'timeout'; readonly attributes: { readonly timeout: number } }
  | { readonly type: 'reset_peer'; readonly attributes: { readonly timeout: number } }
  | { readonly type: 'limit_data'; readonly attributes: { readonly bytes: number } }
) & {
  /** Default: by its type. */
  readonly name?: string;
  /** `downstream`, the default: what comes from the upstream; `upstream`: what goes there. */
  readonly stream?: 'upstream' | 'downstream';
  /** The share of the connections that it is put on, 0 to 1; default 1. */
  readonly toxicity?: number;
};

/** A way to one upstream on the loopback interface. */
export interface ToxicProxy {
  readonly port: number;
  /** From now on, also for what is open. Gives its name. */
  readonly add: (toxic: Toxic) => Promise<string>;
  readonly remove: (name: string) => Promise<void>;
  /** Nobody listens any more, and what was open is closed. */
  readonly down: () => Promise<void>;
  readonly up: () => Promise<void>;
  /** No toxic, and up. */
  readonly heal: () => Promise<void>;
}

export interface Toxiproxy {
  /** Passes on to `upstream`, `host:port`. */
  readonly proxy: (name: string, upstream: string) => Promise<ToxicProxy>;
  readonly stop: () => Promise<void>;
}

/** A real toxiproxy on the loopback interface, ended with this process at the latest; built by Go the first time. */
export async function startToxiproxy({ log }: { readonly log: Log }): Promise<Toxiproxy> {
  const program = await toxiproxy(log);
  const port = await freePort();
  const child = spawnBound(
    'env',
    ['LOG_LEVEL=error', program, '-host', '127.0.0.1', '-port', String(port)],
    process.cwd(),
  );
  const url = `http://127.0.0.1:${port}`;
  const deadline = Date.now() + 30_000;
  while (
    !(await fetch(`${url}/version`).then(
      ({ ok }) => ok,
      () => false,
    ))
  ) {
    if (child.ended() || Date.now() > deadline) throw new Error(`toxiproxy did not start: ${child.output()}`);
    await sleep(20);
  }
  const ask = async (method: string, path: string, body?: object): Promise<unknown> => {
    const reply = await fetch(`${url}${path}`, { method, body: body === undefined ? null : JSON.stringify(body) });
    const text = await reply.text();
    if (!reply.ok) throw new Error(`toxiproxy says ${reply.status} to ${method} ${path}: ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  };
  return Object.freeze<Toxiproxy>({
    async proxy(name, upstream) {
      const path = `/proxies/${name}`;
      const made = await ask('POST', '/proxies', { name, upstream, listen: '127.0.0.1:0', enabled: true });
      const { listen } = made as { readonly listen: string };
      const port = Number(listen.slice(listen.lastIndexOf(':') + 1));
      // The port must be the same again.
      const enable = (enabled: boolean) => ask('POST', path, { enabled, listen: `127.0.0.1:${port}`, upstream });
      const remove = async (toxic: string) => void (await ask('DELETE', `${path}/toxics/${toxic}`));
      return Object.freeze<ToxicProxy>({
        port,
        add: async (toxic) => ((await ask('POST', `${path}/toxics`, toxic)) as { readonly name: string }).name,
        remove,
        down: async () => void (await enable(false)),
        up: async () => void (await enable(true)),
        heal: async () => {
          for (const { name: toxic } of (await ask('GET', `${path}/toxics`)) as { readonly name: string }[])
            await remove(toxic);
          await enable(true);
        },
      });
    },
    stop: child.stop,
  });
}

/** The same, ended after the test. */
export async function withToxiproxy(t: Test): Promise<Toxiproxy> {
  const started = await startToxiproxy({ log: (line) => t.comment(line) });
  t.teardown(started.stop);
  return started;
}
