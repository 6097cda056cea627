import { once } from 'node:events';
import { connect } from 'node:net';
import { BSON } from 'mongodb';
import type { Recorded } from './fixed-mongodb.ts';

const HEAD = 21;

/** What a real member says to `hello`, and to a `find` of all that each of these collections holds, newest first. */
export async function recordMongoDb(uri: string, collections: readonly string[]): Promise<Recorded> {
  const { hostname, port, pathname } = new URL(uri);
  const socket = connect(Number(port), hostname);
  try {
    const ask = async (command: Record<string, unknown>): Promise<string> => {
      const document = BSON.serialize(command);
      const head = Buffer.alloc(HEAD);
      head.writeInt32LE(HEAD + document.length, 0);
      head.writeInt32LE(2013, 12);
      socket.write(Buffer.concat([head, document]));
      let reply: Buffer = Buffer.alloc(0);
      while (reply.length < 4 || reply.length < reply.readInt32LE(0))
        reply = Buffer.concat([reply, (await once(socket, 'data'))[0]]);
      const body = reply.subarray(HEAD);
      if (BSON.deserialize(body).ok !== 1) throw new Error(`MongoDB answers ${JSON.stringify(BSON.deserialize(body))}`);
      return body.toString('base64');
    };
    const $db = pathname.slice(1);
    const hello = await ask({ hello: 1, $db: 'admin' });
    const finds: Record<string, string> = {};
    for (const find of collections)
      finds[find] = await ask({ find, filter: {}, sort: { sk: -1 }, limit: 100, batchSize: 101, $db });
    return { hello, finds };
  } finally {
    socket.destroy();
  }
}
