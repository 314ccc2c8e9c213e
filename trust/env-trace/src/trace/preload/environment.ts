/**
 * `process.env` as the program sees it: a Proxy that does to the real one what is done to it. Its target is an object
 * without a thing: `util.inspect` looks through a Proxy at the target, past every trap.
 */
import { inspect } from "node:util";
import { append, create, hasOwn, reflect } from "./primordials.ts";
import type { Tracer } from "./tracer.ts";

/** The language asks any object for these where it is given one. */
const isProbe = (name: string) => name === "toJSON" || name === "then";

const { preventExtensions } = Object;

export function traceEnvironment(tracer: Tracer): NodeJS.ProcessEnv {
  const { real } = tracer;
  const target: NodeJS.ProcessEnv = create(reflect.getPrototypeOf(real));
  /** The names that were last given out, and how many of them were asked for one by one since. */
  let names: (string | symbol)[] = [];
  let next = 0;

  /** What every object has, such as toString: no variable. */
  const isInherited = (value: unknown) => value !== undefined && typeof value !== "string";

  /** A list of names is gone through to see what is enumerable: it says so as a whole, and reads no value. */
  const isNextOfList = (name: string) => {
    if (names[next] !== name) return false;
    next++;
    return true;
  };

  const changed = (isDone: boolean) => {
    tracer.values.forget();
    return isDone;
  };

  const proxy = new Proxy(target, {
    get: function get(_target, name, receiver) {
      // A getter of a prototype is given what the program has: never the real one.
      const value: unknown = reflect.get(real, name, receiver);
      if (typeof name === "symbol" || isInherited(value)) return value;
      if (value === undefined && isProbe(name)) return undefined;
      const owner = tracer.access("read", name, get);
      return owner === null ? value : tracer.refused(name, owner);
    },
    set: function set(_target, name, value, receiver) {
      // An object whose prototype this is gets a property of its own.
      if (receiver !== proxy) return reflect.set(target, name, value, receiver);
      if (typeof name === "string" && tracer.access("write", name, set) !== null) return true;
      return typeof name === "string"
        ? reflect.set(real, name, value)
        : reflect.set(real, name, value, receiver);
    },
    has: function has(_target, name) {
      const isThere = reflect.has(real, name);
      if (typeof name === "symbol" || (isThere && !hasOwn(real, name))) return isThere;
      return tracer.access("read", name, has) === null && isThere;
    },
    deleteProperty: function deleteProperty(_target, name) {
      if (typeof name === "string" && tracer.access("delete", name, deleteProperty) !== null) return true;
      return changed(reflect.deleteProperty(real, name));
    },
    ownKeys: function ownKeys() {
      const isVisible = tracer.enumerate(ownKeys);
      const all = reflect.ownKeys(real);
      const visible: (string | symbol)[] = [];
      for (let i = 0; i < all.length; i++) {
        const name = all[i]!;
        if (typeof name === "symbol" || isVisible(name)) append(visible, name);
      }
      names = visible;
      next = 0;
      return visible;
    },
    getOwnPropertyDescriptor: function getOwnPropertyDescriptor(_target, name) {
      const property = reflect.getOwnPropertyDescriptor(real, name);
      if (typeof name === "symbol") return property;
      const isAllowed = isNextOfList(name)
        ? tracer.isVisible(name, getOwnPropertyDescriptor)
        : tracer.access("read", name, getOwnPropertyDescriptor) === null;
      return isAllowed ? property : undefined;
    },
    defineProperty: function defineProperty(_target, name, property) {
      if (typeof name === "string" && tracer.access("write", name, defineProperty) !== null) return true;
      return changed(reflect.defineProperty(real, name, property));
    },
    getPrototypeOf: () => reflect.getPrototypeOf(real),
    setPrototypeOf: (_target, prototype) => reflect.setPrototypeOf(real, prototype),
    // The real one refuses, and throws.
    preventExtensions: () => preventExtensions(real) !== real,
  });
  replaceConstructor(reflect.getPrototypeOf(real)!, proxy);
  reflect.defineProperty(target, inspect.custom, {
    value: () => ({ ...proxy }),
    configurable: true,
  });
  return proxy;
}

/** `new process.env.constructor()` makes another object that shows the environment. */
function replaceConstructor(prototype: object, proxy: object): void {
  const property = reflect.getOwnPropertyDescriptor(prototype, "constructor");
  if (typeof property?.value !== "function") return;
  const replaced = function (this: unknown) {
    return new.target === undefined ? this : proxy;
  };
  reflect.defineProperty(replaced, "name", { value: "", configurable: true });
  reflect.defineProperty(replaced, "prototype", { value: prototype, writable: true });
  reflect.defineProperty(prototype, "constructor", { ...property, value: replaced });
}
