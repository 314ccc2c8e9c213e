/** Why an answer is none: problem details (RFC 9457), or what can be said without any. */
import { member } from "./answer.ts";

export interface Problem {
  /** Of HTTP; 0 where the server did not answer. */
  readonly status: number;
  /** Of the error; "" where there is none. */
  readonly code: string;
  readonly detail: string;
  /** Milliseconds; 0 where nothing was said. */
  readonly retryAfterMs: number;
}

export const silent: Problem = {
  status: 0,
  code: "",
  detail: "The server does not answer.",
  retryAfterMs: 0,
};

export function readProblem(status: number, body: string, retryAfter: string | null): Problem {
  const details = parsed(body);
  const text = (name: string) => {
    const value = member(details, name);
    return typeof value === "string" ? value : "";
  };
  const seconds = Number(retryAfter ?? 0);
  return {
    status,
    code: text("code"),
    detail: text("detail") || `The server answered with status ${status}.`,
    retryAfterMs: Number.isFinite(seconds) ? seconds * 1000 : 0,
  };
}

/** That the caller may not ask: asking again with the same key is in vain. */
export function isRefusal({ status }: Problem): boolean {
  return status === 401 || status === 403;
}

/** A server without the path: the part of it is turned off. */
export function isAbsent({ status, code }: Problem): boolean {
  return status === 404 && code === "ROUTE_UNKNOWN";
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
