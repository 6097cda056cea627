import type { ListKey } from '../../src/compare/align.ts';
import { type ComparePlan, compare } from '../../src/compare/compare.ts';
import { compileRules } from '../../src/compare/rules.ts';
import { createShapes } from '../../src/contract/shape.ts';
import { StoreError, type StoreFailure } from '../../src/errors.ts';
import type { Observation } from '../../src/model/answer.ts';
import type { CompareRule } from '../../src/model/binding.ts';
import type { OriginName } from '../../src/model/stage.ts';

const string = { type: 'string' };
const schema = {
  type: 'object',
  properties: {
    items: {
      type: 'array',
      items: { type: 'object', properties: { id: string, at: string, tags: { type: 'array', items: string } } },
    },
    labels: { type: 'object', additionalProperties: string },
    meta: { type: 'object' },
    total: { type: 'number' },
    next: string,
  },
};
const shape = createShapes(() => undefined)(schema);

export interface Given {
  readonly rules?: readonly object[];
  /** `null`: nothing tells the items of the page apart. */
  readonly key?: ListKey | null;
  readonly limit?: number;
  readonly now?: number;
}

export const planOf = ({ rules = [], key = [['id']], limit }: Given): ComparePlan => ({
  shape,
  list: { path: '/items', key: key ?? undefined, limit },
  token: { path: '/next', says: (text) => (text.startsWith('ours-') ? text.split('-')[1] : undefined) },
  rules: compileRules(
    rules.map((rule) => ({ reason: 'x', ...rule }) as CompareRule),
    undefined,
    'x',
  ),
  headers: ['x-total'],
});

export type Side =
  | object
  | string
  | Buffer
  | { failure: StoreFailure }
  | { status: number; headers?: object; body?: unknown };

export function seen(origin: OriginName, side: Side): Observation {
  if (typeof side === 'object' && 'failure' in side)
    return { origin, ok: false, duration: 1, error: new StoreError('mongodb', side.failure, 'x') };
  const full = typeof side === 'object' && 'status' in side ? side : { status: 200, body: side };
  const { status, headers = {}, body = '' } = full as { status: number; headers?: object; body?: unknown };
  const bytes =
    typeof body === 'string' || Buffer.isBuffer(body) ? Buffer.from(body as string) : Buffer.from(JSON.stringify(body));
  return {
    origin,
    ok: true,
    duration: 1,
    answer: { status, headers: { 'content-type': 'application/json', ...headers }, body: bytes },
  };
}

export const held = (
  left: Side,
  right: Side,
  given: Given = {},
  origins: [OriginName, OriginName] = ['dynamodb', 'mongodb'],
) => compare(seen(origins[0], left), seen(origins[1], right), planOf(given), given.now ?? Date.parse('2026-11-21'));

/** `kind path left→right` for each difference, else the outcome with its reason. */
export function said(comparison: ReturnType<typeof held>): string[] {
  const { outcome, reason, differences, rules } = comparison;
  if (outcome === 'mismatch')
    return differences.map(({ kind, path, leftType, rightType }) => `${kind} ${path} ${leftType}→${rightType}`);
  if (outcome === 'ignored') return [`ignored by ${rules.map(({ rule, uses }) => `${rule} ×${uses}`).join(', ')}`];
  return [reason === undefined ? outcome : `${outcome} ${reason}`];
}

export const items = (...ids: string[]) => ({ items: ids.map((id) => ({ id })) });
export const one = (fields: object) => ({ items: [{ id: 'a', ...fields }] });
