/** A log that is there, opened to change what is kept of it: by the one writer a log has, with its keys beside it. */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { auditErrors } from "@cupel/audit";
import { text } from "../arguments/option.ts";
import { type OpenRecord, openRecord } from "./open-record.ts";

export const keyFileOption = text({
  name: "key-file",
  placeholder: "FILE",
  summary: "The SECRET key that signs the checkpoints of the log",
  fallback: "FOLDER.key",
});

/** A mistyped name begins no log. @throws LOG_FILE_MISSING; LOG_IN_USE, and what `openRecord` throws */
export async function openKeptLog(
  folder: string,
  keyFile: string | undefined,
  say: (line: string) => void,
): Promise<OpenRecord> {
  await assertLog(folder);
  return await openRecord({ folder, keyFile, policy: "block" }, say);
}

/** @throws LOG_FILE_MISSING */
export async function assertLog(folder: string): Promise<void> {
  if ((await stat(join(folder, "origin.json")).catch(() => null)) !== null) return;
  throw auditErrors.error("LOG_FILE_MISSING", `${folder} has no log: it has no origin.json.`, {
    details: { log: folder },
  });
}
