/** Bytes of JSON (RFC 8259) to a value. */
import { serveErrors } from "../errors.ts";

/** @throws REQUEST_INVALID */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw serveErrors.error("REQUEST_INVALID", "The body is not JSON (RFC 8259) in UTF-8. Send valid JSON.", {
      cause,
    });
  }
}
