import t from 'tap';
import { Out } from '../../../src/bindings/wire/out.ts';
import type { Node, ScalarNode } from '../../../src/bindings/wire/program.ts';
import { NATURAL, NATURAL_LIST } from '../../../src/bindings/wire/scalars.ts';
import { writeSet } from '../../../src/bindings/wire/sets.ts';
import { BS, NS, PLAINLY, SS } from '../../../src/model/attributes.ts';

/** Tells whether the list came as it stood. */
class Watched extends Out {
  copied = false;

  override copy(from: Buffer, start: number, end: number): void {
    this.copied = true;
    super.copy(from, start, end);
  }
}

const out = new Watched();

const scalar = (type: ScalarNode['type'], more: Partial<ScalarNode> = {}): Node => ({
  ...{ kind: 'scalar', type, format: undefined, codec: undefined, nullable: false },
  ...more,
});

/** Of a set as DynamoDB sends it, between other values; `undefined` where the plain renderer is to do it. */
function written(type: number, list: string, node: Node = NATURAL): string | undefined {
  const bytes = Buffer.from(`["z"],${list},"a"]`);
  out.clear();
  try {
    writeSet(out, bytes, 6, type, node);
    return out.take().toString();
  } catch (error) {
    if (error === PLAINLY) return undefined;
    throw error;
  }
}

const texts: [what: string, list: string, written: string | undefined][] = [
  ['none', '[]', '[]'],
  ['one', '["a"]', '["a"]'],
  ['sorted', '["a","b","c"]', '["a","b","c"]'],
  ['not sorted', '["b","c","a"]', '["a","b","c"]'],
  ['the last two', '["a","c","b"]', '["a","b","c"]'],
  ['one begins another', '["a","ab","abc"]', '["a","ab","abc"]'],
  ['the longer one first', '["ab","a"]', '["a","ab"]'],
  ['below a quote', '["a","a!"]', '["a!","a"]'],
  ['an empty one', '["","a"]', '["","a"]'],
  ['beyond ASCII', '["é","a"]', '["a","é"]'],
  ['beyond ASCII, sorted', '["a","é"]', '["a","é"]'],
  ['the last of ASCII', '["a","\u007f"]', '["a","\u007f"]'],
  ['many', '["aaa","aab","aabb","ab","b"]', '["aaa","aab","aabb","ab","b"]'],
  ['many, the first two not in order', '["aab","aaa","ab"]', '["aaa","aab","ab"]'],
  ['by code units', '["\uffff","😀"]', '["😀","\uffff"]'],
  ['escapes', '["b","a\\n"]', '["a\\n","b"]'],
  ['needless escapes', '["b","\\u0061"]', '["a","b"]'],
  ['a quote, escaped', '["b","\\"]","a"]', '["\\"]","a","b"]'],
  ['brackets in it', '["]","[","a"]', '["[","]","a"]'],
  ['twice', '["a","a"]', undefined],
  ['twice, apart', '["a","b","a"]', undefined],
  ['twice, once with an escape', '["a","\\u0061"]', undefined],
];
for (const [what, list, wanted] of texts)
  t.test(`a set of texts, ${what}`, async (t) => {
    out.copied = false;
    t.equal(written(SS, list), wanted);
    t.equal(
      out.copied,
      list === wanted && Buffer.byteLength(list) === list.length && !list.includes('\\'),
      'as it stands if it can',
    );
  });

const numbers: [what: string, list: string, written: string | undefined][] = [
  ['none', '[]', '[]'],
  ['by size', '["10","9","-1","0.5"]', '[-1,0.5,9,10]'],
  ['as they are printed', '["1.50","1e30","007"]', '[1.5,7,1e+30]'],
  ['beyond a double, by their text', '["9007199254740993","9007199254740992"]', '[9007199254740992,9007199254740993]'],
  ['twice', '["1","1"]', undefined],
  ['twice, in two notations', '["1","1.0"]', undefined],
  ['no number', '["1","x"]', undefined],
];
for (const [what, list, wanted] of numbers)
  t.test(`a set of numbers, ${what}`, async (t) => {
    t.equal(written(NS, list), wanted);
  });

t.test('a fraction is no integer, a large number is one', async (t) => {
  t.equal(written(NS, '["2","1.5"]', scalar('number')), '[1.5,2]');
  t.equal(written(NS, '["2","1.5"]', scalar('integer')), undefined);
  t.equal(written(NS, '["2","1e-7"]', scalar('integer')), undefined);
  t.equal(written(NS, '["2","1.5e30"]', scalar('integer')), '[2,1.5e+30]');
});

const wanted: [type: ScalarNode['type'], texts: boolean, numbers: boolean][] = [
  ['string', true, false],
  ['number', false, true],
  ['integer', false, true],
  ['any', true, true],
  ['null', true, false],
  ['boolean', false, false],
];
for (const [type, ofTexts, ofNumbers] of wanted)
  t.test(`where the contract wants ${type}`, async (t) => {
    t.equal(written(SS, '["b","a"]', scalar(type)) !== undefined, ofTexts);
    t.equal(written(NS, '["2","1"]', scalar(type)) !== undefined, ofNumbers);
  });

t.test('all else is for the plain renderer', async (t) => {
  t.equal(written(BS, '["YQ=="]'), undefined, 'binaries');
  t.equal(written(BS, '["1","2"]', scalar('any')), undefined, 'binaries that look like numbers');
  t.equal(written(SS, '["a"]', scalar('string', { codec: 'uuid' })), undefined, 'a codec');
  t.equal(written(SS, '["a"]', NATURAL_LIST), undefined, 'a list of lists');
  t.equal(written(SS, '["b""a"]'), undefined, 'no comma');
  t.equal(written(NS, '{"2":"1"}'), undefined, 'no list');
});
