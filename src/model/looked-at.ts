import type { Item } from './call.ts';

/**
 * An item that is decoded as far as it is looked at: to whoever reads it, the same as the whole one.
 *
 * @param attribute the value of one attribute; `undefined` where the item has none of that name
 * @param whole the whole item; asked at most once, when somebody wants more than attributes by name
 */
export function lookedAt(attribute: (name: string) => unknown, whole: () => Item): Item {
  return new Proxy<Target>({}, new Looking(attribute, whole));
}

type Target = Record<string, unknown>;

/** One class, not a handler of closures for each item: an item is looked at once or twice. */
class Looking implements ProxyHandler<Target> {
  readonly #attribute: (name: string) => unknown;
  readonly #whole: () => Item;
  #seen: Map<string, unknown> | undefined;
  #filled = false;

  constructor(attribute: (name: string) => unknown, whole: () => Item) {
    this.#attribute = attribute;
    this.#whole = whole;
  }

  get(target: Target, name: string | symbol): unknown {
    if (this.#filled || typeof name === 'symbol') return Reflect.get(target, name);
    let value = this.#seen?.get(name);
    if (value === undefined) {
      value = this.#attribute(name);
      if (value === undefined) return Reflect.get(target, name);
      this.#seen ??= new Map();
      this.#seen.set(name, value);
    }
    return value;
  }

  has(target: Target, name: string | symbol): boolean {
    return Reflect.has(this.#fill(target), name);
  }

  ownKeys(target: Target): ArrayLike<string | symbol> {
    return Reflect.ownKeys(this.#fill(target));
  }

  getOwnPropertyDescriptor(target: Target, name: string | symbol): PropertyDescriptor | undefined {
    return Reflect.getOwnPropertyDescriptor(this.#fill(target), name);
  }

  set(target: Target, name: string | symbol, value: unknown): boolean {
    return Reflect.set(this.#fill(target), name, value);
  }

  defineProperty(target: Target, name: string | symbol, descriptor: PropertyDescriptor): boolean {
    return Reflect.defineProperty(this.#fill(target), name, descriptor);
  }

  deleteProperty(target: Target, name: string | symbol): boolean {
    return Reflect.deleteProperty(this.#fill(target), name);
  }

  setPrototypeOf(target: Target, prototype: object | null): boolean {
    return Reflect.setPrototypeOf(this.#fill(target), prototype);
  }

  preventExtensions(target: Target): boolean {
    return Reflect.preventExtensions(this.#fill(target));
  }

  #fill(target: Target): Target {
    if (this.#filled) return target;
    this.#filled = true;
    // An attribute that was handed out already stays the same object.
    for (const [name, value] of Object.entries(this.#whole())) define(target, name, this.#seen?.get(name) ?? value);
    return target;
  }
}

/** As an object literal does: `__proto__` is an attribute like another. */
function define(target: object, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, writable: true, enumerable: true, configurable: true });
}
