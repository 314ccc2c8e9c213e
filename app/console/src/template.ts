/**
 * Finds the built page. A published package ships it in dist/; a checkout builds it when it is missing
 * or older than any source of the page, so that nobody ever looks at a stale page.
 */
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildReportTemplate } from "./build-template.ts";
import { consoleErrors } from "./errors.ts";

const templateFile = fileURLToPath(new URL("../dist/report-template.html", import.meta.url));
const sourceFolder = fileURLToPath(new URL("../pages/report/", import.meta.url));

let building: Promise<void> | undefined;

/** The page without a report. Callers at the same time share one build; processes replace whole files. */
export async function reportTemplate(): Promise<string> {
  const [built, changed] = await Promise.all([modifiedAt(templateFile), newestSource()]);
  if (built === null && changed === null) {
    throw consoleErrors.error(
      "TEMPLATE_MISSING",
      `${templateFile} is missing and there are no page sources beside it to build it from. Reinstall @cupel/console.`,
    );
  }
  if (changed !== null && (built === null || built < changed)) {
    building ??= buildReportTemplate(sourceFolder, templateFile).finally(() => {
      building = undefined;
    });
    await building;
  }
  return readFile(templateFile, "utf8");
}

/** Milliseconds since the epoch, null where there is no such file. */
async function modifiedAt(path: string): Promise<number | null> {
  return stat(path).then(
    (found) => found.mtimeMs,
    () => null,
  );
}

/** When the newest source changed, null in a published package, which has no sources. */
async function newestSource(): Promise<number | null> {
  if ((await modifiedAt(sourceFolder)) === null) return null;
  const entries = await readdir(sourceFolder, { recursive: true, withFileTypes: true });
  const times = await Promise.all(
    entries.filter((entry) => entry.isFile()).map((entry) => modifiedAt(join(entry.parentPath, entry.name))),
  );
  return times.reduce<number>((newest, time) => Math.max(newest, time ?? 0), 0);
}
