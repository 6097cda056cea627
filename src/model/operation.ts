import type { Shape } from './shape.ts';

export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS' | 'TRACE';

/** JSON Schema as the contract has it, references resolved where they are not recursive. */
export type Schema = Readonly<Record<string, unknown>> | boolean;

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header' | 'cookie';
  readonly required: boolean;
  readonly style: 'matrix' | 'label' | 'simple' | 'form' | 'spaceDelimited' | 'pipeDelimited' | 'deepObject';
  readonly explode: boolean;
  readonly allowReserved: boolean;
  /** `content: { 'application/json': … }` instead of a schema with a style. */
  readonly json: boolean;
  readonly schema: Schema;
}

/** One operation of the contract. */
export interface Operation {
  /** `operationId`, else method and path (`get-users-id`). */
  readonly id: string;
  readonly method: Method;
  /** The contract's template, without the base path: `/users/{userId}`. */
  readonly path: string;
  /** JSON pointer into the contract, for messages: `#/paths/~1users~1{userId}/get`. */
  readonly pointer: string;
  readonly parameters: readonly Parameter[];
  readonly body:
    | { readonly required: boolean; readonly types: readonly string[]; readonly schema: Schema | undefined }
    | undefined;
  /** The contract's only 2xx, else 200; its media type (default application/json) and shape (`undefined`: no body). */
  readonly success: { readonly status: number; readonly type: string; readonly shape: Shape | undefined };
  /** Documented statuses as written: `200`, `4XX`, `default`. */
  readonly statuses: readonly string[];
  /** Lower-case names of the response headers that the contract documents for the success status. */
  readonly headers: readonly string[];
  /** Whether it is for callers with credentials alone, and the kinds of them: `http bearer`, `oauth2`, `apiKey`. */
  readonly security: { readonly required: boolean; readonly schemes: readonly string[] };
}

/** The legacy API's own document, never edited for our sake. */
export interface Contract {
  readonly file: string;
  /** The document as it is, bytes. */
  readonly source: Buffer;
  /** The document, `$ref`s in place, as JSON: parsed it would take eight times as much, and hardly anybody looks at it. */
  readonly json: Buffer;
  readonly openapi: '3.0' | '3.1';
  readonly title: string;
  readonly version: string;
  /** Path of the first server, without a trailing slash: '' or `/v1`. */
  readonly basePath: string;
  readonly operations: readonly Operation[];
  /** Names of the component schemas. */
  readonly schemas: readonly string[];
}
