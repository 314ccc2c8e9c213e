/**
 * Who is calling: the files on the stack, the nearest first. Structured call sites by `Error.prepareStackTrace` cost a
 * quarter of what `util.getCallSites` does, show built-in functions as such, and are there in Node.js 20. Where the program
 * holds that property so that ours is not asked, `util.getCallSites` is: it asks nobody.
 */
import * as util from "node:util";
import { define, endsWith, hasOwn, lastIndexOf, reflect, slice } from "./primordials.ts";

export interface CallSite {
  /** A path, a URL, such as "node:fs" or "[eval]"; "" for code that has none; null for a built-in function. */
  readonly file: string | null;
  /** Asked for when it is wanted: the first time it costs a walk through the whole file. */
  line(): number | null;
  /** Not on the stack: it waits for a promise that what is on it will settle. */
  readonly isAwaiting: boolean;
}

/** The nearest first; each is looked at when it is asked for. */
export interface Stack {
  readonly length: number;
  at(index: number): CallSite;
}

/** The whole of any stack that a person writes. */
export const wholeStack = 200;

const RealError = Error;
const realm = globalThis;
const { captureStackTrace } = RealError;
/** @types/node has it from Node.js 22 on, where it is. */
const getCallSites: typeof util.getCallSites | undefined = util.getCallSites;
type Site = NodeJS.CallSite & { isAsync(): boolean };
let asked: readonly Site[] | null = null;
const take = (_error: unknown, sites: readonly Site[]) => {
  asked = sites;
  return "";
};

/** The methods as they are before a program can replace them. */
const prototype = reflect.getPrototypeOf(sitesNow(1, sitesNow)![0]!) as Site;
const { getEvalOrigin, getFileName, getLineNumber, isAsync, isEval, isNative } = prototype;

function sitesNow(count: number, below: (...given: never[]) => unknown): readonly Site[] | null {
  // Node.js asks the one that is there.
  const global = reflect.getOwnPropertyDescriptor(realm, "Error");
  if (global === undefined || global.value !== RealError) return null;
  const preparing = reflect.getOwnPropertyDescriptor(RealError, "prepareStackTrace");
  const limit = reflect.getOwnPropertyDescriptor(RealError, "stackTraceLimit");
  if (!isPlain(preparing) || !isPlain(limit)) return null;
  asked = null;
  put("prepareStackTrace", take, preparing);
  put("stackTraceLimit", count, limit);
  const holder: { stack?: unknown } = {};
  captureStackTrace(holder, below);
  // Older engines ask when the property is first read, newer ones at once.
  void holder.stack;
  restore("prepareStackTrace", preparing);
  restore("stackTraceLimit", limit);
  return asked;
}

type Name = "prepareStackTrace" | "stackTraceLimit";

/** Where there is none, none of a prototype is asked, which may have a setter. */
function put(name: Name, value: unknown, before: PropertyDescriptor | undefined): void {
  if (before === undefined) define(RealError, name, value);
  else reflect.set(RealError, name, value);
}

/** No accessor, which could put a function of its own around ours, and not read-only. */
function isPlain(property: PropertyDescriptor | undefined): boolean {
  return property === undefined || (hasOwn(property, "writable") && property.writable === true);
}

function restore(name: Name, before: PropertyDescriptor | undefined): void {
  if (before === undefined) reflect.deleteProperty(RealError, name);
  else reflect.set(RealError, name, before.value);
}

/** @param below the function whose caller is the first. @param count frames at most, `wholeStack` for all. */
export function callSites(count: number, below: (...given: never[]) => unknown): Stack {
  const sites = sitesNow(count, below);
  if (sites !== null) return { length: sites.length, at: (index) => seen(sites[index]!) };
  // Has no way to begin below a function: the preload's own frames are among them, and passed over as they always are.
  const plain = getCallSites?.(wholeStack, { sourceMap: false }) ?? [];
  return {
    length: plain.length,
    at: (index) => {
      const { scriptName: file, lineNumber } = plain[index]!;
      return { file, line: () => lineNumber, isAwaiting: false };
    },
  };
}

const noLine = () => null;

function seen(site: Site): CallSite {
  const isAwaiting = reflect.apply(isAsync, site, []);
  const file: string | null | undefined = reflect.apply(getFileName, site, []);
  if (typeof file === "string") {
    return { file, line: () => reflect.apply(getLineNumber, site, []), isAwaiting };
  }
  if (reflect.apply(isEval, site, [])) {
    return { file: fileOfOrigin(reflect.apply(getEvalOrigin, site, [])), line: noLine, isAwaiting };
  }
  const isBuiltIn = reflect.apply(isNative, site, []) || file === null;
  return { file: isBuiltIn ? null : "", line: noLine, isAwaiting };
}

/**
 * Where `eval` or `new Function` was called, from "eval at NAME (FILE:1:2)", of which there may be several in each other.
 * What a comment `sourceURL` in the text says stands alone and holds no space, so that it is never taken for it.
 */
function fileOfOrigin(origin: unknown): string {
  if (typeof origin !== "string") return "";
  let end = origin.length;
  const nested = ", <anonymous>:";
  for (let at = lastIndexOf(origin, nested); at >= 0; at = lastIndexOf(slice(origin, 0, end), nested))
    end = at;
  let text = slice(origin, 0, end);
  while (endsWith(text, ")")) text = slice(text, 0, -1);
  const open = lastIndexOf(text, "(");
  const place = slice(text, open + 1);
  const column = lastIndexOf(place, ":");
  const line = lastIndexOf(slice(place, 0, column), ":");
  return open < 0 || column < 0 || line <= 0 ? "" : slice(place, 0, line);
}
