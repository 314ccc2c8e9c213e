/** What is kept of a request, as bytes: its answer, or why it was refused. */
import { deserialize, serialize } from "node:v8";
import { CupelError, type PostedError, postError } from "@cupel/base";

type Kept<Answer> =
  | { readonly kind: "answer"; readonly answer: Answer }
  | { readonly kind: "refusal"; readonly error: PostedError };

/** Refusals that the same request may not meet a moment later, or another caller not at all. */
const notOfTheRequest: ReadonlySet<number> = new Set([401, 403, 404, 408, 409, 429, 499]);

/** Whether whoever sends the same request to the same model is refused in the same way. */
export function dependsOnRequestAlone(thrown: unknown): thrown is CupelError {
  if (!(thrown instanceof CupelError)) return false;
  const { http, retryable } = thrown.spec;
  return http >= 400 && http < 500 && !retryable && !notOfTheRequest.has(http);
}

/** The id is not kept: it is each caller's own. */
export function answerBytes(answer: object): Uint8Array {
  return serialize({ kind: "answer", answer: { ...answer, id: undefined } });
}

/** Without the stack and the cause, which are of one occasion. */
export function refusalBytes(error: CupelError): Uint8Array {
  return serialize({ kind: "refusal", error: { ...postError(error), stack: undefined, cause: null } });
}

/** @param bytes that nobody else has: tensors of the answer are views of them. */
export function readKept<Answer>(bytes: Uint8Array): Kept<Answer> {
  return deserialize(bytes);
}
