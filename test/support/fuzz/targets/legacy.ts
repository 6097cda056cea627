import { createServer, type Socket } from 'node:net';
import fc from 'fast-check';
import { listen } from '../../legacy.ts';
import { conversation } from '../connection.ts';
import { OWN, withTwoTenants } from '../notes.ts';
import { repliesIn } from '../replies.ts';
import { must, type Target } from '../target.ts';

/** What legacy says, in Latin-1, to one request, and what it does then. */
type Input = {
  readonly method: string;
  readonly path: string;
  readonly pieces: readonly string[];
  readonly end: string;
};

/** The first is at `validate`: three answers are held together. */
const PATHS = ['/notes/a-1', '/notes?shelf=a', '/elsewhere', '/notes/none'];
const LINES = [
  ...[
    'HTTP/1.1 200 OK',
    'HTTP/1.1 404 Not Found',
    'HTTP/1.1 204 No Content',
    'HTTP/1.1 304 Not Modified',
    'HTTP/1.0 200 OK',
  ],
  ...['HTTP/1.1 500 Oops', 'HTTP/1.1 100 Continue', 'HTTP/1.1 103 Early Hints', 'HTTP/1.1 101 Switching Protocols'],
  ...[
    'HTTP/1.1 999 Odd',
    'HTTP/1.1 099 Low',
    'HTTP/1.1 20 OK',
    'HTTP/1.1 200',
    'HTTP/2 200',
    'HTTP/1.1 200 \xc3\xa9\x01',
    'ICY 200 OK',
    '',
  ],
];
const NAMES = [
  ...[
    'Content-Length',
    'Transfer-Encoding',
    'Content-Type',
    'Content-Encoding',
    'Connection',
    'Set-Cookie',
    'Location',
  ],
  ...[
    'Keep-Alive',
    'Trailer',
    'Upgrade',
    'X-Request-Id',
    'Server-Timing',
    'Date',
    'X-Odd',
    'B\x00d',
    'Sp ace',
    'Cache-Control',
  ],
];
const VALUES = [
  ...[
    '0',
    '2',
    '5',
    '17',
    '-1',
    '99999999999',
    '5, 5',
    '0x2',
    'chunked',
    'gzip',
    'gzip, chunked',
    'identity',
    'br',
    'deflate',
    'close',
  ],
  ...[
    'keep-alive',
    'timeout=0',
    'timeout=999999',
    'application/json',
    'text/html; charset=utf-16',
    'a=b; HttpOnly',
    '\xff\xfe',
  ],
  ...['x'.repeat(20_000), 'a\rb', 'a\x00b', 'x-odd', '', '/elsewhere'],
];
const BODIES = [
  ...[
    '',
    '{}',
    '{"legacy":true}',
    '{"id":"a-1","text":"x","size":12.50}',
    '5\r\nhello\r\n0\r\n\r\n',
    '0\r\n\r\n',
    'ffffffffffffffff\r\nx',
    '2\r\n{}\r\n0\r\nX-T: 1\r\n\r\n',
  ],
  ...[
    '\x1f\x8b\x08\x00\x00',
    '\xff\xfe{',
    '{"id":"a","id":"b"}',
    '['.repeat(10_000),
    '1e999',
    '{"__proto__":1}',
    `"${'x'.repeat(100_000)}"`,
  ],
  'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\npoisoned',
];
const ENDS = ['keep', 'keep', 'fin', 'reset', 'hang'];

const field = fc
  .tuple(fc.constantFrom(...NAMES), fc.constantFrom(...VALUES))
  .map(([name, value]) => `${name}: ${value}\r\n`);
const framing = fc.constantFrom(
  '',
  'Content-Length: 2\r\n',
  'Content-Length: 15\r\n',
  'Transfer-Encoding: chunked\r\n',
);
const message = fc
  .tuple(fc.constantFrom(...LINES), fc.array(field, { maxLength: 3 }), framing, fc.constantFrom(...BODIES))
  .map(([line, fields, frame, body]) => `${line}\r\n${frame}${fields.join('')}\r\n${body}`);

const GOOD = 'HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{"legacy":true}';

export const legacy: Target<Input> = {
  name: 'legacy',
  about: 'replies of a legacy service, passed through and held against both stores',
  inputs: fc.record({
    method: fc.constantFrom('GET', 'GET', 'HEAD'),
    path: fc.constantFrom(...PATHS),
    pieces: fc.oneof(
      message.map((one) => [one]),
      fc.tuple(message, fc.nat({ max: 120 })).map(([one, at]) => [one.slice(0, at), one.slice(at)]),
      fc.tuple(message, message),
    ),
    end: fc.constantFrom(...ENDS),
  }),
  examples: [
    { method: 'GET', path: '/notes/a-1', pieces: [GOOD], end: 'keep' },
    {
      method: 'GET',
      path: '/elsewhere',
      pieces: ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', BODIES[4] ?? ''],
      end: 'keep',
    },
    { method: 'GET', path: '/notes?shelf=a', pieces: ['HTTP/1.1 200 OK\r\n\r\n{"notes":[]}'], end: 'fin' },
  ],
  words: [...LINES, ...NAMES, ...VALUES.filter(({ length }) => length < 99), '\r\n', '\n', '\r\n\r\n', ': '],
  patience: 3_000,
  async open(t) {
    let said: Input = { method: 'GET', path: '/', pieces: [GOOD], end: 'keep' };
    // With what Nagle holds back until the next request is there, nobody could tell it from the reply to that.
    const server = createServer({ noDelay: true }, (socket) => {
      let text = '';
      socket.on('error', () => {});
      socket.on('data', (chunk: Buffer) => {
        text += chunk.toString('latin1');
        for (let end = text.indexOf('\r\n\r\n'); end !== -1; end = text.indexOf('\r\n\r\n')) {
          const hostile = text.startsWith(`${said.method} ${said.path} `);
          const head = text.startsWith('HEAD ');
          text = text.slice(end + 4);
          if (hostile) void say(said, socket);
          // A look whether it is there is answered: else all that follows would rest.
          else socket.write(head ? GOOD.slice(0, GOOD.indexOf('{')) : GOOD);
        }
      });
    });
    const url = `http://127.0.0.1:${await listen(t, server)}`;
    const { facade, port } = await withTwoTenants(t, {
      stage: 'validate',
      legacy: async () => url,
      env: { LEGACY_TIMEOUT_MS: '200', RECHECKS_PER_SECOND: '1', SHADOW_TIMEOUT_MS: '500' },
    });
    await facade.stages('sampling: 100\noperations: { getNote: { stage: validate }, listNotes: { stage: legacy } }\n');
    const ask = (method: string, path: string) =>
      conversation(
        port,
        [`${method} ${path} HTTP/1.1\r\nHost: x\r\nX-Tenant-Id: ${OWN}\r\nConnection: close\r\n\r\n`],
        2_500,
      );
    return async (input) => {
      if (!input.pieces.every(isBytes)) return 'cannot be said';
      if (!/^(GET|HEAD)$/.test(input.method) || !/^\/[!-~]+$/.test(input.path) || input.path === '/sound')
        return 'cannot be asked';
      said = input;
      const replies = repliesIn(await ask(input.method, input.path)).filter(({ status }) => status >= 200);
      must(replies.length <= 1, 'two replies to one request', replies);
      const [reply] = replies;
      const mine = reply?.headers.some(([name, value]) => name === 'content-type' && /problem\+json/.test(value));
      const all = input.pieces.join('');
      must(mine !== true || reply?.status !== 500 || !isSound(all), 'a 500 of ours to a sound reply', reply);
      const told = mine === true || reply === undefined || /chunked/i.test(all) || all.includes(reply.body);
      must(told, 'a body that legacy never said', reply);
      const sounds = async () => repliesIn(await ask('GET', '/sound'));
      let sound = await sounds();
      // A busy machine may be late once.
      for (let n = 0; n < 2 && sound[0]?.status === 504; n += 1) sound = await sounds();
      must(sound.length === 1 && sound[0]?.body === '{"legacy":true}', 'the next request gets another reply', sound);
      return reply === undefined
        ? 'cut'
        : `${reply.status}${mine === true ? ' of ours' : ''}${reply.whole ? '' : ' cut'}`;
    };
  },
};

/** Whether each character stands for one byte. */
const isBytes = (text: string): boolean => /^[\0-\xff]*$/.test(text);

/** What an interim reply must not have (RFC 9112, section 6). */
const isFraming = ([name]: readonly [name: string, value: string]): boolean =>
  name === 'content-length' || name === 'transfer-encoding';

/** Whether legacy has said one whole reply, and no interim one alone, nor one that nobody asked for. What is none may well be a 500. */
function isSound(all: string): boolean {
  try {
    const replies = repliesIn(all);
    if (replies.some(({ status, headers }) => status === 101 || (status < 200 && headers.some(isFraming))))
      return false;
    const final = replies.filter(({ status }) => status >= 200);
    return final.length === 1 && final[0]?.whole === true;
  } catch {
    return false;
  }
}

async function say({ pieces, end }: Input, socket: Socket): Promise<void> {
  for (const piece of pieces) {
    if (socket.writable) socket.write(Buffer.from(piece, 'latin1'));
    await new Promise(setImmediate);
  }
  if (end === 'fin') socket.end();
  if (end === 'reset') socket.resetAndDestroy();
}
