import { dateOf, type Entry, headersOf, methodOf, type Recorded, statusOf, targetOf, Unreadable } from './recorded.ts';

type Loose = Readonly<Record<string, unknown>>;

/** Requests of a HAR 1.2 document. Throws Unreadable where it is none. */
export function* readHar(text: string): Generator<Entry> {
  const entries = entriesOf(text);
  for (const [index, entry] of entries.entries()) {
    const line = index + 1;
    try {
      yield { recorded: readEntry(entry, line) };
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      yield { complaint: { line, message: error.message } };
    }
  }
}

function entriesOf(text: string): readonly unknown[] {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    throw new Unreadable(`no JSON: ${(error as Error).message}`);
  }
  const entries = loose(loose(document).log).entries;
  if (!Array.isArray(entries)) throw new Unreadable('no HAR: log.entries is no list');
  return entries;
}

function readEntry(given: unknown, line: number): Recorded {
  const entry = loose(given);
  const request = loose(entry.request);
  const named = Array.isArray(request.headers) ? request.headers : [];
  const headers = headersOf(named.map((one) => [textOf(loose(one).name), loose(one).value] as const));
  const body = bodyOf(loose(request.postData), headers);
  return {
    ...{ line, method: methodOf(request.method), url: targetOf(request.url), headers, body },
    ...{ status: statusOf(loose(entry.response).status), at: dateOf(entry.startedDateTime) },
  };
}

function bodyOf({ text, params, mimeType, encoding }: Loose, headers: Record<string, string>): Buffer | undefined {
  if (typeof mimeType === 'string' && mimeType !== '' && headers['content-type'] === undefined)
    Object.assign(headers, headersOf([['content-type', mimeType]]));
  if (typeof text === 'string') return Buffer.from(text, encoding === 'base64' ? 'base64' : 'utf8');
  if (!Array.isArray(params) || params.length === 0) return undefined;
  const pairs = params.map((one): [string, string] => [textOf(loose(one).name), textOf(loose(one).value ?? '')]);
  return Buffer.from(new URLSearchParams(pairs).toString());
}

function textOf(value: unknown): string {
  if (value === undefined || typeof value === 'object')
    throw new Unreadable('the name or the value of a header or a parameter is no text');
  return String(value);
}

const loose = (value: unknown): Loose => (typeof value === 'object' && value !== null ? (value as Loose) : {});
