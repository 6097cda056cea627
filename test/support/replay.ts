import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { Document } from 'mongodb';
import type { Test } from 'tap';
import { run, type Surroundings } from '../../src/commands/replay.ts';
import type { ReplayOptions } from '../../src/commands/replay-options.ts';
import type { Replayed } from '../../src/commands/replay-text.ts';
import { openResults } from '../../src/drivers/results.ts';
import type { CountRow, FindingRow, ReplayRow, ReplicaRow } from '../../src/results/rows.ts';
import type { Notes } from './shadow.ts';

export interface LegacyNotes {
  readonly url: string;
  readonly notes: Document[];
  /** Method and target of all that was asked. */
  readonly asked: string[];
  readonly headers: IncomingMessage['headers'][];
}

export interface LegacyOptions {
  /** Items of the page at an offset; default what the client wants. */
  readonly cut?: (offset: number, limit: number) => number;
  /** Token of the next offset; default the offset as it is. */
  readonly token?: (offset: number) => string;
  /** Before anything else; true where it has answered. */
  readonly first?: (request: IncomingMessage, response: ServerResponse) => boolean;
}

const FIELDS = ['id', 'text', 'size', 'note', 'tags', 'labels', 'at'];
const shown = (note: Document) =>
  Object.fromEntries(FIELDS.filter((name) => name in note).map((name) => [name, note[name]]));

/** A legacy service for the notes, with page tokens of its own. */
export async function withLegacyNotes(
  t: Test,
  given: readonly Document[],
  options: LegacyOptions = {},
): Promise<LegacyNotes> {
  const { cut = (_, limit) => limit, token = String, first } = options;
  const notes = given.map((one) => ({ ...one }));
  const asked: string[] = [];
  const headers: IncomingMessage['headers'][] = [];
  const offsets = new Map<string, number>();
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    headers.push(request.headers);
    if (first?.(request, response) === true) return;
    const url = new URL(request.url as string, 'http://x');
    const own = notes.filter(({ pk }) => pk === request.headers['x-tenant-id']);
    const say = (status: number, body: object, more: object = {}) =>
      response
        .writeHead(status, { 'content-type': 'application/json', 'cache-control': 'private, no-store', ...more })
        .end(JSON.stringify(body));
    if (url.pathname !== '/notes') {
      const found = own.find(({ id }) => `/notes/${id}` === url.pathname);
      if (found === undefined) response.writeHead(404, { 'content-type': 'application/problem+json' }).end();
      else say(200, shown(found), { 'x-version': found.version });
      return;
    }
    const list = own
      .filter(({ id }) => id.startsWith(url.searchParams.get('shelf')))
      .sort((a, b) => (a.id < b.id ? -1 : 1));
    const from = offsets.get(url.searchParams.get('cursor') ?? '') ?? 0;
    const end = from + cut(from, Number(url.searchParams.get('limit') ?? 50));
    const next = token(end);
    offsets.set(next, end);
    say(200, { notes: list.slice(from, end).map(shown), ...(end < list.length ? { next } : {}) });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  t.teardown(() => new Promise<void>((done) => server.close(() => done()).closeAllConnections()));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, notes, asked, headers };
}

export interface Ran extends Replayed {
  readonly code: number;
  readonly err: string;
}

/** `testdir` is the façade's. */
export async function ownFolder(t: Test): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'crossfade-replay-'));
  t.teardown(() => rm(folder, { recursive: true }));
  return folder;
}

export interface ReplayedOptions {
  readonly legacy?: LegacyNotes;
  readonly around?: Partial<Surroundings>;
  readonly file?: string;
}

/** Replays these lines of NDJSON through the notes' origins, in this process. */
export async function replayed(
  t: Test,
  notes: Notes,
  lines: readonly object[],
  { legacy, around, file = 'requests.ndjson', ...options }: ReplayOptions & ReplayedOptions = {},
): Promise<Ran> {
  const folder = await ownFolder(t);
  await writeFile(join(folder, 'requests.ndjson'), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  const [out, err]: [string[], string[]] = [[], []];
  const env = {
    ...notes.env,
    SAMPLE_SECRET: 's'.repeat(32),
    ...(legacy === undefined ? {} : { LEGACY_URL: legacy.url }),
  };
  const io = {
    out: (text: string) => void out.push(text),
    err: (text: string) => void err.push(text),
    ...{ env, cwd: folder, color: false },
  };
  const code = await run(
    io,
    file,
    { json: true, rate: 1_000, header: ['x-tenant-id: acme'], bindings: notes.facade.app.bindings.file, ...options },
    { signal: new AbortController().signal, stdin: Readable.from([]), tty: false, ...around },
  );
  return { ...(JSON.parse(out.join('')) as Replayed), code, err: err.join('') };
}

/** What replays have written. */
export async function written(notes: Notes) {
  const store = openResults({ uri: notes.env.RESULTS_URI as string });
  try {
    return {
      counts: await store.find<CountRow>('crossfade_counts', { source: 'replay' }),
      findings: await store.find<FindingRow>('crossfade_mismatches', { source: 'replay' }),
      replicas: await store.find<ReplicaRow>('crossfade_replicas', { source: 'replay' }),
      replays: await store.find<ReplayRow>('crossfade_replays', {}),
    };
  } finally {
    await store.close();
  }
}
