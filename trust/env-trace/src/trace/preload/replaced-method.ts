/** Puts a method of the preload in the place of one of Node.js: with its length and the attributes of its property. */
import { reflect } from "./primordials.ts";

export type Method = (this: unknown, ...given: unknown[]) => unknown;

export function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

export function replaceMethod(holder: object, name: string, original: Method, traced: Method): void {
  reflect.defineProperty(traced, "length", { value: original.length, configurable: true });
  const {
    writable = true,
    enumerable = true,
    configurable = true,
  } = reflect.getOwnPropertyDescriptor(holder, name) ?? {};
  reflect.defineProperty(holder, name, { value: traced, writable, enumerable, configurable });
}
