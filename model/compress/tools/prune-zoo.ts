/**
 * `node model/compress/tools/prune-zoo.ts FILE.onnx|DIR ...`: takes half of the channels of every group, at random, out of each
 * model, compares it with the same model with those channels at zero, and names what keeps channels. Weights that are all the same
 * are drawn anew, since they would agree whichever channels went. Exits with 1 where a model does not go through.
 */
import { existsSync, globSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { createRandom } from "@cupel/base";
import {
  checkModel,
  cloneModel,
  encodeModel,
  inferShapes,
  type Model,
  readModelFile,
  runPasses,
  Tensor,
} from "@cupel/onnx";
import { type Feeds, float32Of, openSession, randomFeeds } from "@cupel/runtime";
import { takeIn } from "../src/intake/take-in.ts";
import { weightedLayers } from "../src/layer.ts";
import { channelGroups } from "../src/prune/channel-groups.ts";
import { followChannels } from "../src/prune/follow-channels.ts";
import { removeChannels } from "../src/prune/remove-channels.ts";
import { cleanPasses } from "../src/stage/clean.ts";
import { someChannels, zeroed } from "../test/support/zeroed.ts";

const threads = 2;
let failed = 0;
for (const given of process.argv.slice(2)) {
  const files =
    existsSync(given) && statSync(given).isDirectory()
      ? globSync("*.onnx", { cwd: given }).map((name) => join(given, name))
      : [given];
  for (const path of files.sort()) {
    const said = await tried(path).catch((thrown: unknown) => {
      failed++;
      return `FAILED ${thrown instanceof Error ? `${"code" in thrown ? thrown.code : ""} ${thrown.message}` : thrown}`;
    });
    console.log(`${basename(path, ".onnx")}: ${said}`);
  }
}
process.exitCode = failed > 0 ? 1 : 0;

async function tried(path: string): Promise<string> {
  const taken = await takeIn(await readModelFile(path), { threads });
  const { model } = taken;
  runPasses(model, cleanPasses);
  inferShapes(model);
  drawAnew(model);
  const { groups, refusals } = channelGroups(model);
  const free = groups.reduce((sum, { channels }) => sum + channels.length, 0);
  const removed = someChannels(model, 1);
  const pruned = cloneModel(model);
  removeChannels(pruned, followChannels(pruned), removed);
  checkModel(pruned);
  const feeds = await feedsFor(model);
  const zero = await outputsOf(zeroed(model, removed, true), feeds);
  const without = await outputsOf(pruned, feeds);
  let worst = 0;
  for (const [i, values] of zero.entries()) {
    const scale = values.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
    for (const [k, value] of values.entries())
      worst = Math.max(worst, Math.abs(value - without[i]![k]!) / scale);
  }
  if (!(worst < 1e-4)) throw new Error(`differs by ${worst} of the largest output, or of 1`);
  const kept = refusals.map(({ node, reason, channels }) => `\n    ${channels} stay: ${node}: ${reason}`);
  return `${groups.length} groups of ${free} channels, ${removed.size} removed, within ${worst.toExponential(1)}${kept.join("")}`;
}

function drawAnew(model: Model): void {
  const random = createRandom(1);
  for (const { weight, columns } of weightedLayers(model.graph)) {
    const { dims, size } = weight.constant!;
    const values = weight.constant!.toFloat32();
    if (values.some((value) => value !== values[0])) continue;
    const drawn = Float32Array.from({ length: size }, () => random.normal() * Math.sqrt(2 / columns));
    model.graph.setConstant(weight, Tensor.float32(dims, drawn));
  }
}

async function feedsFor(model: Model): Promise<Feeds> {
  await using session = await openSession(encodeModel(model), { threads });
  return randomFeeds(session.inputs, 1, { side: 64 });
}

async function outputsOf(model: Model, feeds: Feeds): Promise<Float32Array[]> {
  await using session = await openSession(encodeModel(model), { threads });
  return Object.values(await session.run(feeds))
    .filter(({ type }) => type === "float32")
    .map(float32Of);
}
