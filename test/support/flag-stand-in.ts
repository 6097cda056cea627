import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { Test } from 'tap';
import type { AdminStrategy } from '../../src/drivers/unleash-admin.ts';
import type { StagesEdit } from '../../src/flags/edit.ts';
import type { Feature } from '../../src/flags/ladder.ts';
import type { ChangeOptions } from '../../src/flags/target.ts';
import { flagApi as api } from './flags.ts';

/** What was asked of it. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
}

export interface StoodReply {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

interface Kept {
  readonly type: string;
  readonly description: string;
  enabled: boolean;
  archived: boolean;
  strategies: AdminStrategy[];
}

const ADMIN = '/api/admin/projects/default/features';
const LIST = '/api/client/features';

/**
 * As much of an Unleash server as we ask one for, in memory: what it says and refuses is as a real one said it, which the
 * tests named `*-unleash` hold it against. It shows a change to its clients at once, unless it is `held`.
 */
export async function standInFlags(t: Test) {
  const flags = new Map<string, Kept>();
  const fields = new Map<
    string,
    { description: string | null; stickiness: boolean; legalValues: readonly unknown[] }
  >();
  const asked: Asked[] = [];
  const stand = {
    ...{ api, url: '', asked, flags, fields },
    limits: undefined as unknown,
    /** Gives what is answered instead; `hang`: nothing ever. */
    instead: (_asked: Asked): StoodReply | 'hang' | undefined => undefined,
    /** What clients see goes on being this. */
    held: undefined as readonly Feature[] | undefined,
    /** The list for clients as it is now. */
    list: (): Feature[] =>
      [...flags]
        .filter(([, { archived }]) => !archived)
        .map(([name, { type, enabled, strategies }]) => ({
          ...{ name, type, enabled, variants: [] },
          strategies: strategies
            .filter(({ disabled }) => !disabled)
            .toSorted((a, b) => a.sortOrder - b.sortOrder)
            .map(({ name, parameters, constraints, variants = [] }) => ({ name, parameters, constraints, variants })),
        })) as Feature[],
    /** Calls that changed something, without ids that are made up. */
    writes: () =>
      asked
        .filter(({ method, path }) => method !== 'GET' && path.startsWith('/api/admin'))
        .map(({ method, path }) => `${method} ${path.replace(ADMIN, '').replace('/environments/development', '')}`),
  };

  const clientSees = (path: string): StoodReply => {
    const features = stand.held ?? stand.list();
    if (path === LIST) return { status: 200, body: { version: 2, features } };
    const feature = features.find(({ name }) => name === decodeURIComponent(path.slice(LIST.length + 1)));
    return feature === undefined ? notFound(path) : { status: 200, body: feature };
  };
  const admin = (method: string, [name = '', , , what, id]: readonly string[], body: unknown): StoodReply => {
    const flag = flags.get(name);
    if (flag === undefined) return notFound(name);
    if (what === undefined)
      return {
        status: 200,
        body: { name, archived: flag.archived, enabled: flag.enabled, strategies: flag.strategies },
      };
    if (what === 'on' || what === 'off') flag.enabled = what === 'on';
    else if (method === 'POST')
      flag.strategies.push({ ...(body as AdminStrategy), id: randomBytes(4).toString('hex') });
    else if (!flag.strategies.some((one) => one.id === id)) return notFound(String(id));
    else if (method === 'PUT')
      flag.strategies = flag.strategies.map((one) => (one.id === id ? { ...(body as AdminStrategy), id } : one));
    else {
      flag.strategies = flag.strategies.filter((one) => one.id !== id);
      if (flag.strategies.length === 0) flag.enabled = false;
    }
    return { status: 200, body: {} };
  };
  const create = ({ name, type, description }: Record<string, string>): StoodReply => {
    if (flags.has(String(name))) return refusal(409, 'NameExistsError', 'A flag with that name already exists');
    flags.set(String(name), { ...{ type: String(type), description: String(description) }, ...NEW, strategies: [] });
    return { status: 201, body: { name } };
  };
  const context = (method: string, name: string, body: Record<string, unknown>): StoodReply => {
    const { legalValues = [], description = null, stickiness = false } = body;
    if (method === 'GET') return fields.has(name) ? { status: 200, body: fields.get(name) } : notFound(name);
    if (method === 'POST' && fields.has(String(body.name)))
      return refusal(409, 'NameExistsError', 'A context field with that name already exists');
    fields.set(method === 'POST' ? String(body.name) : name, { description, stickiness, legalValues } as never);
    return { status: 200, body: {} };
  };
  const answer = ({ method, path, body }: Asked): StoodReply => {
    if (path === LIST || path.startsWith(`${LIST}/`)) return clientSees(path);
    if (path.startsWith('/api/client/')) return { status: 202 };
    if (path === '/api/admin/ui-config') return { status: 200, body: { resourceLimits: stand.limits } };
    if (path.startsWith('/api/admin/context'))
      return context(method, path.slice('/api/admin/context/'.length), (body ?? {}) as Record<string, unknown>);
    if (path === ADMIN && method === 'POST') return create(body as Record<string, string>);
    if (path.startsWith(`${ADMIN}/`))
      return admin(
        method,
        path
          .slice(ADMIN.length + 1)
          .split('/')
          .map(decodeURIComponent),
        body,
      );
    return notFound(path);
  };

  const server = createServer(async (message: IncomingMessage, reply) => {
    const sent = await text(message);
    const { method = '', url: path = '' } = message;
    const one = { method, path, body: sent === '' ? undefined : JSON.parse(sent) };
    asked.push(one);
    const said = stand.instead(one) ?? answer(one);
    if (said === 'hang') return;
    const { status, body, headers } = said;
    const written = typeof body === 'string' || body === undefined ? (body ?? '') : JSON.stringify(body);
    reply.writeHead(status, { 'content-type': 'application/json', ...headers }).end(written);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  stand.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return stand;
}

export type FlagStandIn = Awaited<ReturnType<typeof standInFlags>>;

const NEW = Object.freeze({ enabled: false, archived: false });

const refusal = (status: number, name: string, message: string): StoodReply => ({
  status,
  body: { name, message, details: [{ message }] },
});

const notFound = (what: string): StoodReply => refusal(404, 'NotFoundError', `Could not find ${what}`);

/** A change of these operations, made unless `more` says otherwise. */
export const changing = (edits: readonly StagesEdit[], more: Partial<ChangeOptions> = {}): ChangeOptions => {
  const operations = edits.flatMap((edit) => ('operation' in edit ? [edit.operation] : []));
  return { operations, plan: () => edits, dryRun: false, ...more };
};

/** What it throws. */
export const thrown = (work: Promise<unknown>): Promise<Error> =>
  work.then(
    () => new Error('it was done'),
    (error: Error) => error,
  );
