/** Reading files that hold many images at once, gzip or plain: recognised by their first bytes. */
import { open, readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { constants, gunzip, gunzipSync } from "node:zlib";
import { reasonOf } from "@cupel/base";
import { visionErrors } from "../errors.ts";

const gunzipAsync = promisify(gunzip);

const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;

/** @throws IMAGE_SOURCE_DAMAGED */
export async function readPacked(path: string): Promise<Uint8Array> {
  return await unpacked(await readFile(path), path);
}

/** Bytes of a file, inflated where they are gzip. @throws IMAGE_SOURCE_DAMAGED */
export async function unpacked(bytes: Uint8Array, path: string): Promise<Uint8Array> {
  if (!isGzip(bytes)) return bytes;
  try {
    return await gunzipAsync(bytes);
  } catch (thrown) {
    throw visionErrors.error(
      "IMAGE_SOURCE_DAMAGED",
      `${path} is not a whole gzip file: ${reasonOf(thrown)}. Fetch it again.`,
      { cause: thrown, details: { path } },
    );
  }
}

const HEAD_BYTES = 1024;

/** The first bytes of the content, inflated where need be: enough to recognise a format. */
export async function headOf(path: string): Promise<Uint8Array> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    const head = buffer.subarray(0, bytesRead);
    if (!isGzip(head)) return head;
    // Z_SYNC_FLUSH makes zlib give what the truncated input yields instead of failing at its end.
    return gunzipSync(head, { finishFlush: constants.Z_SYNC_FLUSH });
  } catch (thrown) {
    throw visionErrors.error("IMAGE_SOURCE_DAMAGED", `Could not read ${path}: ${reasonOf(thrown)}.`, {
      cause: thrown,
      details: { path },
    });
  } finally {
    await file.close();
  }
}
