/**
 * Errors on the wire: problem details (RFC 9457) of the code's row in the table of errors. They carry the member
 * `error` too, which the Open Inference Protocol has for its message.
 */
import { errorFrom, publicError } from "@cupel/base";

export const problemType = "application/problem+json";

export interface Problem {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly code: string;
}

export interface ProblemOptions {
  /** The path asked for, without its query: it may hold a key. */
  readonly instance: string;
  /** Of the call: says whether what ended it was its deadline. */
  readonly signal?: AbortSignal | undefined;
}

/** Members that a code's details do not overwrite. */
const reserved = new Set(["type", "title", "status", "detail", "instance", "code", "error", "retryable"]);

/** Statuses that tell a client to wait (RFC 9110, section 10.2.3; RFC 6585, section 4). */
const waiting = new Set([429, 503]);

/** Anything thrown, as a remote caller may see it. */
export function problemOf(thrown: unknown, { instance, signal }: ProblemOptions): Problem {
  const error = errorFrom(thrown, signal);
  const { spec } = error;
  const { code, message, details } = publicError(error);
  const extra = Object.entries(details).filter(([name]) => !reserved.has(name));
  const problem = {
    type: `urn:cupel:error:${code}`,
    title: spec.meaning,
    status: spec.http,
    detail: message,
    instance,
    code,
    retryable: spec.retryable,
    error: message,
    ...Object.fromEntries(extra),
  };
  const headers: Record<string, string> = { "content-type": problemType };
  if (waiting.has(spec.http)) headers["retry-after"] = retryAfter(details.retryAfterMs);
  if (spec.http === 401) {
    const { wwwAuthenticate } = details;
    headers["www-authenticate"] = typeof wwwAuthenticate === "string" ? wwwAuthenticate : "Bearer";
  }
  if (typeof details.allow === "string") headers.allow = details.allow;
  return { status: spec.http, headers, body: JSON.stringify(problem, plainNumbers), code };
}

/** In whole seconds, at least one. */
function retryAfter(milliseconds: unknown): string {
  const seconds = typeof milliseconds === "number" ? Math.ceil(milliseconds / 1000) : 1;
  return String(Math.max(1, seconds));
}

/** For JSON.stringify, which has no form for whole numbers without a bound. */
export function plainNumbers(_name: string, value: unknown): unknown {
  return typeof value === "bigint" ? String(value) : value;
}
