import { dateOf, headersOf, methodOf, type Recorded, statusOf, targetOf, Unreadable } from './recorded.ts';

/**
 * One line of NDJSON: `{ method, url | path, headers, body | bodyBase64, status, at }`. `method` is GET where it is
 * missing; a `body` that is no text is sent as JSON. Throws Unreadable.
 */
export function readNdjson(text: string, line: number): Recorded {
  const given = parsed(text);
  const method = methodOf(given.method ?? 'GET');
  if (given.url === undefined && given.path === undefined) throw new Unreadable('neither url nor path');
  const url = targetOf(given.url ?? given.path);
  const named = given.headers ?? {};
  if (typeof named !== 'object' || Array.isArray(named)) throw new Unreadable('headers must be an object');
  const headers = headersOf(Object.entries(named));
  const body = bodyOf(given);
  if (body !== undefined && typeof given.body !== 'string' && given.bodyBase64 === undefined)
    headers['content-type'] ??= 'application/json';
  return { line, method, url, headers, body, status: statusOf(given.status), at: dateOf(given.at) };
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Unreadable('no JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Unreadable('no JSON object');
  return value as Record<string, unknown>;
}

function bodyOf({ body, bodyBase64 }: Readonly<Record<string, unknown>>): Buffer | undefined {
  if (bodyBase64 !== undefined) {
    if (typeof bodyBase64 !== 'string' || !/^[A-Za-z0-9+/_-]*={0,2}$/.test(bodyBase64))
      throw new Unreadable('bodyBase64 is no base64');
    return Buffer.from(bodyBase64, 'base64');
  }
  if (body === undefined || body === null) return undefined;
  return Buffer.from(typeof body === 'string' ? body : printed(body));
}

function printed(body: unknown): string {
  try {
    return JSON.stringify(body);
  } catch {
    throw new Unreadable('the body is nested too deep');
  }
}
