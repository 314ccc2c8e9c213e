/**
 * `structuredClone`, `postMessage` and `workerData` copy the real `process.env` and refuse a Proxy. Where one refuses a
 * value, the places in it that hold `process.env` are given a copy for the time of a second try. The copy is made by the
 * eyes of the caller. What cannot be changed, such as a frozen object that holds it, is refused still.
 */
import { BroadcastChannel, MessagePort } from "node:worker_threads";
import { assign, entriesOf, isArray, reflect } from "./primordials.ts";
import { type Method, replaceMethod } from "./replaced-method.ts";

export function traceCloning(proxy: object): void {
  wrap(globalThis, "structuredClone", proxy);
  wrap(MessagePort.prototype, "postMessage", proxy);
  wrap(BroadcastChannel.prototype, "postMessage", proxy);
}

function wrap(holder: object, name: string, proxy: object): void {
  const original: unknown = reflect.getOwnPropertyDescriptor(holder, name)?.value;
  if (typeof original !== "function") return;
  const wrapped: Method = {
    [name](this: unknown, ...given: unknown[]) {
      try {
        return reflect.apply(original as Method, this, given);
      } catch (thrown) {
        const undo: (() => void)[] = [];
        const value = substituted(given[0], proxy, undo);
        if (undo.length === 0 && value === given[0]) throw thrown;
        try {
          given[0] = value;
          return reflect.apply(original as Method, this, given);
        } finally {
          for (let i = undo.length - 1; i >= 0; i--) undo[i]!();
        }
      }
    },
  }[name]!;
  replaceMethod(holder, name, original as Method, wrapped);
}

/** @param undo gets what puts back what was there */
function substituted(root: unknown, proxy: object, undo: (() => void)[]): unknown {
  if (root === proxy) return assign({}, proxy);
  const copy = { made: null as object | null };
  const copied = () => (copy.made ??= assign({}, proxy));
  const seen = new Set<object>();
  const pending: unknown[] = [root];
  while (pending.length > 0) {
    const value = pending.pop();
    if (typeof value !== "object" || value === null || value === proxy || seen.has(value)) continue;
    seen.add(value);
    if (value instanceof Map) {
      for (const [key, item] of value) {
        if (item !== proxy) pending.push(key, item);
        else {
          value.set(key, copied());
          undo.push(() => value.set(key, proxy));
        }
      }
      continue;
    }
    if (value instanceof Set || !(isArray(value) || isPlain(value))) continue;
    for (const [key, item] of entriesOf(value)) {
      if (item !== proxy) pending.push(item);
      else if (reflect.set(value, key, copied())) undo.push(() => reflect.set(value, key, proxy));
    }
  }
  return root;
}

/** Objects of classes are copied by their properties too. Reading those of a thing that is none of ours may do something. */
function isPlain(value: object): boolean {
  const prototype = reflect.getPrototypeOf(value);
  return (
    prototype === null ||
    prototype === Object.prototype ||
    reflect.getPrototypeOf(prototype) === Object.prototype
  );
}
