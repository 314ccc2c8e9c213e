/** Models that kill the engine or fill the memory while they are loaded, beside a good one that goes on answering. */
import assert from "node:assert/strict";
import { copyFile, mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openTemporaryFolder, type WorkEvent } from "@cupel/base";
import { openRepository } from "../src/repository/open-repository.ts";
import { missingInput, scaler } from "./support/tiny-models.ts";

/** Each ends the engine, or takes gigabytes, in the process that loads it. */
const cases = join(process.env.CUPEL_CASES ?? "../shared/cases", "hostile");
const present = new Set(await readdir(cases).catch(() => []));

test("a model that kills the engine, or floods memory, is refused by name; the server and its good models stay", async (t) => {
  await using folder = await openTemporaryFolder("serve-test");
  const put = async (version: string) => {
    await mkdir(join(folder.path, "x", version), { recursive: true });
    return join(folder.path, "x", version, "model.onnx");
  };
  await writeFile(await put("1"), scaler(2));
  const events: WorkEvent[] = [];
  await using repository = await openRepository(folder.path, {
    trial: { memory: 350e6, time: 60_000 },
    sink: { emit: async (event) => void events.push(event) },
  });
  const [good] = repository.versions("x");
  const broken: [string, string | Uint8Array][] = [
    ["MODEL_CRASHED_ENGINE", missingInput()],
    ["MODEL_OVER_MEMORY", "concat_double.onnx"],
  ];
  for (const [code, model] of broken) {
    if (typeof model === "string" && !present.has(model)) {
      t.diagnostic(`skipped: ${model}, CUPEL_CASES absent`);
      continue;
    }
    if (typeof model === "string") await copyFile(join(cases, model), await put("2"));
    else await writeFile(await put("2"), model);
    await assert.rejects(repository.load("x"), { code });
    assert.equal(events.at(-1)?.context.code, code);
    assert.equal(repository.index().at(-1)?.state, "UNAVAILABLE");
  }
  assert.equal(repository.versions("x")[0]?.sessionId, good?.sessionId);
  assert.equal(repository.isReady, true);
});
