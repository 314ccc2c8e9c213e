/**
 * What others vouched for, kept beside a log: checkpoints that witnesses cosigned, and the stamps of authorities. The log
 * goes on without it, and `verifyLog` holds the log against it.
 *
 *     witness/0000000000004711.checkpoint    signed by the log, cosigned
 *     witness/0000000000004711.tsr           application/timestamp-reply, of the text of that checkpoint
 */
import type { X509Certificate } from "node:crypto";
import { join } from "node:path";
import { type CupelError, errorFrom, lockFile, writeFileAtomically } from "@cupel/base";
import { auditErrors } from "../errors.ts";
import { isErrno, systemDisk } from "../journal/disk.ts";
import { type LogReader, readLog } from "../tree/log-reader.ts";
import { TreeProver } from "../tree/tree-prover.ts";
import { type Checkpoint, parseCheckpoint } from "./checkpoint.ts";
import { formatNote, type NoteSignature, parseNote, type SignedNote } from "./signed-note.ts";
import { checkpointDigest, requestTimeStamp, timeStampQuery, verifyTimeStamp } from "./time-stamp.ts";
import { cosign, type Witness } from "./witness.ts";

const FOLDER = "witness";
const DIGITS = 16;
/** Bytes of a reply; it has some 6,000. */
const LONGEST_STAMP = 2 ** 18;

/** A checkpoint that was kept, not verified. */
export interface Witnessed {
  /** As its name says. */
  readonly size: number;
  /** Within the log. */
  readonly path: string;
  /** Null where it is gone and only its stamp is there. */
  readonly checkpoint: Buffer | null;
  /** Null where there is none. */
  readonly stamp: Buffer | null;
}

/** By size. @throws LOG_UNREADABLE, LOG_INVALID */
export async function readWitnessed(log: LogReader, folder: string): Promise<readonly Witnessed[]> {
  const found: Witnessed[] = [];
  for (const size of await sizesIn(folder)) {
    const path = pathOf(size, "checkpoint");
    const stamp = await log.source.read(pathOf(size, "tsr"), LONGEST_STAMP);
    const checkpoint = await log.source.read(path, LONGEST_STAMP);
    found.push({ size, path, checkpoint, stamp });
  }
  return found;
}

function pathOf(size: number, ending: "checkpoint" | "tsr"): string {
  return `${FOLDER}/${String(size).padStart(DIGITS, "0")}.${ending}`;
}

async function sizesIn(folder: string): Promise<number[]> {
  let names: string[];
  try {
    names = await systemDisk.list(join(folder, FOLDER));
  } catch (thrown) {
    if (isErrno(thrown, "ENOENT") || isErrno(thrown, "ENOTDIR")) return [];
    throw auditErrors.error("LOG_UNREADABLE", `${join(folder, FOLDER)} cannot be listed.`, { cause: thrown });
  }
  const sizes = names.map((name) => Number(/^(\d{16})\.(?:checkpoint|tsr)$/.exec(name)?.[1] ?? Number.NaN));
  return [...new Set(sizes.filter(Number.isSafeInteger))].toSorted((a, b) => a - b);
}

export interface Authority {
  /** That answers queries of RFC 3161 over HTTP. */
  readonly url: string;
  /** That its certificate was issued by. A stamp that does not come from them is not kept. */
  readonly authorities: readonly X509Certificate[];
}

export interface WitnessLogOptions {
  /** Null for none. */
  readonly witness: Witness | null;
  /** Null for none. */
  readonly authority: Authority | null;
  readonly signal?: AbortSignal | undefined;
}

export interface WitnessedLog {
  readonly origin: string;
  /** Of the present checkpoint. */
  readonly size: number;
  /** Those that cosigned it, now or before. */
  readonly witnesses: readonly string[];
  /** Whether it is stamped, now or before. */
  readonly isStamped: boolean;
  /** Whether anything was new. */
  readonly isNew: boolean;
}

/**
 * Has the present checkpoint of a log cosigned and stamped, and keeps what was got. What is there already is not asked for
 * again. The log may be written meanwhile; its folder must be writable.
 * @throws LOG_TAMPERED where the log does not go on from what was witnessed before, WITNESS_CONFLICT where a witness says so;
 * FILE_LOCKED where another process is at it; what `cosign`, `requestTimeStamp`, `verifyTimeStamp`, reading a log and writing
 * throw. Where one of the two fails the other is done all the same.
 */
export async function witnessLog(folder: string, options: WitnessLogOptions): Promise<WitnessedLog> {
  const log = readLog(folder);
  // Before anything is made in the folder.
  await log.checkpoint();
  await using _lock = await lockFile(join(folder, FOLDER, "witness"), "witnessing");
  const note = parseNote(await log.checkpoint(), `The checkpoint of ${folder}`);
  const checkpoint = parseCheckpoint(note.text, `The checkpoint of ${folder}`);
  const { origin, size } = checkpoint;
  const before = await readWitnessed(log, folder);
  const present = before.find((each) => each.size === size);
  const known = present?.checkpoint ? parseNote(present.checkpoint, present.path) : null;
  assertGoesOn(folder, note, checkpoint, before, known);
  let signatures = merged(note.signatures, known?.signatures ?? []);
  let isStamped = present?.stamp != null;
  let isNew = false;
  const failures: CupelError[] = [];
  const keep = async () => {
    const text = formatNote({ text: note.text, signatures });
    await writeFileAtomically(join(folder, pathOf(size, "checkpoint")), text);
  };
  const { witness, authority, signal } = options;
  if (size > 0 && witness !== null && !isBy(witness, signatures)) {
    try {
      signatures = merged(signatures, await cosigned(log, witness, note, checkpoint, before, signal));
      await keep();
      isNew = true;
    } catch (thrown) {
      failures.push(errorFrom(thrown, signal));
    }
  }
  if (size > 0 && authority !== null && !isStamped) {
    try {
      const stamp = await stamped(authority, note, signal);
      // A stamp is of no use without what it is of.
      if (known === null && !isNew) await keep();
      await writeFileAtomically(join(folder, pathOf(size, "tsr")), [stamp]);
      isStamped = true;
      isNew = true;
    } catch (thrown) {
      failures.push(errorFrom(thrown, signal));
    }
  }
  const [failure] = failures;
  if (failure !== undefined) throw failure;
  const others = signatures.filter(
    (each) => !note.signatures.some(({ name, keyId }) => name === each.name && keyId === each.keyId),
  );
  return { origin, size, witnesses: others.map(({ name }) => name), isStamped, isNew };
}

/** Nobody is asked to vouch for a log that contradicts what they vouched for. */
function assertGoesOn(
  folder: string,
  note: SignedNote,
  { size }: Checkpoint,
  before: readonly Witnessed[],
  known: SignedNote | null,
): void {
  const last = before.at(-1);
  const reason =
    last !== undefined && last.size > size
      ? `was witnessed with ${last.size} events, and its checkpoint has ${size}: it was rolled back`
      : known !== null && known.text !== note.text
        ? `has another checkpoint of ${size} events than was witnessed: it was rewritten`
        : null;
  if (reason === null) return;
  throw auditErrors.error("LOG_TAMPERED", `${folder} ${reason}. Keep both, see \`cupel audit verify\`.`, {
    details: { folder, size },
  });
}

async function cosigned(
  log: LogReader,
  witness: Witness,
  note: SignedNote,
  checkpoint: Checkpoint,
  before: readonly Witnessed[],
  signal: AbortSignal | undefined,
): Promise<readonly NoteSignature[]> {
  const prover = await TreeProver.open(log, checkpoint);
  const last = before.findLast(
    (each) => each.checkpoint !== null && isBy(witness, parseNote(each.checkpoint, each.path).signatures),
  );
  return await cosign(witness, note, (from) => prover.consistencyProof(from), {
    oldSize: last?.size ?? 0,
    ...(signal === undefined ? {} : { signal }),
  });
}

async function stamped(
  { url, authorities }: Authority,
  note: SignedNote,
  signal: AbortSignal | undefined,
): Promise<Buffer> {
  const digest = checkpointDigest(note);
  const query = timeStampQuery(digest);
  const reply = await requestTimeStamp(url, query, signal === undefined ? {} : { signal });
  verifyTimeStamp(reply, digest, { authorities, nonce: query.nonce });
  return reply;
}

function isBy({ keys }: Witness, signatures: readonly NoteSignature[]): boolean {
  return signatures.some((each) => keys.some(({ name, id }) => name === each.name && id === each.keyId));
}

/** One of each key, the first. */
function merged(ours: readonly NoteSignature[], more: readonly NoteSignature[]): NoteSignature[] {
  const byKey = new Map([...more, ...ours].map((each) => [`${each.keyId} ${each.name}`, each]));
  return [...ours, ...more].filter((each) => byKey.get(`${each.keyId} ${each.name}`) === each);
}
