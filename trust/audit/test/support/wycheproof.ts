/** Test vectors of Project Wycheproof, from $CUPEL_SUITES; absent, the tests that need them are skipped by name. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

const folder = join(
  process.env.CUPEL_SUITES ?? join(import.meta.dirname, "../../../../../shared/suites"),
  "wycheproof",
);

export const skipWithoutSuites = existsSync(folder) ? false : `no ${folder}: set CUPEL_SUITES`;

export interface WycheproofGroup<Case> {
  readonly ivSize: number;
  readonly keySize: number;
  readonly tagSize: number;
  readonly tests: readonly Case[];
}

export interface GcmCase {
  readonly tcId: number;
  readonly key: string;
  readonly iv: string;
  readonly aad: string;
  readonly msg: string;
  readonly ct: string;
  readonly tag: string;
  readonly result: "valid" | "invalid" | "acceptable";
}

export interface HmacCase {
  readonly tcId: number;
  readonly key: string;
  readonly msg: string;
  readonly tag: string;
  readonly result: "valid" | "invalid" | "acceptable";
}

export function readWycheproof<Case>(name: string): readonly WycheproofGroup<Case>[] {
  return JSON.parse(gunzipSync(readFileSync(join(folder, `${name}_test.json.gz`))).toString("utf8"))
    .testGroups;
}
