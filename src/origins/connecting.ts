import { buildConnector } from 'undici';
import { Places } from './places.ts';

/** Connections that are being made at a time: a legacy that comes back is not met by as many handshakes as there are clients. */
const MAX_CONNECTING = 32;

/**
 * Makes connections, so many at a time, each within `timeout` milliseconds of its turn; who has waited as long for a turn has
 * none any more. The client library takes a reset for the end of a reply without a length: under another name it is an
 * error, as it is.
 */
export function connector(
  timeout: number,
  connect: buildConnector.connector = buildConnector({ timeout, allowH2: false }),
): buildConnector.connector {
  const places = new Places(MAX_CONNECTING);
  return (options, done) => {
    const asked = performance.now();
    places.take(() => {
      const finish: buildConnector.Callback = (...result) => {
        places.give();
        const [, socket] = result;
        socket?.on('error', (error: NodeJS.ErrnoException) => {
          if (error.code === 'ECONNRESET') error.code = 'UND_ERR_SOCKET';
        });
        done(...result);
      };
      if (performance.now() - asked < timeout) connect(options, finish);
      else setImmediate(finish, new Error('legacy takes no connection'), null);
    });
  };
}
