/** A log as it lies in its folder, taken by one writer: the lock, who the log is, the journal and the tree. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { CupelError, type FileLock, lockFile, writeFileAtomically } from "@cupel/base";
import { auditErrors } from "../errors.ts";
import { Journal, type JournalOptions } from "../journal/journal.ts";
import { removeHalfWritten } from "../journal/remove-half-written.ts";
import { formatNoteKey, formatNoteSigningKey, type NoteKey, type NoteSigningKey } from "../note/note-key.ts";
import { TreeOwner } from "./tree-owner.ts";

export const logFolders = { journal: "journal", quarantine: "quarantine" } as const;

export interface TreeOptions {
  /** Signs checkpoints. SECRET. */
  readonly key: NoteSigningKey;
  /** That signed before it; the last checkpoint may be theirs. Default none. */
  readonly formerKeys?: readonly NoteKey[];
  /** Whether the log has the same tree by SM3 beside it, for those who must use that. Default true. */
  readonly withSm3?: boolean;
}

export interface OpenLogOptions {
  readonly folder: string;
  /** Which log this is: a URL without its scheme, as a rule. */
  readonly origin: string;
  /** Null for a journal without proofs. */
  readonly tree: TreeOptions | null;
  readonly journal: Omit<JournalOptions, "folder" | "quarantine">;
}

export interface OpenLog extends AsyncDisposable {
  readonly lock: FileLock;
  readonly journal: Journal;
  readonly tree: TreeOwner | null;
  /** The log has another writer by now: closing it leaves all files as they are. */
  abandon(): void;
}

/** @throws LOG_IN_USE, ORIGIN_MISMATCH, LOG_DAMAGED, and what writing throws */
export async function openLog({ folder, origin, tree, journal: options }: OpenLogOptions): Promise<OpenLog> {
  await using stack = new AsyncDisposableStack();
  const lock = await lockLog(folder);
  stack.defer(() => release(lock));
  await assertOrigin(folder, origin);
  const segments = join(folder, logFolders.journal);
  await removeHalfWritten(segments);
  const journal = await Journal.open({
    ...options,
    folder: segments,
    quarantine: join(folder, logFolders.quarantine),
  });
  let isOurs = true;
  stack.defer(() => journal.close(isOurs));
  const owner = tree === null ? null : await TreeOwner.open(threadData(folder, origin, tree), journal.next);
  if (owner !== null) stack.defer(() => owner.close(isOurs));
  const owned = stack.move();
  return {
    lock,
    journal,
    tree: owner,
    abandon() {
      isOurs = false;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function threadData(folder: string, origin: string, { key, formerKeys = [], withSm3 = true }: TreeOptions) {
  return {
    folder,
    origin,
    signingKey: formatNoteSigningKey(key),
    formerKeys: formerKeys.map(formatNoteKey),
    withSm3,
  };
}

async function lockLog(folder: string): Promise<FileLock> {
  try {
    return await lockFile(join(folder, "writer"), "recorder");
  } catch (thrown) {
    if (!(thrown instanceof CupelError) || thrown.code !== "FILE_LOCKED") throw thrown;
    throw auditErrors.error(
      "LOG_IN_USE",
      `The log ${folder} has a writer already, and there is one a log. ${thrown.message}`,
      { cause: thrown, details: { folder, ...thrown.details } },
    );
  }
}

async function release(lock: FileLock): Promise<void> {
  try {
    await lock[Symbol.asyncDispose]();
  } catch {
    // On a disk that is read-only by now it stays, and is taken over by whoever opens the log next.
  }
}

const format = 1;

async function assertOrigin(folder: string, origin: string): Promise<void> {
  const path = join(folder, "origin.json");
  const refuse = (reason: string) =>
    auditErrors.error("ORIGIN_MISMATCH", `${path} ${reason}. Record into another folder.`, {
      details: { path, expected: origin },
    });
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (thrown) {
    if (!(thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT")) throw thrown;
    const made = { origin, format, made: new Date().toISOString() };
    await writeFileAtomically(path, `${JSON.stringify(made)}\n`);
    return;
  }
  const found = parsed(text);
  if (found?.origin !== origin) throw refuse(`is of the log "${String(found?.origin)}", not of "${origin}"`);
  if (found.format !== format)
    throw refuse(`has the format ${String(found.format)}, and this Cupel knows ${format}`);
}

function parsed(text: string): { readonly origin?: unknown; readonly format?: unknown } | null {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
