/**
 * `npm run zoo -- [--models DIR] [--only PATTERN] [--missing] [--limit SECONDS] [--out FILE]`: takes every model of a folder through
 * all that Cupel does, beside the stock quantiser, and writes the table of docs/zoo.md.
 *
 * `export.py` makes the models. CUPEL_PYTHON names a Python with onnx, sympy and the newest onnxruntime. Each model has
 * a process of its own. Results go to DIR/results.jsonl, a line a model; what this commit has tried is not tried again.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { cpuFeatures, engineVersion } from "@cupel/runtime";
import { pageOf } from "./page.ts";
import { stepsApart } from "./steps-apart.ts";
import { summaryLines } from "./summary.ts";
import { zooModels } from "./zoo-models.ts";
import { commitAt, zooResults } from "./zoo-results.ts";
import type { ZooRow } from "./zoo-row.ts";

const usage = `npm run zoo -- [--models DIR] [--only PATTERN] [--missing] [--limit SECONDS] [--out FILE]

  --models DIR      folder of .onnx files, made by tools/zoo/export.py (default: zoo-models)
  --only PATTERN    models whose name without .onnx matches, such as "yolo*" (default: *)
  --missing         only those that have no result of any commit; the page names the commits of its results
  --limit SECONDS   most time a model may take (default: 900)
  --out FILE        the page that is written (default: docs/zoo.md)

CUPEL_PYTHON names a Python with onnx, sympy and the newest onnxruntime.`;

const { values: given } = parseArgs({
  options: {
    help: { type: "boolean", short: "h", default: false },
    models: { type: "string", default: "zoo-models" },
    only: { type: "string", default: "*" },
    missing: { type: "boolean", default: false },
    limit: { type: "string", default: "900" },
    out: { type: "string", default: "docs/zoo.md" },
  },
});
if (given.help) {
  console.log(usage);
  process.exit(0);
}
const root = fileURLToPath(new URL("../..", import.meta.url));
const models = resolve(given.models);
const results = zooResults<ZooRow>(join(models, "results.jsonl"));
const commit = commitAt(root);

for (const { name, path } of zooModels(models, given.only)) {
  const known = results.of(name);
  if (given.missing ? known : known?.commit === commit) continue;
  const row = await tried(path, name);
  results.add(row);
  console.log(lineOf(row));
}
const kept = results.rows();
console.log(summaryLines(kept).join("\n"));
writeFileSync(given.out, pageOf(kept, { cpu: cpuFeatures().sentence, engine: engineVersion() }));

async function tried(path: string, model: string): Promise<ZooRow> {
  const folder = mkdtempSync(join(tmpdir(), "cupel-zoo-"));
  const script = fileURLToPath(new URL("try-model.ts", import.meta.url));
  const steps: ZooRow["steps"] = await stepsApart(script, [path, model, folder], {
    cwd: root,
    seconds: Number(given.limit),
  });
  rmSync(folder, { recursive: true, force: true });
  return { model, commit, steps };
}

/** One line for the terminal: what failed, else the figures. */
function lineOf({ model, steps }: ZooRow): string {
  const failed = Object.entries(steps).flatMap(([step, outcome]) =>
    outcome.ok ? [] : [`${step} ${outcome.code}`],
  );
  return `${model}: ${failed.join(", ") || "all passed"}`;
}
