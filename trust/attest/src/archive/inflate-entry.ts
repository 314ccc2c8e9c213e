/**
 * Deflated entries become their content: a small one in one call, which needs no other thread and no stream; a large one
 * piece by piece.
 */
import { createInflateRaw, type InflateRaw, inflateRawSync, constants as zlib } from "node:zlib";
import { CupelError, createTurns, freeBuffer, reasonOf } from "@cupel/base";
import { pieceBytes } from "../manifest/digests.ts";
import type { EntryContent } from "./entry-content.ts";

/** Cut data yields what it has, which is then too little. */
const finishFlush = zlib.Z_SYNC_FLUSH;

/**
 * @param pieces all of the packed data as one, or none where it is empty
 * @throws ARCHIVE_SIZE_WRONG, ARCHIVE_DATA_INVALID
 */
export async function inflateAtOnce(pieces: AsyncIterable<Buffer>, content: EntryContent): Promise<void> {
  const turn = createTurns();
  for await (const packed of pieces) {
    const { buffer, engine } = inflated(packed, content);
    try {
      for (let at = 0; at < buffer.length; at += pieceBytes) {
        content.add(buffer.subarray(at, at + pieceBytes));
        await turn();
      }
    } finally {
      if (buffer.buffer.byteLength === bufferBytes(content)) freeBuffer(buffer.buffer);
    }
    content.assertUsed(engine.bytesWritten);
  }
}

/**
 * One byte more than there should be: it tells too much from enough, and all comes in one buffer. That of a very small
 * entry is a part of a larger one, which Node.js shares.
 */
function bufferBytes({ entry }: EntryContent): number {
  return Math.max(entry.size + 1, zlib.Z_MIN_CHUNK);
}

function inflated(packed: Buffer, content: EntryContent): { buffer: Buffer; engine: InflateRaw } {
  const maxOutputLength = content.entry.size + 1;
  const chunkSize = bufferBytes(content);
  try {
    const answer: unknown = inflateRawSync(packed, { finishFlush, maxOutputLength, chunkSize, info: true });
    // The types of Node.js leave out what `info` adds.
    return answer as { buffer: Buffer; engine: InflateRaw };
  } catch (thrown) {
    const isTooMuch =
      thrown instanceof RangeError && "code" in thrown && thrown.code === "ERR_BUFFER_TOO_LARGE";
    throw isTooMuch ? content.wrongSize("more") : content.doesNotUnpack(thrown);
  }
}

/** Piece by piece, whatever the size. @throws ARCHIVE_SIZE_WRONG, ARCHIVE_DATA_INVALID */
export async function inflate(pieces: AsyncIterable<Buffer>, content: EntryContent): Promise<void> {
  const unpacker = createInflateRaw({ chunkSize: pieceBytes, finishFlush });
  const ended = Promise.withResolvers<void>();
  unpacker.on("error", (thrown) => {
    const isOurs = thrown instanceof CupelError;
    ended.reject(isOurs ? thrown : content.doesNotUnpack(thrown));
  });
  unpacker.on("end", ended.resolve);
  let filling: ArrayBufferLike | null = null;
  unpacker.on("data", (piece: Buffer) => {
    try {
      filling = piece.buffer;
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
  if (filling !== null) freeBuffer(filling);
  content.assertUsed(unpacker.bytesWritten);
}
