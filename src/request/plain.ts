import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate, inflateRaw, zstdDecompress } from 'node:zlib';
import { StoreError, type StoreFailure } from '../errors.ts';
import { type Answer, type Observation, withBody, withHeaders } from '../model/answer.ts';

type Decode = (body: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>;

const zlibbed = promisify(inflate) as Decode;
const raw = promisify(inflateRaw) as Decode;
/** A zlib header's first two bytes are a multiple of 31, and name deflate (RFC 1950 §2.2). */
const hasHeader = (body: Buffer) =>
  body.length > 1 && ((body[0] as number) & 0x0f) === 8 && body.readUInt16BE(0) % 31 === 0;

/** Content codings (RFC 9110 §8.4.1). Some send `deflate` without the zlib format around it; clients take both. */
const DECODERS: Readonly<Record<string, Decode>> = Object.freeze({
  gzip: promisify(gunzip) as Decode,
  'x-gzip': promisify(gunzip) as Decode,
  deflate: (body, options) => (hasHeader(body) ? zlibbed : raw)(body, options),
  br: promisify(brotliDecompress) as Decode,
  zstd: promisify(zstdDecompress) as Decode,
});

/** Beyond this an answer is compared by nobody. */
const MAX_BYTES = 8 * 1024 * 1024;

/**
 * An answer of legacy as it is without its compression, which is between it and the client: no store's answer has one.
 * What cannot be decoded is a failure of legacy; what is too large or in a coding that is not known here is none of it.
 */
export async function plainOf(observation: Observation): Promise<Observation> {
  if (!observation.ok) return observation;
  const { answer } = observation;
  const codings = String(answer.headers['content-encoding'] ?? '')
    .toLowerCase()
    .split(',')
    .map((coding) => coding.trim())
    .filter((coding) => coding !== '' && coding !== 'identity');
  if (codings.length === 0) return observation;
  try {
    const body = answer.body.length === 0 ? answer.body : await decoded(answer.body, codings);
    return Object.freeze({ ...observation, answer: withBody(withHeaders(answer, plainHeaders(answer)), body) });
  } catch (cause) {
    const message = `its ${codings.join(', ')} cannot be decoded: ${(cause as Error).message}`;
    const error = new StoreError('legacy', failureOf(cause, codings), message, cause);
    return Object.freeze({ origin: 'legacy', ok: false, error, duration: observation.duration });
  }
}

function failureOf(cause: unknown, codings: readonly string[]): StoreFailure {
  if (codings.some((coding) => DECODERS[coding] === undefined)) return 'coding';
  return (cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE' ? 'tooLarge' : 'undecodable';
}

async function decoded(body: Buffer, codings: readonly string[]): Promise<Buffer> {
  let plain = body;
  for (const coding of codings.toReversed()) {
    const decode = DECODERS[coding];
    if (decode === undefined) throw new Error(`${coding} is not known`);
    plain = await decode(plain, { maxOutputLength: MAX_BYTES });
  }
  return plain;
}

/** Without what speaks of the compression; of `Vary` that is never compared. */
function plainHeaders({ headers }: Answer): Answer['headers'] {
  const kept = Object.entries(headers).filter(([name]) => !SPEAKS_OF_IT.has(name));
  return Object.freeze(Object.fromEntries(kept));
}

const SPEAKS_OF_IT: ReadonlySet<string> = new Set(['content-encoding', 'content-length']);
