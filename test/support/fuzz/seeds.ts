import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Json } from './target.ts';

/** An input that is thrown again by every test run. */
export interface Seed {
  readonly name: string;
  /** What it broke when it was found, or what it reaches. */
  readonly why: string;
  readonly input: Json;
}

/** Where kept inputs lie, a folder each target. */
export const SEEDS = join(import.meta.dirname, '..', '..', 'fuzz', 'seeds');

/** The kept inputs of a target, by name. */
export function readSeeds(target: string, folder = SEEDS): readonly Seed[] {
  const place = join(folder, target);
  const files = existsSync(place) ? readdirSync(place).filter((file) => file.endsWith('.json')) : [];
  return files.sort().map((file) => ({ name: file, ...JSON.parse(readFileSync(join(place, file), 'utf8')) }));
}

/** Keeps an input; gives the file. */
export function keepSeed(target: string, why: string, input: Json, folder = SEEDS): string {
  const place = join(folder, target);
  const text = JSON.stringify(input);
  const file = join(place, `${createHash('sha256').update(text).digest('hex').slice(0, 12)}.json`);
  mkdirSync(place, { recursive: true });
  writeFileSync(file, `${JSON.stringify({ why, input }, undefined, 1)}\n`);
  return file;
}
