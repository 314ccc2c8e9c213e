/**
 * Who is calling: the files on the stack, the nearest first. Structured call sites by `Error.prepareStackTrace` cost a
 * quarter of what `util.getCallSites` does, show built-in functions as such, and are there in Node.js 20. Where the program
 * holds that property so that ours is not asked, `util.getCallSites` is: it asks nobody.
 */
import * as util from "node:util";
import { endsWith, lastIndexOf, reflect, slice } from "./primordials.ts";

export interface CallSite {
  /** A path, a URL, such as "node:fs" or "[eval]"; "" for code that has none; null for a built-in function. */
  readonly file: string | null;
  readonly line: number | null;
}

/** The whole of any stack that a person writes. */
export const wholeStack = 200;

const { captureStackTrace } = Error;
/** @types/node has it from Node.js 22 on, where it is. */
const getCallSites: typeof util.getCallSites | undefined = util.getCallSites;
type Site = NodeJS.CallSite;
let asked: readonly Site[] | null = null;
const take = (_error: unknown, sites: readonly Site[]) => {
  asked = sites;
  return "";
};

/** The methods as they are before a program can replace them. */
const prototype = reflect.getPrototypeOf(sitesNow(1, sitesNow)![0]!) as Site;
const { getEvalOrigin, getFileName, getLineNumber, isEval, isNative } = prototype;
const fileName = (site: Site): string | null | undefined => reflect.apply(getFileName, site, []);

function sitesNow(count: number, below: (...given: never[]) => unknown): readonly Site[] | null {
  const preparing = reflect.getOwnPropertyDescriptor(Error, "prepareStackTrace");
  const limit = reflect.getOwnPropertyDescriptor(Error, "stackTraceLimit");
  if (!isPlain(preparing) || !isPlain(limit)) return null;
  asked = null;
  reflect.set(Error, "prepareStackTrace", take);
  reflect.set(Error, "stackTraceLimit", count);
  const holder: { stack?: unknown } = {};
  captureStackTrace(holder, below);
  // Older engines ask when the property is first read, newer ones at once.
  void holder.stack;
  restore("prepareStackTrace", preparing);
  restore("stackTraceLimit", limit);
  return asked;
}

/** No accessor, which could put a function of its own around ours, and not read-only. */
function isPlain(property: PropertyDescriptor | undefined): boolean {
  return property === undefined || property.writable === true;
}

function restore(
  name: "prepareStackTrace" | "stackTraceLimit",
  before: PropertyDescriptor | undefined,
): void {
  if (before === undefined) reflect.deleteProperty(Error, name);
  else reflect.set(Error, name, before.value);
}

/** @param below the function whose caller is the first. @param count frames at most, `wholeStack` for all. */
export function callSites(count: number, below: (...given: never[]) => unknown): readonly CallSite[] {
  const sites = sitesNow(count, below);
  const found: CallSite[] = [];
  if (sites !== null) {
    for (let i = 0; i < sites.length; i++) found[i] = seen(sites[i]!);
    return found;
  }
  // Has no way to begin below a function: the preload's own frames are among them, and passed over as they always are.
  const plain = getCallSites?.(wholeStack) ?? [];
  for (let i = 0; i < plain.length; i++) {
    const { scriptName, lineNumber } = plain[i]!;
    found[i] = { file: scriptName, line: lineNumber };
  }
  return found;
}

function seen(site: Site): CallSite {
  const file = fileName(site);
  if (typeof file === "string") {
    return { file, line: reflect.apply(getLineNumber, site, []) };
  }
  if (reflect.apply(isEval, site, [])) {
    return { file: fileOfOrigin(reflect.apply(getEvalOrigin, site, [])), line: null };
  }
  return { file: reflect.apply(isNative, site, []) || file === null ? null : "", line: null };
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
