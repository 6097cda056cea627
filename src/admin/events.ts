import type { ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import type { AuditRow } from '../results/rows.ts';
import { type AdminCaller, callerOf, refuse, VIEWER } from './caller.ts';
import { healthOf } from './health.ts';
import type { Reading } from './opened.ts';
import { operationsOf } from './operations.ts';
import type { AuditEntry, EVENTS, Operations } from './schema.ts';

type EventName = (typeof EVENTS)[number];

/** Listeners at a time. */
export const MAX_LISTENERS = 100;
const TICK = 1_000;
/** Ticks between two of them. */
const HEALTH_EVERY = 2;
const AUDIT_EVERY = 2;
const FINDINGS_EVERY = 4;
const COMMENT_EVERY = 15;
/** Bytes that may wait for a listener beside the first event, which is whole. */
const MOST_WAITING = 262_144;
const AUDIT_ROWS = 20;

interface Listener {
  readonly response: ServerResponse;
  readonly caller: AdminCaller;
  /** Bytes that may wait for it. */
  most: number;
}

/** `GET /events`: what has changed, worked out once however many listen. */
export function eventRoutes(app: FastifyInstance, reading: Reading): void {
  const hub = createHub(reading);
  app.addHook('preClose', async () => hub.close());

  // To HEAD a stream says nothing, not even its headers, and would hold a listener's place.
  app.get('/events', { ...VIEWER, exposeHeadRoute: false }, async (request, reply) => {
    if (hub.size() >= MAX_LISTENERS) return refuse(reply, 503, `${MAX_LISTENERS} listen already: close a page`);
    const caller = callerOf(request);
    const first = await hub.whole();
    if (hub.isClosed() || hub.size() >= MAX_LISTENERS) return refuse(reply, 503, 'nobody can listen now: try again');
    const headers = reply.getHeaders();
    reply.hijack();
    reply.raw.writeHead(200, {
      ...(headers as Record<string, string>),
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      // Proxies that hold replies back, and connections that would outlive the stream.
      'x-accel-buffering': 'no',
      connection: 'close',
    });
    hub.add(reply.raw, caller, first);
    return reply;
  });
}

/** The rows as they were sent last, as text, and the rest of the list. */
interface Sent {
  readonly head: string;
  readonly rows: ReadonlyMap<string, string>;
}

export interface Hub {
  /** The first event of a listener. */
  whole(): Promise<Buffer>;
  add(response: ServerResponse, caller: AdminCaller, first: Buffer): void;
  size(): number;
  isClosed(): boolean;
  /** Ends all streams at once. */
  close(): void;
}

export function createHub(reading: Reading): Hub {
  const { parts, found } = reading;
  const listeners = new Set<Listener>();
  let timer: NodeJS.Timeout | undefined;
  let ticks = 0;
  let number = 0;
  let closed = false;
  let sent: Sent = { head: '', rows: new Map() };
  let wholeText: Buffer | undefined;
  let signature: string | undefined;
  let newestAudit = new Date();
  let ticking = false;

  const event = (name: EventName, data: string): Buffer => {
    number += 1;
    return Buffer.from(`id: ${number}\nevent: ${name}\ndata: ${data}\n\n`);
  };
  const drop = (listener: Listener): void => {
    listeners.delete(listener);
    if (listeners.size > 0 || timer === undefined) return;
    clearInterval(timer);
    timer = undefined;
  };
  const end = (listener: Listener): void => {
    drop(listener);
    // Of one that does not read nobody waits until it has.
    if (listener.response.writableLength > 0) listener.response.destroy();
    else listener.response.end();
  };
  const send = (bytes: Buffer): void => {
    for (const listener of listeners) {
      const { response } = listener;
      // What is slow is cut: it connects again, and begins with what is so then.
      if (response.destroyed || response.writableLength > listener.most) {
        response.destroy();
        drop(listener);
      } else {
        response.write(bytes);
        if (response.writableLength < MOST_WAITING) listener.most = MOST_WAITING;
      }
    }
  };

  /** What has changed since it was looked at last. */
  const look = async (patience: number): Promise<Buffer | undefined> => {
    const { operations, ...rest } = await operationsOf(reading, patience);
    const rows = new Map(operations.map((row) => [row.id, JSON.stringify(row)]));
    const head = JSON.stringify(rest satisfies Omit<Operations, 'operations'>);
    const changed = [...rows].filter(([id, text]) => sent.rows.get(id) !== text).map(([, text]) => text);
    const isSame = changed.length === 0 && head === sent.head;
    sent = { head, rows };
    if (isSame) return undefined;
    wholeText = undefined;
    return event('operations', `${head.slice(0, -1)},"operations":[${changed.join(',')}]}`);
  };

  const tick = async (): Promise<void> => {
    ticks += 1;
    for (const listener of listeners) if (!listener.caller.isValid()) end(listener);
    if (listeners.size === 0) return;
    const changed = await look(0);
    if (changed !== undefined) send(changed);
    if (ticks % HEALTH_EVERY === 0)
      send(event('health', JSON.stringify(await healthOf(reading, { newest: true, patience: 0 }))));
    if (ticks % FINDINGS_EVERY === 0) {
      const now = found.now().value?.signature;
      if (now !== undefined && signature !== undefined && now !== signature)
        send(event('findings', '{"changed":true}'));
      signature = now ?? signature;
    }
    if (ticks % AUDIT_EVERY === 0) for (const row of await newRows()) send(event('audit', JSON.stringify(row)));
    if (ticks % COMMENT_EVERY === 0) send(COMMENT);
  };

  /** Changes that were made since the last look, the oldest first. */
  const newRows = async () => {
    const { results, bindings } = parts;
    if (results === undefined) return [];
    const since = newestAudit;
    const rows = await results
      .find<AuditRow>('crossfade_audit', { api: { $in: [bindings.name, ''] }, at: { $gt: since } }, AUDIT_ROWS)
      .catch(() => []);
    const sorted = rows.sort((a, b) => a.at.getTime() - b.at.getTime());
    newestAudit = sorted.at(-1)?.at ?? since;
    return sorted.map(parts.auditEntry ?? plainEntry);
  };

  const start = (): void => {
    if (timer !== undefined) return;
    newestAudit = new Date();
    timer = setInterval(() => {
      // One that takes longer than a second is not begun twice.
      if (ticking) return;
      ticking = true;
      void tick()
        .catch(() => undefined)
        .finally(() => {
          ticking = false;
        });
    }, TICK).unref();
  };

  return Object.freeze<Hub>({
    async whole() {
      // Who comes first waits for what is known; who comes later takes what the others have.
      if (timer === undefined) {
        sent = { head: '', rows: new Map() };
        await look(1_500);
      }
      wholeText ??= Buffer.from(`${sent.head.slice(0, -1)},"operations":[${[...sent.rows.values()].join(',')}]}`);
      return wholeText;
    },
    add(response, caller, first) {
      const listener: Listener = { response, caller, most: MOST_WAITING + first.length };
      listeners.add(listener);
      response.on('close', () => drop(listener));
      response.on('error', () => drop(listener));
      number += 1;
      response.write(Buffer.concat([Buffer.from(`retry: 2000\nid: ${number}\nevent: operations\ndata: `), first, END]));
      start();
    },
    size: () => listeners.size,
    isClosed: () => closed,
    close() {
      closed = true;
      clearInterval(timer);
      timer = undefined;
      for (const listener of listeners) end(listener);
    },
  });
}

const plainEntry = ({ _id, at, who, what, where, why, gate, before, after }: AuditRow): AuditEntry => ({
  ...{ id: _id, at: at.toISOString(), who, what, where, undoable: false, before, after },
  ...(why == null ? {} : { why }),
  forced: (gate as { readonly passes?: boolean } | null | undefined)?.passes === false,
});

const END = Buffer.from('\n\n');
const COMMENT = Buffer.from(': still here\n\n');
