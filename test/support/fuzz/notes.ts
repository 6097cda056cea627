import { createServer } from 'node:http';
import type { Test } from 'tap';
import { listen } from '../legacy.ts';
import { type Notes, type NotesOptions, note, withNotes } from '../shadow.ts';
import { must } from './target.ts';

export const OWN = 'acme';
export const OTHER = 'globex';
/** Stands in every note of the other tenant. */
export const SECRET = 'kept-from-acme';

/** The machine is busy with others; who is refused for that is tested by itself. */
export const UNHURRIED = Object.freeze({ OVERLOAD_EVENT_LOOP_MS: '60000' });

/** Notes of two tenants in both stores, and a legacy service that answers everything with 200. */
export async function withTwoTenants(t: Test, options: NotesOptions = {}): Promise<Notes & { readonly port: number }> {
  const env = { ...UNHURRIED, ...options.env };
  const notes = await withNotes(t, { legacy: () => echoLegacy(t), ...options, env });
  await notes.put([
    ...['a-1', 'a-2', 'a-3', 'a-4', 'a-5', 'b-1'].map((id) => note(id)),
    ...['a-1', 'a-2', 'b-1', 'z-9'].map((id) => note(id, { pk: OTHER, text: SECRET, labels: { [SECRET]: SECRET } })),
  ]);
  return { ...notes, port: Number(new URL(notes.facade.url).port) };
}

async function echoLegacy(t: Test): Promise<string> {
  const server = createServer({ maxHeaderSize: 262_144, requireHostHeader: false }, (message, reply) => {
    message.resume();
    message.on('end', () => {
      reply.setHeader('x-legacy', 'yes');
      reply.end('{"legacy":true}');
    });
  });
  return `http://127.0.0.1:${await listen(t, server)}`;
}

/** Whether what came back holds what is another's, though the question did not name them. */
export function mustKeepSecret(asked: string, answered: string): void {
  must(asked.includes(OTHER) || !answered.includes(SECRET), "another tenant's item came back", answered);
}
