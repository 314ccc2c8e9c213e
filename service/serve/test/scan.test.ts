/** What a folder holds, and what the policy takes of it: names only. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type ListedFolder, scan, scanFile } from "../src/repository/scan.ts";
import { candidates } from "../src/repository/version-policy.ts";

function folder(...files: readonly string[]): ListedFolder {
  return { files, folders: new Map() };
}

function tree(files: readonly string[], folders: Readonly<Record<string, ListedFolder>>): ListedFolder {
  return { files, folders: new Map(Object.entries(folders)) };
}

test("a file is version 1 of its name, a numbered folder a version, and all else no model", () => {
  const found = scan(
    tree(
      [
        "a.onnx",
        "inspection.small.onnx",
        "inspection.small.report.json",
        "inspection.small.report.html",
        "inspection.failed.onnx",
        "inspection.failed-2.onnx",
        ".hidden.onnx",
        "a.onnx.part",
        "checkpoint.safetensors",
        "weights.data",
      ],
      {
        b: tree([], {
          2: folder("model.onnx"),
          10: folder("model.onnx", "weights.data"),
          notes: folder("model.onnx"),
        }),
        c: tree(["model.onnx", "labels.txt"], {}),
        images: tree([], { 0: folder("1.png"), 1: folder("2.png") }),
        ".cupel-cache": tree(["model.onnx"], { 1: folder("model.onnx") }),
      },
    ),
  );
  assert.deepEqual(found.problems, []);
  assert.deepEqual(
    found.versions.map(({ model, version, path }) => `${model} ${version} ${path.join("/")}`),
    [
      "a 1 a.onnx",
      "inspection.small 1 inspection.small.onnx",
      "b 2 b/2/model.onnx",
      "b 10 b/10/model.onnx",
      "c 1 c/model.onnx",
    ],
  );
});

test("two files that are the same version are a conflict by name, and neither is served", () => {
  const { versions, problems } = scan(
    tree(["x.onnx"], { x: tree([], { 1: folder("model.onnx"), 2: folder("model.onnx") }) }),
  );
  assert.deepEqual(
    versions.map(({ version }) => version),
    ["2"],
  );
  assert.equal(problems.length, 1);
  assert.equal(problems[0]?.model, "x");
  assert.equal(problems[0]?.version, "1");
  assert.match(problems[0]?.reason ?? "", /x\.onnx and x\/1\/model\.onnx are both version 1/);
});

test("names that no URL can carry, or that a URL already means, are refused by name", () => {
  for (const name of ["stats", "a b", "a/b", "ünder", "-a", "a".repeat(129)]) {
    const { versions, problems } = scanFile(`${name}.onnx`);
    assert.deepEqual(versions, [], name);
    assert.equal(problems[0]?.model, name);
  }
  for (const name of ["Stats", "a", "resnet50.w32_pcb-2", "a".repeat(128)]) {
    assert.equal(scanFile(`${name}.onnx`).versions[0]?.model, name);
  }
});

test("a version with a number that is none, or a file under another name, says so", () => {
  const { versions, problems } = scan(
    tree([], { x: tree([], { "01": folder("model.onnx"), 0: folder("model.onnx"), 3: folder("net.onnx") }) }),
  );
  assert.deepEqual(versions, []);
  assert.deepEqual(problems.map(({ version }) => version).sort(), ["0", "01", "3"]);
  assert.match(problems.find(({ version }) => version === "3")?.reason ?? "", /net\.onnx and no model\.onnx/);
});

test("the policy orders versions by number and says how many are wanted", () => {
  const versions = ["2", "10", "1"];
  assert.deepEqual(candidates({ kind: "latest", count: 2 }, versions), {
    versions: ["10", "2", "1"],
    count: 2,
  });
  assert.deepEqual(candidates({ kind: "named", versions: ["1", "10", "7"] }, versions), {
    versions: ["10", "1"],
    count: 2,
  });
  assert.deepEqual(candidates({ kind: "all" }, versions), { versions: ["10", "2", "1"], count: 3 });
});
