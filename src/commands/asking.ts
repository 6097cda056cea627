import { createCursors } from '../bindings/cursor.ts';
import { loadBindings } from '../bindings/load.ts';
import { type Asking, openAsking } from '../operate/asking.ts';
import type { Place } from './place.ts';

/** Connects to what the place says. Throws a ConfigError for wrong bindings. */
export async function askingAt({ bindings: file, config }: Place): Promise<Asking> {
  const bindings = await loadBindings(file, { legacy: config.legacyUrl !== undefined });
  return await openAsking({ bindings, config, cursors: createCursors(config.cursorSecrets) });
}
