import { Binary, BSON, Decimal128, Double, Long, ObjectId } from 'mongodb';
import t from 'tap';
import { Undecodable } from '../../../src/bindings/codecs.ts';
import { compileRenderer } from '../../../src/bindings/render.ts';
import type { RendererOptions } from '../../../src/bindings/sources.ts';
import { compileBson } from '../../../src/bindings/wire/bson.ts';
import { programOf } from '../../../src/bindings/wire/plan.ts';
import { createShapes } from '../../../src/contract/shape.ts';
import type { PageFacts } from '../../../src/model/binding.ts';
import type { WireItem } from '../../../src/model/wire.ts';
import { type WireCase, wireCase } from '../../support/wire-documents.ts';

type Given = Partial<Omit<WireCase, 'documents'>> & Pick<WireCase, 'schema'>;

const decode = ({ bytes, start, end }: WireItem) =>
  BSON.deserialize(bytes.subarray(start, end), { promoteLongs: false });

/** In the middle of other bytes, as in a reply. */
function asSent(documents: readonly Uint8Array[]): WireItem[] {
  const gap = Buffer.from([1, 2, 3]);
  const bytes = Buffer.concat(documents.flatMap((document) => [gap, document]));
  let at = 0;
  return documents.map(({ length }) => {
    const start = at + gap.length;
    at = start + length;
    return { bytes, start, end: at };
  });
}

/** Both renderers of one operation; `plain` throws where a value breaks the contract, or cannot be written. */
function renderers({ schema, components = {}, sources = {}, shapes = {}, items, page = {}, absentAs, open }: Given) {
  let violations = 0;
  const options: RendererOptions = {
    ...{ where: 'test', store: 'mongodb', sources, shapes, items, page },
    shape: createShapes((name) => components[name.split('/').at(-1) as string])(schema),
    ...(absentAs === undefined ? {} : { absentAs }),
    ...(open === undefined ? {} : { open }),
    onViolation: () => {
      violations += 1;
    },
  };
  const render = compileRenderer(options);
  const program = programOf(options);
  const wire = program === undefined ? undefined : compileBson(program);
  const given = { request: {} as never, page: { count: 1, more: true, next: 'n"', total: 7 } as PageFacts };
  const list = items !== undefined;
  return {
    planned: program !== undefined,
    plain(sent: readonly WireItem[]): string {
      const decoded = sent.map(decode);
      violations = 0;
      const body = render({ item: list ? undefined : decoded[0], items: list ? decoded : undefined, ...given });
      if (violations > 0) throw new Undecodable(`${violations} values break the contract`);
      return body.toString();
    },
    wire: (sent: readonly WireItem[]): string | undefined => wire?.({ items: sent, ...given, decode })?.toString(),
  };
}

const CASES = Number(process.env.WIRE_CASES ?? 400);
const FROM = Number(process.env.WIRE_FROM ?? 0);
const DOCUMENTS = 12;

t.test(
  `${CASES} contracts with ${DOCUMENTS} documents each: what is written is what the plain renderer writes`,
  async (t) => {
    const seen = { written: 0, left: 0, needlessly: 0, unplanned: 0 };
    for (let seed = FROM; seed < FROM + CASES; seed += 1) {
      const one = wireCase(seed);
      const { planned, plain, wire } = renderers(one);
      if (!planned) seen.unplanned += 1;
      const sent = asSent(
        one.documents(DOCUMENTS).map((document) => BSON.serialize(document, { ignoreUndefined: seed % 2 === 0 })),
      );
      for (const batch of one.items === undefined
        ? sent.map((item) => [item])
        : [sent, sent.slice(0, 3), [], ...sent.map((item) => [item])]) {
        const made = wire(batch);
        if (made === undefined) seen.left += 1;
        else seen.written += 1;
        let wanted: string;
        try {
          wanted = plain(batch);
        } catch (error) {
          if (made !== undefined)
            t.fail(`case ${seed}: ${made} was written, and the plain renderer said ${(error as Error).message}`);
          continue;
        }
        if (made === undefined) seen.needlessly += 1;
      if (made !== undefined && made !== wanted) t.fail(`case ${seed}`, { made, wanted });
      }
      if (!t.passing()) break;
    }
    t.comment(JSON.stringify(seen));
    t.ok(seen.written > 4 * seen.needlessly, 'most of what can be written is');
  },
);
