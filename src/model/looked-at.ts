import type { Item } from './call.ts';

/**
 * An item that is decoded as far as it is looked at: to whoever reads it, the same as the whole one.
 *
 * @param attribute the value of one attribute; `undefined` where the item has none of that name
 * @param whole the whole item; asked at most once, when somebody wants more than attributes by name
 */
export function lookedAt(attribute: (name: string) => unknown, whole: () => Item): Item {
  const seen = new Map<string, unknown>();
  let all: Record<string, unknown> | undefined;
  const target: Record<string, unknown> = {};
  const filled = (): Record<string, unknown> => {
    if (all === undefined) {
      all = target;
      // An attribute that was handed out already stays the same object.
      for (const [name, value] of Object.entries(whole())) define(target, name, seen.get(name) ?? value);
    }
    return target;
  };
  return new Proxy(target, {
    get(_target, name) {
      if (all !== undefined || typeof name === 'symbol') return Reflect.get(target, name);
      let value = seen.get(name);
      if (value === undefined) {
        value = attribute(name);
        if (value === undefined) return Reflect.get(target, name);
        seen.set(name, value);
      }
      return value;
    },
    has: (_target, name) => Reflect.has(filled(), name),
    ownKeys: () => Reflect.ownKeys(filled()),
    getOwnPropertyDescriptor: (_target, name) => Reflect.getOwnPropertyDescriptor(filled(), name),
    set: (_target, name, value) => Reflect.set(filled(), name, value),
    defineProperty: (_target, name, descriptor) => Reflect.defineProperty(filled(), name, descriptor),
    deleteProperty: (_target, name) => Reflect.deleteProperty(filled(), name),
    setPrototypeOf: (_target, prototype) => Reflect.setPrototypeOf(filled(), prototype),
    preventExtensions: () => Reflect.preventExtensions(filled()),
  });
}

/** As an object literal does: `__proto__` is an attribute like another. */
function define(target: object, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, writable: true, enumerable: true, configurable: true });
}
