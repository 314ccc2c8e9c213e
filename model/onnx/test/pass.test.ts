import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import fc from "fast-check";
import {
  encodeModelBytes,
  foldConstants,
  type Pass,
  readModel,
  readModelFile,
  removeDeadCode,
  runPasses,
} from "../src/index.ts";
import { codeOf, modelOf, valueNamed } from "./support/build.ts";
import { realModels } from "./support/files.ts";
import { assertInvariants } from "./support/invariants.ts";
import { modelBytes } from "./support/random-model.ts";

for (const path of realModels()) {
  test(`passes with nothing to do leave ${path.split("/").at(-1)} as it is`, async () => {
    const model = await readModelFile(path);
    const { modified } = runPasses(model, [removeDeadCode, foldConstants]);
    if (!modified) assert.ok(Buffer.from(encodeModelBytes(model)).equals(await readFile(path)));
    assert.equal(runPasses(model, [removeDeadCode, foldConstants]).modified, false);
  });
}

test("on any model the passes keep the graph consistent, or refuse it", () => {
  fc.assert(
    fc.property(modelBytes, (bytes) => {
      const model = readModel(bytes);
      for (const pass of [removeDeadCode, foldConstants]) {
        // Random shapes seldom go together: then the folder says so and changes nothing.
        assert.match(
          codeOf(() => pass.run(model)),
          /^(nothing thrown|SHAPE_CONFLICT)$/,
        );
        assertInvariants(model.graph);
      }
    }),
    { numRuns: 200 },
  );
});

test("a pass that breaks the graph is named", () => {
  const model = modelOf({ x: [2] });
  model.graph.outputs.push(model.graph.append({ opType: "Relu", inputs: [valueNamed(model, "x")] }).output);
  const breaking: Pass = {
    name: "break-things",
    run: ({ graph }) => {
      graph.inputs.length = 0;
      return { modified: true, notes: [] };
    },
  };
  assert.throws(() => runPasses(model, [breaking]), {
    code: "GRAPH_EDIT_INVALID",
    message: /break-things.*"x"/s,
  });
});
