import { NoSuchItem } from '../errors.ts';
import { plainOf } from './scalar.ts';

const MARKS = /[^\p{L}\p{N}]/gu;

/**
 * Builds a composite key, as a template: key`TENANT#${tenant}#USER#${id}`. No two inputs render one key: a value that
 * is empty, no scalar, not well-formed, or holds one of the template's separators throws NoSuchItem ("no such item").
 * Separators are the marks (neither letter nor digit) of the template's text; between two values without a mark, each
 * of its characters. Two values with nothing between them are the author's mistake: TypeError.
 */
export function key(strings: TemplateStringsArray, ...values: readonly unknown[]): string {
  const separators = separatorsOf(strings);
  let rendered = strings[0] ?? '';
  for (const [index, value] of values.entries()) {
    const text = textOf(value);
    for (const separator of separators) {
      if (text.includes(separator)) throw new NoSuchItem('a part of a key holds the separator of its parts');
    }
    rendered += text + strings[index + 1];
  }
  return rendered;
}

function separatorsOf(strings: readonly string[]): ReadonlySet<string> {
  const separators = new Set<string>();
  for (const [index, literal] of strings.entries()) {
    const marks = literal.match(MARKS) ?? [];
    const between = index > 0 && index < strings.length - 1;
    if (between && literal === '') throw new TypeError('key needs a separator between two values');
    for (const separator of marks.length === 0 && between ? literal : marks) separators.add(separator);
  }
  return separators;
}

function textOf(value: unknown): string {
  const plain = plainOf(value);
  if (plain === undefined || plain.kind === 'null') throw new NoSuchItem('a part of a key is absent or no scalar');
  const text = plain.kind === 'boolean' ? String(plain.value) : plain.text;
  // Text that is not well-formed would reach the store with U+FFFD in it: another item's key.
  if (text === '' || !text.isWellFormed()) throw new NoSuchItem('a part of a key is empty or not well-formed');
  return text;
}
