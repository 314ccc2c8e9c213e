/** What the first line of a result says: a loss of speed is part of it. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import test from "node:test";
import { reportJson, slowerText } from "../src/report/report-summary.ts";
import { cupel, prepared, scratch } from "./harness.ts";

test("slower by more than a wobble is said, and is in the JSON", async () => {
  await using folder = await scratch();
  const { model, images } = await prepared(folder);
  const words = ["compress", model, "--images", images, "-o", folder.at("s.onnx"), "--json"];
  const told = await cupel(...words);
  assert.equal(told.status, 0, told.err);
  const { report: summary } = JSON.parse(told.out);
  assert.ok(summary.latency.speed > 0);
  const measured = JSON.parse(await readFile(summary.json, "utf8"));
  const at = (medianMs: number) => ({
    ...measured,
    original: { ...measured.original, latency: { ...measured.original.latency, medianMs: 10 } },
    compressed: { ...measured.compressed, latency: { ...measured.compressed.latency, medianMs } },
  });
  assert.deepEqual(slowerText(at(21)), ["2.10 times slower"]);
  assert.deepEqual(slowerText(at(10.3)), []);
  assert.deepEqual(slowerText(at(4)), []);
  const files = { html: "s.html", json: "s.json" };
  assert.partialDeepStrictEqual(reportJson(at(20), files), { latency: { speed: 0.5, slower: true } });
  assert.partialDeepStrictEqual(reportJson(at(5), files), { latency: { speed: 2, slower: false } });
});
