import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Test } from 'tap';

export interface Echo {
  readonly url: string;
  /** What came, in order. */
  readonly seen: readonly IncomingMessage[];
  readonly answer: (listener: RequestListener) => void;
}

/** An HTTP service on loopback that answers as it is told and remembers what it was asked; closed after the test. */
export async function withEcho(t: Test, first: RequestListener): Promise<Echo> {
  const seen: IncomingMessage[] = [];
  let listener = first;
  const server = createServer((message, reply) => {
    seen.push(message);
    listener(message, reply);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    answer: (one) => {
      listener = one;
    },
  };
}
