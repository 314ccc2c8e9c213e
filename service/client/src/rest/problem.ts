/** What a REST server answers in the place of what was asked: problem details (RFC 9457), or less. */
import { ClientError, specOfHttp } from "../errors.ts";
import type { HttpAnswer } from "./http-client.ts";

/** Told to come again though it says so by its status alone: of servers and proxies without problem details. */
const waiting = new Set([429, 502, 503, 504]);

export function problemOf(answer: HttpAnswer, now: number): ClientError {
  return failureOf(membersOf(answer), answer, now);
}

/** @param problem members as problem details have them */
export function failureOf(
  problem: Readonly<Record<string, unknown>>,
  { status, header }: Pick<HttpAnswer, "status" | "header">,
  now: number,
): ClientError {
  const code = textOf(problem.code) ?? `HTTP_${status}`;
  const message =
    textOf(problem.detail) ?? textOf(problem.error) ?? `The server answered with status ${status}.`;
  const retryable = typeof problem.retryable === "boolean" ? problem.retryable : waiting.has(status);
  const { retryAfterMs } = problem;
  const isExact = typeof retryAfterMs === "number" && retryAfterMs >= 0;
  return new ClientError({
    code,
    spec: specOfHttp(status, textOf(problem.title) ?? message, retryable),
    message,
    status,
    retryAfterMs: isExact ? retryAfterMs : retryAfterOf(header("retry-after"), now),
    details: problem,
  });
}

function membersOf({ body }: HttpAnswer): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(body));
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** In ms: of seconds, or of a date (RFC 9110, section 10.2.3). Null where it is neither. */
export function retryAfterOf(text: string | null, now: number): number | null {
  if (text === null) return null;
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const at = /^[A-Z][a-z]{2}/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? null : Math.max(0, at - now);
}
