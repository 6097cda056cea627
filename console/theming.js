/** Dark, light, or as the system has it. */
import { html, useState } from './lib.js';

const THEMES = Object.freeze(['system', 'light', 'dark']);

export function Theme() {
  const [theme, setTheme] = useState(localStorage.getItem('crossfade.theme') ?? 'system');
  const choose = (/** @type {any} */ event) => {
    const next = event.target.value;
    setTheme(next);
    localStorage.setItem('crossfade.theme', next);
    if (next === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = next;
  };
  return html`<label class="theme"><span class="hidden">Colours</span><select value=${theme} onChange=${choose}>${THEMES.map((name) => html`<option value=${name}>${name}</option>`)}</select></label>`;
}
