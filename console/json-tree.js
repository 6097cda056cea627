/**
 * JSON as a tree that keeps every digit: a leaf is its own text. Pure.
 * @typedef {{ type: 'object' | 'array' | 'leaf', text: string, hash: number, children: readonly Child[] }} Tree
 * @typedef {{ key: string, node: Tree }} Child
 */

/** Deeper is not read as JSON: it is shown as text. */
const DEPTH = 400;

/** @param {string} text @returns {Tree | undefined} undefined where it is no JSON, or nested without end. */
export function treeOf(text) {
  const reader = { text, at: 0 };
  try {
    const tree = readValue(reader, 0);
    skipSpace(reader);
    return reader.at === text.length ? tree : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** @typedef {{ text: string, at: number }} Reader */

/** @param {Reader} reader @param {number} depth @returns {Tree} */
function readValue(reader, depth) {
  if (depth > DEPTH) throw new SyntaxError('too deep');
  skipSpace(reader);
  const start = reader.text[reader.at];
  if (start === '{') return readObject(reader, depth);
  if (start === '[') return readArray(reader, depth);
  const text = start === '"' ? readString(reader) : readWord(reader);
  return { type: 'leaf', text, hash: hashOf(text), children: [] };
}

/** @param {Reader} reader @param {number} depth @returns {Tree} */
function readObject(reader, depth) {
  /** @type {Child[]} */
  const children = [];
  // The order of keys says nothing in JSON: a sum does not see it.
  let hash = 7;
  reader.at++;
  for (let more = !ends(reader, '}'); more; more = goesOn(reader, '}')) {
    skipSpace(reader);
    const key = /** @type {string} */ (JSON.parse(readString(reader)));
    expect(reader, ':');
    const node = readValue(reader, depth + 1);
    children.push({ key, node });
    hash = (hash + mix(hashOf(key), node.hash)) | 0;
  }
  return { type: 'object', text: '', hash, children };
}

/** @param {Reader} reader @param {number} depth @returns {Tree} */
function readArray(reader, depth) {
  /** @type {Child[]} */
  const children = [];
  let hash = 11;
  reader.at++;
  for (let more = !ends(reader, ']'); more; more = goesOn(reader, ']')) {
    const node = readValue(reader, depth + 1);
    children.push({ key: String(children.length), node });
    hash = mix(hash, node.hash);
  }
  return { type: 'array', text: '', hash, children };
}

/** @param {Reader} reader */
function readString(reader) {
  const string = /"(?:[^"\\]|\\.)*"/sy;
  string.lastIndex = reader.at;
  const found = string.exec(reader.text);
  if (found === null) throw new SyntaxError('no string');
  reader.at = string.lastIndex;
  JSON.parse(found[0]);
  return found[0];
}

/** @param {Reader} reader */
function readWord(reader) {
  const word = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
  word.lastIndex = reader.at;
  const found = word.exec(reader.text);
  if (found === null) throw new SyntaxError('no value');
  reader.at = word.lastIndex;
  return found[0];
}

/** @param {Reader} reader */
function skipSpace(reader) {
  while (/[ \t\n\r]/.test(reader.text[reader.at] ?? '')) reader.at++;
}

/** @param {Reader} reader @param {string} character */
function expect(reader, character) {
  skipSpace(reader);
  if (reader.text[reader.at] !== character) throw new SyntaxError(`no ${character}`);
  reader.at++;
}

/** @param {Reader} reader @param {string} end */
function ends(reader, end) {
  skipSpace(reader);
  if (reader.text[reader.at] !== end) return false;
  reader.at++;
  return true;
}

/** @param {Reader} reader @param {string} end */
function goesOn(reader, end) {
  if (ends(reader, end)) return false;
  expect(reader, ',');
  return true;
}

/** @param {string} text */
function hashOf(text) {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash | 0;
}

/** @param {number} a @param {number} b */
const mix = (a, b) => Math.imul(a ^ (b + 0x9e3779b9 + (a << 6) + (a >> 2)), 0x85ebca6b) | 0;
