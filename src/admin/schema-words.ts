import { type TObject, type TProperties, Type } from 'typebox';
import { STAGES } from '../model/stage.ts';

/** A shape of the admin API, by its name in the OpenAPI document; it has no other properties. */
export const object = <P extends TProperties>($id: string, properties: P): TObject<P> =>
  Type.Object(properties, { $id, additionalProperties: false });
/** One of these. */
export const words = <W extends string>(all: readonly W[]) => Type.Unsafe<W>({ type: 'string', enum: [...all] });
/** RFC 3339. */
export const date = Type.String({ format: 'date-time' });

export const StageName = words(STAGES);
export const Pair = words(['legacy-dynamodb', 'legacy-mongodb', 'dynamodb-mongodb'] as const);
