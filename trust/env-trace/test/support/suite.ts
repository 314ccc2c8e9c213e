/** Material that no one here wrote, of the folder that CUPEL_SUITES names; without it a test is skipped by name. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const folder = process.env.CUPEL_SUITES ?? "../shared/suites";

export const suiteFolder = {
  path: (...names: readonly string[]): string => join(folder, ...names),
  read: (...names: readonly string[]): Buffer => readFileSync(join(folder, ...names)),
  /** Of a test's options. */
  skip: existsSync(join(folder, "auditd")) ? false : "CUPEL_SUITES is not there",
};
