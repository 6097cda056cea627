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
  const [path = '', search = ''] = url.split('?', 2);
  const query = new URLSearchParams(search);
  query.set(name, value);
  return `<${path}?${query}>; rel="next"`;
}

const nextNumber = (current: unknown): string | undefined =>
  typeof current === 'number' ? String(current + 1) : undefined;
