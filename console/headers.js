/** Headers that a question carries along. Kept in the page alone: they may hold credentials. */
import { html } from './lib.js';

/** @param {{ value: string, onInput: (text: string) => void }} props */
export const HeadersField = ({ value, onInput }) =>
  html`<label class="field"><span>One a line, <code>name: value</code></span><textarea rows="3" class="mono" spellcheck=${false} autocomplete="off" value=${value} onInput=${(/** @type {any} */ event) => onInput(event.target.value)}></textarea></label>`;

/** Throws an Error that names the line which is no header. @param {string} text @returns {Record<string, string> | undefined} */
export function headersOf(text) {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
  if (lines.length === 0) return undefined;
  return Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(':');
      if (colon < 1) throw new Error(`“${line.slice(0, 40)}” is no header: write name: value.`);
      return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
    }),
  );
}
