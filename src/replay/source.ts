import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { UsageError } from '../errors.ts';
import { readCombined } from './combined.ts';
import { readHar } from './har.ts';
import { linesOf } from './lines.ts';
import { readNdjson } from './ndjson.ts';
import { type Entry, type Recorded, Unreadable } from './recorded.ts';

export const FORMATS = Object.freeze(['ndjson', 'har', 'combined'] as const);
export type Format = (typeof FORMATS)[number];

/** Recorded requests, read as they are wanted. */
export interface Source {
  readonly name: string;
  readonly format: Format;
  readonly entries: AsyncIterable<Entry>;
  /** Where a line stands, for people: `access.log:17`. */
  readonly place: (line: number) => string;
  /** Share of the file that is read, from 0 to 1; `undefined` for a stream whose length nobody knows. */
  readonly progress: () => number | undefined;
}

export interface SourceOptions {
  readonly cwd: string;
  readonly format?: Format | undefined;
  /** What `-` means. */
  readonly stdin: Readable;
  /** Ends the reading, even while nothing comes. */
  readonly signal?: AbortSignal | undefined;
}

/** Bytes that tell the format; not more, since more may be long in coming. */
const TELLING = 64;

/** Longest line. A body of 1 MiB, which is the longest that is taken, fits in it in any notation. */
const MAX_LINE = 8 * 1024 * 1024;
/** A HAR is read whole. */
const MAX_HAR = 256 * 1024 * 1024;

/**
 * Opens a file, or `-` for `stdin`; gzip is told by its first bytes, the format by extension or content unless it is
 * given. Throws a UsageError for what cannot be opened, and for a HAR that is none or beyond its bound.
 */
export async function openSource(file: string, { cwd, format, stdin, signal }: SourceOptions): Promise<Source> {
  const name = file === '-' ? 'stdin' : basename(file);
  const path = resolve(cwd, file);
  const size = file === '-' ? undefined : await sizeOf(file, path);
  let read = 0;
  const raw = file === '-' ? stdin : createReadStream(path);
  signal?.addEventListener('abort', () => raw.destroy(), { once: true });
  const counted = async function* () {
    try {
      for await (const chunk of raw) {
        read += (chunk as Buffer).length;
        yield Buffer.from(chunk as Buffer);
      }
    } catch (error) {
      if (signal?.aborted !== true) throw error;
    }
  };
  const start = await peek(counted(), 2);
  const plain = start.head[0] === 0x1f && start.head[1] === 0x8b ? unzipped(start.chunks) : start.chunks;
  const { head, chunks } = await peek(plain, TELLING).catch((error: Error) => {
    throw new UsageError(`${name}: ${error.message}`);
  });
  const told = format ?? formatOf(name, head);
  const entries = told === 'har' ? harEntries(name, chunks) : lineEntries(told, withoutMark(chunks), signal);
  return Object.freeze({
    ...{ name, format: told, entries },
    place: (line: number) => (told === 'har' ? `${name}#/log/entries/${line - 1}` : `${name}:${line}`),
    progress: () => (size === undefined || size === 0 ? undefined : Math.min(1, read / size)),
  });
}

async function sizeOf(file: string, path: string): Promise<number> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(error.code === 'ENOENT' ? `there is no file ${file}` : `${file}: ${error.message}`);
  });
  if (!found.isFile()) throw new UsageError(`${file} is no file`);
  return found.size;
}

const unzipped = (chunks: AsyncIterable<Buffer>): AsyncIterable<Buffer> =>
  Readable.from(chunks)
    .on('error', () => undefined)
    .pipe(createGunzip());

/** The first bytes, and the whole stream with them. */
async function peek(
  given: AsyncIterable<Buffer>,
  bytes: number,
): Promise<{ readonly head: Buffer; readonly chunks: AsyncIterable<Buffer> }> {
  const iterator = given[Symbol.asyncIterator]();
  const first: Buffer[] = [];
  let ended = false;
  while (!ended && first.reduce((sum, { length }) => sum + length, 0) < bytes) {
    const { done, value } = await iterator.next();
    if (done === true) ended = true;
    else first.push(value);
  }
  const chunks = async function* () {
    try {
      yield* first;
      while (!ended) {
        const { done, value } = await iterator.next();
        if (done === true) return;
        yield value;
      }
    } finally {
      await iterator.return?.();
    }
  };
  return { head: Buffer.concat(first), chunks: chunks() };
}

const EXTENSIONS: Readonly<Record<string, Format>> = Object.freeze({
  har: 'har',
  ndjson: 'ndjson',
  jsonl: 'ndjson',
});

/** By extension, else by content: what begins with `{` and is no request on one line is a HAR. */
function formatOf(name: string, head: Buffer): Format {
  const extension = /\.(\w+)(?:\.gz)?$/.exec(name)?.[1]?.toLowerCase() ?? '';
  const known = EXTENSIONS[extension];
  if (known !== undefined) return known;
  const text = head
    .toString('utf8')
    .replace(/^\uFEFF/, '')
    .trimStart();
  if (!text.startsWith('{')) return 'combined';
  return /^\{\s*"log"\s*:/.test(text) ? 'har' : 'ndjson';
}

/** Without the byte order mark that some editors put first. */
async function* withoutMark(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let first = true;
  for await (const chunk of chunks) {
    const marked = first && chunk[0] === 0xef && chunk[1] === 0xbb && chunk[2] === 0xbf;
    first = false;
    yield marked ? chunk.subarray(3) : chunk;
  }
}

async function* lineEntries(
  format: 'ndjson' | 'combined',
  chunks: AsyncIterable<Buffer>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Entry> {
  let last = 0;
  try {
    for await (const { line, bytes } of linesOf(chunks, MAX_LINE)) {
      last = line;
      if (bytes !== undefined && isBlank(bytes)) continue;
      yield entryOf(format, line, bytes);
    }
  } catch (error) {
    if (signal?.aborted === true) return;
    // A log that was cut short in its compression, a disk that fails: what came so far counts.
    yield { complaint: { line: last + 1, message: `cannot be read further: ${(error as Error).message}` } };
  }
}

const isBlank = (bytes: Buffer): boolean => bytes.every((byte) => byte === 0x20 || byte === 0x09);

function entryOf(format: 'ndjson' | 'combined', line: number, bytes: Buffer | undefined): Entry {
  try {
    if (bytes === undefined) throw new Unreadable(`longer than ${MAX_LINE} bytes`);
    const recorded: Recorded =
      format === 'ndjson' ? readNdjson(bytes.toString('utf8'), line) : readCombined(bytes, line);
    return { recorded };
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    return { complaint: { line, message: error.message } };
  }
}

async function* harEntries(name: string, chunks: AsyncIterable<Buffer>): AsyncGenerator<Entry> {
  const parts: Buffer[] = [];
  let held = 0;
  for await (const chunk of withoutMark(chunks)) {
    held += chunk.length;
    if (held > MAX_HAR)
      throw new UsageError(
        `${name} is larger than ${MAX_HAR / 1024 / 1024} MiB, and a HAR is read whole: split it, or make NDJSON of it`,
      );
    parts.push(chunk);
  }
  try {
    yield* readHar(Buffer.concat(parts).toString('utf8'));
  } catch (error) {
    if (error instanceof Unreadable) throw new UsageError(`${name}: ${error.message}`);
    throw error;
  }
}
