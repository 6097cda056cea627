import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { Test } from 'tap';

/** How a connection through the proxy fares: `slow` holds each answer for `delay` milliseconds. */
export type ProxyMode = 'pass' | 'slow' | 'hung' | 'refused';

export interface Proxy {
  readonly port: number;
  delay: number;
  /** `refused` also cuts what is open. */
  mode: ProxyMode;
}

/** A TCP proxy in front of a store, closed after the test. */
export async function withProxy(t: Test, host: string, port: number): Promise<Proxy> {
  const sockets = new Set<Socket>();
  let mode: ProxyMode = 'pass';
  const server = createServer((client) => {
    if (mode === 'refused') {
      client.destroy();
      return;
    }
    const upstream = connect(port, host);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.on('data', (data) => void (mode === 'hung' || upstream.write(data)));
    upstream.on('data', (data) => {
      if (mode === 'hung') return;
      if (mode === 'slow') setTimeout(() => client.writable && client.write(data), proxy.delay);
      else client.write(data);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const proxy: Proxy = {
    port: (server.address() as AddressInfo).port,
    delay: 100,
    get mode() {
      return mode;
    },
    set mode(wanted: ProxyMode) {
      mode = wanted;
      if (wanted === 'refused') for (const socket of sockets) socket.destroy();
    },
  };
  return proxy;
}

/** The same MongoDB, reached through a proxy. */
export function through(uri: string, port: number): string {
  const url = new URL(uri);
  url.host = `127.0.0.1:${port}`;
  url.searchParams.delete('replicaSet');
  url.searchParams.set('directConnection', 'true');
  return url.href;
}
