/** What of the packages the page uses; no other file imports them. */
import htm from '/console/vendor/htm.js';
import { h } from '/console/vendor/preact.js';

export {
  useCallback,
  useContext,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from '/console/vendor/hooks.js';
export { Component, createContext, h, render } from '/console/vendor/preact.js';
export { batch, computed, effect, signal } from '/console/vendor/signals.js';

/** @type {(strings: TemplateStringsArray, ...values: unknown[]) => any} */
export const html = htm.bind(h);
