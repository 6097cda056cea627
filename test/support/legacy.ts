import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, connect, type createServer as createTcp } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Test } from 'tap';
import { createLegacyOrigin, type ForwardExtra, type Forwarded, type LegacyOptions } from '../../src/origins/legacy.ts';

interface Facade {
  readonly port: number;
  /** What `forward` gave or threw, request by request. */
  readonly outcomes: (Forwarded | Error)[];
}

export async function listen(t: Test, server: Server | ReturnType<typeof createTcp>): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.close();
    if ('closeAllConnections' in server) server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}

export async function facadeOf(
  t: Test,
  url: string,
  options: Partial<LegacyOptions> = {},
  extra: ForwardExtra = {},
): Promise<Facade> {
  const legacy = createLegacyOrigin({ url, timeout: 2000, ...options });
  const outcomes: (Forwarded | Error)[] = [];
  const server = createServer(async (incoming, reply) => {
    const outcome = await legacy.forward(incoming, reply, extra).catch((error: Error) => error);
    outcomes.push(outcome);
    if (outcome instanceof Error) reply.writeHead(502).end();
  });
  const port = await listen(t, server);
  t.teardown(() => legacy.close());
  return { port, outcomes };
}

export async function inFront(
  t: Test,
  handler: RequestListener,
  options: Partial<LegacyOptions> = {},
  extra: ForwardExtra = {},
) {
  const port = await listen(t, createServer(handler));
  const facade = await facadeOf(t, `http://127.0.0.1:${port}`, options, extra);
  return { ...facade, legacyPort: port };
}

/** Raw bytes out, raw bytes back until the other side closes. */
export async function raw(port: number, lines: readonly string[], body = ''): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(Buffer.from(`${[...lines, 'Connection: close'].join('\r\n')}\r\n\r\n${body}`, 'latin1'));
  return (await socket.toArray()).map((chunk: Buffer) => chunk.toString('latin1')).join('');
}

export async function until(condition: () => boolean): Promise<void> {
  for (let n = 0; n < 500 && !condition(); n += 1) await sleep(10);
}
