import type { IncomingMessage } from 'node:http';
import { RequestError } from '../errors.ts';

const MAX_BYTES = 1_048_576;

/** The whole body of a read that has one. Throws RequestError(invalidBody, 413) beyond 1 MiB. */
export async function readBody(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BYTES)
      throw new RequestError('invalidBody', `the body is larger than ${MAX_BYTES} bytes`, { status: 413 });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
