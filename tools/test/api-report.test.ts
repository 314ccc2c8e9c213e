/** The API reports say what the sources export, and a report shows what changed. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { apiReports, reportText } from "../api/report.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

test("the API report of every package is what its sources export", () => {
  for (const [path, text] of apiReports(root)) {
    const target = join(root, path);
    const stored = existsSync(target) ? readFileSync(target, "utf8") : "";
    assert.equal(
      stored,
      text,
      `${path} is not what the sources export: npm run api, and look at the difference`,
    );
  }
});

const files: Readonly<Record<string, string>> = {
  "a/src/index.d.ts": [
    'export { second, type First as Renamed } from "./b.ts";',
    'export * from "./c.ts";',
    'export * from "@cupel/base";',
    "declare const apart: number;",
    "export { apart };",
  ].join("\n"),
  "a/src/b.d.ts": [
    "export interface First {\n    readonly a: string;\n}",
    "export declare function second(a: number): string;",
    "export declare function second(a: string): number;",
    "export declare const hidden: 1;",
  ].join("\n"),
  "a/src/c.d.ts": "export declare class Third {\n    run(): void;\n}\nexport type Fourth = 1 | 2;",
};

test("names are followed to their declarations, and sorted", () => {
  const text = reportText("@cupel/a", [{ subpath: ".", path: "a/src/index.ts" }], (path) => files[path]!);
  const blocks = text
    .split(/^### /m)
    .slice(1)
    .map((block) => block.replaceAll("```", "").replace("ts\n", ""));
  assert.deepEqual(
    blocks.map((block) => block.split("\n").filter((line) => line !== "")),
    [
      ["Fourth", "type Fourth = 1 | 2;"],
      ["Renamed", "interface First {", "  readonly a: string;", "}"],
      ["Third", "class Third {", "  run(): void;", "}"],
      ["apart", "const apart: number;"],
      ['export * from "@cupel/base";', 'export * from "@cupel/base";'],
      ["second", "function second(a: number): string;", "function second(a: string): number;"],
    ],
  );
});
