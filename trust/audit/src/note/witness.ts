/**
 * Asks a witness to cosign a checkpoint, https://c2sp.org/tlog-witness. A witness remembers the last state of a log that
 * it saw and signs only what goes on from there: a log that shows different people different states is found out by it.
 *
 * So two answers are no failures to retry: where the witness has seen another state of the same log, either the log was
 * rewritten or rolled back, or another one runs under the same key (WITNESS_CONFLICT).
 */
import type { CupelError } from "@cupel/base";
import { auditErrors } from "../errors.ts";
import { parseTreeSize } from "../tree/tree-size.ts";
import { parseCheckpoint } from "./checkpoint.ts";
import { type NoteKey, noteKeyTypes } from "./note-key.ts";
import { type Answer, post } from "./post.ts";
import { formatConsistencyFile } from "./proof-file.ts";
import { openNote, parseSignatureLine, type SignedNote, type VerifiedSignature } from "./signed-note.ts";

/** Milliseconds for one request. */
const DEFAULT_TIMEOUT = 10_000;
/** Of the size that it has seen; between two of them another process may have submitted. */
const ATTEMPTS = 3;
/** Bytes of an answer. */
const LONGEST_ANSWER = 2 ** 16;

export interface Witness {
  /** The prefix of its addresses: "https://witness.example/w1". */
  readonly url: string;
  /** Of type cosignature. Signatures by others in its answer are passed over. */
  readonly keys: readonly NoteKey[];
}

export interface SubmitOptions {
  /** The size that the witness saw last, where it is known; a wrong one costs one more request. Default 0. */
  readonly oldSize?: number;
  /** Of one request, in milliseconds. Default 10,000. */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
}

/**
 * @param checkpoint signed by the log
 * @param proofFrom makes the consistency proof from a size to that of the checkpoint: `TreeProver.consistencyProof`
 * @returns cosignatures, verified, at least one: add them to the note
 * @throws WITNESS_UNREACHABLE, WITNESS_REFUSED, WITNESS_CONFLICT; KEY_UNKNOWN, SIGNATURE_INVALID of its answer; CANCELLED,
 * DEADLINE_EXCEEDED; what `proofFrom` throws
 */
export async function cosign(
  witness: Witness,
  checkpoint: SignedNote,
  proofFrom: (oldSize: number) => Promise<readonly Buffer[]>,
  { oldSize = 0, timeout = DEFAULT_TIMEOUT, signal }: SubmitOptions = {},
): Promise<readonly VerifiedSignature[]> {
  const { size } = parseCheckpoint(checkpoint.text);
  // What is believed of the witness cannot be right where it is beyond the log.
  let from = Math.min(oldSize, size);
  for (let attempt = 1; ; attempt++) {
    const proof = from === 0 || from === size ? [] : await proofFrom(from);
    const body = formatConsistencyFile({ oldSize: from, proof: [...proof], checkpoint });
    const answer = await post(`${witness.url.replace(/\/+$/, "")}/add-checkpoint`, {
      type: "text/plain; charset=utf-8",
      body: Buffer.from(body),
      limit: LONGEST_ANSWER,
      timeout,
      signal,
      unreachable: (reason, cause) => unreachable(witness.url, reason, cause),
    });
    const text = answer.body.toString();
    if (answer.status === 200) return cosignaturesOf(witness, checkpoint, text);
    const seen = answer.status === 409 ? parseTreeSize(text.replace(/\n$/, "")) : null;
    if (seen === null || seen === from || seen > size) throw refusal(witness, answer, { size, from, seen });
    if (attempt === ATTEMPTS) throw unreachable(witness.url, "what it has seen changes with each request");
    from = seen;
  }
}

function cosignaturesOf(
  { url, keys }: Witness,
  { text }: SignedNote,
  body: string,
): readonly VerifiedSignature[] {
  const signatures = body
    .replace(/\n$/, "")
    .split("\n")
    .map((line) => parseSignatureLine(line))
    .filter((each) => each !== null);
  const witnessKeys = keys.filter(({ type }) => type === noteKeyTypes.cosignature);
  return openNote({ text, signatures }, witnessKeys, `The answer of the witness ${url}`);
}

/** What each status says, by the specification. */
const refusals: ReadonlyMap<number, string> = new Map([
  [400, "it cannot read the request"],
  [403, "it has another key for this log, or the signature is wrong: give it the log's public key"],
  [404, "it does not know this log: register its origin and key there"],
]);

interface Sizes {
  readonly size: number;
  readonly from: number;
  /** The size that the witness says it has seen; null where it does not say. */
  readonly seen: number | null;
}

function refusal({ url }: Witness, { status, body }: Answer, { size, from, seen }: Sizes): CupelError {
  if (status >= 500 || status === 429) return unreachable(url, `it answered ${status}`);
  const details = { url, status, size, from, seen };
  if (status === 409 || status === 422) {
    const reason =
      seen !== null && seen > size
        ? `it has seen ${seen} entries of it, and the log has ${size}: the log was rolled back, or another runs under its key`
        : `what it has seen of the first ${from} entries is not what the log has: the log was changed, or another runs under its key`;
    return auditErrors.error(
      "WITNESS_CONFLICT",
      `The witness ${url} refuses to cosign: ${reason}. Keep both checkpoints and compare.`,
      { details },
    );
  }
  const reason = refusals.get(status) ?? "the specification has no such answer";
  const said = body.toString().trim().slice(0, 200);
  return auditErrors.error(
    "WITNESS_REFUSED",
    `The witness ${url} answered ${status}: ${reason}.${said === "" ? "" : ` It said: ${JSON.stringify(said)}.`}`,
    { details },
  );
}

function unreachable(url: string, reason: string, cause?: unknown): CupelError {
  return auditErrors.error(
    "WITNESS_UNREACHABLE",
    `The witness ${url} gave no cosignature: ${reason}. The log is complete without; ask again later.`,
    { cause, details: { url } },
  );
}
