/**
 * The digests of an entry, from the archive as it is: nothing is unpacked but the piece in hand. A size or checksum that
 * is not what the directory says ends it, so the work is never more than what was asked for.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { crc32, createInflateRaw, constants as zlib } from "node:zlib";
import { CupelError, createTurns, freeBuffer, reasonOf, throwIfCancelled } from "@cupel/base";
import { pieceBytes, type RunningDigests, startDigests } from "../manifest/digests.ts";
import type { Digests, HashName } from "../manifest/manifest.ts";
import type { DigestOptions } from "../manifest/serve-digests.ts";
import { stateOf } from "../manifest/walk-folder.ts";
import { archiveRefusal } from "./archive-bytes.ts";
import type { LocatedEntry } from "./local-headers.ts";

/** Plain data: what a thread is given of an entry. */
export interface EntryToDigest
  extends Pick<LocatedEntry, "path" | "size" | "packedSize" | "method" | "crc" | "dataPosition"> {
  /** Of the archive, when its directory was read. */
  readonly identity: string;
}

const openFlags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);
/** Of packed data, and of what comes out at a time. */
const inflateBytes = 2 ** 18;

/** @throws ARCHIVE_CHANGED, ARCHIVE_UNREADABLE, ARCHIVE_SIZE_WRONG, ARCHIVE_DATA_INVALID, CANCELLED, DEADLINE_EXCEEDED */
export async function digestEntry<Hash extends HashName>(
  archive: string,
  entry: EntryToDigest,
  hashNames: readonly Hash[],
  options: DigestOptions = {},
): Promise<Digests<Hash>> {
  const digests = startDigests(hashNames);
  const content = new Content(archive, entry, digests, options);
  try {
    const file = openSync(archive, openFlags);
    try {
      const isTheSame = () => stateOf(fstatSync(file, { bigint: true })).identity === entry.identity;
      if (!isTheSame()) throw archiveChanged(archive);
      await (entry.method === "stored" ? copy : inflate)(piecesOf(file, entry, archive, options), content);
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

/** What comes out of an entry. */
class Content {
  readonly #archive: string;
  readonly entry: EntryToDigest;
  readonly #digests: Pick<RunningDigests<HashName>, "update">;
  readonly #onBytes: DigestOptions["onBytes"];
  #size = 0;
  #crc = 0;

  constructor(
    archive: string,
    entry: EntryToDigest,
    digests: Pick<RunningDigests<HashName>, "update">,
    { onBytes }: DigestOptions,
  ) {
    this.#archive = archive;
    this.entry = entry;
    this.#digests = digests;
    this.#onBytes = onBytes;
  }

  /** @throws ARCHIVE_SIZE_WRONG when there is more than the directory says */
  add(piece: Uint8Array): void {
    this.#size += piece.byteLength;
    if (this.#size > this.entry.size) throw this.wrongSize("more");
    this.#crc = crc32(piece, this.#crc);
    this.#digests.update(piece);
    this.#onBytes?.(piece.byteLength);
  }

  assertWhole(): void {
    if (this.#size < this.entry.size) throw this.wrongSize(`${this.#size} bytes`);
    if (this.#crc !== this.entry.crc) throw this.invalid("does not have the checksum that is said");
  }

  wrongSize(found: string) {
    const reason = `has ${found} where its size is said to be ${this.entry.size} bytes`;
    return archiveRefusal("ARCHIVE_SIZE_WRONG", this.#archive, this.entry.path, reason);
  }

  invalid(reason: string, cause?: unknown) {
    return archiveRefusal("ARCHIVE_DATA_INVALID", this.#archive, this.entry.path, reason, cause);
  }
}

/** Each is valid until the next is asked for. */
async function* piecesOf(
  file: number,
  { dataPosition, packedSize, method }: EntryToDigest,
  archive: string,
  { signal }: DigestOptions,
): AsyncGenerator<Buffer> {
  const turn = createTurns();
  const piece = Buffer.allocUnsafeSlow(Math.min(method === "stored" ? pieceBytes : inflateBytes, packedSize));
  for (let at = 0; at < packedSize; ) {
    throwIfCancelled(signal, `Reading ${archive}`);
    const count = readSync(file, piece, 0, Math.min(piece.length, packedSize - at), dataPosition + at);
    if (count === 0) throw archiveChanged(archive);
    yield piece.subarray(0, count);
    at += count;
    await turn();
  }
}

async function copy(pieces: AsyncIterable<Buffer>, content: Content): Promise<void> {
  for await (const piece of pieces) content.add(piece);
}

/** @throws ARCHIVE_SIZE_WRONG, ARCHIVE_DATA_INVALID */
async function inflate(pieces: AsyncIterable<Buffer>, content: Content): Promise<void> {
  const unpacker = createInflateRaw({ chunkSize: inflateBytes, finishFlush: zlib.Z_SYNC_FLUSH });
  const ended = Promise.withResolvers<void>();
  unpacker.on("error", (thrown) => {
    const isOurs = thrown instanceof CupelError;
    ended.reject(isOurs ? thrown : content.invalid(`does not unpack: ${thrown.message}`, thrown));
  });
  unpacker.on("end", ended.resolve);
  unpacker.on("data", (piece: Buffer) => {
    try {
      content.add(piece);
      // The unpacker fills its buffer once, piece by piece, and takes another: without this 40 MB of them wait for collection.
      if (piece.byteOffset + piece.byteLength === piece.buffer.byteLength) freeBuffer(piece.buffer);
    } catch (thrown) {
      unpacker.destroy(thrown instanceof Error ? thrown : new Error(reasonOf(thrown)));
    }
  });
  // Whoever waits for a write is told first; then it is nobody's.
  ended.promise.catch(() => {});
  try {
    for await (const piece of pieces) {
      // What comes behind the end of the packed data is not taken, and its write never done.
      const written = new Promise<void>((done) => unpacker.write(piece, () => done()));
      await Promise.race([written, ended.promise]);
      if (unpacker.readableEnded) break;
    }
    unpacker.end();
    await ended.promise;
  } finally {
    unpacker.destroy();
  }
  if (unpacker.bytesWritten !== content.entry.packedSize) {
    throw content.wrongSize(`${unpacker.bytesWritten} of ${content.entry.packedSize} packed bytes in use`);
  }
}
