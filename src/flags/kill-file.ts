import { fingerprint, follow, readText } from './watch.ts';

/** Characters of a kill file that are kept as its reason. */
const REASON = 200;

/**
 * Tells at once, and whenever it changes, whether the kill file is there: its first line is the reason ('' where it has
 * none), `undefined` means there is no file. A file that is there but cannot be read kills too.
 */
export async function followKillFile(file: string, tell: (reason: string | undefined) => void): Promise<() => void> {
  let seen: string | undefined;
  let closed = false;
  const look = async (): Promise<void> => {
    const now = await fingerprint(file).catch((error: Error) => `unreadable: ${error.message}`);
    if (closed || now === seen) return;
    seen = now;
    const text = await readText(file).catch(() => undefined);
    tell(now === '' ? undefined : (text ?? '').replace(/\n.*$/s, '').slice(0, REASON));
  };
  await look();
  const stop = follow(file, look);
  return () => {
    closed = true;
    stop();
  };
}
