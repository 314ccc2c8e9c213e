/** What a failure means for the policies: may the call be sent again, and does it tell of a sick endpoint? */
import type { Outcome } from "@cupel/base/portable";
import type { ClientError } from "../errors.ts";

/**
 * A call that may run twice is sent again when the failure may pass. One that may not, only when it is certain that the
 * server did nothing. A deadline that passed is nobody's to retry: it is the whole call's.
 */
export function maySendAgain(error: ClientError, idempotent: boolean): boolean {
  if (error.code === "DEADLINE_EXCEEDED" || error.code === "SERVER_SUSPENDED" || !error.spec.retryable)
    return false;
  return idempotent || !error.mayHaveRun;
}

/** One model's troubles say nothing of the server that tells them. */
const ofOneModel = new Set(["MODEL_NOT_READY", "MODEL_SUSPENDED"]);
/** The client refused them itself. */
const ofTheClient = new Set(["FACE_UNSUPPORTED", "CLIENT_CLOSED", "OPTION_INVALID", "SERVER_SUSPENDED"]);

/** For the breaker: what the server did not do, or did wrong, is a failure; what it refused of its caller's is not. */
export function outcomeOf({ code, spec }: ClientError): Outcome {
  if (code === "CANCELLED" || ofTheClient.has(code)) return "none";
  if (ofOneModel.has(code) || spec.http === 501) return "success";
  return spec.http >= 500 ? "failure" : "success";
}
