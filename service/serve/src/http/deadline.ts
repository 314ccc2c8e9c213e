/**
 * How long the client waits: the header `Cupel-Timeout-Ms`. `Prefer: wait` (RFC 7240) is left alone: it asks for an
 * answer 202 after that time, not for an end of the work.
 */
import { serveErrors } from "../errors.ts";

export const timeoutHeader = "cupel-timeout-ms";

/** A day. */
export const longestTimeoutMs = 86_400_000;

/** In ms; undefined where the header is absent. @throws REQUEST_INVALID */
export function readTimeout(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const timeoutMs = /^\d{1,8}$/.test(text) ? Number(text) : 0;
  if (timeoutMs >= 1 && timeoutMs <= longestTimeoutMs) return timeoutMs;
  throw serveErrors.error(
    "REQUEST_INVALID",
    `Cupel-Timeout-Ms takes whole milliseconds from 1 to ${longestTimeoutMs}.`,
    { details: { header: timeoutHeader, most: longestTimeoutMs } },
  );
}
