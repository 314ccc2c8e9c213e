/** A model that nobody vouches for costs a command the trial's process, not its own: always, or with --isolated. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { cupel, filesUnder, prepared, scratch } from "./harness.ts";

test("a model over a limit is refused before this process loads it, and the option is named", async () => {
  await using folder = await scratch();
  const { model, images, labels } = await prepared(folder, { count: 6 });
  // Less than the process takes without any model.
  const limit = ["--memory-limit", "50MB"];
  const prepare = ["--preprocessing", "preset=tf"];
  const lines: readonly (readonly string[])[] = [
    ["inspect", model],
    ["bench-model", model, "--runs", "1"],
    ["eval", model, "--images", images, "--isolated", ...prepare],
    ["compress", model, "--images", images, "--isolated", "-o", folder.at("out.onnx")],
    ["train", model, "--data", images, "--labels", labels, "--isolated", "-o", folder.at("out.onnx")],
  ];
  const before = await filesUnder(folder.path);
  for (const words of lines) {
    const told = await cupel(...words, ...limit);
    assert.equal(told.status, 65, `${words[0]}: ${told.err}`);
    assert.match(told.err, /error MODEL_OVER_MEMORY: .*limit of 50\.0 MB.* The option is --memory-limit\./s);
  }
  assert.deepEqual(await filesUnder(folder.path), before);
});

test("with --isolated a good model gives what it gives without", async () => {
  await using folder = await scratch();
  const { model, images } = await prepared(folder, { count: 6 });
  const words = ["predict", model, "--images", images, "--preprocessing", "preset=tf", "--json"];
  const [plain, tried] = [await cupel(...words), await cupel(...words, "--isolated", "--time-limit", "100")];
  assert.equal(tried.status, 0, tried.err);
  assert.deepEqual(JSON.parse(tried.out).predictions, JSON.parse(plain.out).predictions);
});

test("limits without a trial, and a trial without a file, are refused", async () => {
  await using folder = await scratch();
  const { model, images } = await prepared(folder, { count: 6 });
  const idle = await cupel("predict", model, "--images", images, "--time-limit", "5");
  assert.equal(idle.status, 64);
  assert.match(idle.err, /--time-limit is of no use without --isolated/);
  const named = ["train", "resnetCifar:depth=8", "--data", images, "-o", folder.at("out.onnx"), "--isolated"];
  const built = await cupel(...named);
  assert.equal(built.status, 64);
  assert.match(built.err, /--isolated is of no use for a network by name/);
});
