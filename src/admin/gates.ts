import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { whyNotOffered } from '../flags/api.ts';
import { compareStages, isStage } from '../model/stage.ts';
import { namesIn } from '../operate/edits.ts';
import { type LookedAt, type Said, sayOf } from '../operate/gates.ts';
import type { Judging } from '../operate/gating.ts';
import { refuse, VIEWER } from './caller.ts';
import type { Reading } from './opened.ts';
import { NO_RESULTS } from './parts.ts';
import { GateVerdict, GateVerdicts } from './schema.ts';

/** Operations whose gates are asked at a time. */
const MOST = 50;
const TTL = 30_000;
/** Of one that could not be asked. */
const FAILED_TTL = 5_000;

const One = Type.Object({
  operation: Type.String(),
  to: Type.Optional(Type.String()),
  tenants: Type.Optional(
    Type.String({ maxLength: 16_384, description: 'Comma-separated names; `\\,` is a comma in a name.' }),
  ),
});
const Several = Type.Object({ operations: Type.String({ maxLength: 16_384, description: 'Comma-separated ids.' }) });

interface Remembered {
  readonly key: string;
  readonly until: number;
  readonly said: Promise<Said>;
}

/** What the gate says of each operation’s next stage, kept for half a minute and while the stages stay. */
export function createGates({ parts }: Pick<Reading, 'parts'>) {
  const { bindings, results: store, evidence, flags } = parts;
  const judging: Judging | string = store === undefined ? NO_RESULTS : { bindings, store, evidence };
  const known = new Map<string, Remembered>();
  return {
    ask: (move: LookedAt): Promise<Said> => sayOf(judging, flags.state(), [move]).then(([said]) => said as Said),
    /** Those that have no next stage are left out. */
    async next(ids: readonly string[]): Promise<readonly Said[]> {
      const state = flags.state();
      const now = performance.now();
      const moves = ids.flatMap((id): LookedAt[] => {
        const index = bindings.operations.findIndex((one) => one.id === id);
        const stages = state.operations[index];
        const to = bindings.operations[index]?.offered.find(
          (one) => stages !== undefined && compareStages(one, stages.stage) > 0,
        );
        return to === undefined ? [] : [{ operation: id, to }];
      });
      const keyOf = ({ to }: LookedAt) => `${state.revision} ${to}`;
      const missing = moves.filter((move) => {
        const one = known.get(move.operation);
        return one === undefined || one.key !== keyOf(move) || one.until < now;
      });
      const asking = missing.length === 0 ? undefined : sayOf(judging, state, missing);
      for (const [at, move] of missing.entries()) {
        const said = (asking as NonNullable<typeof asking>).then((all) => all[at] as Said);
        known.set(move.operation, { key: keyOf(move), until: now + TTL, said });
        void said.then(
          ({ verdict }) => {
            if (verdict === 'unknown')
              known.set(move.operation, { key: keyOf(move), until: performance.now() + FAILED_TTL, said });
          },
          () => known.delete(move.operation),
        );
      }
      return await Promise.all(moves.map(({ operation }) => (known.get(operation) as Remembered).said));
    },
  };
}

export function gateRoutes(app: FastifyInstance, reading: Reading): void {
  const { bindings, flags } = reading.parts;
  const gates = createGates(reading);

  app.get<{ Querystring: { operation: string; to?: string; tenants?: string } }>(
    '/gate',
    { ...VIEWER, schema: { querystring: One, response: { 200: GateVerdict } } },
    async ({ query }, reply) => {
      const operation = bindings.operations.find(({ id }) => id === query.operation);
      if (operation === undefined) return refuse(reply, 404, `the contract has no operation ${query.operation}`);
      const stage = flags.state().operations[operation.index]?.stage ?? operation.initial;
      const to = query.to ?? operation.offered.find((one) => compareStages(one, stage) > 0);
      if (to === undefined) return refuse(reply, 400, `${operation.id} has no stage after ${stage}: say \`to\``);
      if (!isStage(to))
        return refuse(reply, 400, `\`${to}\` is no stage; ${operation.id} can have ${operation.offered.join(', ')}`);
      const not = whyNotOffered(operation, to);
      if (not !== undefined) return refuse(reply, 400, not);
      const tenants = query.tenants === undefined ? undefined : namesIn(query.tenants).filter((name) => name !== '');
      return await gates.ask({ operation: operation.id, to, ...(tenants?.length ? { tenants } : {}) });
    },
  );

  app.get<{ Querystring: { operations: string } }>(
    '/gates',
    { ...VIEWER, schema: { querystring: Several, response: { 200: GateVerdicts } } },
    async ({ query }, reply) => {
      const ids = [...new Set(query.operations.split(',').filter((id) => id !== ''))];
      if (ids.length > MOST) return refuse(reply, 400, `${ids.length} operations: ask for ${MOST} at a time`);
      const unknown = ids.find((id) => !bindings.operations.some((one) => one.id === id));
      if (unknown !== undefined) return refuse(reply, 404, `the contract has no operation ${unknown}`);
      return { gates: await gates.next(ids) };
    },
  );
}
