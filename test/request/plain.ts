import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import t from 'tap';
import { compare } from '../../src/compare/compare.ts';
import { compileRules } from '../../src/compare/rules.ts';
import type { Observation } from '../../src/model/answer.ts';
import { plainOf } from '../../src/request/plain.ts';

const BODY = Buffer.from('{"a":1}');
const PLAN = { shape: undefined, list: undefined, token: undefined, headers: [] };
const plan = { ...PLAN, rules: compileRules(undefined, undefined, 'x') };

function seen(origin: 'legacy' | 'mongodb', coding: string | undefined, body: Buffer): Observation {
  const headers = { 'content-type': 'application/json', ...(coding && { 'content-encoding': coding }) };
  return { origin, ok: true, duration: 1, answer: { status: 200, headers, body } };
}

const CASES: readonly (readonly [string, string, Buffer, string])[] = [
  ['gzip', 'gzip', gzipSync(BODY), 'match'],
  ['in capitals', 'GZip', gzipSync(BODY), 'match'],
  ['brotli', 'br', brotliCompressSync(BODY), 'match'],
  ['zstd', 'zstd', zstdCompressSync(BODY), 'match'],
  ['deflate', 'deflate', deflateSync(BODY), 'match'],
  ['deflate as some send it', 'deflate', deflateRawSync(BODY), 'match'],
  ['twice', 'deflate, gzip', gzipSync(deflateSync(BODY)), 'match'],
  ['another body', 'gzip', gzipSync('{"a":2}'), 'mismatch value'],
  ['cut short', 'gzip', gzipSync(BODY).subarray(0, 15), 'mismatch unanswerable'],
  ['no deflate at all', 'deflate', Buffer.from('deflate'), 'mismatch unanswerable'],
  ['a bomb', 'gzip', gzipSync(Buffer.alloc(9 * 1024 * 1024, 32)), 'skipped too_large'],
  ['a coding that is not known here', 'dcz', BODY, 'skipped coding'],
];

for (const [name, coding, body, wanted] of CASES)
  t.test(`legacy's ${name}`, async (t) => {
    const legacy = await plainOf(seen('legacy', coding, body));
    const { outcome, reason, differences } = compare(legacy, seen('mongodb', undefined, BODY), plan, 0);
    t.equal([outcome, reason ?? differences[0]?.kind].filter(Boolean).join(' '), wanted);
  });
