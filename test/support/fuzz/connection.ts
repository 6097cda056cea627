import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Violation } from './target.ts';

/** So long nothing comes back: what was sent has had its answer, or gets none before more is sent. */
const QUIET = 12;
/** After the client's end the server's must follow. */
const FAREWELL = 15_000;

/**
 * Sends pieces (Latin-1) one after another, waits until nothing more comes for so many milliseconds, and then ends; gives
 * all that came back.
 * Throws a Violation where the server keeps the connection of a client that has ended.
 */
export async function conversation(port: number, pieces: readonly string[], quiet = QUIET): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }).setNoDelay(true);
  const chunks: Buffer[] = [];
  let last = performance.now();
  let over = false;
  const closed = new Promise<void>((resolve) => {
    const end = () => {
      over = true;
      resolve();
    };
    socket.on('error', end).on('end', end).on('close', end);
  });
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    last = performance.now();
  });
  await Promise.race([once(socket, 'connect'), closed]);
  for (const piece of pieces) {
    if (over) break;
    socket.write(Buffer.from(piece, 'latin1'));
    if (pieces.length > 1) await new Promise(setImmediate);
  }
  last = performance.now();
  while (!over && performance.now() - last < quiet) await Promise.race([sleep(QUIET / 2), closed]);
  if (!over) socket.end();
  const late = AbortSignal.timeout(FAREWELL);
  await Promise.race([closed, once(late, 'abort')]);
  socket.destroy();
  if (late.aborted) throw new Violation('the connection of a client that has ended stays open', chunks.join(''));
  return Buffer.concat(chunks).toString('latin1');
}
