/**
 * Makes proofs of a log as files that need no log to be verified (proof-file.ts): that an event is in it, and that it goes
 * on from what it was. Nothing is written or locked: the log may be written meanwhile, and may be one of others.
 *
 * A proof is of a checkpoint, and that is signed: events that were recorded after the newest one have none yet. Its
 * signature is not verified here, for which no key is needed; whoever gets the proof does.
 */
import { CupelError } from "@cupel/base";
import { auditErrors } from "../errors.ts";
import { type Checkpoint, parseCheckpoint } from "../note/checkpoint.ts";
import { formatConsistencyFile, formatInclusionFile } from "../note/proof-file.ts";
import { parseNote, type SignedNote } from "../note/signed-note.ts";
import { type LogReader, readLog } from "../tree/log-reader.ts";
import { leafHash } from "../tree/tree-hash.ts";
import { TreeProver } from "../tree/tree-prover.ts";
import { findEvent, journalEnd } from "./find-event.ts";

export interface ProveOptions {
  /** The bytes of the checkpoint that the proof is to be of, such as an older one that witnesses cosigned. Default the log's own. */
  readonly checkpoint?: Uint8Array | undefined;
}

export interface ProvenEvent {
  readonly index: number;
  /** Events of the checkpoint. */
  readonly size: number;
  readonly origin: string;
  /** The event as it was recorded, which is in the file too. */
  readonly entry: Buffer;
  /** The text of the file. */
  readonly file: string;
}

/**
 * @param event by its index, or its id
 * @throws EVENT_UNKNOWN; EVENT_NOT_COVERED where no checkpoint has it yet; LOG_TAMPERED where the log has another event than
 * its tree; PROOF_INVALID where its tiles are not those of the checkpoint; LOG_FILE_MISSING, LOG_INVALID, LOG_UNREADABLE, and
 * what parsing a checkpoint throws
 */
export async function proveEvent(
  folder: string,
  event: { readonly index: number } | { readonly id: string },
  { checkpoint: given }: ProveOptions = {},
): Promise<ProvenEvent> {
  const log = readLog(folder);
  const { note, checkpoint } = await openGiven(log, given);
  const { size, root, origin } = checkpoint;
  const index = "id" in event ? await indexOf(folder, event.id) : event.index;
  if (index >= size) throw await notCovered(folder, index, { size, isOwn: given === undefined });
  const prover = await TreeProver.open(log, { size, root });
  const entry = await unlessMissing(log.entry(index, size));
  if (entry === null) {
    throw auditErrors.error(
      "EVENT_UNKNOWN",
      `${folder} has no event ${index} any more, of which its tree has the hash: retention removed it, or see \`cupel audit verify\`.`,
      { details: { folder, index } },
    );
  }
  if (!leafHash(entry).equals(await prover.leaf(index))) {
    throw auditErrors.error(
      "LOG_TAMPERED",
      `The bundle of ${folder} has another event ${index} than its tree: it was changed after it was recorded. See \`cupel audit verify\`.`,
      { details: { folder, index } },
    );
  }
  const proof = await prover.inclusionProof(index);
  const file = formatInclusionFile({ index, proof, checkpoint: note, extra: entry });
  return { index, size, origin, entry, file };
}

export interface ProvenGrowth {
  readonly oldSize: number;
  readonly size: number;
  readonly origin: string;
  readonly file: string;
}

/**
 * @param from the size that the log had, or the bytes of the checkpoint that said so
 * @throws EVENT_UNKNOWN where it has fewer events; LOG_TAMPERED where the log does not go on from that checkpoint; ORIGIN_MISMATCH where it is of
 * another log; else as `proveEvent`
 */
export async function proveGrowth(
  folder: string,
  from: number | Uint8Array,
  { checkpoint: given }: ProveOptions = {},
): Promise<ProvenGrowth> {
  const log = readLog(folder);
  const { note, checkpoint } = await openGiven(log, given);
  const { size, root, origin } = checkpoint;
  const old = typeof from === "number" ? null : parseCheckpoint(parseNote(from).text, "The older checkpoint");
  const oldSize = typeof from === "number" ? from : (old?.size ?? 0);
  if (old !== null && old.origin !== origin) {
    throw auditErrors.error(
      "ORIGIN_MISMATCH",
      `The older checkpoint is of the log "${old.origin}", not of "${origin}".`,
      { details: { found: old.origin, expected: origin } },
    );
  }
  if (oldSize > size) {
    const what =
      old === null ? "" : " It was rolled back, unless the older checkpoint is newer than the other one.";
    throw auditErrors.error(
      "EVENT_UNKNOWN",
      `The checkpoint of ${folder} covers ${size} events, and not yet ${oldSize}.${what}`,
      { details: { folder, size, from: oldSize } },
    );
  }
  const prover = await TreeProver.open(log, { size, root });
  if (old !== null && !(await prover.rootAt(oldSize)).equals(old.root)) {
    throw auditErrors.error(
      "LOG_TAMPERED",
      `The first ${oldSize} events of ${folder} are not those of the older checkpoint: the log was rewritten, or others were shown another one. Keep both.`,
      { details: { folder, size: oldSize } },
    );
  }
  const proof = await prover.consistencyProof(oldSize);
  return { oldSize, size, origin, file: formatConsistencyFile({ oldSize, proof, checkpoint: note }) };
}

interface GivenCheckpoint {
  readonly note: SignedNote;
  readonly checkpoint: Checkpoint;
}

async function openGiven(log: LogReader, given: Uint8Array | undefined): Promise<GivenCheckpoint> {
  const source = given === undefined ? `The checkpoint of ${log.source.name}` : "The checkpoint given";
  const note = parseNote(given ?? (await log.checkpoint()), source);
  return { note, checkpoint: parseCheckpoint(note.text, source) };
}

async function indexOf(folder: string, id: string): Promise<number> {
  const index = await findEvent(folder, id);
  if (index !== null) return index;
  throw auditErrors.error(
    "EVENT_UNKNOWN",
    `The journal of ${folder} has no event of this id: it is of another log, or retention has deleted it.`,
    { details: { folder, id } },
  );
}

async function notCovered(
  folder: string,
  index: number,
  { size, isOwn }: { readonly size: number; readonly isOwn: boolean },
): Promise<CupelError> {
  const end = await unlessMissing(journalEnd(folder));
  const covered = size === 0 ? "covers no event" : `covers events 0 to ${size - 1}`;
  if (end !== null && index < end) {
    const advice = isOwn
      ? "Whoever writes the log signs a new one every 1 to 10 s, and when it closes: ask again then."
      : "Give a newer one, or none.";
    return auditErrors.error(
      "EVENT_NOT_COVERED",
      `Event ${index} is in the journal of ${folder}, and its checkpoint ${covered}, and not yet this one. ${advice}`,
      { details: { folder, index, size } },
    );
  }
  return auditErrors.error(
    "EVENT_UNKNOWN",
    `${folder} has no event ${index}: its checkpoint ${covered}${end === null || end === size ? "" : `, and its journal goes to ${end - 1}`}.`,
    { details: { folder, index, size } },
  );
}

async function unlessMissing<Value>(value: Promise<Value>): Promise<Value | null> {
  try {
    return await value;
  } catch (thrown) {
    if (thrown instanceof CupelError && thrown.code === "LOG_FILE_MISSING") return null;
    throw thrown;
  }
}
