/** What the page knows, as signals, and what changes it. One is made when the page starts. */
/** @import { Operations, Operation, Health, Session, Change, AuditEntry, GateVerdict, Diff } from '../src/admin/schema.ts' */
import { call, Refused } from './api.js';
import { batch, computed, createContext, signal, useContext } from './lib.js';
import { mergeHealth, mergeOperations } from './merge.js';

/**
 * @typedef {'connecting' | 'live' | 'reconnecting' | 'signed out'} LinkState
 * @typedef {{ headers: string, of: string, diff: Diff | undefined, error: any }} Asking
 * @typedef {{ change: Change, at: number, before: readonly Operation[], undone?: boolean }} Made
 */

/** @type {Asking} */
const NOTHING = Object.freeze({ headers: '', of: '', diff: undefined, error: undefined });

export function createStore() {
  /** `undefined`: not asked yet; `null`: signed out. @type {import('/console/vendor/signals.js').Signal<Session | null | undefined>} */
  const session = signal(undefined);
  /** @type {import('/console/vendor/signals.js').Signal<Operations | undefined>} */
  const operations = signal(undefined);
  const killed = computed(() => operations.value?.kill === true);
  /** @type {import('/console/vendor/signals.js').Signal<Health | undefined>} */
  const health = signal(undefined);
  /** @type {import('/console/vendor/signals.js').Signal<readonly AuditEntry[]>} */
  const audit = signal([]);
  /** Goes up when there are other findings. */
  const findings = signal(0);
  /** @type {import('/console/vendor/signals.js').Signal<{ state: LinkState, since: number, last: number, why: string }>} */
  const link = signal({ state: 'connecting', since: Date.now(), last: 0, why: '' });
  /** @type {import('/console/vendor/signals.js').Signal<Made | undefined>} */
  const made = signal(undefined);
  /** The session ended by itself, or elsewhere: who signs in again is told. */
  const ended = signal(false);
  /** What is said to who hears the page instead of seeing it. */
  const said = signal('');
  /** @type {import('/console/vendor/signals.js').Signal<ReadonlyMap<string, { verdict: GateVerdict, at: number, revision: string }>>} */
  const gates = signal(new Map());
  const fresh = computed(() => link.value.state === 'live');
  const operator = computed(() => session.value?.role === 'operator');
  /** @type {import('/console/vendor/signals.js').Signal<{ kind: string, [more: string]: unknown } | undefined>} */
  const dialog = signal(undefined);
  /** What was asked by hand, while the page lives. @type {import('/console/vendor/signals.js').Signal<Asking>} */
  const asking = signal(NOTHING);
  /** The list of findings as it was last seen, by its filter, and the one that was looked at. @type {import('/console/vendor/signals.js').Signal<{ key: string, fingerprints: readonly string[] }>} */
  const listed = signal({ key: '', fingerprints: [] });
  const visited = signal('');
  const shortcuts = signal(localStorage.getItem('crossfade.shortcuts') !== 'off');

  return {
    ...{
      session,
      operations,
      health,
      audit,
      findings,
      link,
      made,
      said,
      ended,
      gates,
      fresh,
      operator,
      dialog,
      shortcuts,
      asking,
      listed,
      visited,
      killed,
    },

    /** Like `call`, but a 401 is remembered: whoever was signed in is not any more. */
    async call(
      /** @type {string} */ method,
      /** @type {string} */ path,
      /** @type {unknown} */ body,
      /** @type {AbortSignal | undefined} */ stop,
    ) {
      try {
        return /** @type {any} */ (await call(method, path, body, stop));
      } catch (error) {
        if (error instanceof Refused && error.status === 401) this.lost();
        throw error;
      }
    },

    onOperations(/** @type {Operations} */ event, /** @type {boolean} */ first) {
      operations.value = mergeOperations(operations.value, event, first);
    },
    onHealth(/** @type {Health} */ event) {
      health.value = mergeHealth(health.value, event);
    },
    onAudit(/** @type {AuditEntry} */ entry) {
      if (!audit.value.some(({ id }) => id === entry.id)) audit.value = [entry, ...audit.value].slice(0, 2_000);
    },
    onLink(/** @type {LinkState} */ state, why = '') {
      const known = link.value;
      if (known.state !== state || known.why !== why) {
        link.value = { ...known, state, why, since: known.state === state ? known.since : Date.now() };
      }
    },
    /** Numbers have come: they are of now. */
    onNews() {
      link.value = {
        ...link.value,
        state: 'live',
        why: '',
        last: Date.now(),
        since: link.value.state === 'live' ? link.value.since : Date.now(),
      };
    },
    /** Whoever was signed in is not any more, and has not asked for it. */
    lost() {
      const was = session.value;
      batch(() => {
        if (was) {
          this.forget();
          ended.value = true;
        }
        session.value = null;
      });
    },
    /** Whoever signs in next is not shown what another was. */
    forget() {
      batch(() => {
        operations.value = undefined;
        health.value = undefined;
        audit.value = [];
        made.value = undefined;
        gates.value = new Map();
        dialog.value = undefined;
        asking.value = NOTHING;
        listed.value = { key: '', fingerprints: [] };
        visited.value = '';
      });
    },
  };
}

/** @typedef {ReturnType<typeof createStore>} Store */

export const StoreContext = createContext(/** @type {Store} */ (/** @type {unknown} */ (undefined)));

/** @returns {Store} */
export const useStore = () => useContext(StoreContext);
