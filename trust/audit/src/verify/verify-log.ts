/**
 * Is this log what was recorded? Everything in its folder is held against its checkpoint, and that against keys and,
 * where there is one, against an older checkpoint that was kept elsewhere: only that shows that the whole log, checkpoint
 * and all, was rolled back or that others were shown another one.
 *
 *     origin.json, checkpoint   whose log, and signed by a key that is known
 *     tiles and bundles         against the root of the checkpoint, SHA-256 and SM3 (`checkTree`)
 *     journal                   line by line against the leaves of the tree
 *     checkpoint kept elsewhere its root against that of the first events
 *     witness                   what others vouched for, likewise, and their signatures
 *
 * Findings are collected. A key that is not known accuses nobody, and does not hide that files contradict each other.
 * Nothing is written, and a log may be verified while it grows.
 */
import type { X509Certificate } from "node:crypto";
import { CupelError } from "@cupel/base";
import { auditErrors } from "../errors.ts";
import { type Disk, isErrno, systemDisk } from "../journal/disk.ts";
import { type Checkpoint, openCheckpoint, parseCheckpoint } from "../note/checkpoint.ts";
import type { NoteKey } from "../note/note-key.ts";
import { parseNote } from "../note/signed-note.ts";
import { stepOf } from "../retention/retention-events.ts";
import { RetentionHistory } from "../retention/retention-history.ts";
import { checkTree, type TreeFault } from "../tree/check-tree.ts";
import { type LogReader, readLog } from "../tree/log-reader.ts";
import { sm3Tree } from "../tree/tree-hash.ts";
import { TreeProver } from "../tree/tree-prover.ts";
import { eventsText, type FindingKind, type LogFinding, type LogVerdict, verdictOf } from "./finding.ts";
import { verifyJournal } from "./verify-journal.ts";
import { type Vouched, verifyWitnessed } from "./verify-witnessed.ts";

export interface VerifyLogOptions {
  /** Present and former ones of the log. */
  readonly logKeys: readonly NoteKey[];
  /** Of witnesses that must have cosigned the log at some time. Default none. */
  readonly witnessKeys?: readonly NoteKey[];
  /** Of authorities, one of which must have stamped it at some time. Default none. */
  readonly authorities?: readonly X509Certificate[];
  /** The bytes of an older checkpoint that was kept elsewhere. */
  readonly keptCheckpoint?: Uint8Array | undefined;
  /** Default the system's. */
  readonly disk?: Disk;
}

export interface LogReport {
  readonly verdict: LogVerdict;
  /** None where it is valid. */
  readonly findings: readonly LogFinding[];
  /** As the log says; null where it does not, and where it is of tiles and bundles alone. */
  readonly origin: string | null;
  /** Events of the checkpoint; null where there is none. */
  readonly size: number | null;
  /** Lines of the journal. */
  readonly lines: number;
  /** Events that retention removed, as the log records. */
  readonly removed: number;
  /** Events of the journal that are not yet covered by a checkpoint: from an index, how many. */
  readonly uncovered: { readonly index: number; readonly count: number };
  /** Of each witness and authority whose key was given, what it vouches for last. */
  readonly vouched: readonly Vouched[];
}

/**
 * @throws LOG_FILE_MISSING where the folder has no log; LOG_UNREADABLE; NOTE_INVALID, LOG_CHECKPOINT_INVALID,
 * SIGNATURE_INVALID where the checkpoint kept elsewhere is none
 */
export async function verifyLog(folder: string, options: VerifyLogOptions): Promise<LogReport> {
  for (let attempt = 1; ; attempt++) {
    const { report, checkpoint } = await verifyOnce(folder, options);
    const isLacking = report.findings.some(({ kind }) => lackingKinds.has(kind));
    if (!isLacking || attempt === attempts) return report;
    const bytes = await unlessMissing(readLog(folder).checkpoint());
    if (bytes === null || checkpoint?.equals(bytes) !== false) return report;
  }
}

/** Where something is lacking and the log has grown, a removal may have been recorded since: then it is looked at again. */
const attempts = 3;
const lackingKinds: ReadonlySet<FindingKind> = new Set(["segments-removed", "file-damaged", "truncated"]);

async function verifyOnce(
  folder: string,
  { logKeys, witnessKeys = [], authorities = [], keptCheckpoint, disk = systemDisk }: VerifyLogOptions,
): Promise<{ readonly report: LogReport; readonly checkpoint: Buffer | null }> {
  const log = readLog(folder);
  const findings: LogFinding[] = [];
  const tell = (kind: FindingKind, message: string, path: string | null = null) =>
    findings.push({ kind, path, index: null, count: 0, message });

  // Before all else: what grows meanwhile is beyond it.
  const bytes = await unlessMissing(log.checkpoint());
  const origin = await readOrigin(log);
  const names = await namesIn(disk, folder);
  if (bytes === null && origin === null && !names.includes("journal")) {
    throw auditErrors.error(
      "LOG_FILE_MISSING",
      `${folder} has no log: neither origin, checkpoint nor journal.`,
      {
        details: { log: folder },
      },
    );
  }
  // Tiles and bundles alone, as logs of others are. Nothing is lost where ours lies so: its bundles have all entries.
  const isBare = bytes !== null && origin === null && !names.includes("journal");
  if (origin === null && !isBare)
    tell("origin", "origin.json is missing or does not say whose log this is.", "origin.json");
  const kept = keptCheckpoint && openKept(keptCheckpoint, logKeys, tell);
  const now = bytes && openNow(bytes, logKeys, tell);
  if (bytes === null) {
    if (kept || names.includes("tile"))
      tell("checkpoint-removed", "The log has no checkpoint any more.", "checkpoint");
    else tell("unsigned", "Nothing signs this log: it has neither a checkpoint nor a tree.");
  }
  for (const each of [now, kept]) {
    if (!each || origin === null || each.origin === origin) continue;
    tell(
      "origin",
      `The log says that it is "${origin}", and a checkpoint that it is "${each.origin}".`,
      "origin.json",
    );
  }

  const history = new RetentionHistory();
  const wrongTiles = now ? await verifyTree(log, now, history, findings) : new Set<string>();
  const size = now?.size ?? 0;
  const { removed } = history;
  const journal = isBare
    ? { findings: [], lines: 0, uncovered: 0 }
    : await verifyJournal(disk, folder, { log, size, removed, wrongTiles });
  findings.push(...journal.findings, ...brokenHolds(history));
  if (kept && now) await verifyGrowth(log, kept, now, tell);
  const vouched = await verifyWitnessed({
    log,
    folder,
    keys: { logKeys, witnessKeys, authorities },
    tell,
    async verifyGrowth(each, path) {
      const tellOf: Tell = (kind, message) => tell(kind, `${path}: ${message}`, path);
      if (now) await verifyGrowth(log, each, now, tellOf);
    },
  });
  const report = {
    verdict: verdictOf(findings),
    findings,
    origin,
    size: now?.size ?? null,
    lines: journal.lines,
    removed: removed.count,
    uncovered: { index: size, count: journal.uncovered },
    vouched,
  };
  return { report, checkpoint: bytes };
}

type Tell = (kind: FindingKind, message: string, path?: string | null) => void;

/** Null where no known key signed it: then it accuses nobody. @throws NOTE_INVALID, LOG_CHECKPOINT_INVALID, SIGNATURE_INVALID */
function openKept(bytes: Uint8Array, keys: readonly NoteKey[], tell: Tell): Checkpoint | null {
  const source = "The checkpoint kept elsewhere";
  const checkpoint = parseCheckpoint(parseNote(bytes, source).text, source);
  return isByKnownKey(bytes, checkpoint, { keys, source, tell, path: null }) ? checkpoint : null;
}

/** Null where it is no checkpoint at all. One that a wrong or an unknown key signed is gone on with: more may be found. */
function openNow(bytes: Uint8Array, keys: readonly NoteKey[], tell: Tell): Checkpoint | null {
  const source = "The checkpoint";
  const path = "checkpoint";
  let checkpoint: Checkpoint | null = null;
  try {
    checkpoint = parseCheckpoint(parseNote(bytes, source).text, source);
    isByKnownKey(bytes, checkpoint, { keys, source, tell, path });
  } catch (thrown) {
    if (!(thrown instanceof CupelError)) throw thrown;
    tell("checkpoint-replaced", thrown.message, path);
  }
  return checkpoint;
}

interface Signers {
  readonly keys: readonly NoteKey[];
  readonly source: string;
  readonly path: string | null;
  readonly tell: Tell;
}

/** Tells where not. @throws SIGNATURE_INVALID */
function isByKnownKey(
  bytes: Uint8Array,
  { origin }: Checkpoint,
  { keys, source, path, tell }: Signers,
): boolean {
  try {
    openCheckpoint(bytes, { origin, logKeys: keys }, source);
    return true;
  } catch (thrown) {
    if (!(thrown instanceof CupelError) || thrown.code !== "KEY_UNKNOWN") throw thrown;
    tell("key-unknown", thrown.message, path);
    return false;
  }
}

const treeKinds: Readonly<Record<TreeFault["kind"], FindingKind>> = {
  entry: "entry-edited",
  tile: "tile-edited",
  file: "file-damaged",
  root: "root-mismatch",
};

/** @param history takes what the entries say of retention. @returns tiles that are not to be believed */
async function verifyTree(
  log: LogReader,
  now: Checkpoint,
  history: RetentionHistory,
  findings: LogFinding[],
): Promise<Set<string>> {
  const onEntry = (entry: Buffer, index: number) => {
    const step = stepOf(entry);
    if (step !== null) history.take(step, index);
  };
  const { faults, missing } = await checkTree(log, now, { onEntry });
  const ofSm3 =
    now.sm3Root === null
      ? []
      : (await checkTree(log, { size: now.size, root: now.sm3Root }, { hash: sm3Tree })).faults;
  const isTold = new Set(faults.map(({ path }) => path));
  // Bundles are those of both trees; entries that were changed are told once.
  const more = ofSm3.filter(({ kind, path }) => kind !== "entry" && !(path !== "" && isTold.has(path)));
  for (const { kind, path, index, message } of [...faults, ...more]) {
    findings.push({
      kind: treeKinds[kind],
      path: path === "" ? null : path,
      index,
      count: index === null ? 0 : 1,
      message,
    });
  }
  // One that is malformed is among them, and is told.
  const isMalformed = faults.some(({ kind, path }) => kind === "file" && path.includes("/entries/"));
  const unexplained = missing.flatMap((range) => history.removed.without(range));
  for (const { begin, end } of isMalformed ? [] : unexplained) {
    const message = `The bundles of ${eventsText(begin, end - begin)} are missing.`;
    findings.push({ kind: "file-damaged", path: null, index: begin, count: end - begin, message });
  }
  return new Set(faults.filter(({ kind }) => kind === "tile").map(({ path }) => path));
}

function brokenHolds(history: RetentionHistory): LogFinding[] {
  return history.broken.map(({ id, range: { begin, end }, index }) => ({
    kind: "hold-broken",
    path: null,
    index: begin,
    count: end - begin,
    message: `The hold "${id}" was in force when ${eventsText(begin, end - begin)} were removed, as event ${index} records.`,
  }));
}

async function verifyGrowth(log: LogReader, kept: Checkpoint, now: Checkpoint, tell: Tell): Promise<void> {
  if (kept.size > now.size) {
    tell(
      "rolled-back",
      `The log had ${kept.size} events by the checkpoint kept elsewhere, and by its own it has ${now.size}: it was rolled back.`,
    );
    return;
  }
  const root = kept.size === now.size ? now.root : await rootAt(log, kept.size, now);
  // Where the tiles are not those of the checkpoint that is told already.
  if (root === null || root.equals(kept.root)) return;
  tell(
    "split-view",
    `The first ${kept.size} events are not those of the checkpoint kept elsewhere: the log was rewritten, or others were shown another one.`,
  );
}

async function rootAt(log: LogReader, size: number, now: Checkpoint): Promise<Buffer | null> {
  try {
    return await (await TreeProver.open(log, now)).rootAt(size);
  } catch (thrown) {
    if (!(thrown instanceof CupelError) || thrown.code === "LOG_UNREADABLE") throw thrown;
    return null;
  }
}

/** Bytes. */
const longestOrigin = 65_536;

async function readOrigin({ source }: LogReader): Promise<string | null> {
  const bytes = await source.read("origin.json", longestOrigin);
  try {
    const value: unknown = bytes && JSON.parse(bytes.toString());
    const isOrigin = typeof value === "object" && value !== null && "origin" in value;
    return isOrigin && typeof value.origin === "string" ? value.origin : null;
  } catch {
    return null;
  }
}

async function unlessMissing(bytes: Promise<Buffer>): Promise<Buffer | null> {
  try {
    return await bytes;
  } catch (thrown) {
    if (thrown instanceof CupelError && thrown.code === "LOG_FILE_MISSING") return null;
    throw thrown;
  }
}

async function namesIn(disk: Disk, folder: string): Promise<readonly string[]> {
  try {
    return await disk.list(folder);
  } catch (thrown) {
    if (isErrno(thrown, "ENOENT") || isErrno(thrown, "ENOTDIR")) return [];
    throw auditErrors.error("LOG_UNREADABLE", `${folder} cannot be read.`, {
      cause: thrown,
      details: { log: folder },
    });
  }
}
