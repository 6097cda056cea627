import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { HttpResponse } from '@smithy/core/protocols';
import type { NodeHttpHandler } from '@smithy/node-http-handler';
import { headersOf } from './head.ts';
import type { Reply } from './incoming.ts';

type Request = Parameters<NodeHttpHandler['handle']>[0];
type Options = NonNullable<Parameters<NodeHttpHandler['handle']>[1]>;
type Handled = Awaited<ReturnType<NodeHttpHandler['handle']>>;

/** How the SDK is to carry out one call of ours; it hands its options on to the handler. */
export interface Way {
  /** What the first sending gave already: the SDK is told this, and sends only what it sends again. */
  first?: Reply | Error | undefined;
  /** The body of the last reply. */
  body?: Buffer;
  /** The request as the SDK would send it: it is not sent. */
  onRequest?: (request: Request) => void;
}

export type WayOptions = Options & { readonly way?: Way };

/** The SDK's own handler, which looks at the way of a call. */
export function handlerWith(handler: NodeHttpHandler): NonNullable<DynamoDBClient['config']['requestHandler']> {
  return {
    metadata: handler.metadata,
    destroy: () => handler.destroy(),
    updateHttpClientConfig: (key: never, value: never) => handler.updateHttpClientConfig(key, value),
    httpHandlerConfigs: () => handler.httpHandlerConfigs(),
    handle: (request: Request, options: WayOptions = {}) => {
      const { way, ...kept } = options;
      return way === undefined ? handler.handle(request, kept) : handled(handler, request, kept, way);
    },
  };
}

async function handled(handler: NodeHttpHandler, request: Request, options: Options, way: Way): Promise<Handled> {
  if (way.onRequest !== undefined) {
    way.onRequest(request);
    throw new Error('the request was only looked at');
  }
  const { first } = way;
  way.first = undefined;
  if (first instanceof Error) throw first;
  if (first !== undefined) {
    way.body = first.body;
    return answered(first.head.status, headersOf(first.head), first.body);
  }
  const { response } = await handler.handle(request, options);
  way.body = Buffer.concat(await response.body.toArray());
  return answered(response.statusCode, response.headers, way.body);
}

/** The SDK makes the bytes that it is given into something else: they are copied. */
const answered = (statusCode: number, headers: Record<string, string>, body: Buffer): Handled => ({
  response: new HttpResponse({ statusCode, headers, body: new Uint8Array(body) }),
});
