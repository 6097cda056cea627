import type { Kind, Outcome, Pair, ValueType, Verdict } from '../model/comparison.ts';
import type { OriginName, Stage } from '../model/stage.ts';

/** What became of one plan with a candidate: the unit that all counts add up to. */
export interface Result {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly operation: string;
  readonly tenant: string;
  readonly stage: Stage;
  readonly pair: Pair;
  readonly outcome: Outcome;
  readonly reason: string | undefined;
  /** Ids of the rules that covered something. */
  readonly rules: readonly string[];
  /** The worst of its differences; of a mismatch alone. */
  readonly verdict: Verdict | undefined;
  /** What it is evidence for: `status:200`, `list:empty`, `page:2`, `param:kind`. */
  readonly strata: readonly string[];
  /** Milliseconds that each side took; `undefined` where it was not asked or did not answer. */
  readonly control: number | undefined;
  readonly candidate: number | undefined;
  /** How long a transient difference lasted, at most. */
  readonly lag: number | undefined;
  readonly findings: readonly Finding[];
  /** What was asked, where it was compared. */
  readonly subject: Subject | undefined;
  /** Sealed, where a rule covered something and a secret seals it: `crossfade rules` asks it again. */
  readonly request: string | undefined;
}

/** What tells requests apart, and how much of their answers there is to differ. */
export interface Subject {
  /** 48 bits of a hash over operation, tenant and parameters. */
  readonly hash: number;
  /** Items in the answers; 1 where they are no list. */
  readonly items: number;
  /** Both sides answered 2xx with something in it, and agree as far as rules want it. */
  readonly full: boolean;
}

/** One fingerprint in one result. */
export interface Finding {
  readonly fingerprint: string;
  readonly kind: Kind;
  readonly path: string;
  readonly leftType: ValueType;
  readonly rightType: ValueType;
  readonly verdict: Verdict;
  /** Places in this answer that have it. */
  readonly places: number;
  /** Of three answers, the origin that the other two agree against; `all`: no two agree. `undefined` where there are two. */
  readonly alone: Alone | undefined;
  /** Both sides refuse: what ours says then is the bindings' and nothing of any data. */
  readonly refusal: boolean;
  /** Hashes of the items, or of the request, that have it; at most `MAX_SUBJECTS`. */
  readonly subjects: readonly number[];
  readonly sample: Sample;
}

/** So many tell a case of everybody's from one of a few. */
export const MAX_SUBJECTS = 16;

export type Alone = OriginName | 'all';

/** Whence the requests came: from clients, or from `crossfade replay`. */
export type Source = 'traffic' | 'replay';

/** What is kept of an answer that differed: nothing of its data in clear, but for paths under `reveal`. */
export interface Sample {
  readonly at: Date;
  readonly requestId: string;
  readonly tenant: string;
  readonly stage: Stage;
  readonly verdict: Verdict;
  /** Whether the stores were read consistently, or as the binding has it. */
  readonly consistent: boolean;
  /** Method, path and headers, sealed under SAMPLE_SECRET; absent without one. */
  readonly request?: string;
  readonly facts: readonly string[];
  readonly salt: string;
  readonly left: SampledValue;
  readonly right: SampledValue;
}

export interface SampledValue {
  readonly type: ValueType;
  /** Bytes of its JSON text. */
  readonly length: number;
  /** HMAC under SAMPLE_SECRET of the sample's salt and the JSON text: who has the secret can try a guess. */
  readonly hash?: string;
  /** In clear, only under `reveal`. */
  readonly value?: string;
}

/** A row of `crossfade_counts`: cumulative, of one replica and minute. */
export interface CountRow {
  readonly _id: string;
  readonly api: string;
  readonly evidence: string;
  readonly replica: string;
  readonly source: Source;
  readonly minute: Date;
  readonly operation: string;
  readonly tenant: string;
  readonly stage: Stage;
  readonly pair: Pair;
  readonly outcome: Outcome;
  readonly reason: string;
  readonly rules: readonly string[];
  n: number;
  persistent: number;
  moving: number;
  unverified: number;
  transient: number;
  strata: { k: string; n: number }[];
  control: { b: number; n: number }[];
  candidate: { b: number; n: number }[];
  lag: { b: number; n: number }[];
}

/** A row of `crossfade_mismatches`: cumulative, of one replica, fingerprint and origin that stands alone. */
export interface FindingRow {
  readonly _id: string;
  readonly api: string;
  readonly evidence: string;
  readonly replica: string;
  readonly source: Source;
  readonly fingerprint: string;
  readonly operation: string;
  readonly pair: Pair;
  readonly kind: Kind;
  readonly path: string;
  readonly leftType: ValueType;
  readonly rightType: ValueType;
  readonly alone?: Alone;
  readonly refusal: boolean;
  n: number;
  persistent: number;
  moving: number;
  unverified: number;
  transient: number;
  /** Of what was persistent: places in requests that were new, to be held against all of `crossfade_requests`' items. */
  places: number;
  /** Hashes of items or requests that have it: distinct ones, at most `MAX_SUBJECTS`. */
  subjects: number[];
  /** At most 100 by name. */
  tenants: string[];
  first: Date;
  last: Date;
  /** Sightings by hour since 1970. */
  hours: { h: number; n: number }[];
  samples: Sample[];
}

/** A row of `crossfade_requests`: what was asked by one tenant, of one replica, operation and pair; each request once. */
export interface RequestsRow {
  readonly _id: string;
  readonly api: string;
  readonly evidence: string;
  readonly replica: string;
  readonly source: Source;
  readonly operation: string;
  readonly pair: Pair;
  readonly tenant: string;
  last: Date;
  /** Distinct requests that were compared, and the items in their answers. */
  n: number;
  items: number;
  /** Hashes of those with something in their answers, six bytes each. */
  seen: Buffer;
}

/** A row of `crossfade_replays`: a replay of one operation that came to its end. */
export interface ReplayRow {
  readonly _id: string;
  readonly api: string;
  readonly evidence: string;
  readonly operation: string;
  readonly pairs: readonly Pair[];
  readonly finished: Date;
  /** It asked for all that there is: it walked a full list of keys. */
  readonly exhaustive: boolean;
  readonly requests: number;
}

/** A row of `crossfade_rules`: requests in whose answers a rule covered something. */
export interface RuleRow {
  readonly _id: string;
  readonly api: string;
  readonly evidence: string;
  readonly replica: string;
  readonly rule: string;
  readonly operation: string;
  readonly pair: Pair;
  last: Date;
  /** Sealed; the latest few. */
  requests: string[];
}

/** A row of `crossfade_replicas`: who writes, and what it did since its start. */
export interface ReplicaRow {
  readonly _id: string;
  readonly api: string;
  readonly evidence: string;
  /** A façade's is `traffic`; a replay serves nobody. */
  readonly source: Source;
  readonly version: string;
  readonly host: string;
  readonly pid: number;
  readonly started: Date;
  seen: Date;
  /** The revision of the flags that it runs on. */
  flags: string;
  /** Whence: `file`, `server`, `saved`, `none`. */
  readonly flagsFrom: string;
  /** It said goodbye. */
  readonly ended?: Date;
  /** Plans with a candidate since the start, and what became of them; `offered` is the sum of the others and `pending`. */
  totals: Readonly<Record<Outcome | 'offered' | 'pending' | 'dropped', number>>;
}

/** A row of `crossfade_tenants`: a tenant that any replica had a request of. */
export interface TenantRow {
  readonly _id: string;
  readonly api: string;
  readonly tenant: string;
  readonly last: Date;
}

/** A row of `crossfade_known`: somebody has looked at a finding, and says so until a day. */
export interface KnownRow {
  readonly _id: string;
  readonly api: string;
  readonly fingerprint: string;
  readonly who: string;
  readonly at: Date;
  readonly reason: string;
  /** Its last day (UTC). */
  readonly until: string;
  /** When that is over. */
  readonly ends: Date;
}

/** A row of `crossfade_audit`: who changed what, and why. */
export interface AuditRow {
  readonly _id: string;
  readonly at: Date;
  readonly api: string;
  readonly who: string;
  /** What was done, as it was said: `stage getUser shadow --percent 25`. */
  readonly what: string;
  /** The file, or the server's URL. */
  readonly where: string;
  readonly before: unknown;
  readonly after: unknown;
  readonly why: string | undefined;
  /** What the gate said of it, where it was asked. */
  readonly gate?: unknown;
}
