/** `mongodb://user:password@host`, up to the last @: a password may hold one that should have been escaped. A file
 * has none, and its folders may begin with an @. */
const IN_URLS: Secret = [/\b((?!file:)[a-z][a-z0-9+.-]{0,20}:\/\/)[^\s"'<>]{0,512}@/gi, '$1***@'];

type Secret = readonly [pattern: RegExp, left: string];

/** What must not be written down wherever it stands in a text, and what is left of it. Bounded, so that none is slow. */
const SECRETS: readonly Secret[] = Object.freeze([
  IN_URLS,
  [/\b(bearer|basic|digest|negotiate) +[^\s"',;]+/gi, '$1 ***'],
  [
    /\b((?:proxy-)?authorization|(?:set-)?cookie|x-api-key|x-amz-security-token)(["']?\s{0,9}[:=])[^\r\n]*/gi,
    '$1$2 ***',
  ],
  // At the end of a name too: client_secret, accessToken, AWS_SECRET_ACCESS_KEY.
  [
    /(credential|signature|password|passwd|pwd|secret|token|(?:api|access)_?key)(["']?\s{0,9}[:=]\s{0,9})[^\s,;&]+/gi,
    '$1$2***',
  ],
  // What is a token by its form, wherever it stands: ours, Unleash's, a JWT.
  [/\bcrossfade_[\w-]{43}/g, 'crossfade_***'],
  [/(?:\*|\b[\w-]{1,64}):(?:\*|[\w-]{1,64})\.[0-9a-f]{32,}/g, '***'],
  [/\beyJ[\w-]{8,}\.[\w-]{1,2048}(?:\.[\w-]{1,2048})?/g, '***'],
  // Values of a query, of a URL or of a request's target.
  [/(\/[^\s?#"'<>]{0,256})\?[^\s"'<>]*/g, '$1?***'],
]);

/** Longer texts are cut: what a driver quotes may be a whole document. */
const LONGEST = 2_048;

/** A text for whoever started the process: without the credentials of a URL. */
export const withoutCredentials = (text: string): string => text.replace(...IN_URLS);

/** A text of an error or of a driver, without credentials, and without the values of queries. */
export function redacted(text: string): string {
  const cut = text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
  return SECRETS.reduce((rest, [pattern, left]) => rest.replace(pattern, left), cut);
}

/** How many causes of causes are told. */
const DEPTH = 4;

/** What is told of an error: words and where it came from, none of what drivers hang onto it (requests, replies, headers). */
export interface ToldError {
  readonly type: string;
  readonly message: string;
  readonly stack?: string | undefined;
  readonly code?: string | number | undefined;
  readonly failure?: string | undefined;
  readonly cause?: ToldError | undefined;
}

/** Never throws, whatever somebody threw: this is asked where nobody is left to catch it. */
export function errorTold(error: unknown, depth = DEPTH): ToldError {
  try {
    return toldOf(error, depth);
  } catch {
    return { type: typeof error, message: UNTELLABLE };
  }
}

/** A message as it may be written down; it may be anything that somebody put there. Never throws. */
export function textTold(value: unknown): string {
  try {
    return redacted(typeof value === 'string' ? value : String(value));
  } catch {
    return UNTELLABLE;
  }
}

function toldOf(error: unknown, depth: number): ToldError {
  if (!(error instanceof Error)) return { type: typeof error, message: textTold(error) };
  const { code, failure } = error as Error & { code?: unknown; failure?: unknown };
  return {
    type: textTold(error.name),
    message: textTold(error.message),
    stack: error.stack === undefined ? undefined : textTold(error.stack),
    code: typeof code === 'string' ? redacted(code) : typeof code === 'number' ? code : undefined,
    failure: typeof failure === 'string' ? failure : undefined,
    cause: error.cause === undefined || depth <= 1 ? undefined : errorTold(error.cause, depth - 1),
  };
}

const UNTELLABLE = 'it cannot be told';
