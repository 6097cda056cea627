import { setTimeout as sleep } from 'node:timers/promises';
import type { Test } from 'tap';

export interface Answered {
  readonly tenant: string;
  readonly status: number;
  readonly origin: string;
  readonly stage: string;
}

export interface Clients {
  /** What came since the last look. */
  readonly since: () => readonly Answered[];
  readonly stop: () => Promise<void>;
}

/** Clients that ask for `path` as one tenant after the other, some 25 times a second, until the test ends. */
export function withClients(t: Test, url: string, path: string, tenants: readonly string[]): Clients {
  let ended = false;
  let answers: Answered[] = [];
  const run = (async () => {
    for (let turn = 0; !ended; turn += 1) {
      const tenant = tenants[turn % tenants.length] as string;
      const reply = await fetch(`${url}${path}`, { headers: { 'x-tenant-id': tenant } }).catch(() => undefined);
      await reply?.arrayBuffer().catch(() => undefined);
      const told = reply?.headers.get('server-timing') ?? '';
      const of = (name: string) => new RegExp(`${name};desc="?([a-z]+)`).exec(told)?.[1] ?? '';
      answers.push({ tenant, status: reply?.status ?? 0, origin: of('origin'), stage: of('stage') });
      await sleep(40);
    }
  })();
  const stop = async () => {
    ended = true;
    await run;
  };
  t.teardown(stop);
  return {
    since: () => {
      const seen = answers;
      answers = [];
      return seen;
    },
    stop,
  };
}
