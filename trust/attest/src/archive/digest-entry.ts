/**
 * The digests of an entry, from the archive as it is: nothing is unpacked but the piece in hand. A size or checksum that
 * is not what the directory says ends it, so the work is never more than what was asked for.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { CupelError, createTurns, freeBuffer, reasonOf, throwIfCancelled } from "@cupel/base";
import { pieceBytes, startDigests } from "../manifest/digests.ts";
import type { Digests, HashName } from "../manifest/manifest.ts";
import type { DigestOptions } from "../manifest/serve-digests.ts";
import { stateOf } from "../manifest/walk-folder.ts";
import { archiveRefusal } from "./archive-bytes.ts";
import { EntryContent, type EntryToDigest } from "./entry-content.ts";
import { inflate, inflateAtOnce } from "./inflate-entry.ts";

/** An entry is inflated in one call when it has no more than this, packed and unpacked together: a tenth of the time less. */
const atOnceBytes = 2 ** 24;
const openFlags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** @throws ARCHIVE_CHANGED, ARCHIVE_UNREADABLE, ARCHIVE_SIZE_WRONG, ARCHIVE_DATA_INVALID, CANCELLED, DEADLINE_EXCEEDED */
export async function digestEntry<Hash extends HashName>(
  archive: string,
  entry: EntryToDigest,
  hashNames: readonly Hash[],
  options: DigestOptions = {},
): Promise<Digests<Hash>> {
  const digests = startDigests(hashNames);
  const content = new EntryContent(archive, entry, digests, options);
  try {
    const file = openSync(archive, openFlags);
    try {
      const isTheSame = () => stateOf(fstatSync(file, { bigint: true })).identity === entry.identity;
      if (!isTheSame()) throw archiveChanged(archive);
      const { length, unpack } = wayOf(entry);
      await unpack(piecesOf(file, entry, length, archive, options), content);
      if (!isTheSame()) throw archiveChanged(archive);
    } finally {
      closeSync(file);
    }
  } catch (thrown) {
    throw thrown instanceof CupelError ? thrown : archiveUnreadable(archive, thrown);
  }
  content.assertWhole();
  return digests.finish();
}

export function archiveChanged(archive: string) {
  return archiveRefusal("ARCHIVE_CHANGED", archive, null, "was changed or replaced since the reading began");
}

export function archiveUnreadable(archive: string, thrown: unknown) {
  const reason = `cannot be read: ${reasonOf(thrown)}. Check the path and its permissions`;
  return archiveRefusal("ARCHIVE_UNREADABLE", archive, null, reason, thrown);
}

/** How an entry is read: in pieces of how many bytes, and what becomes of them. */
function wayOf({ method, size, packedSize }: EntryToDigest) {
  if (method === "stored") return { length: pieceBytes, unpack: copy };
  if (size + packedSize <= atOnceBytes) return { length: packedSize, unpack: inflateAtOnce };
  return { length: pieceBytes, unpack: inflate };
}

/** Each but the last has the length, and is valid until the next is asked for. */
async function* piecesOf(
  file: number,
  { dataPosition, packedSize }: EntryToDigest,
  length: number,
  archive: string,
  { signal }: DigestOptions,
): AsyncGenerator<Buffer> {
  const turn = createTurns();
  const piece = Buffer.allocUnsafeSlow(Math.min(length, packedSize));
  try {
    for (let at = 0; at < packedSize; ) {
      throwIfCancelled(signal, `Reading ${archive}`);
      const wanted = Math.min(length, packedSize - at);
      for (let have = 0; have < wanted; ) {
        const count = readSync(file, piece, have, wanted - have, dataPosition + at + have);
        if (count === 0) throw archiveChanged(archive);
        have += count;
      }
      yield piece.subarray(0, wanted);
      at += wanted;
      await turn();
    }
  } finally {
    freeBuffer(piece.buffer);
  }
}

async function copy(pieces: AsyncIterable<Buffer>, content: EntryContent): Promise<void> {
  for await (const piece of pieces) content.add(piece);
}
