/** Data of others on the page: always text, in its own direction, with what cannot be seen made visible. */
import { age, count, cut, pieces, stamp } from './format.js';
import { html, useEffect, useState } from './lib.js';
import { routeTo } from './route.js';

/** @param {string} text */
const shownPieces = (text) =>
  pieces(text).map((piece) =>
    piece.odd ? html`<span class="odd" data-real=${piece.real}>${piece.text}</span>` : piece.text,
  );

/**
 * One line of data. `most`: how much of it is shown at first; the rest on demand.
 * @param {{ text: string | undefined, most?: number, mono?: boolean, more?: boolean }} props
 */
export function Text({ text = '', most = 300, mono = false, more = false }) {
  const [whole, setWhole] = useState(false);
  const { text: shown, left } = cut(text, whole ? 2_000_000 : most);
  const parts = shownPieces(shown);
  const rest =
    left > 0 &&
    (more
      ? html`<button type="button" class="link" onClick=${() => setWhole(true)}>… ${count(left)} more characters</button>`
      : html`<span class="cut">… ${count(left)} more</span>`);
  // From left to right whatever it begins with: a name must not turn the line around that it stands in.
  return html`<bdi dir="ltr" class=${mono ? 'data mono' : 'data'}>${parts}${rest}</bdi>`;
}

/**
 * A sentence in which fingerprints lead to their findings. `away`: in another tab, where leaving would lose what is
 * being filled in; `but`: what looks like a fingerprint and is none.
 * @param {{ text: string, most?: number, away?: boolean, but?: string }} props
 */
export function Linked({ text, most = 500, away = false, but }) {
  const { text: shown, left } = cut(text, most);
  const parts = shown
    .split(/\b([0-9a-f]{12})\b/)
    .map((part, index) =>
      index % 2 === 0 || part === but
        ? shownPieces(part)
        : away
          ? html`<a href=${routeTo('findings', part)} target="_blank" rel="noopener">${part}<span class="hidden"> in a new tab</span></a>`
          : html`<a href=${routeTo('findings', part)}>${part}</a>`,
    );
  return html`<bdi dir="ltr" class="data">${parts}${left > 0 && html`<span class="cut">… ${count(left)} more</span>`}</bdi>`;
}

/** A file or a URL: where it is too long for a line it breaks after a slash. @param {{ text: string, most?: number }} props */
export function Path({ text, most = 300 }) {
  const { text: shown, left } = cut(text, most);
  const parts = shown.split(/(?<=[/\\])/).flatMap((part) => [...shownPieces(part), html`<wbr />`]);
  return html`<bdi dir="ltr" class="data">${parts}${left > 0 && html`<span class="cut">… ${count(left)} more</span>`}</bdi>`;
}

/** Several lines, as they are. @param {{ text: string, most?: number }} props */
export function Block({ text, most = 20_000 }) {
  const [whole, setWhole] = useState(false);
  const { text: shown, left } = cut(text, whole ? 2_000_000 : most);
  const lines = shown.split('\n');
  const parts = lines.flatMap((line, index) => [...(index === 0 ? [] : ['\n']), ...shownPieces(line)]);
  return html`<pre class="block" tabindex="0">${parts}</pre>
    ${left > 0 && html`<button type="button" class="link" onClick=${() => setWhole(true)}>Show ${count(left)} more characters</button>`}`;
}

/** A moment: the day only where it is not today. @param {{ at: string | number | undefined }} props */
export function Moment({ at }) {
  if (at === undefined) return html`<span>–</span>`;
  const date = new Date(at);
  return html`<time datetime=${date.toISOString()} title=${`${date.toString()}\n${date.toISOString()}`}>${stamp(at)}</time>`;
}

/** How long ago, kept up to date. @param {{ at: string | number | undefined }} props */
export function Ago({ at }) {
  const now = useNow(5_000);
  if (at === undefined) return html`<span>never</span>`;
  const date = new Date(at);
  return html`<time datetime=${date.toISOString()} title=${date.toString()}>${age(now - date.getTime())} ago</time>`;
}

/** The time, anew every so often. @param {number} every milliseconds */
export function useNow(every) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), every);
    return () => clearInterval(timer);
  }, [every]);
  return now;
}
