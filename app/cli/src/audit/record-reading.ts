/**
 * That a log was read through a command is recorded in it, before anything of it is shown. Where that cannot be done the
 * reader is told: he may read all the same, since nothing here could keep him from reading the files.
 */
import { stat } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";
import { handOverReading, type Reading } from "@cupel/audit";
import { reasonOf } from "@cupel/base";
import type { CommandContext } from "../commands/command.ts";

export type LogReading = Pick<Reading, "action" | "object" | "context">;

/** @param folder of the log. One that is no record of Cupel is left alone. */
export async function recordReading(
  folder: string,
  reading: LogReading,
  { remark, clock }: Pick<CommandContext, "remark" | "clock">,
): Promise<void> {
  if ((await stat(join(folder, "origin.json")).catch(() => null)) === null) return;
  try {
    await handOverReading(folder, { subject: account(), ...reading }, clock);
  } catch (thrown) {
    remark(`That this log was read is not recorded. ${reasonOf(thrown)}`);
  }
}

/** Of the one who runs this; a container may have no name for it. */
function account(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? "unknown"}`;
  }
}
