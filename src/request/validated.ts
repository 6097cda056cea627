import type { IncomingHttpHeaders } from 'node:http';
import type { Observation } from '../model/answer.ts';
import type { Forwarded } from '../origins/legacy.ts';

/** What a forwarded request leaves behind for the comparison. */
export interface Captured {
  /** Why it cannot be compared, where it cannot. */
  readonly unfit: string | undefined;
  /** Of a read that has one. */
  readonly requestBody: Buffer | undefined;
}

/** Legacy's reply as an observation; where it was not kept, its duration alone counts. */
export function legacyObservation({ answer, duration }: Forwarded): Observation {
  if (typeof answer === 'object') return Object.freeze({ origin: 'legacy', ok: true, answer, duration });
  const error = new Error('the reply was not kept');
  return Object.freeze({ origin: 'legacy', ok: false, error, duration });
}

/** `too_large`: the reply or the body; `incomplete`: the client left, or legacy broke off. */
export function capturedOf({ answer, requestBody }: Forwarded): Captured {
  const [unfit] = [answer ?? 'incomplete', requestBody].filter((part) => typeof part === 'string');
  return Object.freeze({
    unfit,
    requestBody: typeof requestBody === 'object' ? requestBody : undefined,
  });
}

const CONDITIONS = ['if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since', 'if-range'] as const;

/**
 * Why a request that legacy has answered says nothing of the stores: they know no conditions and no ranges, and have
 * JSON alone. `undefined` where it does say something.
 */
export function unfitness(headers: IncomingHttpHeaders): 'conditional' | 'range' | 'accept' | undefined {
  if (CONDITIONS.some((name) => headers[name] !== undefined)) return 'conditional';
  if (headers.range !== undefined) return 'range';
  return takesJson(headers.accept) ? undefined : 'accept';
}

const OVERRIDES = ['x-http-method-override', 'x-http-method', 'x-method-override'] as const;

/** Whether it asks legacy, by a header or a parameter that many services heed, to be taken for another method's. */
export const overrides = (url: string, headers: IncomingHttpHeaders): boolean =>
  OVERRIDES.some((name) => headers[name] !== undefined) || /[?&]_method=/.test(url);

/** RFC 9110 §12.5.1, as far as it says whether JSON is among what is asked for. */
function takesJson(accept: string | undefined): boolean {
  if (accept === undefined || accept.trim() === '') return true;
  return accept.split(',').some((range) => {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    const refused = parameters.some((parameter) => /^q\s*=\s*0(\.0*)?$/.test(parameter));
    return !refused && /^(\*\/\*|application\/(\*|json|[^;]+\+json))$/.test(type);
  });
}
