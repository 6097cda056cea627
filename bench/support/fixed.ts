/**
 * A DynamoDB that gives one recorded reply per call, in a process of its own: what it costs to answer is then the
 * client's cost alone. It reads no further than where a request ends. Bodies come by message; the address goes back.
 */
import { type AddressInfo, createServer } from 'node:net';
import { crc32 } from 'node:zlib';

/** Bodies by the call's name, `GetItem`. */
export type Bodies = Readonly<Record<string, string>>;

process.once('message', (bodies: Bodies) => {
  const replies = new Map(Object.entries(bodies).map(([call, body]) => [call, reply(Buffer.from(body))]));
  const server = createServer((socket) => {
    let waiting = Buffer.alloc(0);
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      waiting = waiting.length === 0 ? chunk : Buffer.concat([waiting, chunk]);
      for (let end = endOf(waiting); end !== -1 && end <= waiting.length; end = endOf(waiting)) {
        const call = /x-amz-target: *\w+\.(\w+)/i.exec(waiting.toString('latin1', 0, end))?.[1] ?? '';
        socket.write(replies.get(call) ?? UNKNOWN);
        waiting = waiting.subarray(end);
      }
    });
  });
  server.listen(0, '127.0.0.1', () =>
    process.send?.({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }),
  );
});

/** Where the first request ends; -1 where its head is not whole yet. */
function endOf(bytes: Buffer): number {
  const head = bytes.indexOf('\r\n\r\n');
  if (head === -1) return -1;
  return head + 4 + Number(/content-length: *(\d+)/i.exec(bytes.toString('latin1', 0, head))?.[1] ?? 0);
}

/** With the headers of the service itself. */
function reply(body: Buffer): Buffer {
  const head = [
    'HTTP/1.1 200 OK',
    'Server: Server',
    'Date: Sat, 21 Nov 2026 21:00:00 GMT',
    'Content-Type: application/x-amz-json-1.0',
    `Content-Length: ${body.length}`,
    'Connection: keep-alive',
    'x-amzn-RequestId: 8QRJN2PT8DQ3K5H2N1T0M5G6VJVV4KQNSO5AEMVJF66Q9ASUAAJG',
    `x-amz-crc32: ${crc32(body)}`,
  ];
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body]);
}

const UNKNOWN = Buffer.from('HTTP/1.1 500 Unknown\r\nContent-Length: 0\r\n\r\n');
