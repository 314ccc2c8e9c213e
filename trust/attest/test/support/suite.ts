/** Material that no one here wrote, of the folder that CUPEL_SUITES names; without it a test is skipped by name. */
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

const folder = process.env.CUPEL_SUITES ?? resolve(import.meta.dirname, "../../../../../shared/suites");

/** Of a test's options. */
export const skipWithoutSuites = existsSync(folder) ? false : "no suites: set CUPEL_SUITES to their folder";

export function suitePath(...names: readonly string[]): string {
  return join(folder, ...names);
}

/** A trusted_root.json of Sigstore's production instance, which some of the suites' bundles were made by; null for none. */
export function productionRoot(): unknown {
  const path = process.env.CUPEL_TRUSTED_ROOT;
  return path === undefined ? null : JSON.parse(readFileSync(path, "utf8"));
}
