/**
 * Finds built pages. A published package ships them in dist/; a checkout builds a page when it is missing or older
 * than anything it is made of, so that a page is never stale.
 */
import { readFile, rm } from "node:fs/promises";
import { writeFileAtomically } from "@cupel/base";
import { buildPage } from "./build-page.ts";
import { consoleErrors } from "./errors.ts";
import { type Library, librariesByName, noticeText } from "./library-notices.ts";
import {
  builtFolder,
  modifiedAt,
  newestSource,
  noticeFile,
  sourcePages,
  templateFile,
} from "./page-sources.ts";

const building = new Map<string, Promise<unknown>>();

/**
 * A page without its data. Callers at the same time share one build; processes replace whole files.
 * @param name the page's folder in `pages/`: "report"
 * @throws TEMPLATE_MISSING, TEMPLATE_BUILD_FAILED, WRITE_FAILED, DISK_FULL
 */
export async function pageTemplate(name: string): Promise<string> {
  const file = templateFile(name);
  const [built, changed] = await Promise.all([modifiedAt(file), newestSource(name)]);
  if (built === null && changed === null) {
    throw consoleErrors.error(
      "TEMPLATE_MISSING",
      `There is no page "${name}": neither ${file} nor sources to build it from. Check the name, or reinstall @cupel/console.`,
    );
  }
  if (changed !== null && (built === null || built < changed)) {
    const build = building.get(name) ?? buildPage(name).finally(() => building.delete(name));
    building.set(name, build);
    await build;
  }
  return readFile(file, "utf8");
}

/**
 * Builds every page anew into dist/, and NOTICE beside it from the licences of the libraries inside: for publishing.
 * @returns the names of the pages
 * @throws TEMPLATE_BUILD_FAILED, WRITE_FAILED, DISK_FULL
 */
export async function buildPages(): Promise<string[]> {
  const names = await sourcePages();
  await rm(builtFolder, { recursive: true, force: true });
  const libraries: Library[] = [];
  for (const name of names) libraries.push(...(await buildPage(name)));
  await writeFileAtomically(noticeFile, noticeText(librariesByName(libraries)));
  return names;
}
