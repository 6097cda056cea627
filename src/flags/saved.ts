import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Features } from './ladder.ts';

/** The last good flags, as they are kept on disk for a start while the server is away. */
export interface Saved {
  readonly revision: string;
  readonly features: Features;
  /** When the server last said so, in milliseconds since 1970. */
  readonly confirmed: number;
}

/** Where the flags of an API, a server and an environment are kept: no two of them share a file. */
export function savedFile(folder: string, api: string, url: string, environment: string): string {
  const whose = createHash('sha256')
    .update(JSON.stringify([api, url, environment]))
    .digest('hex')
    .slice(0, 10);
  return join(folder, `flags-${api.replace(/[^A-Za-z0-9._-]/g, '-')}-${whose}.json`);
}

const FORMAT = 1;

/**
 * What is kept, or why it cannot be used: a file that was cut short, edited or is of another format is as good as none,
 * since half of the flags would move the other half. `undefined` where there is no file.
 */
export async function readSaved(file: string): Promise<Saved | { readonly unusable: string } | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    return { unusable: `${file} cannot be read: ${(error as Error).message}` };
  }
  try {
    const { format, digest, saved } = JSON.parse(text) as { format: number; digest: string; saved: Saved };
    if (format !== FORMAT) return { unusable: `${file} has format ${format}, and this version reads ${FORMAT}` };
    if (digest !== digestOf(saved)) return { unusable: `${file} is damaged: its digest does not fit` };
    return Object.freeze(saved);
  } catch {
    return { unusable: `${file} is damaged: it is no JSON` };
  }
}

/** Replaces the file in one step, so that it is whole at any time, readable by its owner alone. Throws what the disk says. */
export async function writeSaved(
  file: string,
  saved: Saved,
  // Processes in containers share a volume, and are all number 1.
  temporary = `${file}.${randomUUID()}.new`,
): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  try {
    const handle = await open(temporary, 'w', 0o600);
    try {
      await handle.writeFile(`${JSON.stringify({ format: FORMAT, digest: digestOf(saved), saved })}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await unlink(temporary).catch(() => {});
    throw error;
  }
}

const digestOf = (saved: Saved): string => createHash('sha256').update(JSON.stringify(saved)).digest('hex');
