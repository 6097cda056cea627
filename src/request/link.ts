import type { BoundOperation } from '../bindings/load.ts';
import type { PageFacts, Request } from '../model/binding.ts';

/** The `Link` header of RFC 8288 that leads to the next page, or `undefined` on the last one or without `links`. */
export function linkHeader(
  operation: BoundOperation,
  url: string,
  page: PageFacts,
  request: Request,
): string | undefined {
  const name = operation.page?.links;
  if (name === undefined || !page.more) return undefined;
  const value = page.next ?? nextNumber(request.query[name]);
  if (value === undefined) return undefined;
  return `<${withParameter(url, name, value)}>; rel="next"`;
}

/** The URL with a query parameter set; the rest of the query stays as the client wrote it, byte for byte. */
export function withParameter(url: string, name: string, value: string): string {
  const cut = url.indexOf('?');
  const path = cut === -1 ? url : url.slice(0, cut);
  const others = (cut === -1 ? '' : url.slice(cut + 1))
    .split('&')
    .filter((part) => part !== '' && nameOf(part) !== name);
  return `${path}?${[...others, `${encodeURIComponent(name)}=${encodeURIComponent(value)}`].join('&')}`;
}

function nameOf(part: string): string {
  const name = part.split('=', 1)[0] as string;
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

const nextNumber = (current: unknown): string | undefined =>
  typeof current === 'number' ? String(current + 1) : undefined;
