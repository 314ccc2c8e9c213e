/**
 * What the preload uses of the language, taken before any code of the program runs. A package that replaces
 * `Map.prototype.get` would otherwise decide what it may read. Every module of the preload calls these, loops by index
 * (a loop over `of` asks Array.prototype), and keeps names in `NameMap`.
 */

const { apply } = Reflect;

/** A method as a function, its `this` the first argument. */
function uncurry<This, Arguments extends unknown[], Result>(
  method: (this: This, ...given: Arguments) => Result,
): (self: This, ...given: Arguments) => Result {
  return (self, ...given) => apply(method, self, given);
}

export const reflect = {
  apply,
  construct: Reflect.construct,
  defineProperty: Reflect.defineProperty,
  deleteProperty: Reflect.deleteProperty,
  get: Reflect.get,
  getOwnPropertyDescriptor: Reflect.getOwnPropertyDescriptor,
  getPrototypeOf: Reflect.getPrototypeOf,
  has: Reflect.has,
  ownKeys: Reflect.ownKeys,
  set: Reflect.set,
  setPrototypeOf: Reflect.setPrototypeOf,
} as const;

export const assign = Object.assign;
export const create = Object.create;
export const entriesOf = Object.entries;
export const hasOwn = Object.hasOwn;
export const keysOf = Object.keys;
export const isArray = Array.isArray;
export const toJson = JSON.stringify;
export const now = Date.now;
export const toUpperCase = uncurry(String.prototype.toUpperCase);
export const startsWith = uncurry(String.prototype.startsWith);
export const endsWith = uncurry(String.prototype.endsWith);
export const indexOf = uncurry(String.prototype.indexOf);
export const lastIndexOf = uncurry(String.prototype.lastIndexOf);
export const slice = uncurry(String.prototype.slice);

/** The method of strings would ask `String.prototype[Symbol.replace]`, and give it both texts. */
export function replaceAll(text: string, part: string, by: string): string {
  let replaced = "";
  let from = 0;
  for (let at = indexOf(text, part, from); at >= 0 && part !== ""; at = indexOf(text, part, from)) {
    replaced = `${replaced}${slice(text, from, at)}${by}`;
    from = at + part.length;
  }
  return `${replaced}${slice(text, from)}`;
}

const MapOfNames = Map;
const mapGet = Map.prototype.get;
const mapSet = Map.prototype.set;

/** A map by name that no change of Map.prototype reaches. */
export class NameMap<Value> {
  readonly #map = new MapOfNames<string, Value>();

  get(name: string): Value | undefined {
    return apply(mapGet, this.#map, [name]) as Value | undefined;
  }

  set(name: string, value: Value): void {
    apply(mapSet, this.#map, [name, value]);
  }
}

/** A property of its own, as one that was assigned: no setter and no descriptor of a prototype is asked. */
export function define(holder: object, name: string | symbol | number, value: unknown): void {
  reflect.defineProperty(holder, name, {
    __proto__: null,
    value,
    writable: true,
    enumerable: true,
    configurable: true,
  } as PropertyDescriptor);
}

/** Appends without asking Array.prototype, which may have setters. */
export function append<Item>(list: Item[], item: Item): void {
  define(list, list.length, item);
}
