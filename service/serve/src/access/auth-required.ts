/** The refusal of a caller whom the server does not know, with the challenge that HTTP wants beside it (RFC 6750). */
import type { CupelError } from "@cupel/base";
import { serveErrors } from "../errors.ts";

/**
 * @param reason "" where no credentials came: RFC 6750 wants no error code then.
 * Its details have `wwwAuthenticate`, the value of the header of that name.
 */
export function authRequired(message: string, reason: "" | "invalid_token", cause?: unknown): CupelError {
  const wwwAuthenticate = `Bearer realm="cupel"${reason === "" ? "" : `, error="${reason}"`}`;
  return serveErrors.error("AUTH_REQUIRED", message, { details: { wwwAuthenticate }, cause });
}
