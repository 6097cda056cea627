import { StoreError } from '../errors.ts';
import type { Item, Position, Sort } from '../model/call.ts';

/** Matches nothing, and the server knows it without reading. */
const NOTHING: Item = Object.freeze({ _id: { $in: [] } });

/**
 * The filter for what comes after `after` in the order of `sort`: behind it in the first key, or level there and behind
 * it in the next. Null and absent are one value that comes before all others. Throws `refused` unless both name the
 * same keys.
 */
export function keysetCondition(sort: Sort | undefined, after: Position): Item {
  const keys = Object.entries(sort ?? {});
  const unsorted = Object.keys(after).find((name) => sort?.[name] === undefined);
  if (unsorted !== undefined) throw refused(`after has ${unsorted}, and sort lacks it`);
  const lacking = keys.find(([name]) => after[name] === undefined);
  if (lacking) throw refused(`sort has ${lacking[0]}, and after lacks it`);
  if (keys.length === 0) throw refused('after needs a sort');

  const branches = keys.flatMap(([name, direction], index) => {
    const level = keys.slice(0, index).map(([earlier]) => ({ [earlier]: { $eq: after[earlier] } }));
    return behind(name, direction, after[name]).map((condition) => allOf([...level, condition]));
  });
  if (branches.length === 0) return NOTHING;
  return branches.length === 1 && branches[0] ? branches[0] : { $or: branches };
}

/** The conditions of which one must hold to be behind `value`; comparisons alone never match null. */
function behind(name: string, direction: 1 | -1, value: unknown): readonly Item[] {
  if (direction === 1) return [{ [name]: value === null ? { $ne: null } : { $gt: value } }];
  if (value === null) return [];
  return name === '_id' ? [{ _id: { $lt: value } }] : [{ [name]: { $lt: value } }, { [name]: { $eq: null } }];
}

const allOf = (conditions: readonly Item[]): Item =>
  conditions.length === 1 && conditions[0] ? conditions[0] : { $and: conditions };

const refused = (message: string) => new StoreError('mongodb', 'refused', message);
