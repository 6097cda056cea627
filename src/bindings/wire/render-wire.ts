import type { PageFacts, Request } from '../../model/binding.ts';
import type { Item } from '../../model/call.ts';
import type { WireItem } from '../../model/wire.ts';

export interface WireInput {
  /** One, where the operation gives one. */
  readonly items: readonly WireItem[];
  readonly request: Request;
  readonly page: PageFacts;
  /** One item as the store's own client would have given it, for functions of the bindings; decoded as far as they look. */
  readonly decode: (item: WireItem) => Item;
}

/**
 * Items as the store sent them → the body, byte for byte as the plain renderer writes it from the decoded items.
 * `undefined` where something in them is not as the contract has it: then the plain renderer does it, and says what.
 */
export type RenderWire = (input: WireInput) => Buffer | undefined;
