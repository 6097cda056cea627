/**
 * A MongoDB that gives one recorded reply per collection, in a process of its own: what a read costs is then the reader's
 * cost alone, at whatever rate it can ask. Recorded replies come by message; the address goes back.
 */
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { BSON } from 'mongodb';

/** A member of a replica set's `hello`, and replies to a `find` by collection, as BSON in base64: messages are JSON. */
export interface Recorded {
  readonly hello: string;
  readonly finds: Readonly<Record<string, string>>;
}

const OP_REPLY = 1;
const OP_QUERY = 2004;
const OP_MSG = 2013;
const OK = Buffer.from(BSON.serialize({ ok: 1 }));

process.once('message', ({ hello, finds }: Recorded) => {
  const server = createServer((socket) => {
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    let waiting: Buffer = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      waiting = waiting.length === 0 ? chunk : Buffer.concat([waiting, chunk]);
      while (waiting.length >= 16 && waiting.readInt32LE(0) <= waiting.length) {
        const end = waiting.readInt32LE(0);
        answer(socket, waiting.subarray(0, end));
        waiting = waiting.subarray(end);
      }
    });
  });
  server.listen(0, '127.0.0.1', () => {
    const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { setName, ...rest } = memberOf(hello, host);
    const member = Buffer.from(BSON.serialize({ setName, ...rest }));
    const byHello = { legacy: legacyReply(member), now: message(member) };
    const byCollection = new Map(
      Object.entries(finds).map(([collection, reply]) => [collection, message(Buffer.from(reply, 'base64'))]),
    );
    answer = (socket, asked) => {
      const reply = replyTo(asked, byHello, byCollection);
      reply.writeInt32LE(asked.readInt32LE(4), 8);
      socket.write(reply);
    };
    process.send?.({ url: `mongodb://${host}/crossfade_bench?replicaSet=${setName}` });
  });
});

/** Replies have to name what they answer, so each is a copy. */
let answer: (socket: Socket, asked: Buffer) => void;

interface Hello {
  readonly legacy: Buffer;
  readonly now: Buffer;
}

/** A whole message → its reply. A command's first name is its own: it stands behind the document's length and a type. */
function replyTo(asked: Buffer, hello: Hello, finds: ReadonlyMap<string, Buffer>): Buffer {
  if (asked.readInt32LE(12) === OP_QUERY) return Buffer.from(hello.legacy);
  const behind = asked.indexOf(0, 26);
  const command = asked.toString('latin1', 26, behind);
  if (command === 'hello' || command === 'ismaster') return Buffer.from(hello.now);
  if (command !== 'find') return message(OK);
  const collection = asked.toString('latin1', behind + 5, behind + 4 + asked.readInt32LE(behind + 1));
  const found = finds.get(collection);
  if (found === undefined) throw new Error(`nothing was recorded of ${collection}`);
  return Buffer.from(found);
}

/** The recorded member at this address. Without a version of the topology the driver asks now and then, and does not wait. */
function memberOf(hello: string, host: string): Record<string, unknown> {
  const { topologyVersion, ...member } = BSON.deserialize(Buffer.from(hello, 'base64'), { promoteValues: false });
  return { ...member, hosts: [host], primary: host, me: host };
}

function message(document: Buffer): Buffer {
  const head = Buffer.alloc(21);
  head.writeInt32LE(head.length + document.length, 0);
  head.writeInt32LE(OP_MSG, 12);
  return Buffer.concat([head, document]);
}

/** To a driver that has just connected, and does not know yet what the server understands. */
function legacyReply(document: Buffer): Buffer {
  const head = Buffer.alloc(36);
  head.writeInt32LE(head.length + document.length, 0);
  head.writeInt32LE(OP_REPLY, 12);
  head.writeInt32LE(1, 32);
  return Buffer.concat([head, document]);
}
