/** Marks that tell by shape, not by colour alone. */
import { html } from './lib.js';
import { STAGES } from './words.js';

/** How full the circle is; the last stage is a square: there is no way on. @type {Readonly<Record<string, number>>} */
const FILL = Object.freeze({
  legacy: 0,
  validate: 0.25,
  dynamodb: 0.5,
  dualwrite: 0.6,
  shadow: 0.75,
  live: 1,
  rampdown: 1,
});

/** @param {string} a @param {string} b */
export const isBefore = (a, b) => STAGES.indexOf(a) < STAGES.indexOf(b);

/** @param {{ stage: string }} props */
export function StageMark({ stage }) {
  const fill = FILL[stage];
  const name = `stage-mark at-${STAGES.includes(stage) ? stage : 'none'}`;
  if (stage === 'complete')
    return html`<svg class=${name} viewBox="0 0 14 14" aria-hidden="true"><rect x="1.5" y="1.5" width="11" height="11" rx="1" fill="currentColor" /></svg>`;
  if (fill === undefined)
    return html`<svg class=${name} viewBox="0 0 14 14" aria-hidden="true"><path d="M2 2l10 10M12 2L2 12" stroke="currentColor" stroke-width="2" /></svg>`;
  return html`<svg class=${name} viewBox="0 0 14 14" aria-hidden="true">
    <circle cx="7" cy="7" r="5.5" fill=${fill === 1 ? 'currentColor' : 'none'} stroke="currentColor" stroke-width="1.5" />
    ${fill > 0 && fill < 1 && html`<path d=${pie(fill)} fill="currentColor" />`}
  </svg>`;
}

/** @param {number} share of a circle around 7,7, from the top, clockwise */
function pie(share) {
  const angle = share * 2 * Math.PI;
  const x = 7 + 5.5 * Math.sin(angle);
  const y = 7 - 5.5 * Math.cos(angle);
  return `M7 7V1.5A5.5 5.5 0 ${share > 0.5 ? 1 : 0} 1 ${x.toFixed(2)} ${y.toFixed(2)}Z`;
}

/** @param {{ stage: string }} props */
export const Stage = ({ stage }) => html`<span class="stage"><${StageMark} stage=${stage} /> ${stage}</span>`;

/** @type {Readonly<Record<string, [tone: string, sign: string]>>} */
const SIGNS = Object.freeze({
  good: ['good', '✓'],
  idle: ['calm', '–'],
  differs: ['warn', '≠'],
  failing: ['bad', '✕'],
  pass: ['good', '✓'],
  fail: ['bad', '✕'],
  insufficient: ['warn', '…'],
  notNeeded: ['calm', '·'],
  unknown: ['warn', '?'],
  exposure: ['bad', '!'],
  persistent: ['bad', '≠'],
  unsettled: ['warn', '~'],
  moving: ['warn', '~'],
  unverified: ['warn', '?'],
  passing: ['calm', '↺'],
  transient: ['calm', '↺'],
  open: ['bad', '✕'],
  trying: ['warn', '…'],
  live: ['good', '●'],
  connecting: ['calm', '○'],
  reconnecting: ['warn', '◌'],
  'signed out': ['calm', '○'],
});

/** @type {Readonly<Record<string, string>>} */
const WORDS = Object.freeze({ notNeeded: 'not needed', insufficient: 'not enough' });

/** A word with its mark. @param {{ word: string, say?: string }} props */
export function Sign({ word, say }) {
  const [tone, sign] = SIGNS[word] ?? ['calm', '·'];
  return html`<span class=${`sign ${tone}`}><span class="sign-mark" aria-hidden="true">${sign}</span> ${say ?? WORDS[word] ?? word}</span>`;
}
