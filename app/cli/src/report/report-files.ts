/** A report on disk: its figures as JSON, and the page that shows them. */
import { rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { writeFileAtomically } from "@cupel/base";
import { renderReport } from "@cupel/console";
import type { CompressionReport } from "@cupel/report";

export interface ReportFiles {
  readonly json: string;
  readonly html: string;
}

/** @param folder default: that of the model. */
export function reportFiles(model: string, folder: string | undefined): ReportFiles {
  const stem = join(folder ?? dirname(model), basename(model, ".onnx"));
  return { json: `${stem}.report.json`, html: `${stem}.report.html` };
}

/** The page first: where there is JSON, there is a page. @throws what `renderReport` throws, DISK_FULL, WRITE_FAILED */
export async function writeReport(
  report: CompressionReport,
  { json, html }: ReportFiles,
  signal: AbortSignal,
): Promise<void> {
  await writeFileAtomically(html, await renderReport(report), { signal });
  await writeFileAtomically(json, `${JSON.stringify(report)}\n`, { signal });
}

/** Of an earlier model that had the same name. */
export function removeReport({ json, html }: ReportFiles): void {
  for (const path of [json, html]) rmSync(path, { force: true });
}
