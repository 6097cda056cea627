import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface Recorded {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: unknown;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** Says something to one request. */
export type Reply = (response: ServerResponse) => unknown;

/** A server that keeps what it is asked and answers by a script, the last reply again and again. */
export async function startScripted(script: readonly Reply[]) {
  const requests: Recorded[] = [];
  const server = createServer(async (request, response) => {
    const { method, url, headers } = request;
    const body = await text(request);
    requests.push({ method, url, headers, body: JSON.parse(body), at: Date.now() });
    await (script[requests.length - 1] ?? (script.at(-1) as Reply))(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
