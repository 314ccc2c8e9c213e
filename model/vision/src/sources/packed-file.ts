/**
 * Reading files that hold many images at once, gzip or plain: recognised by their first bytes. A kilobyte of gzip can
 * be a megabyte, so what comes out of it is limited, and is counted before room is made for it.
 */

import { constants, createGunzip, gunzipSync } from "node:zlib";
import { bytesText, openRegular, readRegular, reasonOf } from "@cupel/base";
import { visionErrors } from "../errors.ts";

/** Bytes that a gzip file may hold. Larger sets are read as they are, not packed. */
export const MOST_UNPACKED = 768_000_000;

const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;

/** As it lies on the disk. @throws IMAGE_SOURCE_DAMAGED, IMAGE_SOURCE_TOO_LARGE above 2 GB */
export async function readPacked(path: string): Promise<Uint8Array> {
  try {
    return await readRegular(path);
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown && thrown.code === "ERR_FS_FILE_TOO_LARGE") {
      throw tooLarge(path, `is more than the 2 GB that are read at once: split it`, thrown);
    }
    throw unreadableFile(path, thrown);
  }
}

/**
 * Bytes of a file, inflated where they are gzip.
 * @param length that the content says it has; what is longer is damaged.
 * @param most bytes that come out of gzip. Default `MOST_UNPACKED`.
 * @throws IMAGE_SOURCE_DAMAGED, IMAGE_SOURCE_TOO_LARGE
 */
export async function unpacked(
  bytes: Uint8Array,
  path: string,
  { length, most = MOST_UNPACKED }: { readonly length?: number; readonly most?: number | undefined } = {},
): Promise<Uint8Array> {
  if (!isGzip(bytes)) return bytes;
  const known = length ?? (await inflate(bytes, path, most, () => {}));
  if (known > most) {
    throw tooLarge(
      path,
      `holds more than ${bytesText(most)} when it is unpacked, the most that is. Unpack it first`,
    );
  }
  const content = new Uint8Array(known);
  let at = 0;
  const written = await inflate(bytes, path, known, (chunk) => {
    content.set(chunk, at);
    at += chunk.length;
  });
  if (written <= known) return content.subarray(0, written);
  throw visionErrors.error("IMAGE_SOURCE_DAMAGED", `${path} holds more than the ${known} bytes it says.`, {
    details: { path, bytes: known },
  });
}

/**
 * @param take is given what comes out, piece by piece, as long as it is not more than `most`.
 * @returns how much came out: more than `most` where it was stopped
 */
async function inflate(
  bytes: Uint8Array,
  path: string,
  most: number,
  take: (chunk: Uint8Array) => void,
): Promise<number> {
  const stream = createGunzip({ chunkSize: 2 ** 18 });
  let count = 0;
  try {
    stream.end(bytes);
    for await (const chunk of stream) {
      count += chunk.length;
      if (count > most) break;
      take(chunk);
    }
    return count;
  } catch (thrown) {
    throw visionErrors.error(
      "IMAGE_SOURCE_DAMAGED",
      `${path} is not a whole gzip file: ${reasonOf(thrown)}. Fetch it again.`,
      { cause: thrown, details: { path } },
    );
  } finally {
    stream.destroy();
  }
}

const HEAD_BYTES = 1024;

/** The first bytes of the content, inflated where need be: enough to recognise a format. @throws IMAGE_SOURCE_DAMAGED */
export async function headOf(path: string): Promise<Uint8Array> {
  try {
    await using file = await openRegular(path);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    return headIn(buffer.subarray(0, bytesRead));
  } catch (thrown) {
    throw unreadableFile(path, thrown);
  }
}

/** The same of bytes that are read. @throws what zlib throws */
export function headIn(bytes: Uint8Array): Uint8Array {
  const head = bytes.subarray(0, HEAD_BYTES);
  // Z_SYNC_FLUSH makes zlib give what the truncated input yields instead of failing at its end.
  return isGzip(head) ? gunzipSync(head, { finishFlush: constants.Z_SYNC_FLUSH }) : head;
}

function unreadableFile(path: string, thrown: unknown) {
  return visionErrors.error("IMAGE_SOURCE_DAMAGED", `Could not read ${path}: ${reasonOf(thrown)}.`, {
    cause: thrown,
    details: { path },
  });
}

/** @param problem follows the path. */
export function tooLarge(path: string, problem: string, cause?: unknown) {
  return visionErrors.error("IMAGE_SOURCE_TOO_LARGE", `${path} ${problem}.`, { cause, details: { path } });
}
