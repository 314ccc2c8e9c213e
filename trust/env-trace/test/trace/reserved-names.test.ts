/** The names of what is no package: a package that is called so has not their rights. */
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { PolicyRow } from "../../src/index.ts";
import { openProject, runTraced } from "../support/traced.ts";

const secret = "what-nobody-may-have";

test("a package that is called as what is no package has not its rights, but those of its own row", async () => {
  const names = ["program", "node", "unknown"];
  await using project = await openProject();
  for (const name of names) {
    const folder = join(project.path, "node_modules", name);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, "index.js"), "module.exports = () => process.env.A_TOKEN;");
  }
  const main = `for (const name of ${JSON.stringify(names)}) console.log(require(name + "/index.js")() ?? "nothing")`;
  await writeFile(join(project.path, "main.cjs"), main);
  const everything: PolicyRow = { read: ["*"], write: ["*"], children: ["*"] };
  const run = async (more: Readonly<Record<string, PolicyRow>>) => {
    const packages = new Map(
      Object.entries({ program: everything, node: everything, unknown: everything, ...more }),
    );
    return await runTraced(["main.cjs"], {
      project: project.path,
      env: { A_TOKEN: secret },
      policy: { mode: "deny", denied: "undefined", secrets: [], packages },
    });
  };
  const kept = await run({});
  assert.equal(kept.out, "nothing\nnothing\nnothing\n", kept.err);
  assert.deepEqual(
    kept.observations.filter(({ denied }) => denied).map((each) => each.package),
    names.map((name) => `npm:${name}`),
  );
  const given = await run({ "npm:node": everything });
  assert.equal(given.out, `nothing\n${secret}\nnothing\n`);
});
