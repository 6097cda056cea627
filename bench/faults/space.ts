import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { spawnBound } from '../../src/demo/child.ts';

/** A view of the machine of our own: host names that can be taken away, and small disks. Linux, as root. */
export interface Space {
  /** Words before a command that run it in here. */
  readonly inside: readonly string[];
  /** From now on the name means this machine, or nothing. */
  readonly resolves: (host: string, whether: boolean) => Promise<void>;
  /** The folder of a small disk as those in here see it, and as everybody does. */
  readonly disk: (name: string) => { readonly inside: string; readonly outside: string };
  readonly stop: () => Promise<void>;
}

/** Megabytes: what a mongod takes at least is 200 to 300, and there may be three. */
const DISK = 1_024;

/**
 * A mount namespace with an /etc/hosts of its own, no name server that answers, and disks of memory; it lasts as long as a
 * process that does nothing.
 */
export async function openSpace(folder: string, disks: readonly string[]): Promise<Space> {
  const [hosts, resolver] = [join(folder, 'hosts'), join(folder, 'resolv.conf')];
  const known = new Set<string>();
  // In place: another file would not be the one that is mounted.
  const write = () =>
    writeFile(hosts, ['127.0.0.1 localhost', ...[...known].map((name) => `127.0.0.1 ${name}`), ''].join('\n'));
  await write();
  await writeFile(resolver, 'nameserver 127.0.0.1\noptions attempts:1 timeout:1\n');
  const folders = disks.map((name) => join(folder, name));
  for (const one of folders) await mkdir(one);
  const script = [
    'set -e; mount --bind "$1" /etc/hosts; mount --bind "$2" /etc/resolv.conf; shift 2',
    `for disk; do mount -t tmpfs -o size=${DISK}m tmpfs "$disk"; done; echo "ready $$"; exec sleep infinity`,
  ].join('\n');
  const holder = spawnBound(
    'unshare',
    ['--mount', '--propagation', 'private', 'sh', '-c', script, 'sh', hosts, resolver, ...folders],
    folder,
  );
  const deadline = Date.now() + 10_000;
  let pid: string | undefined;
  while (pid === undefined) {
    if (holder.ended() || Date.now() > deadline)
      throw new Error(`No mount namespace can be had, which takes root on Linux: ${holder.output().trim()}`);
    await sleep(20);
    pid = /^ready (\d+)$/m.exec(holder.output())?.[1];
  }
  return Object.freeze<Space>({
    inside: ['nsenter', '--target', pid, '--mount', `--wd=${folder}`],
    async resolves(host, whether) {
      if (whether) known.add(host);
      else known.delete(host);
      await write();
    },
    disk: (name) => ({ inside: join(folder, name), outside: join(`/proc/${pid}/root`, folder, name) }),
    stop: holder.stop,
  });
}
