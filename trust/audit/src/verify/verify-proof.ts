/**
 * Does a file prove what it claims? Without the log: from the file, keys, and for the growth of a log the older checkpoint
 * that whoever verifies has kept. The verdicts are those of `verifyLog`.
 */
import { CupelError } from "@cupel/base";
import { auditErrors } from "../errors.ts";
import { type Checkpoint, openCheckpoint, parseCheckpoint } from "../note/checkpoint.ts";
import type { NoteKey } from "../note/note-key.ts";
import { parseConsistencyFile, parseInclusionFile } from "../note/proof-file.ts";
import { formatNote, parseNote, type SignedNote } from "../note/signed-note.ts";
import { verifyConsistency, verifyInclusion } from "../tree/proof.ts";
import { leafHash } from "../tree/tree-hash.ts";
import { type FindingKind, type LogFinding, type LogVerdict, verdictOf } from "./finding.ts";

export interface VerifyProofOptions {
  /** Present and former ones of the log. */
  readonly logKeys: readonly NoteKey[];
  /** Of witnesses; a cosignature by one of them that is wrong makes the proof wrong. Default none. */
  readonly witnessKeys?: readonly NoteKey[];
  /** The bytes of the older checkpoint, for the growth of a log. */
  readonly keptCheckpoint?: Uint8Array | undefined;
}

interface CommonReport {
  readonly verdict: LogVerdict;
  /** None where it is valid. */
  readonly findings: readonly LogFinding[];
  /** Of the log, as the checkpoint in the file says. */
  readonly origin: string;
  /** Events of that checkpoint. */
  readonly size: number;
  /** Names of the keys that are known and signed it. */
  readonly signers: readonly string[];
}

export interface EventProofReport extends CommonReport {
  readonly kind: "event";
  readonly index: number;
  /** What the file says stands there; null where it says nothing. Believe it where the verdict is valid. */
  readonly entry: Buffer | null;
}

export interface GrowthProofReport extends CommonReport {
  readonly kind: "growth";
  readonly oldSize: number;
}

export type ProofReport = EventProofReport | GrowthProofReport;

type Tell = (kind: FindingKind, message: string, index?: number) => void;

/** @throws PROOF_FILE_INVALID, NOTE_INVALID, LOG_CHECKPOINT_INVALID where the file is no proof, or the kept checkpoint none */
export function verifyProof(bytes: Uint8Array, options: VerifyProofOptions): ProofReport {
  const findings: LogFinding[] = [];
  const tell: Tell = (kind, message, index) =>
    void findings.push({
      kind,
      path: null,
      index: index ?? null,
      count: index === undefined ? 0 : 1,
      message,
    });
  const start = Buffer.from(bytes.subarray(0, 20)).toString("latin1");
  if (!start.startsWith("old ") && !start.startsWith("c2sp.org/tlog-proof@")) {
    throw auditErrors.error(
      "PROOF_FILE_INVALID",
      "The file is neither a proof of an event nor one of the growth of a log. See `cupel audit prove`.",
    );
  }
  const proof = start.startsWith("old ")
    ? growthProof(bytes, options, tell)
    : eventProof(bytes, options, tell);
  return { ...proof, verdict: verdictOf(findings), findings };
}

type Unjudged<Report> = Omit<Report, "verdict" | "findings">;

function eventProof(bytes: Uint8Array, options: VerifyProofOptions, tell: Tell): Unjudged<EventProofReport> {
  const { index, proof, checkpoint: note, extra: entry } = parseInclusionFile(bytes);
  const { checkpoint, signers } = signed(note, "The checkpoint of the proof", options, tell);
  const { origin, size, root } = checkpoint;
  if (entry === null) {
    tell("entry-missing", "The file has no copy of the event that it is a proof of.", index);
  } else {
    const claim = { index, size, root, leaf: leafHash(entry), proof };
    if (!holds(() => verifyInclusion(claim))) {
      const message = `The checkpoint of ${size} events does not have this event at ${index}: the event, the proof or the checkpoint was changed.`;
      tell("proof-wrong", message, index);
    }
  }
  return { kind: "event", index, entry, origin, size, signers };
}

function growthProof(
  bytes: Uint8Array,
  options: VerifyProofOptions,
  tell: Tell,
): Unjudged<GrowthProofReport> {
  const { oldSize, proof, checkpoint: note } = parseConsistencyFile(bytes);
  const { checkpoint, signers } = signed(note, "The checkpoint of the proof", options, tell);
  const { origin, size, root } = checkpoint;
  const report = { kind: "growth", oldSize, origin, size, signers } as const;
  if (options.keptCheckpoint === undefined) {
    const message = `It goes on from a checkpoint of ${oldSize} events, which must be given.`;
    tell("checkpoint-missing", message);
    return report;
  }
  const source = "The checkpoint kept elsewhere";
  const old = signed(parseNote(options.keptCheckpoint, source), source, options, tell).checkpoint;
  if (old.origin !== origin) {
    tell("origin", `The checkpoint kept elsewhere is of "${old.origin}", and the proof of "${origin}".`);
  } else if (old.size !== oldSize) {
    const message = `It goes on from ${oldSize} events, and the checkpoint kept elsewhere has ${old.size}: give the one of ${oldSize}.`;
    tell("checkpoint-missing", message);
  } else if (
    oldSize > 0 &&
    !holds(() => verifyConsistency({ oldSize, oldRoot: old.root, size, root, proof }))
  ) {
    const message = `It does not show that the log of ${size} events goes on from the ${oldSize} of the checkpoint kept elsewhere: the proof was changed, or the log is another one.`;
    tell("proof-wrong", message);
  }
  return report;
}

interface SignedCheckpoint {
  readonly checkpoint: Checkpoint;
  readonly signers: readonly string[];
}

function signed(
  note: SignedNote,
  source: string,
  { logKeys, witnessKeys = [] }: VerifyProofOptions,
  tell: Tell,
): SignedCheckpoint {
  const checkpoint = parseCheckpoint(note.text, source);
  try {
    const keys = { origin: checkpoint.origin, logKeys, witnessKeys };
    const { signatures } = openCheckpoint(Buffer.from(formatNote(note)), keys, source);
    return { checkpoint, signers: signatures.map(({ name }) => name) };
  } catch (thrown) {
    if (!(thrown instanceof CupelError)) throw thrown;
    tell(thrown.code === "KEY_UNKNOWN" ? "key-unknown" : "checkpoint-replaced", thrown.message);
    return { checkpoint, signers: [] };
  }
}

function holds(verify: () => void): boolean {
  try {
    verify();
    return true;
  } catch (thrown) {
    if (thrown instanceof CupelError && thrown.code === "PROOF_INVALID") return false;
    throw thrown;
  }
}
