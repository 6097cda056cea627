/** The origins' answers of now, two of them side by side. @import { Diff } from '../src/admin/schema.ts' @import { Row, Place } from './diff-tree.js' */
import { alignTrees, openAtFirst, rowsOf } from './diff-tree.js';
import { count, counted, duration } from './format.js';
import { treeOf } from './json-tree.js';
import { html, useEffect, useLayoutEffect, useMemo, useRef, useState } from './lib.js';
import { useNarrow } from './rows.js';
import { useStore } from './store.js';
import { Block, Text } from './text.js';
import { Dialog } from './ui.js';
import { windowOf } from './virtual.js';

/** @typedef {Diff['comparisons'][number]} Comparison */

/** @param {{ diff: Diff, pair?: string }} props */
export function DiffView({ diff, pair }) {
  const [chosen, setChosen] = useState(pair ?? diff.comparisons.find(({ outcome }) => outcome !== 'match')?.pair);
  const comparison = diff.comparisons.find((one) => one.pair === chosen) ?? diff.comparisons[0];
  // It stands below what asked for it.
  useEffect(() => document.getElementById('answers')?.focus(), [diff]);
  return html`<section aria-labelledby="answers" class="answers"><h2 id="answers" tabindex="-1">Answers of now</h2>
    <p class="mono sub">${diff.method} <${Text} text=${diff.path} most=${400} more /> <span>tenant <${Text} text=${diff.tenant} most=${80} /></span></p>
    <div class="origins">${diff.origins.map((origin) => html`<${Origin} key=${origin.origin} origin=${origin} />`)}</div>
    ${diff.comparisons.length > 1 && html`<div class="tabs" role="group" aria-label="Pair">${diff.comparisons.map((one) => html`<button type="button" class="button" aria-pressed=${one === comparison} onClick=${() => setChosen(one.pair)}>${one.pair.replace('-', ' | ')} <span class="sub">${one.outcome}</span></button>`)}</div>`}
    ${comparison && html`<${Compared} key=${comparison.pair} diff=${diff} comparison=${comparison} />`}
  </section>`;
}

/** @param {{ origin: Diff['origins'][number] }} props */
function Origin({ origin }) {
  const { origin: name, status, duration: took, calls, error, cut, body } = origin;
  return html`<div class="origin"><h3>${name}</h3>
    <p>${error === undefined ? html`<b class="figure">${status}</b>` : html`<span class="bad">✕ <${Text} text=${error} most=${300} more /></span>`} <span class="sub">in ${duration(took)}${body !== undefined && `, ${count(body.length)} characters${cut ? ', cut at 256 KiB' : ''}`}</span></p>
    ${calls.length > 0 && html`<details><summary>${counted(calls.length, 'call')}</summary><${Block} text=${calls.join('\n')} most=${4000} /></details>`}
    ${
      origin.headers &&
      html`<details><summary>Headers</summary><${Block} text=${Object.entries(origin.headers)
        .map(([header, value]) => `${header}: ${String(value)}`)
        .join('\n')} most=${4000} /></details>`
    }</div>`;
}

/** @param {{ diff: Diff, comparison: Comparison }} props */
function Compared({ diff, comparison }) {
  const [left, right] = comparison.pair.split('-').map((name) => diff.origins.find(({ origin }) => origin === name));
  const { differences, rules, outcome, reason } = comparison;
  const isApart = left?.status !== right?.status && left?.body !== undefined && right?.body !== undefined;
  const trees = useMemo(() => {
    const [one, other] = [left?.body, right?.body].map((body) => (body === undefined ? undefined : treeOf(body)));
    if (one === undefined && other === undefined) return undefined;
    if (!isApart) return [alignTrees(one, other, differences)];
    return [alignTrees(one, undefined, differences), alignTrees(undefined, other, differences)];
  }, [diff, comparison]);
  const elsewhere = differences.filter(
    ({ leftPointer, rightPointer }) => leftPointer === undefined && rightPointer === undefined,
  );
  const unread = [left, right].some(
    (origin) => origin?.body !== undefined && origin.body !== '' && treeOf(origin.body) === undefined,
  );
  return html`<div>
    <p><b>${outcome}</b>${reason !== undefined && html` (<${Text} text=${reason} most=${200} />)`}: ${counted(differences.length, 'difference')}${rules.length > 0 && html`; rules: ${rules.map(({ rule, uses }, index) => html`${index > 0 && ', '}<code><${Text} text=${rule} most=${120} /></code> × ${uses}`)}`}</p>
    ${elsewhere.length > 0 && html`<ul class="reasons">${elsewhere.map((one) => html`<li><b>${one.kind}</b> <span class="mono"><${Text} text=${one.at} most=${200} /></span>: <span class="mono"><${Text} text=${one.left ?? one.leftType} most=${200} more /> | <${Text} text=${one.right ?? one.rightType} most=${200} more /></span></li>`)}</ul>`}
    ${trees !== undefined && isApart && html`<p class="sub">Answers of different status are not held together field by field: each stands by itself.</p>`}
    ${trees !== undefined && !unread && html`<${TreeView} roots=${trees} comparison=${comparison} names=${comparison.pair.split('-')} />`}
    ${unread && html`<p class="note">${left?.cut || right?.cut ? 'An answer is too long to be read as JSON: it is shown as text, cut.' : 'An answer is no JSON: it is shown as text.'}</p><div class="sides">${[left, right].map((origin) => html`<div class="side"><h3>${origin?.origin}</h3><${Block} text=${origin?.body ?? ''} most=${5000} /></div>`)}</div>`}
  </div>`;
}

/** In rem. */
const ROW = 1.75;

/**
 * A line on the page: what of either side stands on it. Where the answers are held together it is the same row twice.
 * @typedef {{ left?: Row, right?: Row }} Line
 */

/** Where there is no room for two columns, what differs stands on two lines, and what is equal on one. @param {Row} row @param {boolean} narrow @returns {Line[]} */
function together(row, narrow) {
  if (!narrow) return [{ left: row, right: row }];
  const differs = row.place.mark !== undefined || row.inside !== undefined;
  if (row.place.left === undefined) return [{ right: row }];
  return differs ? [{ left: row }, { right: row }] : [{ left: row }];
}

/** Answers of different status have nothing in common: each from its top. @param {Row[]} lefts @param {Row[]} rights @param {boolean} narrow @returns {Line[]} */
function apart(lefts, rights, narrow) {
  if (narrow) return [...lefts.map((left) => ({ left })), ...rights.map((right) => ({ right }))];
  return Array.from({ length: Math.max(lefts.length, rights.length) }, (_, at) => ({
    left: lefts[at],
    right: rights[at],
  }));
}

const rowOf = (/** @type {Line | undefined} */ line) => /** @type {Row} */ (line?.left ?? line?.right);
const sideOf = (/** @type {Line} */ { left }) => (left === undefined ? 'right' : 'left');

/** @param {{ roots: readonly Place[], comparison: Comparison, names: string[] }} props `roots`: both answers as one, or each by itself. */
function TreeView({ roots, comparison, names }) {
  const store = useStore();
  const narrow = useNarrow();
  const height = ROW * parseFloat(getComputedStyle(document.documentElement).fontSize);
  const firsts = useMemo(() => roots.map((root) => openAtFirst(root)), [roots]);
  const [turned, setTurned] = useState(/** @type {ReadonlyMap<Place, boolean>} */ (new Map()));
  const isOpen = (/** @type {Place} */ place) => turned.get(place) ?? firsts.some((first) => first(place));
  const rows = useMemo(() => {
    const [one = [], other] = roots.map((root) => rowsOf(root, isOpen));
    return other === undefined ? one.flatMap((row) => together(row, narrow)) : apart(one, other, narrow);
  }, [roots, turned, narrow]);
  const stops = useMemo(
    () =>
      rows.flatMap((line, index) => {
        const { place } = rowOf(line);
        const second = narrow && line.left === undefined && place.left !== undefined;
        return place.mark === undefined || second ? [] : [index];
      }),
    [rows],
  );
  const [at, setAt] = useState(-1);
  const [whole, setWhole] = useState(/** @type {Row | undefined} */ (undefined));
  /** @type {{ current: any }} */
  const scroller = useRef(null);
  const [view, setView] = useState({ top: 0, height: 600 });
  const look = () =>
    setView({
      top: Math.floor(scroller.current.scrollTop / height / 4) * height * 4,
      height: scroller.current.clientHeight,
    });
  useLayoutEffect(look, [height]);
  const turn = (/** @type {Place} */ place) => setTurned(new Map(turned).set(place, !isOpen(place)));
  const step = (/** @type {number} */ by) => {
    if (stops.length === 0) return;
    const next = (Math.max(at, by < 0 ? 0 : -1) + by + stops.length) % stops.length;
    setAt(next);
    const index = /** @type {number} */ (stops[next]);
    scroller.current.scrollTo({ top: Math.max(0, (index - 3) * height) });
    const difference = comparison.differences[rowOf(rows[index]).place.mark ?? -1];
    store.said.value = `Difference ${next + 1} of ${stops.length}: ${difference?.kind} at ${difference?.at}`;
  };
  useEffect(() => {
    const onKey = (/** @type {CustomEvent<number>} */ event) => step(event.detail);
    addEventListener('crossfade:step', /** @type {any} */ (onKey));
    return () => removeEventListener('crossfade:step', /** @type {any} */ (onKey));
  });
  const { from, to, total } = windowOf({
    count: rows.length,
    height,
    top: view.top,
    view: view.height + 4 * height,
    overscan: 8,
  });
  const current = at >= 0 ? stops[at] : undefined;
  const difference = current === undefined ? undefined : comparison.differences[rowOf(rows[current]).place.mark ?? -1];
  return html`<div class="tree">
    <div class="tree-tools"><span>${stops.length === 0 ? 'No difference in the bodies' : `Difference ${at < 0 ? '–' : at + 1} of ${count(stops.length)}`}</span>
      <button type="button" class="button" aria-disabled=${stops.length === 0 ? 'true' : undefined} onClick=${() => step(-1)}>Previous <kbd>p</kbd></button>
      <button type="button" class="button" aria-disabled=${stops.length === 0 ? 'true' : undefined} onClick=${() => step(1)}>Next <kbd>n</kbd></button>
      <span class="tree-fact">${difference && html`<b>${difference.kind}</b> <span class="mono"><${Text} text=${difference.at} most=${120} /></span>${difference.facts.map((fact) => html` <span class="tag"><${Text} text=${fact} most=${80} /></span>`)}`}</span></div>
    <div class="tree-head" aria-hidden="true"><span>${narrow ? html`<span class="half-of">${names[0]?.slice(0, 1)}</span> ` : ''}${names[0]}</span><span>${narrow ? html`<span class="half-of">${names[1]?.slice(0, 1)}</span> ` : ''}${names[1]}</span></div>
    <div class="tree-scroll" style=${{ blockSize: `min(70dvh, 30rem, ${total}px)` }} ref=${scroller} onScroll=${look} tabindex="0" role="region" aria-label=${`${names[0]} and ${names[1]}, side by side`}>
      <div class="tree-rows" role="table" aria-rowcount=${rows.length} aria-label="Both answers" style=${{ height: `${total}px` }}>${rows.slice(from, to).map((row, offset) => html`<${TreeRow} key=${`${rowOf(row).place.id}${sideOf(row)}`} line=${row} narrow=${narrow} names=${names} index=${from + offset} height=${height} current=${from + offset === current} onTurn=${turn} onWhole=${setWhole} />`)}</div>
    </div>
    ${whole && html`<${Dialog} title="Both values, whole" wide onClose=${() => setWhole(undefined)}><div class="sides"><div class="side"><h3>${names[0]}</h3><${Block} text=${whole.place.left?.text ?? '(absent)'} /></div><div class="side"><h3>${names[1]}</h3><${Block} text=${whole.place.right?.text ?? '(absent)'} /></div></div><//>`}
  </div>`;
}

/** @param {{ line: Line, narrow: boolean, names: string[], index: number, height: number, current: boolean, onTurn: (place: Place) => void, onWhole: (row: Row) => void }} props */
function TreeRow({ line, narrow, names, index, height, current, onTurn, onWhole }) {
  const differs = [line.left, line.right].some((row) => row?.place.mark !== undefined || row?.inside !== undefined);
  /** @type {readonly ('left' | 'right')[]} */
  const sides = narrow ? [sideOf(line)] : ['left', 'right'];
  const half = (/** @type {'left' | 'right'} */ side) => {
    const row = line[side];
    if (row === undefined) return html`<div role="cell" class=${`half ${side}`}></div>`;
    const { place, depth, opened } = row;
    const of = narrow && (differs || line.left === undefined) ? names[side === 'left' ? 0 : 1]?.slice(0, 1) : undefined;
    return html`<div role="cell" class=${`half ${side}${place[side] === undefined ? ' gone' : ''}`} style=${{ paddingInlineStart: `${Math.min(depth, 24) * (narrow ? 0.6 : 0.9) + 0.25}rem` }}>
      ${of !== undefined && html`<span class="half-of" aria-hidden="true">${of}</span> `}<${Half} place=${place} side=${side} opened=${opened} differs=${differs} onTurn=${onTurn} onWhole=${() => onWhole(row)} />
    </div>`;
  };
  return html`<div class=${`tree-row${differs ? ' differs' : ''}${current ? ' current' : ''}`} role="row" aria-rowindex=${index + 1} style=${{ transform: `translateY(${index * height}px)`, height: `${height}px` }}>${sides.map(half)}</div>`;
}

/** @param {{ place: Place, side: 'left' | 'right', opened: boolean | undefined, differs: boolean, onTurn: (place: Place) => void, onWhole: () => void }} props */
function Half({ place, side, opened, differs, onTurn, onWhole }) {
  const node = place[side];
  const key = side === 'left' ? place.leftKey : place.rightKey;
  if (node === undefined)
    return html`<span class="sub">${differs ? html`<span class="mark">≠ absent</span>` : ''}</span>`;
  const name = key === undefined ? '' : html`<span class="key"><${Text} text=${key} most=${80} /></span>: `;
  const mark = differs && html`<span class="mark" title="differs">≠<span class="hidden"> differs</span></span> `;
  if (node.type === 'leaf') {
    const long = node.text.length > 120;
    return html`${mark}${name}<span class=${/^"/.test(node.text) ? 'string' : 'literal'}><${Text} text=${node.text} most=${120} /></span>${long && html` <button type="button" class="link" onClick=${onWhole}>whole</button>`}`;
  }
  const size =
    node.type === 'array' ? `[${counted(node.children.length, 'item')}]` : `{${counted(node.children.length, 'key')}}`;
  const inner = html`${opened === undefined ? '' : html`<span aria-hidden="true">${opened ? '▾' : '▸'}</span> `}${name}<span class="sub">${size}${!opened && place.marked > 0 ? `, ${place.marked} differ` : ''}</span>`;
  return html`${mark}${opened === undefined ? inner : html`<button type="button" class="turn" aria-expanded=${opened} onClick=${() => onTurn(place)}>${inner}</button>`}`;
}
