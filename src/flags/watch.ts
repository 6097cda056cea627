import { type FSWatcher, watch } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Events of the file system may be lost (network mounts, spent inotify watches): the file is looked at all the same. */
const POLL = 250;
/** An editor may write in steps: the file is read when it has been left alone for so long. */
const SETTLE = 40;

/** Calls `look`, one call at a time, soon after the file may have changed; gives what ends that. */
export function follow(file: string, look: () => Promise<void>): () => void {
  let looking = false;
  let settling: NodeJS.Timeout | undefined;
  const run = async (): Promise<void> => {
    settling = undefined;
    if (looking) return;
    looking = true;
    await look();
    looking = false;
  };
  // The directory is watched, since a file that is replaced takes its own watch away.
  const watcher = watchDirectory(dirname(file), () => {
    settling ??= setTimeout(run, SETTLE).unref();
  });
  const poll = setInterval(run, POLL).unref();
  return () => {
    clearInterval(poll);
    clearTimeout(settling);
    watcher?.close();
  };
}

function watchDirectory(directory: string, changed: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(directory, { persistent: false }, changed);
    watcher.on('error', () => watcher.close());
    return watcher;
  } catch {
    return undefined;
  }
}

/** Differs when the file may differ; '' where there is none. */
export async function fingerprint(file: string): Promise<string> {
  try {
    const { ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true });
    return `${ino} ${size} ${mtimeNs} ${ctimeNs}`;
  } catch (error) {
    if (isMissing(error)) return '';
    throw error;
  }
}

/** `undefined` where there is no such file. */
export async function readText(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

const isMissing = (error: unknown): boolean =>
  ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '');
