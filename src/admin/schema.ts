import { type Static, Type } from 'typebox';
import { OUTCOMES } from '../model/comparison.ts';
import { date, object, Pair, StageName, words } from './schema-words.ts';

/**
 * What the admin API takes and gives, as JSON Schema: routes check and print by it, the OpenAPI document is made of it,
 * and the console reads nothing else. Times are RFC 3339, durations milliseconds, shares 0 to 1.
 */
export * from './schema-findings.ts';

export const Role = words(['viewer', 'operator'] as const);

/** Of every refusal (RFC 9457). `again`: what of the request must be added for it to be done. */
export const ProblemReply = object('Problem', {
  status: Type.Integer(),
  title: Type.String(),
  detail: Type.String({ description: 'What is wrong, with its cure.' }),
  reasons: Type.Optional(Type.Array(Type.String(), { description: 'What the gate refuses by, a sentence each.' })),
  again: Type.Optional(
    Type.Object({ force: Type.Boolean(), reason: Type.Boolean() }, { description: 'What would have it done.' }),
  ),
});

/** GET /session: who asks. POST /session {token}: a session in a cookie. DELETE /session: ends it. */
export const Session = object('Session', {
  name: Type.String(),
  role: Role,
  by: words(['token', 'session', 'login'] as const),
  until: Type.Optional(date),
  api: Type.String(),
  version: Type.String(),
  replica: Type.String({ description: 'Host and process that answers.' }),
  flags: Type.Object({ kind: words(['file', 'server'] as const), place: Type.String() }),
});
export const SignIn = object('SignIn', { token: Type.String({ minLength: 1, maxLength: 512 }) });
/** GET /logins, open to anybody: what the page of a person without a session can offer. */
export const Logins = object('Logins', {
  oidc: Type.Boolean({ description: 'GET /admin/v1/login leads to the identity provider and back to /console.' }),
});

/** Of the gate, for one move of everybody. */
export const GateVerdict = object('GateVerdict', {
  operation: Type.String(),
  from: StageName,
  to: StageName,
  verdict: words(['pass', 'fail', 'insufficient', 'notNeeded', 'unknown'] as const),
  evidence: Type.Optional(Type.String()),
  reasons: Type.Array(
    Type.Object({
      rule: Type.String(),
      state: words(['pass', 'fail', 'insufficient'] as const),
      sentence: Type.String(),
      wanted: Type.String(),
      got: Type.String(),
      cure: Type.String(),
    }),
    { description: 'Worst first.' },
  ),
  failed: Type.Optional(Type.String({ description: 'Why it could not be asked: `unknown`.' })),
});

/** GET /gate?operation=&to=&tenants=a,b: a `GateVerdict`. GET /gates?operations=a,b: each for its next stage. */
export const GateVerdicts = object('GateVerdicts', { gates: Type.Array(GateVerdict) });

const Shares = Type.Array(Type.Object({ stage: Type.Unsafe<string>({ ...StageName }), n: Type.Number() }), {
  description: 'In the order of the migration.',
});

/** GET /operations: a row each, in the contract's order. */
export const Operation = object('Operation', {
  id: Type.String(),
  method: Type.String(),
  path: Type.String(),
  bound: Type.Boolean({ description: 'It has bindings and is a read: else legacy answers, and nothing moves it.' }),
  offered: Type.Array(StageName),
  stage: StageName,
  floor: StageName,
  ramp: Type.Optional(Type.Object({ to: StageName, percent: Type.Integer() })),
  named: Type.Integer({ description: 'Tenants with a stage of their own.' }),
  odd: Type.Optional(Type.String({ description: 'What its flag says that no ladder does.' })),
  tenants: Type.Optional(
    Type.Array(Type.Object({ stage: Type.String(), n: Type.Integer() }), {
      description: 'Known tenants by the stage they run at now; `none` is 503. Absent: nobody knows the tenants.',
    }),
  ),
  requests: Type.Array(Type.Object({ stage: Type.String(), perSecond: Type.Number() }), {
    description: 'Of this replica, over the last ten seconds, by stage.',
  }),
  perSecond: Type.Number({
    description: 'Of this replica’s replies, over the last ten seconds, those that pass through to legacy too.',
  }),
  errorShare: Type.Number({ description: 'Of this replica’s replies of the last minute, those with 5xx.' }),
  p99: Type.Optional(Type.Number({ description: 'Of this replica’s control, last minute.' })),
  health: words(['good', 'idle', 'differs', 'failing'] as const),
  why: Type.String({ description: 'What makes it so, a sentence; empty where all is well.' }),
  findings: Type.Integer({ description: 'Persistent ones that are not marked as known.' }),
  exposures: Type.Integer(),
  next: Type.Optional(StageName),
  previous: Type.Optional(StageName),
});
export const Operations = object('Operations', {
  kill: Type.Boolean(),
  killFile: Type.Optional(Type.String()),
  sampling: Type.Number({ description: 'Percent of the plans with a candidate that are carried out.' }),
  revision: Type.String(),
  tenantsKnown: Type.Optional(Type.Integer()),
  replicas: Type.Optional(Type.Object({ alive: Type.Integer(), arrived: Type.Integer() })),
  results: Type.Optional(Type.String({ description: 'Why findings, tenants and replicas are not known.' })),
  operations: Type.Array(Operation),
});

/** GET /operations/{id}. */
export const OperationDetail = object('OperationDetail', {
  operation: Operation,
  results: Type.Optional(Type.String({ description: 'Why `pairs` are not known.' })),
  tenants: Type.Array(Type.Object({ tenant: Type.String(), stage: StageName }), {
    description: 'With a stage of their own; the first 1,000 by name.',
  }),
  pairs: Type.Array(
    Type.Object({
      pair: Pair,
      offered: Type.Integer(),
      compared: Type.Integer(),
      matched: Type.Integer(),
      ignored: Type.Integer(),
      mismatched: Type.Integer(),
      upperBound: Type.Optional(Type.Number()),
      verdicts: Type.Record(Type.String(), Type.Integer()),
      notCompared: Type.Array(Type.Object({ outcome: words(OUTCOMES), reason: Type.String(), n: Type.Integer() })),
      control: Type.Optional(Type.Object({ p50: Type.Number(), p95: Type.Number(), p99: Type.Number() })),
      candidate: Type.Optional(Type.Object({ p50: Type.Number(), p95: Type.Number(), p99: Type.Number() })),
    }),
  ),
});

/** GET /tenants?search=&operation=&after=&limit=: by name, known and named ones. */
export const Tenants = object('Tenants', {
  total: Type.Integer(),
  results: Type.Optional(Type.String({ description: 'Why those without a stage of their own are not known.' })),
  tenants: Type.Array(
    Type.Object({
      tenant: Type.String(),
      last: Type.Optional(date),
      stages: Type.Array(Type.Object({ operation: Type.String(), stage: Type.String(), own: Type.Boolean() }), {
        description: 'Of the asked operation, or of those that differ from where the others are.',
      }),
    }),
  ),
  next: Type.Optional(Type.String({ description: 'Give it as `after` for more.' })),
});

/**
 * POST /changes. One of: `operation` with `stage` (everybody, or `tenants`, or `all`), with `ramp`, or with `floor`;
 * `kill`; `sampling`. Without `dryRun` it is made: 409 where the gate, a floor or an odd flag wants force and a reason.
 */
export const ChangeRequest = object('ChangeRequest', {
  operation: Type.Optional(Type.String()),
  stage: Type.Optional(StageName),
  tenants: Type.Optional(Type.Array(Type.String(), { minItems: 1, maxItems: 1_000 })),
  all: Type.Optional(Type.Boolean({ description: 'Tenants with a stage of their own too.' })),
  ramp: Type.Optional(Type.Object({ to: StageName, percent: Type.Integer({ minimum: 0, maximum: 100 }) })),
  floor: Type.Optional(StageName),
  kill: Type.Optional(Type.Boolean()),
  sampling: Type.Optional(Type.Number({ minimum: 0, maximum: 100 })),
  reason: Type.Optional(Type.String({ maxLength: 2_000 })),
  force: Type.Optional(Type.Boolean({ default: false })),
  dryRun: Type.Optional(Type.Boolean({ default: false })),
  revision: Type.Optional(
    Type.String({ description: 'Of the preview: 409 where the stages were changed since by someone else.' }),
  ),
});
export const Change = object('Change', {
  id: Type.Optional(
    Type.String({ description: 'Of its audit row, for undo; absent with `dryRun` or where nothing changed.' }),
  ),
  unrecorded: Type.Optional(
    Type.String({ description: 'Why it is made, but written down nowhere: nobody can look it up, nor undo it.' }),
  ),
  what: Type.String(),
  changed: Type.Boolean(),
  dryRun: Type.Boolean(),
  revision: Type.String({ description: 'Before it with `dryRun`, else after it.' }),
  diff: Type.Optional(Type.String({ description: 'Of stages.yaml, as a unified diff.' })),
  effects: Type.Array(
    Type.Object({
      operation: Type.String(),
      before: Type.String({ description: '`75 % dynamodb, 25 % shadow; by name: 1 live`' }),
      after: Type.String(),
      moving: Type.Optional(Type.Integer({ description: 'Known tenants that move.' })),
      tenantsBefore: Type.Optional(Shares),
      tenantsAfter: Type.Optional(Shares),
      some: Type.Array(Type.String(), { description: 'The first twenty of those that move, by name.' }),
      stays: Type.Array(Type.String(), { description: 'The first twenty with a stage of their own that it leaves.' }),
      note: Type.String(),
    }),
    { description: 'Operations that it touches.' },
  ),
  gate: Type.Array(GateVerdict),
  needs: Type.Object({
    force: Type.Boolean({ description: 'It is refused without `force` and a `reason`.' }),
    why: Type.Array(Type.String()),
  }),
});
/** POST /changes/{id}/undo {reason, force, dryRun}: 409 where the stages it left are not those of now. */
export const UndoRequest = object('UndoRequest', {
  reason: Type.Optional(Type.String({ maxLength: 2_000 })),
  force: Type.Optional(Type.Boolean({ default: false })),
  dryRun: Type.Optional(Type.Boolean({ default: false })),
});

/** GET /audit?after=&limit=: newest first. */
export const AuditEntry = object('AuditEntry', {
  id: Type.String(),
  at: date,
  who: Type.String(),
  what: Type.String(),
  where: Type.String(),
  why: Type.Optional(Type.String()),
  forced: Type.Boolean({ description: 'Against the gate.' }),
  undoable: Type.Boolean(),
  before: Type.Unknown({ description: 'Of the stages what differs: of tenants those that it moved.' }),
  after: Type.Unknown(),
});
export const Audit = object('Audit', { entries: Type.Array(AuditEntry), next: Type.Optional(Type.String()) });

const Point = Type.Object({
  at: date,
  p50: Type.Optional(Type.Number()),
  p99: Type.Optional(Type.Number()),
  perSecond: Type.Number(),
});
/** GET /health: this replica by its own measure, the others by what they report. */
export const Health = object('Health', {
  ready: Type.Boolean(),
  unknown: Type.Optional(Type.String({ description: 'Why `replicas` are not known.' })),
  parts: Type.Array(
    Type.Object({
      part: Type.String(),
      problem: Type.Optional(Type.String()),
      facts: Type.Record(Type.String(), Type.Unknown()),
    }),
  ),
  origins: Type.Array(
    Type.Object({ origin: Type.String(), role: words(['control', 'candidate'] as const), points: Type.Array(Point) }),
    { description: 'The last 15 minutes, a point every ten seconds.' },
  ),
  shadow: Type.Optional(
    Type.Object({
      queue: Type.Integer(),
      queueMax: Type.Integer(),
      bytes: Type.Integer(),
      bytesMax: Type.Integer(),
      underWay: Type.Integer(),
      breakers: Type.Array(
        Type.Object({ origin: Type.String(), operation: Type.String(), state: words(['open', 'trying'] as const) }),
      ),
      shed: Type.Array(
        Type.Object({ outcome: Type.String(), reason: Type.String(), n: Type.Integer(), perSecond: Type.Number() }),
      ),
      outcomes: Type.Array(Type.Object({ outcome: Type.String(), n: Type.Integer(), perSecond: Type.Number() })),
    }),
  ),
  results: Type.Optional(
    Type.Object({
      waiting: Type.Integer({ description: 'Rows that are not written yet.' }),
      most: Type.Integer(),
      dropped: Type.Integer(),
      problem: Type.Optional(Type.String()),
      written: Type.Optional(date),
    }),
  ),
  process: Type.Object({
    eventLoopDelay: Type.Number({ description: 'p99 of the last ten seconds.' }),
    memory: Type.Integer({ description: 'Resident, in bytes.' }),
    uptime: Type.Number(),
    inFlight: Type.Integer(),
  }),
  flags: Type.Object({
    source: Type.String(),
    place: Type.String(),
    revision: Type.String(),
    age: Type.Optional(Type.Number({ description: 'Milliseconds since its source last said so.' })),
    kill: Type.Boolean(),
    killFile: Type.Optional(Type.String()),
    kept: Type.Array(Type.String()),
    problem: Type.Optional(Type.String()),
  }),
  replicas: Type.Array(
    Type.Object({
      name: Type.String(),
      version: Type.String(),
      started: date,
      seen: date,
      flags: Type.String(),
      flagsFrom: Type.String(),
      current: Type.Boolean({ description: 'It runs on the revision of now.' }),
      alive: Type.Boolean(),
      self: Type.Boolean(),
      dropped: Type.Integer(),
    }),
  ),
});

/**
 * GET /events (text/event-stream): `operations` (an `Operations` whose rows are only those that changed) once a second
 * at most, `findings` ({ changed: true }) when there are others, `health` (a `Health` with each origin’s newest point alone) every
 * two seconds, `audit` (an `AuditEntry`), and a comment every 15 s. The first `operations` event is whole.
 */
export const EVENTS = Object.freeze(['operations', 'findings', 'health', 'audit'] as const);

export type ChangeRequest = Static<typeof ChangeRequest>;
export type UndoRequest = Static<typeof UndoRequest>;
export type Change = Static<typeof Change>;
export type GateVerdict = Static<typeof GateVerdict>;
export type GateVerdicts = Static<typeof GateVerdicts>;
export type Operation = Static<typeof Operation>;
export type Operations = Static<typeof Operations>;
export type OperationDetail = Static<typeof OperationDetail>;
export type Tenants = Static<typeof Tenants>;
export type AuditEntry = Static<typeof AuditEntry>;
export type Health = Static<typeof Health>;
export type Session = Static<typeof Session>;
