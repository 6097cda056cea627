import { chmod, chown, open, readFile, realpath, rename, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { UsageError } from '../errors.ts';

/** A writer that died leaves its temporary file behind; older than this it is taken away. */
const STALE = 10_000;
const PATIENCE = 3_000;

/**
 * Replaces a file in one step, keeping its mode and what a symbolic link points to. `edit` gets the text ('' where
 * there is none) and gives the new one. Two at once take turns. Throws a UsageError where it cannot be replaced, or someone
 * else changes it meanwhile, and then nothing is written.
 */
export async function replaceFile(file: string, edit: (text: string) => string): Promise<void> {
  await replaceAlone(file, edit).catch((error: NodeJS.ErrnoException) => {
    throw error.code === undefined ? error : cannotReplace(file, error);
  });
}

/** Mounted files (a ConfigMap, a file of the host) can be read where they are mounted, and are changed elsewhere. */
const MOUNTED: ReadonlySet<string> = new Set(['EROFS', 'EACCES', 'EPERM', 'EBUSY', 'EXDEV']);

function cannotReplace(file: string, { code = '', message }: NodeJS.ErrnoException): UsageError {
  if (code === 'EEXIST')
    return new UsageError(`someone else is writing ${file}: nothing is written, try again`, { failure: 'conflict' });
  const cure = MOUNTED.has(code)
    ? ': change the stages where the file comes from, such as the ConfigMap that is mounted here, or hold the flags in a flag server'
    : '';
  return new UsageError(`${file} cannot be changed from here, and nothing is written (${message})${cure}`);
}

async function replaceAlone(file: string, edit: (text: string) => string): Promise<void> {
  const target = await realpath(file).catch(() => file);
  const temporary = join(dirname(target), `.${basename(target)}.crossfade`);
  const handle = await openAlone(temporary);
  try {
    const before = await readOr(target);
    const after = edit(before ?? '');
    await handle.writeFile(after);
    await handle.sync();
    await handle.close();
    if (before !== undefined) await keepAccess(target, temporary);
    if ((await readOr(target)) !== before)
      throw new UsageError(`${file} was changed meanwhile: nothing is written, try again`, { failure: 'conflict' });
    await rename(temporary, target);
  } catch (error) {
    await handle.close().catch(() => {});
    await unlink(temporary).catch(() => {});
    throw error;
  }
}

/** Mode and owner as they were: else whoever reads the file might not be able to any more. */
async function keepAccess(target: string, temporary: string): Promise<void> {
  const { mode, uid, gid } = await stat(target);
  const made = await stat(temporary);
  if (made.uid !== uid || made.gid !== gid) {
    await chown(temporary, uid, gid).catch((error: Error) => {
      const readable = made.uid === uid || (mode & 0o044) !== 0;
      if (!readable)
        throw new Error(`${target} belongs to someone else, who could not read it any more: ${error.message}`);
    });
  }
  await chmod(temporary, mode & 0o7777);
}

async function openAlone(temporary: string) {
  const end = Date.now() + PATIENCE;
  for (;;) {
    try {
      return await open(temporary, 'wx');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || Date.now() > end) throw error;
    }
    const age = await stat(temporary).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    );
    if (age > STALE) await unlink(temporary).catch(() => {});
    else await sleep(20);
  }
}

/** The file's text; `undefined` where there is none. */
export async function readOr(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
