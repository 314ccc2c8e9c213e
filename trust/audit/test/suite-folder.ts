/** Material that no one here wrote, of the folder that CUPEL_SUITES names; without it a test is skipped by name. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { openTemporaryFolder, type TemporaryFolder } from "@cupel/base";

const folder = process.env.CUPEL_SUITES ?? "../shared/suites";

export const suiteFolder = {
  path: folder,
  /** Of a test's options. */
  skip: existsSync(folder) ? false : "CUPEL_SUITES is not there",
};

/** @param path of a .tar.gz in the folder. The temporary folder is its owner's. */
export async function unpackSuite(path: string): Promise<TemporaryFolder> {
  const unpacked = await openTemporaryFolder("suite");
  const { status, stderr } = spawnSync("tar", ["-xzf", join(folder, path), "-C", unpacked.path], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`tar: ${stderr}`);
  return unpacked;
}

/** @param path of a .json.gz in the folder */
export function readSuiteJson(path: string): unknown {
  return JSON.parse(gunzipSync(readFileSync(join(folder, path))).toString());
}
