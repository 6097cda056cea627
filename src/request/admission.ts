import type { BoundOperation } from '../bindings/load.ts';
import { type OriginName, PLANS, type Stage } from '../model/stage.ts';

/** What a request costs here, and whom it hurts to refuse it. */
export type Kind = 'store' | 'passed_read' | 'passed_write';

/** `event_loop`: this process is late; `requests`: so many of its kind are under way. */
export type Refusal = 'event_loop' | 'requests';

interface Rule {
  /** Of MAX_REQUESTS, its own: no kind takes another's room. */
  readonly room: number;
  /** Refused from so many times OVERLOAD_EVENT_LOOP_MS on. */
  readonly delay: number;
}

/**
 * Who is refused, first to last. The shadow is cut before any of them. A read that a store answers costs the most here, and
 * whoever reads asks again; what passes to legacy costs little; of a write the client may not know whether to repeat it.
 * The admin side, with its probes, is never refused.
 */
export const RULES: Readonly<Record<Kind, Rule>> = Object.freeze({
  store: { room: 0.3, delay: 1 },
  passed_read: { room: 0.35, delay: 3 },
  passed_write: { room: 0.35, delay: 10 },
});

const KINDS = Object.keys(RULES) as readonly Kind[];

/** Milliseconds in which the share that is refused goes from none to all, and back. */
const RISE = 2_000;
const FALL = 4_000;

export interface AdmissionOptions {
  /** Requests under way at a time, of all kinds. */
  readonly maxRequests: number;
  /** Milliseconds by which the event loop may stand late. */
  readonly eventLoopDelay: number;
}

/** Decides who is let in, before anything else is done for a request. Nobody who is in is put out. */
export interface Admission {
  /** `undefined`: it is let in, and `leave` is owed; else why not. */
  enter(kind: Kind): Refusal | undefined;
  leave(kind: Kind): void;
  /** How late the loop stands, and the milliseconds since it was said last. */
  beat(standing: number, elapsed: number): void;
  underWay(kind: Kind): number;
  /** Of those of a kind that come, from 0 to 1. */
  refusedShare(kind: Kind): number;
}

interface State {
  underWay: number;
  readonly most: number;
  readonly delay: number;
  share: number;
  /** Shares added up: at 1 one is refused. */
  owed: number;
}

/**
 * The share that is refused rises while the loop stands late and falls once it is late by less than half as much; between,
 * it stays. So it settles where what is let in can be done, and does not flap.
 */
export function createAdmission({ maxRequests, eventLoopDelay }: AdmissionOptions): Admission {
  const states = Object.fromEntries(
    KINDS.map((kind): [Kind, State] => {
      const { room, delay } = RULES[kind];
      const most = Math.max(1, Math.floor(maxRequests * room));
      return [kind, { underWay: 0, most, delay: eventLoopDelay * delay, share: 0, owed: 0 }];
    }),
  ) as Record<Kind, State>;
  return Object.freeze<Admission>({
    enter(kind) {
      const state = states[kind];
      if (state.underWay >= state.most) return 'requests';
      if (state.share > 0) {
        state.owed += state.share;
        if (state.owed >= 1) {
          state.owed -= 1;
          return 'event_loop';
        }
      }
      state.underWay += 1;
      return undefined;
    },
    leave(kind) {
      states[kind].underWay -= 1;
    },
    beat(standing, elapsed) {
      for (const kind of KINDS) {
        const state = states[kind];
        if (standing > state.delay) state.share = Math.min(1, state.share + elapsed / RISE);
        else if (standing < state.delay / 2) state.share = Math.max(0, state.share - elapsed / FALL);
      }
    },
    underWay: (kind) => states[kind].underWay,
    refusedShare: (kind) => states[kind].share,
  });
}

const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** `stages`: those that some tenant may be at; none while there are no flags, and then nobody asks a store. */
export function kindOf(method: string, operation: BoundOperation | undefined, stages: readonly Stage[] = []): Kind {
  if (operation === undefined || operation.kind === 'write' || operation.spec === undefined)
    return SAFE.has(method) ? 'passed_read' : 'passed_write';
  return stages.some((stage) => CONTROLS[stage] !== 'legacy') ? 'store' : 'passed_read';
}

const CONTROLS = Object.fromEntries(Object.values(PLANS).map(({ stage, control }) => [stage, control])) as Readonly<
  Record<Stage, OriginName>
>;
