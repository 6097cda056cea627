import type { IncomingMessage } from 'node:http';
import { RequestError } from '../errors.ts';
import type { Deadline } from '../model/deadline.ts';

const MAX_BYTES = 1_048_576;

/**
 * The whole body of a read that has one. Throws RequestError(invalidBody): 413 beyond 1 MiB, 408 where it has not come
 * by the deadline, however it trickles.
 */
export async function readBody(message: IncomingMessage, deadline: Deadline): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const forget = deadline.onPassed(() =>
    reject(new RequestError('invalidBody', 'the body did not come in time', { status: 408 })),
  );
  const onData = (chunk: Buffer): void => {
    bytes += chunk.length;
    chunks.push(chunk);
    if (bytes > MAX_BYTES)
      reject(new RequestError('invalidBody', `the body is larger than ${MAX_BYTES} bytes`, { status: 413 }));
  };
  const onClose = (): void => reject(new RequestError('invalidBody', 'the client went away'));
  message.on('data', onData).on('end', resolve).on('error', reject).on('close', onClose);
  try {
    await promise;
  } finally {
    forget();
    message.off('data', onData).off('end', resolve).off('close', onClose).pause();
  }
  return Buffer.concat(chunks);
}
