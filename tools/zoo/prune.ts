/**
 * `node tools/zoo/prune.ts [--models DIR] [--only PATTERN] [--missing] [--limit SECONDS] [--out FILE]`: prunes every model
 * of the zoo and writes docs/zoo-pruning.md. Exits with 1 where a model neither goes through nor is refused by name. Results go to
 * DIR/pruned.jsonl; what this commit has tried is not tried again, and with --missing what any has.
 */
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { isFault, type PruneFigures, type PruneRow, pageOf, summaryLine } from "./prune-row.ts";
import { stepsApart } from "./steps-apart.ts";
import { zooModels } from "./zoo-models.ts";
import { commitAt, zooResults } from "./zoo-results.ts";

const { values: given } = parseArgs({
  options: {
    models: { type: "string", default: "zoo-models" },
    only: { type: "string", default: "*" },
    missing: { type: "boolean", default: false },
    limit: { type: "string", default: "300" },
    out: { type: "string", default: "docs/zoo-pruning.md" },
  },
});
const root = fileURLToPath(new URL("../..", import.meta.url));
const script = fileURLToPath(new URL("prune-model.ts", import.meta.url));

const models = resolve(given.models);
const results = zooResults<PruneRow>(join(models, "pruned.jsonl"));
const commit = commitAt(root);

for (const { name, path } of zooModels(models, given.only)) {
  const known = results.of(name);
  if (given.missing ? known : known?.commit === commit) continue;
  const { prune } = await stepsApart<"prune", { readonly ok: true } & PruneFigures>(script, [path, name], {
    cwd: root,
    seconds: Number(given.limit),
  });
  const outcome = prune ?? { ok: false, code: "NOT_STARTED", reason: "the process ended before it began" };
  results.add({ model: name, commit, outcome });
  console.log(
    outcome.ok
      ? `${name}: ${outcome.removed} of ${outcome.channels} channels, within ${outcome.difference.toExponential(1)}`
      : `${name}: ${outcome.code} ${outcome.reason}`,
  );
}
const rows = results.rows();
console.log(summaryLine(rows));
writeFileSync(given.out, pageOf(rows));
if (rows.some(isFault)) process.exitCode = 1;
