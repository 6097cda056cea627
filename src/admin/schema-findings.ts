import { type Static, Type } from 'typebox';
import { KINDS, VERDICTS } from '../model/comparison.ts';
import { date, object, Pair, StageName, words } from './schema-words.ts';

const Known = Type.Object({
  who: Type.String(),
  at: date,
  reason: Type.String(),
  until: Type.String({ format: 'date' }),
});
const Sampled = Type.Object({
  type: Type.String(),
  length: Type.Integer(),
  hash: Type.Optional(Type.String()),
  value: Type.Optional(Type.String()),
});

/** GET /findings?operation=&pair=&kind=&state=&search=&after=&limit=: without samples; `hours` of the last seven days. */
export const Finding = object('Finding', {
  fingerprint: Type.String(),
  operation: Type.String(),
  pair: Pair,
  kind: words(KINDS),
  path: Type.String(),
  leftType: Type.String(),
  rightType: Type.String(),
  n: Type.Integer(),
  share: Type.Number(),
  verdicts: Type.Record(Type.String(), Type.Integer()),
  verdict: words(VERDICTS),
  state: words(['exposure', 'persistent', 'unsettled', 'passing'] as const),
  first: date,
  last: date,
  tenants: Type.Array(Type.String()),
  sentence: Type.String(),
  cause: Type.Optional(Type.String()),
  because: Type.Optional(Type.String()),
  alone: Type.Optional(Type.String()),
  hours: Type.Array(Type.Object({ h: Type.Integer(), n: Type.Integer() }), {
    description: 'Sightings by hour since 1970.',
  }),
  known: Type.Optional(Known),
});
export const Findings = object('Findings', {
  evidence: Type.String(),
  results: Type.Optional(Type.String({ description: 'Why they are not known, or not of now.' })),
  total: Type.Integer({ description: 'That fit what was asked for.' }),
  next: Type.Optional(Type.String({ description: 'Give it as `after` for more.' })),
  findings: Type.Array(Finding, { description: 'Exposures first, then worst first.' }),
});
/** GET /findings/{fingerprint}. */
export const FindingDetail = object('FindingDetail', {
  finding: Finding,
  twins: Type.Array(Type.Object({ fingerprint: Type.String(), pair: Pair })),
  rule: Type.Optional(Type.String({ description: 'To paste under `compare`.' })),
  samples: Type.Array(
    Type.Object({
      at: date,
      requestId: Type.String(),
      tenant: Type.String(),
      stage: StageName,
      verdict: words(VERDICTS),
      consistent: Type.Boolean(),
      facts: Type.Array(Type.String()),
      left: Sampled,
      right: Sampled,
      repeatable: Type.Boolean({ description: 'Its request is kept, and can be asked again.' }),
    }),
  ),
});
/** PUT /findings/{fingerprint}/known gives the `Finding`; DELETE takes the mark away. Marks are for people: the gate does not know them. */
export const KnownRequest = object('KnownRequest', {
  reason: Type.String({ minLength: 1, maxLength: 2_000 }),
  until: Type.String({ format: 'date' }),
});

/** POST /diff {method, path, headers} and POST /findings/{fingerprint}/diff {sample}: role operator, and audited. */
export const DiffRequest = object('DiffRequest', {
  method: words(['GET', 'HEAD'] as const),
  path: Type.String({ maxLength: 16_384 }),
  headers: Type.Optional(Type.Record(Type.String(), Type.String())),
});
export const SampleDiffRequest = object('SampleDiffRequest', {
  sample: Type.Integer({ minimum: 0, default: 0 }),
  requestId: Type.Optional(
    Type.String({ description: 'Of that sample: samples are replaced by later ones, and then it is 410.' }),
  ),
  headers: Type.Optional(Type.Record(Type.String(), Type.String(), { description: 'Such as credentials of the day.' })),
});
export const Diff = object('Diff', {
  operation: Type.String(),
  tenant: Type.String(),
  method: Type.String(),
  path: Type.String(),
  origins: Type.Array(
    Type.Object({
      origin: Type.String(),
      duration: Type.Number(),
      calls: Type.Array(Type.String()),
      status: Type.Optional(Type.Integer()),
      headers: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
      body: Type.Optional(Type.String({ description: 'As text, at most 256 KiB.' })),
      cut: Type.Optional(Type.Boolean()),
      error: Type.Optional(Type.String()),
    }),
  ),
  comparisons: Type.Array(
    Type.Object({
      pair: Pair,
      outcome: Type.String(),
      reason: Type.Optional(Type.String()),
      rules: Type.Array(Type.Object({ rule: Type.String(), uses: Type.Integer() })),
      differences: Type.Array(
        Type.Object({
          kind: Type.String(),
          path: Type.String(),
          at: Type.String(),
          leftPointer: Type.Optional(Type.String({ description: 'JSON pointer (RFC 6901) into the left body.' })),
          rightPointer: Type.Optional(Type.String()),
          leftType: Type.String(),
          rightType: Type.String(),
          left: Type.Optional(Type.String()),
          right: Type.Optional(Type.String()),
          facts: Type.Array(Type.String()),
        }),
      ),
    }),
  ),
});

/** GET /rules. */
export const Rules = object('Rules', {
  results: Type.Optional(Type.String({ description: 'Why `uses` are not known.' })),
  rules: Type.Array(
    Type.Object({
      id: Type.String(),
      reason: Type.String(),
      until: Type.Optional(Type.String()),
      expired: Type.Boolean(),
      uses: Type.Optional(Type.Integer({ description: 'Comparisons in which it covered something.' })),
    }),
  ),
});

export type Finding = Static<typeof Finding>;
export type Findings = Static<typeof Findings>;
export type Rules = Static<typeof Rules>;
export type KnownRequest = Static<typeof KnownRequest>;
export type DiffRequest = Static<typeof DiffRequest>;
export type SampleDiffRequest = Static<typeof SampleDiffRequest>;
export type FindingDetail = Static<typeof FindingDetail>;
export type Diff = Static<typeof Diff>;
