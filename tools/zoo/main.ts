/**
 * `npm run zoo -- [--models DIR] [--only PATTERN] [--missing] [--limit SECONDS] [--out FILE]`: takes every model of a folder through
 * all that Cupel does, beside the stock quantiser, and writes the table of docs/zoo.md.
 *
 * `export.py` makes the models. CUPEL_PYTHON names a Python with onnx, sympy and the newest onnxruntime. Each model has
 * a process of its own. Results go to DIR/results.jsonl, a line a model; what this commit has tried is not tried again.
 */
import { execFileSync, fork } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  globSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, matchesGlob, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { cpuFeatures, engineVersion } from "@cupel/runtime";
import { pageOf } from "./page.ts";
import { summaryLines } from "./summary.ts";
import type { Told } from "./try-model.ts";
import { CRASHED, type Step, TIME_LIMIT, type ZooRow } from "./zoo-row.ts";

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
const results = join(models, "results.jsonl");
const commit = execFileSync("git", ["rev-parse", "--short=10", "HEAD"], {
  cwd: root,
  encoding: "utf8",
}).trim();

/** The last line of each model. */
const rows = new Map<string, ZooRow>();
if (existsSync(results))
  for (const line of readFileSync(results, "utf8").split("\n").filter(Boolean)) keep(JSON.parse(line));

// The smallest first: what goes wrong is seen early.
const files = globSync("*.onnx", { cwd: models })
  .filter((file) => matchesGlob(basename(file, ".onnx"), given.only))
  .map((file) => ({ path: join(models, file), bytes: readFileSync(join(models, file)).length }))
  .sort((a, b) => a.bytes - b.bytes);
for (const { path } of files) {
  const model = basename(path, ".onnx");
  if (given.missing ? rows.has(model) : rows.get(model)?.commit === commit) continue;
  const row = await tried(path, model);
  appendFileSync(results, `${JSON.stringify(row)}\n`);
  keep(row);
  console.log(lineOf(row));
}
const kept = [...rows.values()].sort((a, b) => (a.model < b.model ? -1 : 1));
console.log(summaryLines(kept).join("\n"));
writeFileSync(given.out, pageOf(kept, { cpu: cpuFeatures().sentence, engine: engineVersion() }));

function keep(row: ZooRow): void {
  rows.set(row.model, row);
}

function tried(path: string, model: string): Promise<ZooRow> {
  const folder = mkdtempSync(join(tmpdir(), "cupel-zoo-"));
  const steps: ZooRow["steps"] = {};
  let under: Step | null = null;
  const child = fork(fileURLToPath(new URL("try-model.ts", import.meta.url)), [path, model, folder], {
    cwd: root,
    stdio: ["ignore", "ignore", "inherit", "ipc"],
    timeout: 1000 * Number(given.limit),
    killSignal: "SIGKILL",
  });
  child.on("message", (told: Told) => {
    if ("started" in told) under = told.started;
    else {
      under = null;
      steps[told.ended] = told.outcome;
    }
  });
  return new Promise((settle) => {
    child.on("close", (status, signal) => {
      if (under !== null) {
        const code = signal === "SIGKILL" ? TIME_LIMIT : CRASHED;
        steps[under] = { ok: false, code, reason: `the process ended with ${signal ?? `status ${status}`}` };
      }
      rmSync(folder, { recursive: true, force: true });
      settle({ model, commit, steps });
    });
  });
}

/** One line for the terminal: what failed, else the figures. */
function lineOf({ model, steps }: ZooRow): string {
  const failed = Object.entries(steps).flatMap(([step, outcome]) =>
    outcome.ok ? [] : [`${step} ${outcome.code}`],
  );
  return `${model}: ${failed.join(", ") || "all passed"}`;
}
