/** What an event changes in what is known. Pure; what did not change keeps its identity, so that it is not drawn anew. */
/** @import { Operations, Operation, Health } from '../src/admin/schema.ts' */

/**
 * @param {Operations | undefined} known @param {Operations} event @param {boolean} first Of a connection: it is whole.
 * @returns {Operations}
 */
export function mergeOperations(known, event, first) {
  if (first || known === undefined) return event;
  const changed = new Map(event.operations.map((operation) => [operation.id, operation]));
  if (changed.size === 0) return { ...event, operations: known.operations };
  const operations = known.operations.map((operation) => changed.get(operation.id) ?? operation);
  return { ...event, operations };
}

/** A quarter of an hour of a point every ten seconds. */
const POINTS = 90;

/**
 * An event carries each origin's newest point alone.
 * @param {Health | undefined} known @param {Health} event @returns {Health}
 */
export function mergeHealth(known, event) {
  if (known === undefined) return event;
  const origins = event.origins.map((fresh) => {
    const old = known.origins.find(({ origin, role }) => origin === fresh.origin && role === fresh.role);
    if (old === undefined) return fresh;
    const times = new Set(fresh.points.map(({ at }) => at));
    const points = [...old.points.filter(({ at }) => !times.has(at)), ...fresh.points].slice(-POINTS);
    return { ...fresh, points };
  });
  return { ...event, origins };
}

/** @typedef {{ search: string, stage: string, health: string, movable: boolean }} Filter */

/** @param {readonly Operation[]} operations @param {Filter} filter @param {boolean} [killed] */
export function filtered(operations, { search, stage, health, movable }, killed = false) {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  return operations.filter((operation) => {
    const text = `${operation.id} ${operation.method} ${operation.path}`.toLowerCase();
    return (
      words.every((word) => text.includes(word)) &&
      (stage === '' || sharesOf(operation, killed).some((share) => share.stage === stage)) &&
      (health === '' || operation.health === health) &&
      (!movable || operation.next !== undefined || operation.previous !== undefined)
    );
  });
}

/**
 * The share of tenants at each stage, in the order it is told: as it is now where the tenants are known, else as the
 * flag says, and the kill switch.
 * @param {Operation} operation @param {boolean} [killed] @returns {{ stage: string, share: number }[]}
 */
export function sharesOf({ tenants, stage, floor, ramp, bound }, killed = false) {
  const total = tenants?.reduce((sum, { n }) => sum + n, 0) ?? 0;
  if (tenants !== undefined && total > 0) {
    return tenants.filter(({ n }) => n > 0).map(({ stage: at, n }) => ({ stage: at, share: n / total }));
  }
  if (killed && bound) return [{ stage: floor, share: 1 }];
  if (ramp === undefined || ramp.percent === 0) return [{ stage, share: 1 }];
  const there = { stage: ramp.to, share: ramp.percent / 100 };
  return ramp.percent === 100 ? [there] : [{ stage, share: 1 - there.share }, there];
}
