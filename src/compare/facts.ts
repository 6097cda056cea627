import type { Difference } from '../model/comparison.ts';
import { decimalDistance, decimalKey } from '../model/number.ts';
import { dateOf } from './rules.ts';

/**
 * What can be said of a difference without giving its values away: lengths, distances, and whether the two are equal but
 * for case, spaces, milliseconds, scale or order (design section 6, privacy).
 */
export function factsOf({ kind, left, right, leftType, rightType }: Difference): readonly string[] {
  if (left === undefined || right === undefined || kind !== 'value') return NONE;
  if (left.length > LONGEST || right.length > LONGEST) return NONE;
  if (leftType === 'number' && rightType === 'number') return numberFacts(String(left), String(right));
  if (leftType !== 'string' || rightType !== 'string') return NONE;
  const [ours, theirs] = [dateOf(left), dateOf(right)];
  if (ours !== undefined && theirs !== undefined) return dateFacts(ours, theirs);
  return textFacts(JSON.parse(String(left)) as string, JSON.parse(String(right)) as string);
}

const NONE: readonly string[] = Object.freeze([]);
const LONGEST = 65_536;

function numberFacts(left: string, right: string): readonly string[] {
  const facts: string[] = [];
  const distance = decimalDistance(left, right);
  // A distance that is as large as the values would give one of them away: the other may be 0.
  if (distance !== undefined && distance * 10 <= Math.min(Math.abs(Number(left)), Math.abs(Number(right))))
    facts.push(`differs by ${distance}`);
  const fewer = Math.min(scaleOf(left), scaleOf(right));
  if (scaleOf(left) !== scaleOf(right) && Number(left).toFixed(fewer) === Number(right).toFixed(fewer))
    facts.push('equal but for scale');
  // A 64-bit integer that went through a double.
  if (decimalKey(String(Number(left))) === decimalKey(right) || decimalKey(String(Number(right))) === decimalKey(left))
    facts.push('equal as doubles');
  return Object.freeze(facts);
}

const scaleOf = (text: string): number => Math.min(/\.(\d+)/.exec(text)?.[1]?.length ?? 0, 100);

const DAY = 86_400_000;

function dateFacts(left: number, right: number): readonly string[] {
  if (Math.abs(left - right) > DAY) return Object.freeze(['differs by more than a day']);
  const facts = [`differs by ${Math.abs(left - right)} ms`];
  if (Math.floor(left / 1000) === Math.floor(right / 1000)) facts.push('equal but for milliseconds');
  else if ((left - right) % 3_600_000 === 0) facts.push('differs by whole hours: a time zone?');
  return Object.freeze(facts);
}

function textFacts(left: string, right: string): readonly string[] {
  const facts: string[] = [];
  const same = (change: (text: string) => string) => change(left) === change(right);
  if (left === right) facts.push('equal but for the time zone’s notation');
  else if (same((text) => text.toLowerCase())) facts.push('equal but for case');
  else if (same((text) => text.replace(/\s+/g, ''))) facts.push('equal but for spaces');
  else if (same((text) => text.normalize('NFC'))) facts.push('equal but for Unicode normalization');
  else if (left.startsWith(right) || right.startsWith(left)) facts.push('one is the beginning of the other');
  else if (sorted(left) === sorted(right)) facts.push('the same characters in another order');
  return Object.freeze(facts);
}

const sorted = (text: string): string => [...text].sort().join('');
