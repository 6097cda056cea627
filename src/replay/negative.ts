import type { Observation } from '../model/answer.ts';
import { type Credentials, credentialsFor } from './credentials.ts';
import type { Sent } from './legacy.ts';
import type { Pace } from './pace.ts';
import type { Subject, Subjects } from './subject.ts';

/** Ways of asking that somebody should refuse. */
export const FORMS = Object.freeze(['no credentials', 'expired', 'other user', 'other tenant'] as const);
export type Form = (typeof FORMS)[number];

/** One request that somebody should refuse, and what legacy and the façade said. */
export interface Refusal {
  readonly form: Form;
  readonly operation: string;
  readonly tenant: string;
  readonly method: string;
  readonly url: string;
  readonly requestId: string;
  /** Status; a text where nobody answered. */
  readonly legacy: number | string;
  readonly facade: number | string;
}

export interface Negative {
  readonly requests: number;
  /** How often each form was asked; 0 where nothing could be made of it. */
  readonly forms: readonly { readonly form: Form; readonly n: number }[];
  /** Legacy refuses, the façade answers. */
  readonly exposures: readonly Refusal[];
  /** Both refuse, or both answer, with other statuses; or legacy answers and the façade does not. */
  readonly others: readonly Refusal[];
  /** One of the two did not answer. */
  readonly failures: readonly Refusal[];
}

export interface NegativeOptions {
  readonly sample: readonly Subject[];
  readonly subjects: Subjects;
  readonly credentials: Credentials;
  /** Tenants that the replay met. */
  readonly tenants: readonly string[];
  readonly legacy: (sent: Sent) => Promise<Observation>;
  readonly facade: (sent: Sent) => Promise<Observation>;
  readonly pace: Pace;
}

const REFUSALS: ReadonlySet<unknown> = new Set([401, 403, 404]);
/** Of each kind. */
const MOST = 100;
/** No key has signed this. */
const EXPIRED =
  'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJub2JvZHkiLCJleHAiOjF9.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';

/** Asks legacy and a running façade what somebody should refuse, and holds their statuses together. */
export async function negative(options: NegativeOptions): Promise<Negative> {
  const { sample, legacy, facade, pace } = options;
  const asked = new Map<Form, number>(FORMS.map((form) => [form, 0]));
  const exposures: Refusal[] = [];
  const others: Refusal[] = [];
  const failures: Refusal[] = [];
  for (const subject of sample) {
    for (const { form, sent } of await formsOf(subject, options)) {
      if (!(await pace.turn())) break;
      asked.set(form, (asked.get(form) ?? 0) + 1);
      const [ours, theirs] = await Promise.all([facade(sent), legacy(sent)]);
      const refusal: Refusal = {
        ...{ form, operation: subject.operation.id, tenant: subject.tenant, method: sent.method, url: sent.url },
        ...{ requestId: String(sent.headers['x-request-id']), legacy: stateOf(theirs), facade: stateOf(ours) },
      };
      const into = kindOf(refusal, { exposures, others, failures });
      if (into !== undefined && into.length < MOST) into.push(refusal);
    }
  }
  const forms = [...asked].map(([form, n]) => ({ form, n }));
  return Object.freeze({ requests: sample.length, forms, exposures, others, failures });
}

function kindOf<T>({ legacy, facade }: Refusal, kinds: { exposures: T; others: T; failures: T }): T | undefined {
  if (typeof legacy === 'string' || typeof facade === 'string') return kinds.failures;
  if (facade < 300 && (REFUSALS.has(legacy) || isElsewhere(legacy))) return kinds.exposures;
  return legacy === facade ? undefined : kinds.others;
}

/** To a login, as web services refuse; 304 is none. */
const isElsewhere = (status: number) => status >= 300 && status < 400 && status !== 304;

const stateOf = (one: Observation): number | string => (one.ok ? one.answer.status : one.error.message);

interface Formed {
  readonly form: Form;
  readonly sent: Sent;
}

/** The forms that can be made of one request. */
async function formsOf(subject: Subject, options: NegativeOptions): Promise<readonly Formed[]> {
  const { sent, tenant } = subject;
  const { credentials, tenants } = options;
  const bare = withHeaders(sent, {}, credentials.names);
  const formed: Formed[] = [{ form: 'no credentials', sent: bare }];
  formed.push({ form: 'expired', sent: withHeaders(bare, credentials.expired ?? garbage(subject, credentials)) });
  const other = anotherUser(credentials, tenant);
  if (other !== undefined) formed.push({ form: 'other user', sent: withHeaders(bare, other) });
  const named = [...Object.keys(credentials.tenants), ...tenants].find((one) => one !== tenant);
  const moved = named === undefined ? undefined : await asTenant(subject, named, options);
  // With the credentials of the one, the other is asked for.
  if (moved !== undefined) formed.push({ form: 'other tenant', sent: moved });
  return formed.map(({ form, sent: one }) => ({
    form,
    sent: withHeaders(one, { 'x-request-id': `${String(sent.headers['x-request-id'])}.${form.replace(' ', '-')}` }),
  }));
}

/** Another of the tenant's own, else somebody of another tenant. */
function anotherUser(credentials: Credentials, tenant: string): Readonly<Record<string, string>> | undefined {
  if (Object.hasOwn(credentials.others, tenant)) return credentials.others[tenant];
  const other = Object.keys(credentials.tenants).find((one) => one !== tenant);
  return other === undefined ? undefined : credentialsFor(credentials, other);
}

/** In place of what would let this tenant in. */
function garbage({ tenant }: Subject, credentials: Credentials): Readonly<Record<string, string>> {
  const names = Object.keys(credentialsFor(credentials, tenant));
  const given = names.length === 0 ? ['authorization'] : names;
  return Object.fromEntries(given.map((name) => [name, name === 'authorization' ? `Bearer ${EXPIRED}` : EXPIRED]));
}

/** The same request for another tenant, wherever it is named; `undefined` where that cannot be had. */
async function asTenant(subject: Subject, other: string, { subjects }: NegativeOptions): Promise<Sent | undefined> {
  const { sent, tenant } = subject;
  const headers = Object.fromEntries(
    Object.entries(sent.headers).map(([name, value]) => [name, value === tenant ? other : value]),
  );
  const [from, to] = [encodeURIComponent(tenant), encodeURIComponent(other)];
  const url = sent.url
    .split(/([/?&=])/)
    .map((part) => (part === from ? to : part))
    .join('');
  for (const changed of [
    { ...sent, headers },
    { ...sent, url },
    { ...sent, headers, url },
  ]) {
    const moved = await subjects(changed);
    if (typeof moved !== 'string' && moved.tenant === other) return changed;
  }
  return undefined;
}

function withHeaders(sent: Sent, more: Readonly<Record<string, string>>, less: ReadonlySet<string> = NONE): Sent {
  const kept = Object.entries(sent.headers).filter(([name]) => !less.has(name));
  return { ...sent, headers: { ...Object.fromEntries(kept), ...more } };
}

const NONE: ReadonlySet<string> = new Set();

/** Keeps a fair sample of a stream whose length nobody knows: each has the same chance. */
export function createReservoir<T>(size: number, random: () => number = Math.random) {
  const kept: T[] = [];
  let met = 0;
  return Object.freeze({
    add(one: T): void {
      met += 1;
      if (kept.length < size) kept.push(one);
      else if (random() * met < size) kept[Math.floor(random() * size)] = one;
    },
    kept: (): readonly T[] => [...kept],
  });
}
