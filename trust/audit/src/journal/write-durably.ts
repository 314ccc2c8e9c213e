/** Whole files on a `Disk`: under their name only when they are durable, and what is set aside instead of being deleted. */
import { randomUUID } from "node:crypto";
import { basename, dirname, join } from "node:path";
import { temporaryBeside } from "@cupel/base";
import type { Disk, DiskFile } from "./disk.ts";

/** The kernel may take fewer bytes than offered, near a full device for instance, and that is no error: the rest is offered again. */
export async function writeAll(file: DiskFile, bytes: Uint8Array, position: number): Promise<void> {
  let written = 0;
  while (written < bytes.byteLength) {
    const taken = await file.write(written === 0 ? bytes : bytes.subarray(written), position + written);
    if (taken === 0) throw Object.assign(new Error("the device takes no more bytes"), { code: "ENOSPC" });
    written += taken;
  }
}

/** Writes `path` or replaces it. A crash leaves the old file or the new one, whole. */
export async function writeDurably(disk: Disk, path: string, bytes: Uint8Array): Promise<void> {
  const temporary = temporaryBeside(path);
  try {
    const file = await disk.create(temporary);
    try {
      await writeAll(file, bytes, 0);
      await file.sync();
    } finally {
      await file.close();
    }
    await disk.rename(temporary, path);
  } catch (thrown) {
    await disk.unlink(temporary).catch(() => {});
    throw thrown;
  }
  await disk.syncFolder(dirname(path));
}

/** Why something lies in the quarantine: bytes that no acknowledged event is in, or a file that another one put there. */
export type SetAside = "torn" | "abandoned" | "foreign";

function quarantined(quarantine: string, kind: SetAside, path: string): string {
  return join(quarantine, `${kind}-${basename(path)}-${randomUUID()}`);
}

/** @param path that the bytes were found in */
export async function setAsideBytes(
  disk: Disk,
  quarantine: string,
  found: { readonly kind: SetAside; readonly path: string; readonly bytes: Uint8Array },
): Promise<void> {
  await disk.makeFolder(quarantine);
  await writeDurably(disk, quarantined(quarantine, found.kind, found.path), found.bytes);
}

export async function setAsideFile(
  disk: Disk,
  quarantine: string,
  found: { readonly kind: SetAside; readonly path: string },
): Promise<void> {
  await disk.makeFolder(quarantine);
  await disk.rename(found.path, quarantined(quarantine, found.kind, found.path));
  await disk.syncFolder(quarantine);
  await disk.syncFolder(dirname(found.path));
}
