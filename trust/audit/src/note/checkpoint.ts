/**
 * What a log says it is, https://c2sp.org/tlog-checkpoint: the text of a signed note whose lines are the log's origin,
 * its size and its root, and lines of its own. Ours has one of those, the root of the same tree by SM3:
 *
 *     example.com/audit
 *     4711
 *     yRHTJUBhxg+8FhwL6GCfqBVnLFEnBWcEnuVgQHsIkw8=
 *     sm3 Gr0cTsuMCTyTiZoFCBwStrMHTD2QAlzNxeDuGVMZoOw=
 */
import { auditErrors } from "../errors.ts";
import { HASH_BYTES } from "../tree/tree-hash.ts";
import { isTreeSize, parseTreeSize } from "../tree/tree-size.ts";
import { decodeBase64, encodeBase64 } from "./base64.ts";
import type { NoteKey } from "./note-key.ts";
import { openNote, parseNote, type SignedNote, type VerifiedSignature } from "./signed-note.ts";

const SM3_LINE = "sm3 ";

export interface Checkpoint {
  /** Which log this is: a URL without its scheme, as a rule. */
  readonly origin: string;
  /** Entries, at most 2^53 - 1. */
  readonly size: number;
  /** SHA-256, 32 bytes. */
  readonly root: Buffer;
  /** The root of the same tree by SM3, where the log tells it. */
  readonly sm3Root: Buffer | null;
  /** All lines after the third as they are, the one of SM3 among them. */
  readonly extensions: readonly string[];
}

/** @param sm3Root null for none. RangeError where something cannot be a line. */
export function checkpointText(
  origin: string,
  size: number,
  root: Uint8Array,
  sm3Root: Uint8Array | null = null,
): string {
  if (!/^[^\p{Cc}]+$/u.test(origin) || !isTreeSize(size) || root.byteLength !== HASH_BYTES) {
    throw new RangeError("A checkpoint has an origin of one line, a size and a root of 32 bytes.");
  }
  const lines = [origin, String(size), encodeBase64(root)];
  if (sm3Root !== null) lines.push(SM3_LINE + encodeBase64(sm3Root));
  return lines.map((line) => `${line}\n`).join("");
}

/** @param text of a note, whose signatures may not have been verified. @throws LOG_CHECKPOINT_INVALID */
export function parseCheckpoint(text: string, source = "The checkpoint"): Checkpoint {
  const refuse = (reason: string) =>
    auditErrors.error("LOG_CHECKPOINT_INVALID", `${source} is not one: ${reason}.`);
  if (!text.endsWith("\n")) throw refuse("it does not end in a newline");
  const [origin = "", sizeText = "", rootText = "", ...extensions] = text.slice(0, -1).split("\n");
  if (origin === "") throw refuse("its first line, the origin, is empty");
  const size = parseTreeSize(sizeText);
  if (size === null) {
    throw refuse(`its second line, "${sizeText.slice(0, 40)}", is no size: decimal, at most 2^53 - 1`);
  }
  const root = hashOf(rootText);
  if (root === null) throw refuse("its third line is not the base64 of 32 bytes");
  if (extensions.includes("")) throw refuse("it has an empty line");
  const sm3Lines = extensions.filter((line) => line.startsWith(SM3_LINE));
  if (sm3Lines.length > 1) throw refuse("it has two lines of SM3");
  const [sm3Line] = sm3Lines;
  const sm3Root = sm3Line === undefined ? null : hashOf(sm3Line.slice(SM3_LINE.length));
  if (sm3Line !== undefined && sm3Root === null) throw refuse("its line of SM3 has no base64 of 32 bytes");
  return { origin, size, root, sm3Root, extensions };
}

function hashOf(text: string): Buffer | null {
  const bytes = decodeBase64(text);
  return bytes?.byteLength === HASH_BYTES ? bytes : null;
}

export interface OpenedCheckpoint extends Checkpoint {
  readonly note: SignedNote;
  /** By the log and by known witnesses. */
  readonly signatures: readonly VerifiedSignature[];
}

export interface CheckpointKeys {
  /** What the first line must say. */
  readonly origin: string;
  /** Present and former ones: one of them MUST have signed. */
  readonly logKeys: readonly NoteKey[];
  /** Default none. A known witness whose signature is wrong makes the checkpoint wrong. */
  readonly witnessKeys?: readonly NoteKey[];
}

/**
 * @throws NOTE_INVALID, LOG_CHECKPOINT_INVALID; ORIGIN_MISMATCH where it is another log's; KEY_UNKNOWN where no known key of
 * the log signed it, SIGNATURE_INVALID
 */
export function openCheckpoint(
  bytes: Uint8Array,
  { origin, logKeys, witnessKeys = [] }: CheckpointKeys,
  source = "The checkpoint",
): OpenedCheckpoint {
  const note = parseNote(bytes, source);
  const ofLog = openNote(note, logKeys, source);
  const hasWitness = note.signatures.some((each) =>
    witnessKeys.some(({ name, id }) => name === each.name && id === each.keyId),
  );
  const ofWitnesses = hasWitness ? openNote(note, witnessKeys, source) : [];
  const checkpoint = parseCheckpoint(note.text, source);
  if (checkpoint.origin !== origin) {
    throw auditErrors.error(
      "ORIGIN_MISMATCH",
      `${source} is of the log "${checkpoint.origin}", not of "${origin}".`,
      { details: { found: checkpoint.origin, expected: origin } },
    );
  }
  return { ...checkpoint, note, signatures: [...ofLog, ...ofWitnesses] };
}
