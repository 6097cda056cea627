import { StoreError, type StoreFailure } from '../errors.ts';

const FAILURES: Readonly<Record<string, StoreFailure>> = Object.freeze({
  UND_ERR_HEADERS_TIMEOUT: 'timeout',
  UND_ERR_BODY_TIMEOUT: 'timeout',
  UND_ERR_ABORTED: 'timeout',
  UND_ERR_HEADERS_OVERFLOW: 'undecodable',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'undecodable',
  UND_ERR_INVALID_ARG: 'refused',
  ERR_INVALID_CHAR: 'undecodable',
  ERR_INVALID_HTTP_TOKEN: 'undecodable',
  ERR_HTTP_INVALID_STATUS_CODE: 'undecodable',
});

/** The client library's error → ours. */
export function translate(error: Error & { code?: string | number }): StoreError {
  if (error instanceof StoreError) return error;
  const message = `legacy did not answer: ${error.message || error.code || error.name}`;
  return new StoreError('legacy', failureOf(error.name, String(error.code)), message, error);
}

function failureOf(name: string, code: string): StoreFailure {
  const known = FAILURES[code];
  if (known) return known;
  if (name === 'TimeoutError' || name === 'AbortError') return 'timeout';
  return name === 'HTTPParserError' || code.startsWith('HPE_') ? 'undecodable' : 'unavailable';
}
