/**
 * Proofs as small files that anyone verifies without the log: https://c2sp.org/tlog-proof for an entry, and for the growth
 * of a log the body that witnesses are sent (https://c2sp.org/tlog-witness). Each ends with the checkpoint that it proves
 * something of, signed.
 *
 *     c2sp.org/tlog-proof@v1            old 4000
 *     extra BASE64                      BASE64 of a hash
 *     index 4711                        ...
 *     BASE64 of a hash
 *     ...                               the checkpoint
 *
 *     the checkpoint
 */
import { auditErrors } from "../errors.ts";
import { verifyConsistency, verifyInclusion } from "../tree/proof.ts";
import { HASH_BYTES } from "../tree/tree-hash.ts";
import { parseTreeSize } from "../tree/tree-size.ts";
import { decodeBase64, encodeBase64 } from "./base64.ts";
import { type Checkpoint, type CheckpointKeys, type OpenedCheckpoint, openCheckpoint } from "./checkpoint.ts";
import { formatNote, parseNote, type SignedNote } from "./signed-note.ts";

/** No proof is longer, of a tree of 2^64 leaves. */
const MOST_HASHES = 63;
const INCLUSION_HEADER = "c2sp.org/tlog-proof@v1";

export interface InclusionFile {
  readonly index: number;
  /** From the sibling of the leaf to a child of the root. */
  readonly proof: readonly Buffer[];
  readonly checkpoint: SignedNote;
  /** Bytes that nothing vouches for, such as a copy of the entry; null for none. */
  readonly extra: Buffer | null;
}

export function formatInclusionFile({ index, proof, checkpoint, extra }: InclusionFile): string {
  const head = [INCLUSION_HEADER];
  if (extra !== null) head.push(`extra ${encodeBase64(extra)}`);
  return join([...head, `index ${index}`], proof, checkpoint);
}

/** Nothing in it is verified. @throws PROOF_FILE_INVALID, NOTE_INVALID */
export function parseInclusionFile(bytes: Uint8Array, source = "The proof"): InclusionFile {
  const { lines, checkpoint } = split(bytes, source);
  const [header, ...rest] = lines;
  if (header !== INCLUSION_HEADER) throw invalid(source, `it does not begin with "${INCLUSION_HEADER}"`);
  const extraText = valueIn(rest[0], "extra");
  const [indexLine, ...hashes] = extraText === null ? rest : rest.slice(1);
  const extra = extraText === null ? null : decodeBase64(extraText);
  if (extraText !== null && extra === null) throw invalid(source, "what follows extra is not base64");
  const index = parseTreeSize(valueIn(indexLine, "index") ?? "");
  if (index === null) throw invalid(source, "it has no line of its index, decimal and at most 2^53 - 1");
  return { index, proof: hashesOf(hashes, source), checkpoint, extra };
}

/**
 * @param leaf the hash of the entry, by `leafHash`
 * @returns the checkpoint of a log that has the entry
 * @throws PROOF_INVALID where it has not, as the file shows; what `openCheckpoint` throws
 */
export function verifyInclusionFile(
  { index, proof, checkpoint: note }: InclusionFile,
  leaf: Uint8Array,
  keys: CheckpointKeys,
  source = "The proof",
): OpenedCheckpoint {
  const checkpoint = openCheckpoint(Buffer.from(formatNote(note)), keys, source);
  const { size, root } = checkpoint;
  verifyInclusion({ index, size, leaf, root, proof });
  return checkpoint;
}

export interface ConsistencyFile {
  readonly oldSize: number;
  /** None from size 0 or to the same size. */
  readonly proof: readonly Buffer[];
  /** Of the larger tree. */
  readonly checkpoint: SignedNote;
}

export function formatConsistencyFile({ oldSize, proof, checkpoint }: ConsistencyFile): string {
  return join([`old ${oldSize}`], proof, checkpoint);
}

/** Nothing in it is verified. @throws PROOF_FILE_INVALID, NOTE_INVALID */
export function parseConsistencyFile(bytes: Uint8Array, source = "The proof"): ConsistencyFile {
  const { lines, checkpoint } = split(bytes, source);
  const [oldLine, ...hashes] = lines;
  const oldSize = parseTreeSize(valueIn(oldLine, "old") ?? "");
  if (oldSize === null) throw invalid(source, 'it does not begin with "old" and a size, at most 2^53 - 1');
  return { oldSize, proof: hashesOf(hashes, source), checkpoint };
}

/**
 * @param old a checkpoint of the same log that was verified when it was got; its size MUST NOT be 0
 * @returns the checkpoint of the file, of a log that still has all that the old one had
 * @throws PROOF_INVALID where it has not; what `openCheckpoint` throws
 */
export function verifyConsistencyFile(
  { oldSize, proof, checkpoint: note }: ConsistencyFile,
  old: Pick<Checkpoint, "size" | "root">,
  keys: CheckpointKeys,
  source = "The proof",
): OpenedCheckpoint {
  const checkpoint = openCheckpoint(Buffer.from(formatNote(note)), keys, source);
  if (oldSize !== old.size) {
    throw auditErrors.error("PROOF_INVALID", `${source} goes from ${oldSize} entries, not from ${old.size}.`);
  }
  verifyConsistency({ oldSize, oldRoot: old.root, size: checkpoint.size, root: checkpoint.root, proof });
  return checkpoint;
}

function join(head: readonly string[], proof: readonly Uint8Array[], checkpoint: SignedNote): string {
  return `${[...head, ...proof.map(encodeBase64)].join("\n")}\n\n${formatNote(checkpoint)}`;
}

interface SplitFile {
  /** Before the empty line. */
  readonly lines: readonly string[];
  readonly checkpoint: SignedNote;
}

function split(bytes: Uint8Array, source: string): SplitFile {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = buffer.indexOf("\n\n");
  if (end < 0) throw invalid(source, "no checkpoint follows after an empty line");
  const lines = buffer.subarray(0, end).toString("latin1").split("\n");
  return { lines, checkpoint: parseNote(buffer.subarray(end + 2), `The checkpoint of ${source}`) };
}

/** What follows the name and a space; null where another line stands there. */
function valueIn(line: string | undefined, name: string): string | null {
  return line?.startsWith(`${name} `) ? line.slice(name.length + 1) : null;
}

function hashesOf(lines: readonly string[], source: string): Buffer[] {
  if (lines.length > MOST_HASHES) throw invalid(source, `it has more than ${MOST_HASHES} hashes`);
  return lines.map((line) => {
    const hash = decodeBase64(line);
    if (hash?.byteLength !== HASH_BYTES) throw invalid(source, `"${line.slice(0, 60)}" is no hash`);
    return hash;
  });
}

function invalid(source: string, reason: string): Error {
  return auditErrors.error("PROOF_FILE_INVALID", `${source} is no file of a proof: ${reason}.`);
}
