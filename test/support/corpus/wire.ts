import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** One reply as it stood on the wire, its framing taken off. */
export interface WireReply {
  readonly line: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** In Latin-1, so that equal texts are equal bytes. */
  readonly body: string;
  /** `false`: the connection ended before the body did. */
  readonly whole: boolean;
}

export interface Sending {
  /** Each piece is sent once so many milliseconds have passed since the one before. */
  readonly pieces: readonly { readonly bytes: Buffer; readonly after?: number }[];
  /** Methods of the requests whose replies are waited for, in order. */
  readonly methods: readonly string[];
  /** Ends the connection after so many milliseconds, whatever has come. */
  readonly leaveAfter?: number | undefined;
}

const PATIENCE = 4_000;

/** Sends bytes and reads replies, until there are as many as methods or the connection ends. */
export async function exchange(port: number, { pieces, methods, leaveAfter }: Sending): Promise<readonly WireReply[]> {
  const socket = connect(port, '127.0.0.1').setNoDelay(true);
  let text = '';
  let over = false;
  const replies = () => parseReplies(text, methods, over);
  const done = new Promise<void>((resolve) => {
    const end = () => {
      over = true;
      resolve();
    };
    socket.on('error', end).on('end', end).on('close', end);
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      if (replies().length >= methods.length) resolve();
    });
  });
  for (const { bytes, after } of pieces) {
    if (after !== undefined) await sleep(after);
    if (!over && !socket.destroyed) socket.write(bytes);
  }
  const late = setTimeout(() => socket.destroy(), leaveAfter ?? PATIENCE);
  await done;
  clearTimeout(late);
  socket.destroy();
  if (leaveAfter !== undefined) over = true;
  return replies();
}

/** Replies that are whole, and at the end of the connection the one that is not; 1xx are left out. */
function parseReplies(text: string, methods: readonly string[], over: boolean): WireReply[] {
  const replies: WireReply[] = [];
  let from = 0;
  while (from < text.length) {
    const end = text.indexOf('\r\n\r\n', from);
    if (end === -1) {
      if (over) replies.push({ line: text.slice(from), headers: [], body: '', whole: false });
      break;
    }
    const [line = '', ...lines] = text.slice(from, end).split('\r\n');
    const headers = lines.map((one): [string, string] => {
      const colon = one.indexOf(':');
      return [one.slice(0, colon), one.slice(colon + 1).replace(/^[ \t]+/, '')];
    });
    const status = Number(line.split(' ')[1]);
    if (status >= 100 && status < 200) {
      from = end + 4;
      continue;
    }
    const bodiless = methods[replies.length] === 'HEAD' || status === 204 || status === 304;
    const body = bodiless ? { text: '', length: 0, whole: true } : bodyOf(text.slice(end + 4), headers, over);
    if (!body.whole && !over) break;
    replies.push({ line, headers, body: body.text, whole: body.whole });
    from = end + 4 + body.length;
  }
  return replies;
}

function bodyOf(text: string, headers: WireReply['headers'], over: boolean) {
  const value = (name: string) => headers.find(([given]) => given.toLowerCase() === name)?.[1];
  if (value('transfer-encoding')?.toLowerCase() === 'chunked') return chunked(text);
  const length = value('content-length');
  if (length === undefined) return { text, length: text.length, whole: over };
  const size = Number(length);
  return { text: text.slice(0, size), length: Math.min(size, text.length), whole: text.length >= size };
}

function chunked(text: string): { text: string; length: number; whole: boolean } {
  let out = '';
  let from = 0;
  for (;;) {
    const end = text.indexOf('\r\n', from);
    const size = Number.parseInt(text.slice(from, end), 16);
    if (end === -1 || Number.isNaN(size)) return { text: out, length: text.length, whole: false };
    if (size === 0) {
      const trailers = text.startsWith('\r\n', end + 2) ? end + 2 : text.indexOf('\r\n\r\n', end) + 2;
      return { text: out, length: trailers + 2, whole: trailers > 1 && text.length >= trailers + 2 };
    }
    out += text.slice(end + 2, end + 2 + size);
    from = end + 2 + size + 2;
    if (from > text.length) return { text: out, length: text.length, whole: false };
  }
}
