/** What of the packages the page uses; no other file imports them. */
import htm from '/console/vendor/htm.js';
import { Component, h } from '/console/vendor/preact.js';

export {
  useCallback,
  useContext,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from '/console/vendor/hooks.js';
export { createContext, render } from '/console/vendor/preact.js';
export { batch, computed, signal } from '/console/vendor/signals.js';

/** @type {(strings: TemplateStringsArray, ...values: unknown[]) => any} */
export const html = htm.bind(h);

/**
 * A component that is not drawn anew while it is given the same.
 * @template {Record<string, any>} P
 * @param {(props: P) => any} Inner
 */
export function memo(Inner) {
  return class extends Component {
    /** @override */
    shouldComponentUpdate(/** @type {any} */ next) {
      const now = /** @type {any} */ (this.props);
      return Object.keys(next).some((name) => next[name] !== now[name]);
    }
    /** @override */
    render(/** @type {any} */ props) {
      return h(/** @type {any} */ (Inner), props);
    }
  };
}
