/** Plants each forbidden import and dependency, and expects the guard to name the file, the import and the rule. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { checkRepository, type Manifest, type Rule, violationText } from "../guard/check.ts";
import { importsOf } from "../guard/imports.ts";
import { readRepository } from "../guard/read-repository.ts";
import { type GuardTable, guardTable } from "../guard/table.ts";

const { manifests } = readRepository(fileURLToPath(new URL("../..", import.meta.url)));
const table: GuardTable = { ...guardTable, exceptions: [] };

/** What the guard says of one file, put into the repository as it is. */
function planted(path: string, source: string, all: ReadonlyMap<string, Manifest> = manifests): string[] {
  return checkRepository({ sources: new Map([[path, source]]), manifests: all }, table)
    .filter(({ where }) => where.startsWith(`${path}:`))
    .map(violationText);
}

function assertRefused(path: string, source: string, rule: Rule, reason: RegExp): void {
  const found = planted(path, source);
  assert.equal(found.length, 1, `${source}: ${found.length} violations\n${found.join("\n")}`);
  const [text = ""] = found;
  assert.ok(text.startsWith(`${path}:1: `), text);
  assert.ok(text.includes(`(${rule})`), text);
  assert.match(text, reason);
}

const forbidden: readonly (readonly [string, string, string, Rule, RegExp])[] = [
  [
    "a relative import that leaves the package",
    "service/shared-map/src/planted.ts",
    'import { readModel } from "../../../model/onnx/src/index.ts";',
    "leaves the package",
    /model\/onnx\/src\/index\.ts".*import @cupel\/onnx by its name/,
  ],
  [
    "a side-effect import against the arrows",
    "service/shared-map/src/planted.ts",
    'import "@cupel/compress";',
    "not allowed by the table",
    /@cupel\/compress.*shared-map may import nothing but base/,
  ],
  [
    "a dynamic import against the arrows",
    "model/onnx/src/planted.ts",
    'const cli = await import("@cupel/cli");',
    "not allowed by the table",
    /import\(\) "@cupel\/cli"/,
  ],
  [
    "a dynamic import in a template without parts",
    "model/onnx/src/planted.ts",
    "await import(`@cupel/cli`);",
    "not allowed by the table",
    /@cupel\/cli/,
  ],
  [
    "an import whose name is computed",
    "model/onnx/src/planted.ts",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the source of a planted file
    "await import(`@cupel/${name}`);",
    "computed name",
    /write the name as a literal/,
  ],
  [
    "a re-export of everything",
    "model/onnx/src/planted.ts",
    'export * from "@cupel/runtime";',
    "not allowed by the table",
    /export from "@cupel\/runtime"/,
  ],
  [
    "a re-export of one name",
    "model/onnx/src/planted.ts",
    'export { openSession } from "@cupel/runtime";',
    "not allowed by the table",
    /export from "@cupel\/runtime"/,
  ],
  [
    "an import of types only",
    "model/onnx/src/planted.ts",
    'import type { Session } from "@cupel/runtime";',
    "not allowed by the table",
    /@cupel\/runtime/,
  ],
  [
    "a type taken by import()",
    "model/onnx/src/planted.ts",
    'type Session = import("@cupel/runtime").Session;',
    "not allowed by the table",
    /@cupel\/runtime/,
  ],
  [
    "an import in a page",
    "app/console/pages/report/planted.tsx",
    'import { fit } from "@cupel/onnx/src/graph.ts"; const page = <p title="a">{fit}</p>;',
    "inside of a package",
    /@cupel\/onnx exports \./,
  ],
  [
    "an import in a page against the arrows",
    "app/console/pages/report/planted.tsx",
    'import { run } from "@cupel/cli"; const page = <p>{run}</p>;',
    "not allowed by the table",
    /console may import/,
  ],
  [
    "a path into another package",
    "model/runtime/src/planted.ts",
    'new Worker(new URL("../../train/src/worker.ts", import.meta.url));',
    "leaves the package",
    /path "\.\.\/\.\.\/train\/src\/worker\.ts".*import @cupel\/train by its name/,
  ],
  [
    "a path into another package, its end computed",
    "model/runtime/src/planted.ts",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the source of a planted file
    "new URL(`../../train/src/${name}.ts`, import.meta.url);",
    "leaves the package",
    /import @cupel\/train by its name/,
  ],
  [
    "a path into another package, put together of names",
    "model/runtime/test/planted.test.ts",
    'readFileSync(join(import.meta.dirname, "..", "..", "train", "src", "fit.ts"));',
    "leaves the package",
    /import @cupel\/train by its name/,
  ],
  [
    "a path from published code to a file that is not published with it",
    "model/runtime/src/planted.ts",
    'readFileSync(new URL("../../../docs/operators.md", import.meta.url));',
    "leaves the package",
    /docs\/operators\.md is not published with @cupel\/runtime/,
  ],
  [
    "a require",
    "model/onnx/src/planted.mjs",
    'require("@cupel/runtime");',
    "not allowed by the table",
    /require "@cupel\/runtime"/,
  ],
  [
    "a require that was created",
    "model/onnx/src/planted.ts",
    'const load = createRequire(import.meta.url); load.resolve("@cupel/runtime");',
    "not allowed by the table",
    /require "@cupel\/runtime"/,
  ],
  [
    "import.meta.resolve",
    "model/onnx/src/planted.ts",
    'import.meta.resolve("@cupel/runtime");',
    "not allowed by the table",
    /import\.meta\.resolve "@cupel\/runtime"/,
  ],
  [
    "a package that does not exist",
    "model/onnx/src/planted.ts",
    'import "@cupel/nothing";',
    "unknown package",
    /@cupel\/nothing has no row in the table/,
  ],
  [
    "a package's inside",
    "model/runtime/src/planted.ts",
    'import { Graph } from "@cupel/onnx/src/graph.ts";',
    "inside of a package",
    /@cupel\/onnx exports \./,
  ],
  [
    "a dependency that is not declared",
    "model/onnx/src/planted.ts",
    'import sharp from "sharp";',
    "undeclared dependency",
    /declare sharp in model\/onnx\/package\.json/,
  ],
  [
    "a development dependency in published code",
    "app/console/src/planted.ts",
    'import { h } from "preact";',
    "development dependency in published code",
    /move it to dependencies/,
  ],
  [
    "a development dependency of the repository in published code",
    "model/onnx/src/planted.ts",
    'import fc from "fast-check";',
    "undeclared dependency",
    /declare fast-check in model\/onnx\/package\.json/,
  ],
  [
    "a test against the arrows",
    "base/test/planted.test.ts",
    'import { Graph } from "@cupel/onnx";',
    "not allowed by the table",
    /base may import nothing but base/,
  ],
  [
    "a benchmark that imports the command",
    "bench/src/planted.ts",
    'import { run } from "@cupel/cli";',
    "not allowed by the table",
    /bench may import/,
  ],
  [
    "a benchmark that imports a tool",
    "bench/src/planted.ts",
    'import "../../tools/build.ts";',
    "leaves the package",
    /tools is no package/,
  ],
  [
    "a tool that imports a package by path",
    "tools/planted.ts",
    'import "../model/onnx/src/index.ts";',
    "leaves the package",
    /import @cupel\/onnx by its name/,
  ],
  [
    "an example that imports a package by path",
    "examples/planted.ts",
    'import "../model/onnx/src/index.ts";',
    "leaves the package",
    /import @cupel\/onnx by its name/,
  ],
];

describe("the guard refuses", () => {
  for (const [name, path, source, rule, reason] of forbidden) {
    test(name, () => assertRefused(path, source, rule, reason));
  }

  test("a dependency that nothing imports", () => {
    const manifest = { ...manifests.get("service/shared-map"), dependencies: { "lru-cache": "11.5.3" } };
    const all = new Map([...manifests, ["service/shared-map", manifest] as const]);
    const found = checkRepository({ sources: new Map(), manifests: all }, table).map(violationText);
    assert.ok(
      found.some((text) =>
        /^service\/shared-map\/package\.json: dependencies "lru-cache" \(unused dependency\)/.test(text),
      ),
      found.join("\n"),
    );
  });

  test("a dependency that only tests import, when published code is to bring it", () => {
    const sources = new Map([["service/shared-map/test/a.test.ts", 'import "lru-cache";']]);
    const manifest = { name: "@cupel/shared-map", dependencies: { "lru-cache": "11.5.3" } };
    const found = checkRepository({ sources, manifests: new Map([["service/shared-map", manifest]]) }, table);
    assert.deepEqual(
      found.map(({ rule }) => rule),
      ["unused dependency"],
    );
  });

  test("a package of the house that is not declared", () => {
    const manifest = { ...manifests.get("model/runtime"), dependencies: {} };
    const all = new Map([...manifests, ["model/runtime", manifest] as const]);
    assert.deepEqual(planted("model/runtime/src/a.ts", 'import "@cupel/onnx";', all), [
      'model/runtime/src/a.ts:1: import "@cupel/onnx" (undeclared dependency): declare @cupel/onnx in model/runtime/package.json',
    ]);
  });

  test("a package without a row", () => {
    const found = checkRepository(
      { sources: new Map(), manifests: new Map([["model/planted", { name: "@cupel/planted" }]]) },
      table,
    );
    assert.deepEqual(found.map(violationText), [
      "model/planted/package.json: @cupel/planted (no row in the table): say in the table which packages it may import",
    ]);
  });

  test("an exception that no file needs", () => {
    const stale = { files: "model/onnx/", specifier: "@cupel/cli", reason: "" };
    const found = checkRepository(
      { sources: new Map(), manifests: new Map() },
      { ...table, exceptions: [stale] },
    );
    assert.deepEqual(
      found.map(({ rule }) => rule),
      ["unused exception"],
    );
  });
});

describe("the guard allows", () => {
  const allowed: readonly (readonly [string, string, string])[] = [
    ["base", "model/onnx/src/planted.ts", 'import "@cupel/base";'],
    ["what an allowed package may import", "model/compress/src/planted.ts", 'import "@cupel/onnx";'],
    ["the runtime's own modules", "base/src/planted.ts", 'import "node:fs"; import "fs";'],
    ["files of the same package", "base/test/planted.ts", 'import "../src/index.ts";'],
    ["a test's own package by name", "base/test/planted.ts", 'import "@cupel/base";'],
    ["development dependencies of the repository in tests", "base/test/planted.ts", 'import "fast-check";'],
    ["a computed name that is only resolved", "base/test/planted.ts", "require.resolve(name);"],
    ["the package's own folder", "base/src/planted.ts", 'new URL("../", import.meta.url);'],
    ["a test that reads docs", "base/test/planted.ts", 'new URL("../../docs/a.md", import.meta.url);'],
    ["what stands in comments and strings", "base/src/a.ts", '/* import "x"; */ const a = \'import "x";\';'],
  ];
  for (const [name, path, source] of allowed) {
    test(name, () => assert.deepEqual(planted(path, source), []));
  }
});

test("what cannot be parsed is not passed over", () => {
  assert.throws(() => importsOf("a.ts", 'import { from "x";'), /a\.ts cannot be parsed/);
});
