/** The report of the compression that made the model, which `cupel compress` puts beside it. */
import { readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { isReport, type ReportFile } from "@cupel/attest";
import { readRegular } from "@cupel/base";
import { readGiven } from "../audit/note-keys.ts";
import type { CommandContext } from "../commands/command.ts";

/** @param given its path, or undefined: the one in the folder. @throws FILE_UNREADABLE */
export async function findReport(
  folder: string,
  given: string | undefined,
  { remark }: Pick<CommandContext, "remark">,
): Promise<ReportFile | undefined> {
  if (given !== undefined) return { bytes: await readGiven("report", given), name: basename(given) };
  // A folder that cannot be read is told of by the sealing.
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith(".report.json"));
  const found: ReportFile[] = [];
  for (const name of names.sort()) {
    const bytes = await readRegular(join(folder, name)).catch(() => null);
    if (bytes !== null && isReport(bytes)) found.push({ bytes, name });
  }
  if (found.length > 1) {
    remark(
      `${folder} has the reports of ${found.length} compressions, and how the model was made is not sealed. Say which one with --report.`,
    );
    return undefined;
  }
  return found[0];
}
