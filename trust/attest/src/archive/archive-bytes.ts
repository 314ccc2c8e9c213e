/** The bytes of an archive, wherever they lie: what is read of its structure goes through here, so that it can be tested from memory. */
import type { CupelError } from "@cupel/base";
import { type AttestErrorCode, attestErrors } from "../errors.ts";
import { shown } from "../manifest/check-manifest.ts";

export interface ArchiveBytes {
  /** Of the archive, for messages. */
  readonly path: string;
  readonly size: number;
  /** MUST return all that is asked for, which lies within the archive. */
  read(position: number, length: number): Buffer;
}

type ArchiveErrorCode = Extract<AttestErrorCode, `ARCHIVE_${string}` | "ENTRY_REFUSED">;

/** @param entry the name of the one it is about, null for the archive. @param reason completes "it ..." */
export function archiveRefusal(
  code: ArchiveErrorCode,
  archive: string,
  entry: string | null,
  reason: string,
  cause?: unknown,
): CupelError<AttestErrorCode> {
  const what = entry === null ? archive : `The entry ${shown(entry)} of ${archive}`;
  return attestErrors.error(code, `${what} ${reason}.`, {
    ...(cause === undefined ? {} : { cause }),
    details: { path: archive, ...(entry === null ? {} : { entry }) },
  });
}

/** @throws ARCHIVE_INVALID where it reaches beyond the archive */
export function bytesAt(bytes: ArchiveBytes, position: number, length: number, what: string): Buffer {
  if (position < 0 || position + length > bytes.size) {
    throw archiveRefusal(
      "ARCHIVE_INVALID",
      bytes.path,
      null,
      `is cut off or no ZIP: its ${what} would be at byte ${position}`,
    );
  }
  return bytes.read(position, length);
}

/** Eight bytes, little-endian. Null beyond 2^53 - 1. */
export function wide(bytes: Buffer, at: number): number | null {
  const value = bytes.readBigUInt64LE(at);
  return value > BigInt(Number.MAX_SAFE_INTEGER) ? null : Number(value);
}
