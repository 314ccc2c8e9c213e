/** What the first line of a result says: a loss of speed is part of it. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import test from "node:test";
import { reportFacts, reportJson, slowerText } from "../src/report/report-summary.ts";
import { cupel, prepared, scratch } from "./harness.ts";

test("slower by more than chance is said with the operators that cost it, and is in the JSON", async () => {
  await using folder = await scratch();
  const { model, images } = await prepared(folder);
  const words = ["compress", model, "--images", images, "-o", folder.at("s.onnx"), "--json"];
  const told = await cupel(...words);
  assert.equal(told.status, 0, told.err);
  const { report: summary } = JSON.parse(told.out);
  assert.ok(summary.latency.speed > 0);
  const measured = JSON.parse(await readFile(summary.json, "utf8"));
  const at = (value: number, operators: readonly string[] | null) => ({
    ...measured,
    timeRatio: { value, low: value - 0.1, high: value + 0.1 },
    slowdown: operators && {
      operators: operators.map((operator) => ({ operator, originalMs: 1, compressedMs: 2 })),
      sentence: "It takes longer.",
    },
  });
  const slower = at(2.1, ["QuantizeLinear", "Conv", "Mul"]);
  assert.deepEqual(slowerText(slower), ["2.10 times slower because of QuantizeLinear, Conv and Mul"]);
  assert.deepEqual(slowerText(at(1.2, [])), ["1.20 times slower"]);
  assert.deepEqual(slowerText(at(1.12, null)), []);
  assert.deepEqual(slowerText(at(0.4, null)), []);
  const sentence = reportFacts(slower).find(([title]) => title === "slower");
  assert.deepEqual(sentence, ["slower", "It takes longer."]);
  const files = { html: "s.html", json: "s.json" };
  assert.partialDeepStrictEqual(reportJson(at(2, ["Conv"]), files), {
    latency: { speed: 0.5, slower: true, slowdown: { operators: [{ operator: "Conv" }] } },
  });
  assert.partialDeepStrictEqual(reportJson(at(0.2, null), files), {
    latency: { speed: 5, slower: false, slowdown: null },
  });
});
