/**
 * The digests of a file in one read. What is hashed is what was found: the file is opened without following a link, must
 * be the one that was seen before, and the same after its last byte.
 *
 * A write within the file system's clock tick, a few milliseconds, of an earlier one leaves no trace in the times.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { createTurns, reasonOf, throwIfCancelled } from "@cupel/base";
import { attestErrors } from "../errors.ts";
import { shown } from "./check-manifest.ts";
import { pieceBytes, startDigests } from "./digests.ts";
import type { Digests, HashName } from "./manifest.ts";
import type { DigestOptions } from "./serve-digests.ts";
import { folderChanged, stateOf } from "./walk-folder.ts";

/** Filled and hashed in one turn, so that all can use it. */
const piece = Buffer.allocUnsafeSlow(pieceBytes);

/** A pipe put in its place does not make the opening wait. Windows has neither flag. */
const openFlags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** A file below a folder, and its identity when the folder was walked. */
export interface FileToDigest {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  readonly identity: string;
  /** Only the bytes from `start` to before `end`. Default all. */
  readonly range?: { readonly start: number; readonly end: number } | undefined;
}

/** @throws FOLDER_CHANGED, FOLDER_UNREADABLE, CANCELLED, DEADLINE_EXCEEDED */
export async function digestFile<Hash extends HashName>(
  root: string,
  { path, identity, range }: FileToDigest,
  hashNames: readonly Hash[],
  { signal, onBytes }: DigestOptions = {},
): Promise<Digests<Hash>> {
  const digests = startDigests(hashNames);
  const turn = createTurns();
  const file = opened(root, path);
  try {
    const isTheSame = () => stateOf(fstatSync(file, { bigint: true })).identity === identity;
    if (!isTheSame()) throw folderChanged(root, path, "was changed or replaced");
    const { start, end } = range ?? { start: 0, end: Number.POSITIVE_INFINITY };
    for (let at = start; at < end; ) {
      throwIfCancelled(signal, `Reading ${root}`);
      const count = readSync(file, piece, 0, Math.min(pieceBytes, end - at), at);
      if (count === 0) break;
      at += count;
      digests.update(piece.subarray(0, count));
      onBytes?.(count);
      await turn();
    }
    if (!isTheSame()) throw folderChanged(root, path, "was changed");
  } catch (thrown) {
    throw isSystemError(thrown) ? unreadable(root, path, thrown) : thrown;
  } finally {
    closeSync(file);
  }
  return digests.finish();
}

function opened(root: string, path: string): number {
  try {
    return openSync(join(root, path), openFlags);
  } catch (thrown) {
    const code = isSystemError(thrown) ? thrown.code : "";
    // What is a link by now cannot be opened: ELOOP.
    if (code === "ENOENT" || code === "ELOOP") throw folderChanged(root, path, "was replaced or is gone");
    throw unreadable(root, path, thrown);
  }
}

function unreadable(root: string, path: string, thrown: unknown) {
  return attestErrors.error(
    "FOLDER_UNREADABLE",
    `${shown(path)} in ${root} cannot be read: ${reasonOf(thrown)}. Check its permissions and the disk.`,
    { cause: thrown, details: { folder: root, path } },
  );
}

function isSystemError(thrown: unknown): thrown is NodeJS.ErrnoException {
  return thrown instanceof Error && "syscall" in thrown;
}
