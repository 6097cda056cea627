import type { Finding, Result } from '../../src/results/rows.ts';

/** A result like any other, with what a test cares for. */
export const result = (some: Partial<Result> = {}): Result => ({
  ...{ at: Date.now(), operation: 'getNote', tenant: 'acme', stage: 'shadow', pair: 'dynamodb-mongodb' },
  ...{ outcome: 'match', reason: undefined, rules: [], verdict: undefined, strata: ['status:200'] },
  ...{ control: 2, candidate: 3, lag: undefined, findings: [], subject: undefined, request: undefined },
  ...some,
});

export const finding = (fingerprint: string, some: Partial<Finding> = {}): Finding => ({
  ...{
    fingerprint,
    kind: 'value',
    path: '/text',
    leftType: 'string',
    rightType: 'string',
    verdict: 'persistent',
    places: 1,
    alone: undefined,
    refusal: false,
    subjects: [],
  },
  sample: {
    ...{ at: new Date(), requestId: 'r', tenant: 'acme', stage: 'shadow', verdict: 'persistent', consistent: true },
    ...{ facts: [], salt: 's', left: { type: 'string', length: 3 }, right: { type: 'string', length: 4 } },
  },
  ...some,
});
