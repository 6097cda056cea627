import type { Json, Target } from '../target.ts';
import { admin } from './admin.ts';
import { cursors } from './cursors.ts';
import { flags } from './flags.ts';
import { http } from './http.ts';
import { legacy } from './legacy.ts';
import { parameters } from './parameters.ts';
import { stages } from './stages.ts';
import { values } from './values.ts';

/** A target's inputs are its own affair. */
const plain = <Input extends Json>(target: Target<Input>): Target => target as unknown as Target;

/** In the order in which they run. */
export const TARGETS: readonly Target[] = Object.freeze([
  ...[plain(http), plain(parameters), plain(cursors), plain(stages), plain(flags), plain(values), plain(legacy)],
  plain(admin),
]);
