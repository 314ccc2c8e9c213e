/** The demonstration: what `npm start` shows is the network that the configuration beside it made, and it works. */
import assert from "node:assert/strict";
import { readFile, stat } from "node:fs/promises";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { graphSummary, readModelFile } from "@cupel/onnx";
import { resnetCifar } from "@cupel/train";
import { cupel, scratch } from "./harness.ts";

const path = (name: string) => fileURLToPath(new URL(`../models/${name}`, import.meta.url));
const network = path("inspection.onnx");

test("the network of the demonstration is the one its configuration names", async () => {
  const config: { network: string } = JSON.parse(await readFile(path("inspection.train.json"), "utf8"));
  assert.equal(config.network, "resnetCifar:depth=8");
  const trained = graphSummary(await readModelFile(network));
  const built = graphSummary(resnetCifar({ depth: 8, classes: 7, input: [1, 32, 32] }));
  assert.equal(trained.parameters, built.parameters);
  assert.ok((await stat(network)).size <= 1.5e6);
});

test("the network knows boards it has never seen", async () => {
  const told = await cupel("eval", network, "--images", "synthetic:700:77", "--json", "--quiet");
  assert.equal(told.status, 0, told.err);
  const [{ top1 }] = JSON.parse(told.out).models;
  assert.ok(top1.value > 0.98, JSON.stringify(top1));
});

test("the demonstration writes a model a fifth of the size and a report", async () => {
  await using folder = await scratch();
  const told = await cupel("demo", "--out", folder.at("demo"), "--json", "--quiet");
  assert.equal(told.status, 0, told.err);
  const { original, model, report } = JSON.parse(told.out);
  assert.deepEqual(await readFile(original), await readFile(network));
  assert.ok((await stat(model)).size <= (await stat(network)).size / 5);
  assert.match(await readFile(report.html, "utf8"), /<title>/);
});
