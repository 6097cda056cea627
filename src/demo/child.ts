import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { promisify } from 'node:util';

/**
 * A child that ends with this process, however this one ends: a shell beside it waits for the closing of a pipe that
 * only this process holds, and kills it then. A group of its own keeps Ctrl-C from ending the shell first.
 */
export function spawnBound(command: string, args: readonly string[], cwd: string, identity: Identity = {}) {
  const guard =
    'exec 3<&0; "$@" & child=$!; (read -r _ <&3; kill "$child") & watcher=$!; wait "$child"; kill "$watcher" 2>/dev/null';
  const windows = process.platform === 'win32';
  const child = windows
    ? spawn(command, args, { cwd, stdio: 'pipe', ...identity })
    : spawn('sh', ['-c', guard, 'sh', command, ...args], { cwd, stdio: 'pipe', detached: true, ...identity });
  let output = '';
  const keep = (chunk: Buffer) => {
    output = `${output}${chunk}`.slice(-4096);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  child.on('error', (error) => keep(Buffer.from(error.message)));
  const ended = () => child.exitCode !== null || child.signalCode !== null || child.pid === undefined;
  const killOnExit = () => child.kill();
  if (windows) process.once('exit', killOnExit);

  return {
    ended,
    output: () => output,
    async stop() {
      process.off('exit', killOnExit);
      if (ended()) return;
      const exit = once(child, 'exit');
      if (windows) child.kill();
      else child.stdin.end();
      await exit;
    },
  };
}

/** Whom a child runs as, where it must not be the one who starts it. */
interface Identity {
  readonly uid?: number;
  readonly gid?: number;
}

/** A port of the loopback interface that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await promisify(server.close.bind(server))();
  return port;
}
