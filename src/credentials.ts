import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { createSecureContext } from 'node:tls';
import type { Problem } from './errors.ts';

/** What the façade listens with, as PEM. */
export interface TlsConfig {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly clientCa: Buffer | undefined;
}

/** Certificate and key belong together; a client's authority is of use only with them. */
export function tlsOf(given: NodeJS.Dict<string>, cwd: string, problems: Problem[]): TlsConfig | undefined {
  const names = ['TLS_CERT_FILE', 'TLS_KEY_FILE', 'TLS_CLIENT_CA_FILE'] as const;
  if (names.every((name) => given[name] === undefined)) return undefined;
  for (const where of names.slice(0, 2))
    if (given[where] === undefined) problems.push({ where, message: 'is missing, and another of TLS_* is set' });
  const [cert, key, clientCa] = names.map((where) => {
    const file = given[where];
    return file === undefined ? undefined : readPem(where, resolve(cwd, file), problems);
  });
  if (cert === undefined || key === undefined) return undefined;
  try {
    createSecureContext({ cert, key, ...(clientCa === undefined ? {} : { ca: clientCa }) });
  } catch (error) {
    problems.push({ where: 'TLS_CERT_FILE', message: `cannot be used with TLS_KEY_FILE: ${(error as Error).message}` });
  }
  return Object.freeze({ cert, key, clientCa });
}

function readPem(where: string, file: string, problems: Problem[]): Buffer | undefined {
  try {
    const text = readFileSync(file);
    if (!text.includes('-----BEGIN ')) problems.push({ where, message: 'is no PEM' });
    return text;
  } catch (error) {
    problems.push({ where, message: `cannot be read: ${(error as Error).message}` });
    return undefined;
  }
}

/** Comma-separated secrets, each long enough that nobody guesses it. */
export function secretsOf(
  where: 'CURSOR_SECRETS' | 'GATEWAY_SECRETS' | 'ADMIN_SESSION_SECRETS',
  given: NodeJS.Dict<string>,
  problems: Problem[],
): string[] {
  const secrets = given[where]?.split(',').map((secret) => secret.trim()) ?? [];
  if (secrets.some((secret) => secret.length < 16))
    problems.push({ where, message: 'each secret must have 16 characters or more' });
  return secrets;
}
