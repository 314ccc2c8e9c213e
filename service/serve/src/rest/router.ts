/**
 * Which route a request is for. The face has some twenty paths; they are compared part by part, those with fewer open
 * parts first: no model may be called `stats`.
 */
import type { CupelError } from "@cupel/base";
import { unknownRoute } from "../core/path-of.ts";
import { serveErrors } from "../errors.ts";
import type { Route } from "./route.ts";

export interface Routed {
  readonly route: Route;
  /** The parts of the path that the route leaves open, percent-decoded. */
  readonly params: Readonly<Record<string, string>>;
}

/** @param path without its query. @throws ROUTE_UNKNOWN, METHOD_NOT_ALLOWED */
export type Router = (method: string, path: string) => Routed;

interface Pattern {
  readonly route: Route;
  readonly parts: readonly PatternPart[];
}

interface PatternPart {
  readonly text: string;
  /** Of an open part. */
  readonly name: string | null;
}

/** Characters of a model's name, or of another part of a path. */
const longestPart = 512;

export function createRouter(routes: readonly Route[]): Router {
  const patterns = routes.map(patternOf).sort((a, b) => openParts(a) - openParts(b));
  const byLength = Map.groupBy(patterns, ({ parts }) => parts.length);
  return (method, path) => {
    const parts = partsOf(path);
    const fitting = byLength.get(parts.length)?.filter((pattern) => fits(pattern, parts)) ?? [];
    // What a GET answers, a HEAD is told the head of.
    const asked = method === "HEAD" ? "GET" : method;
    const found = fitting.find(({ route }) => route.method === asked);
    if (found !== undefined) return { route: found.route, params: paramsOf(found, parts) };
    throw fitting.length === 0 ? unknownRoute(path) : wrongMethod(method, fitting);
  };
}

function patternOf(route: Route): Pattern {
  const parts = route.path.split("/").map((text) => ({ text, name: /^\{(\w+)\}$/.exec(text)?.[1] ?? null }));
  return { route, parts };
}

function openParts({ parts }: Pattern): number {
  return parts.filter(({ name }) => name !== null).length;
}

function fits({ parts }: Pattern, asked: readonly string[]): boolean {
  return parts.every(({ text, name }, i) => (name === null ? asked[i] === text : asked[i] !== ""));
}

function paramsOf({ parts }: Pattern, asked: readonly string[]): Record<string, string> {
  const open = parts.flatMap(({ name }, i) => (name === null ? [] : [[name, asked[i]!] as const]));
  if (open.some(([, value]) => value.length > longestPart)) {
    throw badPath(`A part of the path is longer than ${longestPart}.`);
  }
  return Object.fromEntries(open);
}

function partsOf(path: string): string[] {
  const parts = path.split("/");
  if (!path.includes("%")) return parts;
  try {
    return parts.map(decodeURIComponent);
  } catch {
    throw badPath("The path is not percent-encoded as a URL is.");
  }
}

function badPath(message: string): CupelError {
  return serveErrors.error("ROUTE_UNKNOWN", message);
}

function wrongMethod(method: string, fitting: readonly Pattern[]): CupelError {
  const methods = new Set<string>(fitting.map(({ route }) => route.method));
  if (methods.has("GET")) methods.add("HEAD");
  const allow = [...methods].join(", ");
  return serveErrors.error("METHOD_NOT_ALLOWED", `${method} is not taken here. Use ${allow}.`, {
    details: { allow },
  });
}
