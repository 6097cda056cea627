import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { AdminError, UsageError } from '../errors.ts';
import { type FlagApi, isMovable } from '../flags/api.ts';
import { movesOf, needsGate } from '../flags/moves.ts';
import type { Log } from '../model/log.ts';
import { printableLine } from '../model/printable.ts';
import type { Stage } from '../model/stage.ts';
import { findAudit, readAudit } from '../operate/audited.ts';
import { unifiedDiff } from '../operate/differing.ts';
import { floorMove, killMove, samplingMove, stageMove, withKillCure } from '../operate/edits.ts';
import { effectsOf } from '../operate/effects.ts';
import { type Moved, type Moving, move } from '../operate/move.ts';
import type { StagesPlace } from '../operate/place.ts';
import { touchedOf, undoing, whyNotUndoable } from '../operate/undo.ts';
import { knownTenants } from '../results/replicas.ts';
import type { AuditRow } from '../results/rows.ts';
import { Audit, type AuditEntry, Change, ChangeRequest, type GateVerdict, UndoRequest } from './schema.ts';
import type { Caller } from './sessions.ts';

export interface ChangesParts {
  readonly place: StagesPlace;
  readonly log: Log;
  /** What the kill file of this machine says; `undefined` where there is none. */
  readonly killFile: () => string | undefined;
}

interface Asking {
  readonly reason?: string;
  readonly force?: boolean;
  readonly dryRun?: boolean;
  readonly revision?: string;
}

const PAGE = 50;
const AuditQuery = Type.Object({
  after: Type.Optional(Type.String({ maxLength: 100 })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: PAGE })),
});

/** What moves, and what was moved. */
export function changesRoutes({ place, log, killFile }: ChangesParts) {
  const make = async (caller: Caller, asking: Asking, moving: Moving): Promise<Change> => {
    const { reason, force = false, dryRun = false, revision } = asking;
    if (force && !reason?.trim()) throw new AdminError(422, 'Cannot be done', 'force needs a reason');
    const moved = await move(
      place,
      {
        ...{ who: caller.who, reason: reason?.trim() || undefined, forced: force, dryRun, gathers: dryRun, revision },
        onIncomplete: ({ failed }) => failed && sayLost(failed),
      },
      moving,
    );
    if (moved.audited?.failed !== undefined) sayLost(moved.audited.failed);
    if (moved.changed && !dryRun)
      log('info', 'admin: changed', { who: caller.who, what: moving.what, id: moved.audited?.id });
    return await changeOf(place, moving, { moved, dryRun, killFile: killFile() });
  };
  const sayLost = (failed: Error) =>
    log('error', `a change is made, but is written down nowhere: ${failed.message}`, { cause: failed });

  return async (app: FastifyInstance): Promise<void> => {
    app.post<{ Body: ChangeRequest }>(
      '/changes',
      { config: { role: 'operator' }, schema: { body: ChangeRequest, response: { 200: Change } } },
      async ({ body, caller }) =>
        await make(caller as Caller, body, movingOf(place, body)).catch((error: unknown) => {
          throw body.kill === true ? withKillCure(error) : error;
        }),
    );

    app.post<{ Body: UndoRequest; Params: { id: string } }>(
      '/changes/:id/undo',
      {
        config: { role: 'operator' },
        schema: {
          params: Type.Object({ id: Type.String({ maxLength: 64 }) }),
          body: UndoRequest,
          response: { 200: Change },
        },
      },
      async ({ body, caller, params: { id } }) => {
        const row = await findAudit(place, id);
        if (row === undefined)
          throw new AdminError(404, 'Not found', `no change \`${printableLine(id)}\` is written down`);
        return await make(caller as Caller, body, undoing(row, place.api, place.target.name));
      },
    );

    app.get<{ Querystring: { after?: string; limit?: number } }>(
      '/audit',
      { config: { role: 'viewer' }, schema: { querystring: AuditQuery, response: { 200: Audit } } },
      async ({ query: { after, limit = PAGE } }) => {
        const { rows, next } = await readAudit(place, { after, limit });
        return { entries: rows.map((row) => entryOf(row, place)), ...(next === undefined ? {} : { next }) };
      },
    );
  };
}

/** A row of the audit as the API gives it. */
export function entryOf(row: AuditRow, { target }: Pick<StagesPlace, 'target'>): AuditEntry {
  const { _id: id, at, who, what, where, why, gate } = row;
  const { before, after } = touchedOf(row);
  return {
    ...{ id, at: at.toISOString(), who, what, where, before: before ?? null, after: after ?? null },
    ...(why === undefined || why === null ? {} : { why }),
    forced: (gate as { passes?: boolean } | undefined)?.passes === false,
    undoable: whyNotUndoable(row, target.name) === undefined,
  };
}

/** Exactly one thing is asked for. */
function movingOf({ api }: StagesPlace, request: ChangeRequest): Moving {
  const { operation, stage, tenants, all, ramp, floor, kill, sampling } = request;
  const asked = Object.entries({ stage, ramp, floor, kill, sampling }).filter(([, value]) => value !== undefined);
  if (asked.length !== 1) throw new UsageError('ask for one of stage, ramp, floor, kill and sampling');
  const ofOperation = kill === undefined && sampling === undefined;
  if (ofOperation !== (operation !== undefined))
    throw new UsageError(ofOperation ? 'say which operation' : 'kill and sampling are of all operations');
  if (stage === undefined && (tenants !== undefined || all !== undefined))
    throw new UsageError('tenants and all belong to a stage');
  if (kill !== undefined) return killMove(kill);
  if (sampling !== undefined) return samplingMove(sampling);
  if (floor !== undefined) return floorMove(api, operation as string, floor);
  if (ramp !== undefined) return stageMove(api, operation, ramp.to, { percent: String(ramp.percent) });
  return stageMove(api, operation, stage as string, {
    ...(tenants === undefined ? {} : { tenant: tenants }),
    ...(all === true ? { all } : {}),
  });
}

async function changeOf(
  place: StagesPlace,
  { what, operations }: Moving,
  {
    moved,
    dryRun,
    killFile,
  }: { readonly moved: Moved; readonly dryRun: boolean; readonly killFile: string | undefined },
): Promise<Change> {
  const { change, changed, audited, needs } = moved;
  const { api, target, store } = place;
  // Those that one switch is about are all.
  const switched = change.before.kill !== change.after.kill;
  const ids = switched ? api.operations.filter(isMovable).map(({ id }) => id) : operations;
  const tenants = store && (await knownTenants(store, api.name).catch(() => undefined));
  const effects = change.unknown === undefined ? await effectsOf(api, change, ids, tenants) : [];
  const diff = unifiedDiff(change);
  return {
    ...(audited?.id === undefined ? {} : { id: audited.id }),
    ...(audited?.failed === undefined ? {} : { unrecorded: audited.failed.message }),
    ...{ what, changed, dryRun, revision: dryRun ? moved.revision : await target.revision().catch(() => '') },
    ...(diff === undefined ? {} : { diff }),
    effects: effects.map(({ some, stays, note, tenantsBefore, tenantsAfter, ...effect }) => ({
      ...{ ...effect, some: [...some], stays: [...stays] },
      note: killFile === undefined ? note : heldBy(killFile),
      ...(tenantsBefore === undefined ? {} : { tenantsBefore: [...tenantsBefore] }),
      ...(tenantsAfter === undefined ? {} : { tenantsAfter: [...tenantsAfter] }),
    })),
    gate: verdictsOf(api, moved),
    needs: { force: needs.length > 0, why: [...needs] },
  };
}

/** Whatever the stages say: nobody moves on a machine whose kill file is there. */
const heldBy = (reason: string): string =>
  `a kill file is there${reason === '' ? '' : ` (${reason})`}: until it is taken away every operation stays at its floor on its machine`;

/** Where the gate could not be asked, each move that needs it is `unknown`. */
function verdictsOf(api: FlagApi, { gate, judged, change }: Moved): GateVerdict[] {
  if (gate === undefined) return [];
  const { evidence, failed = 'there are no results to judge by: set RESULTS_URI or MONGODB_URI' } = gate;
  if (evidence === undefined)
    return movesOf(api, change.before, change.after)
      .filter(needsGate)
      .map(({ operation: { id: operation }, from, to }) => ({
        ...{ operation, from, to, verdict: 'unknown', reasons: [], failed },
      }));
  return judged.map(({ operation, from, to, verdict }) => ({
    ...{ operation: operation.id, from: from[0] as Stage, to: to.at(-1) as Stage, verdict: verdict.verdict, evidence },
    reasons: verdict.reasons.map((reason) => ({ ...reason })),
  }));
}
