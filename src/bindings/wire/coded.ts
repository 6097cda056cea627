import { B, BOOL, endOfString, isTrue, N, NULL, PLAINLY, plainly, S } from '../../model/attributes.ts';
import { exactDouble } from '../../model/number.ts';
import type { Shape } from '../../model/shape.ts';
import { NumberValueText } from '../codecs.ts';
import { scalarWriter } from '../render.ts';
import type { Out } from './out.ts';
import type { ScalarNode } from './program.ts';

/** Writes the attribute value at `at`, of this type, by a codec. */
export type WriteCoded = (out: Out, bytes: Buffer, at: number, type: number) => void;

/** By the plain renderer's own codecs, but for whole numbers that are times, which are most of them. */
export function codedWriter({ type: kind, format, codec, nullable }: ScalarNode): WriteCoded {
  const shape = { kind, name: undefined, nullable, format, constant: undefined } as Shape;
  const options = { where: '', shape, store: 'dynamodb', sources: {}, shapes: {}, items: undefined, page: {} } as const;
  const write = scalarWriter(shape, codec, '', { ...options, onViolation: plainly });
  const unit = codec === 'epoch-seconds' ? 1000 : codec === 'epoch-millis' ? 1 : undefined;
  const scope = { input: {} as never, element: undefined, parent: undefined, item: undefined, chain: [] };
  return (out, bytes, at, type) => {
    if (type === N && unit !== undefined && kind === 'string' && writeTime(out, bytes, at + 6, unit, format)) return;
    out.text(plainOr(() => write(scalarAt(bytes, at, type), scope)));
  };
}

function plainOr(write: () => string): string {
  try {
    return write();
  } catch (error) {
    if (error === PLAINLY) throw error;
    // The plain renderer says what cannot be written, and where.
    return plainly();
  }
}

function scalarAt(bytes: Buffer, at: number, type: number): unknown {
  if (type === BOOL) return isTrue(bytes, at);
  if (type === NULL) return null;
  if (type !== S && type !== N && type !== B) plainly();
  const text: string = JSON.parse(bytes.toString('utf8', at + 5, endOfString(bytes, at + 5)));
  if (type === S) return text;
  if (type === N) return exactDouble(text) ?? new NumberValueText(text);
  const binary = Buffer.from(text, 'base64');
  return binary.toString('base64') === text ? binary : plainly();
}

/** Longest whole number of which any is a time and none loses a digit. */
const DIGITS = 13;

/** False where it is not so simple. */
function writeTime(out: Out, bytes: Buffer, start: number, unit: number, format: string | undefined): boolean {
  let value = 0;
  let i = start;
  for (; i < start + DIGITS && bytes[i] !== 0x22; i += 1) {
    const digit = (bytes[i] as number) - 0x30;
    if (digit < 0 || digit > 9) return false;
    value = 10 * value + digit;
  }
  if (i === start || bytes[i] !== 0x22) return false;
  const time = value * unit;
  if (time > LATEST) return false;
  out.date(time, format === 'date');
  return true;
}

/** The end of the year 9999, beyond which years have signs. */
const LATEST = 253_402_300_799_999;
